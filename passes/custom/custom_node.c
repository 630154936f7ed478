/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes of patterns and replacements, as text.
 */
#include <stdio.h>
#include <string.h>

#include "ops/op.h"
#include "ops/op_versions.h"
#include "passes/custom/custom_reader.h"

enum { MOST_ATTRIBUTES = 64 };

typedef struct name_at {
    const char *start, *name;
} name_at;
typedef C2S_VEC(name_at) name_list;
typedef C2S_VEC(c2s_custom_attr) attr_list;
typedef C2S_VEC(c2s_custom_operand) operand_list;

/* What stands between the names of the outputs and the operands. */
typedef struct head {
    name_list outputs;
    attr_list attrs;
    c2s_custom_node node;
    const char *type_start;
} head;

static c2s_status read_outputs(c2s_custom_reader *r, head *h) {
    c2s_lexer *l = &r->lexer;
    do {
        name_at output = {.start = c2s_custom_place(r)};
        if (h->outputs.count == 1 + C2S_PATTERN_FURTHER)
            return c2s_lex_expected(l, "at most %d outputs", 1 + C2S_PATTERN_FURTHER);
        C2S_TRY(c2s_lex_name(l, &output.name));
        c2s_vec_push(&h->outputs, output);
    } while (c2s_lex_take(l, ","));
    return c2s_lex_need(l, "=");
}

/* ---- operators ---- */

static c2s_status read_operator(c2s_custom_reader *r, head *h) {
    c2s_lexer *l = &r->lexer;
    c2s_custom_node *node = &h->node;
    char domain[128] = "";
    h->type_start = c2s_custom_place(r);
    C2S_TRY(c2s_lex_name(l, &node->type));
    while (c2s_lex_take(l, ".")) {
        size_t used = strlen(domain);
        int more =
            snprintf(domain + used, sizeof domain - used, "%s%s", used ? "." : "", node->type);
        if (more < 0 || (size_t)more >= sizeof domain - used)
            return c2s_custom_wrong(r, h->type_start, "a shorter domain");
        C2S_TRY(c2s_lex_name(l, &node->type));
    }
    if (strcmp(domain, "ai.onnx") == 0)
        domain[0] = '\0';
    node->domain = c2s_arena_strdup(l->arena, domain);
    node->op = c2s_op_find(domain, node->type);
    if (node->op == &c2s_op_opaque && !domain[0])
        return c2s_custom_wrong(r, h->type_start, "an operator of ai.onnx (onnx-c2s ops)");
    if (node->op->flags & C2S_OP_HAS_BODY || strcmp(node->type, "Constant") == 0)
        return c2s_custom_wrong(r, h->type_start, "neither control flow nor Constant");
    return C2S_OK;
}

/* In some opset. */
static bool has_attribute(const c2s_custom_node *node, const char *name) {
    const c2s_op_versions *versions = c2s_op_versions_of(node->domain, node->type);
    c2s_op_attribute found;
    for (unsigned i = 0; versions && i < versions->count; i++)
        if (c2s_op_attribute_find(versions, &versions->versions[i], name, &found))
            return true;
    for (const c2s_attr_spec *spec = node->op->attrs; spec && spec->name; spec++)
        if (strcmp(spec->name, name) == 0)
            return true;
    return !versions && !node->op->attrs;
}

static bool is_within(unsigned count, const uint8_t range[2]) {
    return count >= range[0] && (range[1] == C2S_VARIADIC || count <= range[1]);
}

static c2s_status check_counts(c2s_custom_reader *r, const head *h) {
    const c2s_custom_node *node = &h->node;
    if (node->op == &c2s_op_opaque)
        return C2S_OK;
    const uint8_t *in = node->op->inputs, *out = node->op->outputs;
    if (!is_within(node->in_count, in))
        return c2s_custom_wrong(r, h->type_start, "%d to %d inputs for it, not %u", in[0], in[1],
                                node->in_count);
    if (out[1] != C2S_VARIADIC && h->outputs.count > out[1])
        return c2s_custom_wrong(r, h->type_start, "at most %d outputs for it", out[1]);
    return C2S_OK;
}

/* ---- attributes ---- */

static bool find_variable(const c2s_custom_rule *rule, const char *name, unsigned *index) {
    for (unsigned i = 0; i < rule->variables.count; i++)
        if (strcmp(rule->variables.at[i].variable, name) == 0) {
            *index = i;
            return true;
        }
    return false;
}

