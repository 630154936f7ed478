/* SPDX-License-Identifier: Apache-2.0
 *
 * What nodes of patterns and of replacements have in common, as text.
 */
#include <stdio.h>
#include <string.h>

#include "ops/op.h"
#include "ops/op_versions.h"
#include "passes/custom/custom_reader.h"

enum { MOST_ATTRIBUTES = 64 };

c2s_status c2s_custom_read_names(c2s_custom_reader *r, c2s_custom_head *h) {
    c2s_lexer *l = &r->lexer;
    do {
        c2s_custom_name output = {.start = c2s_custom_place(r)};
        if (h->outputs.count == 1 + C2S_PATTERN_FURTHER)
            return c2s_lex_expected(l, "at most %d outputs", 1 + C2S_PATTERN_FURTHER);
        C2S_TRY(c2s_lex_name(l, &output.name));
        c2s_vec_push(&h->outputs, output);
    } while (c2s_lex_take(l, ","));
    return c2s_lex_need(l, "=");
}

/* ---- operators ---- */

c2s_status c2s_custom_read_operator(c2s_custom_reader *r, c2s_custom_head *h) {
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

c2s_status c2s_custom_check_counts(c2s_custom_reader *r, const c2s_custom_head *h) {
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
static c2s_status read_spread(c2s_custom_reader *r, c2s_custom_head *h, bool pattern) {
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

static c2s_status read_attr(c2s_custom_reader *r, c2s_custom_head *h, bool pattern) {
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

c2s_status c2s_custom_read_attrs(c2s_custom_reader *r, c2s_custom_head *h, bool pattern) {
    if (!c2s_lex_take(&r->lexer, "<"))
        return C2S_OK;
    while (!c2s_lex_take(&r->lexer, ">")) {
        C2S_TRY(read_attr(r, h, pattern));
        if (c2s_lex_peek(&r->lexer) != '>')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

void c2s_custom_keep_attrs(c2s_custom_reader *r, c2s_custom_head *h) {
    c2s_custom_attr *attrs = c2s_arena_array(r->lexer.arena, h->attrs.count + 1, sizeof *attrs);
    for (size_t i = 0; i < h->attrs.count; i++)
        attrs[i] = h->attrs.at[i];
    h->node.attrs = attrs;
    h->node.attr_count = (unsigned)h->attrs.count;
}

/* ---- operands ---- */

c2s_status c2s_custom_read_operand_name(c2s_custom_reader *r, const char **name) {
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
