/* SPDX-License-Identifier: Apache-2.0
 *
 * "replace <constants> { nodes }", read.
 */
#include <string.h>

#include "io/text_tensor.h"
#include "passes/custom/custom_reader.h"

typedef C2S_VEC(c2s_custom_operand) operand_list;

/* ---- nodes ---- */

static bool is_root_output(const c2s_custom_rule *rule, unsigned letter) {
    const c2s_custom_node *root = &rule->nodes[rule->rule.row_count - 1];
    for (unsigned k = 0; k < root->out_count; k++)
        if (root->out[k] == letter)
            return true;
    return false;
}

static c2s_status read_operand(c2s_custom_reader *r, c2s_custom_operand *operand) {
    const c2s_custom_rule *rule = r->rule;
    const char *name, *start = c2s_custom_place(r);
    *operand = (c2s_custom_operand){0};
    C2S_TRY(c2s_custom_read_operand_name(r, &name));
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

static c2s_status read_operands(c2s_custom_reader *r, operand_list *list) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        c2s_custom_operand operand;
        if (list->count == C2S_CUSTOM_OPERANDS)
            return c2s_lex_expected(&r->lexer, "at most %d inputs", C2S_CUSTOM_OPERANDS);
        C2S_TRY(read_operand(r, &operand));
        c2s_vec_push(list, operand);
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
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

static c2s_status new_local(c2s_custom_reader *r, const char *start, const char *name,
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

static c2s_status define_locals(c2s_custom_reader *r, c2s_custom_head *h) {
    const char *end = r->lexer.at;
    for (unsigned k = 0; k < h->outputs.count; k++)
        C2S_TRY(new_local(r, h->outputs.at[k].start, h->outputs.at[k].name, &h->node.out[k]));
    h->node.out_count = (unsigned)h->outputs.count;
    r->lexer.at = end;
    return C2S_OK;
}

static c2s_status read_node_parts(c2s_custom_reader *r, c2s_custom_head *h,
                                  operand_list *operands) {
    C2S_TRY(c2s_custom_read_names(r, h));
    C2S_TRY(c2s_custom_read_operator(r, h));
    C2S_TRY(c2s_custom_read_attrs(r, h, false));
    C2S_TRY(read_operands(r, operands));
    C2S_TRY(c2s_custom_read_attrs(r, h, false));
    h->node.in_count = (unsigned)operands->count;
    C2S_TRY(c2s_custom_check_counts(r, h));
    C2S_TRY(define_locals(r, h));
    c2s_custom_operand *in = c2s_arena_array(r->lexer.arena, operands->count + 1, sizeof *in);
    for (size_t i = 0; i < operands->count; i++)
        in[i] = operands->at[i];
    h->node.in = in;
    c2s_custom_keep_attrs(r, h);
    c2s_vec_push(&r->rule->built, h->node);
    return C2S_OK;
}

static c2s_status read_node(c2s_custom_reader *r) {
    c2s_custom_head h = {.node.spread = -1};
    operand_list operands = {0};
    c2s_status status = read_node_parts(r, &h, &operands);
    c2s_vec_free(&operands);
    c2s_vec_free(&h.outputs);
    c2s_vec_free(&h.attrs);
    return status;
}

/* ---- the whole ---- */

/* <float[2] half = {0.5, 0.5}> */
static c2s_status read_constants(c2s_custom_reader *r) {
    c2s_custom_rule *rule = r->rule;
    if (!c2s_lex_take(&r->lexer, "<"))
        return C2S_OK;
    while (!c2s_lex_take(&r->lexer, ">")) {
        const char *name, *start;
        c2s_type type;
        unsigned local;
        c2s_tensor *tensor;
        C2S_TRY(c2s_text_read_type(&r->lexer, r->dims, &type));
        start = c2s_custom_place(r);
        C2S_TRY(c2s_lex_name(&r->lexer, &name));
        const char *end = r->lexer.at;
        C2S_TRY(new_local(r, start, name, &local));
        r->lexer.at = end;
        C2S_TRY(c2s_lex_need(&r->lexer, "="));
        C2S_TRY(c2s_text_read_content(&r->lexer, &type, &tensor));
        rule->constants[local] = tensor;
        rule->constant_count = rule->local_count;
        if (c2s_lex_peek(&r->lexer) != '>')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static c2s_status check_results(c2s_custom_reader *r) {
    const c2s_custom_rule *rule = r->rule;
    for (unsigned letter = 1; letter <= rule->letter_count; letter++) {
        bool made = !(rule->rule.results & C2S_BIT(letter));
        for (unsigned i = 0; i < rule->local_count && !made; i++)
            made = strcmp(rule->local[i], rule->letter[letter]) == 0;
        if (!made)
            return c2s_lex_expected(&r->lexer, "a node that makes %s before this",
                                    rule->letter[letter]);
    }
    return C2S_OK;
}

c2s_status c2s_custom_read_replacement(c2s_custom_reader *r) {
    C2S_TRY(c2s_custom_need_word(r, "replace"));
    C2S_TRY(read_constants(r));
    C2S_TRY(c2s_lex_need(&r->lexer, "{"));
    while (c2s_lex_peek(&r->lexer) != '}') {
        C2S_TRY(read_node(r));
        c2s_lex_take(&r->lexer, ";");
    }
    C2S_TRY(check_results(r));
    return c2s_lex_need(&r->lexer, "}");
}