static c2s_status bind_variable(c2s_custom_reader *r, const char *start, const char *variable,
                                const char *attr) {
    unsigned index;
    if (find_variable(r->rule, variable, &index))
        return c2s_custom_wrong(r, start, "another name, @%s is taken", variable);
    c2s_vec_push(&r->rule->variables,
                 (c2s_custom_variable){variable, attr, r->rule->rule.row_count});
    return C2S_OK;
}

/* "...", "...@rest" */
static c2s_status read_spread(c2s_custom_reader *r, head *h, bool pattern) {
    c2s_lexer *l = &r->lexer;
    const char *name, *start = c2s_custom_place(r);
    unsigned index;
    if (pattern ? h->node.open : h->node.spread >= 0)
        return c2s_custom_wrong(r, start, "\"...\" once only, before this");
    h->node.open = true;
    if (!c2s_lex_take(l, "@"))
        return pattern ? C2S_OK : c2s_lex_expected(l, "\"@\" and a name of the pattern");
    C2S_TRY(c2s_lex_name(l, &name));
    if (pattern)
        return bind_variable(r, start, name, NULL);
    if (!find_variable(r->rule, name, &index) || r->rule->variables.at[index].name)
        return c2s_custom_wrong(r, start, "a name that the pattern has behind \"...\"");
    h->node.spread = (int)r->rule->variables.at[index].row;
    return C2S_OK;
}

/* What follows "name =". In a pattern a new @variable is bound. */
static c2s_status read_attr_value(c2s_custom_reader *r, bool pattern, c2s_custom_attr *attr) {
    c2s_lexer *l = &r->lexer;
    const char *name, *start = c2s_custom_place(r);
    unsigned index;
    if (pattern && c2s_lex_take(l, "@")) {
        C2S_TRY(c2s_lex_name(l, &name));
        char next = c2s_lex_peek(l);
        if (!find_variable(r->rule, name, &index) && (next == ',' || next == '>'))
            return bind_variable(r, start, name, attr->name);
        l->at = start;
    }
    return c2s_expr_read_sum(l, &r->names, &attr->value);
}

static c2s_status read_attr(c2s_custom_reader *r, head *h, bool pattern) {
    c2s_lexer *l = &r->lexer;
    const char *start = c2s_custom_place(r);
    c2s_custom_attr attr = {0};
    if (c2s_lex_take(l, "..."))
        return read_spread(r, h, pattern);
    C2S_TRY(c2s_lex_name(l, &attr.name));
    if (!has_attribute(&h->node, attr.name))
        return c2s_custom_wrong(r, start, "an attribute of %s", h->node.type);
    if (h->attrs.count == MOST_ATTRIBUTES)
        return c2s_custom_wrong(r, start, "at most %d attributes", MOST_ATTRIBUTES);
    for (size_t i = 0; i < h->attrs.count; i++)
        if (strcmp(h->attrs.at[i].name, attr.name) == 0)
            return c2s_custom_wrong(r, start, "each attribute once only");
    C2S_TRY(c2s_lex_need(l, "="));
    C2S_TRY(read_attr_value(r, pattern, &attr));
    c2s_vec_push(&h->attrs, attr);
    return C2S_OK;
}

static c2s_status read_attrs(c2s_custom_reader *r, head *h, bool pattern) {
    if (!c2s_lex_take(&r->lexer, "<"))
        return C2S_OK;
    while (!c2s_lex_take(&r->lexer, ">")) {
        C2S_TRY(read_attr(r, h, pattern));
        if (c2s_lex_peek(&r->lexer) != '>')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static void keep_attrs(c2s_custom_reader *r, head *h) {
    c2s_custom_attr *attrs = c2s_arena_array(r->lexer.arena, h->attrs.count + 1, sizeof *attrs);
    for (size_t i = 0; i < h->attrs.count; i++)
        attrs[i] = h->attrs.at[i];
    h->node.attrs = attrs;
    h->node.attr_count = (unsigned)h->attrs.count;
}

/* ---- operands ---- */

/* A bare name, "" for an operand that is left out, or (*name NULL) the start of an expression. */
static c2s_status read_operand_name(c2s_custom_reader *r, const char **name) {
    c2s_lexer *l = &r->lexer;
    const char *start = c2s_custom_place(r);
    *name = NULL;
    if (!c2s_lex_is_name(l) || (c2s_lex_is_number(l) && *l->at != '"'))
        return C2S_OK;
    C2S_TRY(c2s_lex_name(l, name));
    char next = c2s_lex_peek(l);
    if (next != '?' && next != ',' && next != ')') {
        *name = NULL;
        l->at = start;
    }
    return C2S_OK;
}

/* A constant that the pattern writes out is a value without a name, with a condition. */
static c2s_status read_literal(c2s_custom_reader *r, unsigned *letter) {
    c2s_custom_literal literal;
    C2S_TRY(c2s_custom_new_letter(r, c2s_custom_place(r), NULL, &literal.letter));
    C2S_TRY(c2s_expr_read_sum(&r->lexer, &r->names, &literal.value));
    c2s_vec_push(&r->rule->literals, literal);
    *letter = literal.letter;
    return C2S_OK;
}

static c2s_status read_pattern_operand(c2s_custom_reader *r, uint8_t *in) {
    const char *name, *start = c2s_custom_place(r);
    unsigned letter = 0;
    C2S_TRY(read_operand_name(r, &name));
    if (!name)
        C2S_TRY(read_literal(r, &letter));
    else if (*name && !c2s_custom_find_letter(r->rule, name, &letter))
        return c2s_custom_wrong(r, start, "an input of the pattern, or what a node before makes");
    bool optional = name && *name && c2s_lex_take(&r->lexer, "?");
    if (optional && letter > r->rule->input_count)
        return c2s_custom_wrong(r, start, "an input of the pattern before \"?\"");
    *in = (uint8_t)(letter | (optional ? C2S_OPTIONAL : 0u));
    return C2S_OK;
}

static c2s_status read_pattern_operands(c2s_custom_reader *r, c2s_pattern_row *row,
                                        unsigned *count) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    for (*count = 0; !c2s_lex_take(&r->lexer, ")"); ++*count) {
        if (*count == C2S_PATTERN_INPUTS)
            return c2s_lex_expected(&r->lexer, "at most %d inputs in a pattern",
                                    C2S_PATTERN_INPUTS);
        C2S_TRY(read_pattern_operand(r, &row->in[*count]));
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static bool is_root_output(const c2s_custom_rule *rule, unsigned letter) {
    const c2s_custom_node *root = &rule->nodes[rule->rule.row_count - 1];
    for (unsigned k = 0; k < root->out_count; k++)
        if (root->out[k] == letter)
            return true;
    return false;
}

static c2s_status read_built_operand(c2s_custom_reader *r, c2s_custom_operand *operand) {
    const c2s_custom_rule *rule = r->rule;
    const char *name, *start = c2s_custom_place(r);
    *operand = (c2s_custom_operand){0};
    C2S_TRY(read_operand_name(r, &name));
    if (!name) {
        operand->kind = C2S_OPERAND_NEW;
        return c2s_expr_read_sum(&r->lexer, &r->names, &operand->value);
    }
    if (!*name)
        return C2S_OK;
    operand->kind = C2S_OPERAND_LOCAL;
    for (unsigned i = 0; i < rule->local_count; i++)
        if (strcmp(rule->local[i], name) == 0) {
            operand->index = i;
            return C2S_OK;
        }
    operand->kind = C2S_OPERAND_LETTER;
    if (!c2s_custom_find_letter(rule, name, &operand->index))
        return c2s_custom_wrong(r, start, "a value of the pattern, or what a node before makes");
    return is_root_output(rule, operand->index)
               ? c2s_custom_wrong(r, start, "a value other than what is to be replaced")
               : C2S_OK;
}

static c2s_status read_built_operands(c2s_custom_reader *r, operand_list *list) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        c2s_custom_operand operand;
        if (list->count == C2S_CUSTOM_OPERANDS)
            return c2s_lex_expected(&r->lexer, "at most %d inputs", C2S_CUSTOM_OPERANDS);
        C2S_TRY(read_built_operand(r, &operand));
        c2s_vec_push(list, operand);
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

/* ---- nodes ---- */

static c2s_status read_pattern_parts(c2s_custom_reader *r, head *h) {
    c2s_custom_rule *rule = r->rule;
    const char *start = c2s_custom_place(r);
    if (rule->rule.row_count == C2S_PATTERN_ROWS)
        return c2s_custom_wrong(r, start, "at most %d nodes in a pattern", C2S_PATTERN_ROWS);
    c2s_pattern_row *row = &rule->rows[rule->rule.row_count];
    C2S_TRY(read_outputs(r, h));
    C2S_TRY(read_operator(r, h));
    C2S_TRY(read_attrs(r, h, true));
    C2S_TRY(read_pattern_operands(r, row, &h->node.in_count));
    C2S_TRY(read_attrs(r, h, true));
    C2S_TRY(check_counts(r, h));
    const char *end = r->lexer.at;
    for (unsigned k = 0; k < h->outputs.count; k++) {
        const name_at *output = &h->outputs.at[k];
        if (*output->name)
            C2S_TRY(c2s_custom_new_letter(r, output->start, output->name, &h->node.out[k]));
        if (k == 0)
            row->out = (uint8_t)h->node.out[0];
        else
            row->further[k - 1] = (uint8_t)h->node.out[k];
    }
    r->lexer.at = end;
    h->node.out_count = (unsigned)h->outputs.count;
    row->op = h->node.op;
    row->domain = h->node.domain;
    row->type = h->node.type;
    keep_attrs(r, h);
    rule->nodes[rule->rule.row_count++] = h->node;
    return C2S_OK;
}

/* A name of its own, or that of an output of the pattern's last node, which it replaces. */
static bool may_define(const c2s_custom_rule *rule, const char *name) {
    unsigned letter;
    for (unsigned i = 0; i < rule->local_count; i++)
        if (strcmp(rule->local[i], name) == 0)
            return false;
    return *name && (!c2s_custom_find_letter(rule, name, &letter) || is_root_output(rule, letter));
}

c2s_status c2s_custom_new_local(c2s_custom_reader *r, const char *start, const char *name,
                                unsigned *local) {
    c2s_custom_rule *rule = r->rule;
    if (!may_define(rule, name))
        return c2s_custom_wrong(r, start, "a new name, or an output of the pattern's last node");
    if (rule->local_count == C2S_CUSTOM_LOCALS)
        return c2s_custom_wrong(r, start, "at most %d values", C2S_CUSTOM_LOCALS);
    *local = rule->local_count;
    rule->local[rule->local_count++] = name;
    return C2S_OK;
}

static c2s_status define_locals(c2s_custom_reader *r, head *h) {
    const char *end = r->lexer.at;
    for (unsigned k = 0; k < h->outputs.count; k++)
        C2S_TRY(c2s_custom_new_local(r, h->outputs.at[k].start, h->outputs.at[k].name,
                                     &h->node.out[k]));
    h->node.out_count = (unsigned)h->outputs.count;
    r->lexer.at = end;
    return C2S_OK;
}

static c2s_status read_built_parts(c2s_custom_reader *r, head *h, operand_list *operands) {
    C2S_TRY(read_outputs(r, h));
    C2S_TRY(read_operator(r, h));
    C2S_TRY(read_attrs(r, h, false));
    C2S_TRY(read_built_operands(r, operands));
    C2S_TRY(read_attrs(r, h, false));
    h->node.in_count = (unsigned)operands->count;
    C2S_TRY(check_counts(r, h));
    C2S_TRY(define_locals(r, h));
    c2s_custom_operand *in = c2s_arena_array(r->lexer.arena, operands->count + 1, sizeof *in);
    for (size_t i = 0; i < operands->count; i++)
        in[i] = operands->at[i];
    h->node.in = in;
    keep_attrs(r, h);
    c2s_vec_push(&r->rule->built, h->node);
    return C2S_OK;
}

c2s_status c2s_custom_read_pattern_node(c2s_custom_reader *r) {
    head h = {.node.spread = -1};
    c2s_status status = read_pattern_parts(r, &h);
    c2s_vec_free(&h.outputs);
    c2s_vec_free(&h.attrs);
    return status;
}

c2s_status c2s_custom_read_built_node(c2s_custom_reader *r) {
    head h = {.node.spread = -1};
    operand_list operands = {0};
    c2s_status status = read_built_parts(r, &h, &operands);
    c2s_vec_free(&operands);
    c2s_vec_free(&h.outputs);
    c2s_vec_free(&h.attrs);
    return status;
}
