/* SPDX-License-Identifier: Apache-2.0
 *
 * "pattern (inputs) => (outputs) { nodes }", read.
 */
#include <string.h>

#include "ops/op.h"
#include "passes/custom/custom_reader.h"

enum { MOST_SWAPPABLE = 10 }; /* nodes of a pattern: each doubles what is tried */

/* ---- nodes ---- */

/* A constant that the pattern writes out is a value without a name, with a condition. */
static c2s_status read_literal(c2s_custom_reader *r, unsigned *letter) {
    c2s_custom_literal literal;
    C2S_TRY(c2s_custom_new_letter(r, c2s_custom_place(r), NULL, &literal.letter));
    C2S_TRY(c2s_expr_read_sum(&r->lexer, &r->names, &literal.value));
    c2s_vec_push(&r->rule->literals, literal);
    *letter = literal.letter;
    return C2S_OK;
}

static c2s_status read_operand(c2s_custom_reader *r, uint8_t *in) {
    const char *name, *start = c2s_custom_place(r);
    unsigned letter = 0;
    C2S_TRY(c2s_custom_read_operand_name(r, &name));
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

static c2s_status read_operands(c2s_custom_reader *r, c2s_pattern_row *row, unsigned *count) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    for (*count = 0; !c2s_lex_take(&r->lexer, ")"); ++*count) {
        if (*count == C2S_PATTERN_INPUTS)
            return c2s_lex_expected(&r->lexer, "at most %d inputs in a pattern",
                                    C2S_PATTERN_INPUTS);
        C2S_TRY(read_operand(r, &row->in[*count]));
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static c2s_status read_node_parts(c2s_custom_reader *r, c2s_custom_head *h) {
    c2s_custom_rule *rule = r->rule;
    const char *start = c2s_custom_place(r);
    if (rule->rule.row_count == C2S_PATTERN_ROWS)
        return c2s_custom_wrong(r, start, "at most %d nodes in a pattern", C2S_PATTERN_ROWS);
    c2s_pattern_row *row = &rule->rows[rule->rule.row_count];
    C2S_TRY(c2s_custom_read_names(r, h));
    C2S_TRY(c2s_custom_read_operator(r, h));
    C2S_TRY(c2s_custom_read_attrs(r, h, true));
    C2S_TRY(read_operands(r, row, &h->node.in_count));
    C2S_TRY(c2s_custom_read_attrs(r, h, true));
    C2S_TRY(c2s_custom_check_counts(r, h));
    const char *end = r->lexer.at;
    for (unsigned k = 0; k < h->outputs.count; k++) {
        const c2s_custom_name *output = &h->outputs.at[k];
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
    c2s_custom_keep_attrs(r, h);
    rule->nodes[rule->rule.row_count++] = h->node;
    return C2S_OK;
}

static c2s_status read_node(c2s_custom_reader *r) {
    c2s_custom_head h = {.node.spread = -1};
    c2s_status status = read_node_parts(r, &h);
    c2s_vec_free(&h.outputs);
    c2s_vec_free(&h.attrs);
    return status;
}

/* ---- the pattern's interface ---- */

static c2s_status read_input(c2s_custom_reader *r) {
    c2s_custom_rule *rule = r->rule;
    c2s_custom_type type = {.letter = rule->letter_count + 1};
    bool typed = c2s_custom_is_type(r);
    const char *name, *start;
    unsigned letter;
    if (typed)
        C2S_TRY(c2s_custom_read_type(r, &type));
    start = c2s_custom_place(r);
    C2S_TRY(c2s_lex_name(&r->lexer, &name));
    const char *end = r->lexer.at;
    C2S_TRY(c2s_custom_new_letter(r, start, name, &letter));
    r->lexer.at = end;
    rule->input_count = letter;
    if (typed)
        c2s_vec_push(&rule->types, type);
    return C2S_OK;
}

typedef struct output {
    const char *start, *name;
    bool typed;
    c2s_custom_type type;
} output;
typedef C2S_VEC(output) interface;

static c2s_status read_inputs(c2s_custom_reader *r) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        C2S_TRY(read_input(r));
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

/* Their letters are known once the nodes are: named extents of types are patched then. */
static c2s_status read_outputs(c2s_custom_reader *r, interface *list) {
    C2S_TRY(c2s_lex_need(&r->lexer, "=>"));
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        /* A letter that no value has, until then. */
        output o = {.type.letter = C2S_LETTER_COUNT + (unsigned)list->count};
        if (list->count == C2S_LETTER_COUNT)
            return c2s_lex_expected(&r->lexer, "at most %d outputs", C2S_LETTER_COUNT);
        o.typed = c2s_custom_is_type(r);
        if (o.typed)
            C2S_TRY(c2s_custom_read_type(r, &o.type));
        o.start = c2s_custom_place(r);
        C2S_TRY(c2s_lex_name(&r->lexer, &o.name));
        c2s_vec_push(list, o);
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static bool is_output_of(const c2s_custom_node *node, unsigned letter, unsigned *slot) {
    for (*slot = 0; *slot < node->out_count; ++*slot)
        if (node->out[*slot] == letter)
            return true;
    return false;
}

/* Outputs of the last node are replaced; others may have users beside the match, and stay. */
static c2s_status connect_output(c2s_custom_reader *r, output *o) {
    c2s_custom_rule *rule = r->rule;
    const c2s_custom_node *root = &rule->nodes[rule->rule.row_count - 1];
    const char *end = r->lexer.at;
    unsigned letter, slot;
    if (!c2s_custom_find_letter(rule, o->name, &letter) || letter <= rule->input_count)
        return c2s_custom_wrong(r, o->start, "an output of some node of the pattern");
    uint64_t bit = C2S_BIT(letter);
    if ((rule->rule.results | rule->rule.shared) & bit)
        return c2s_custom_wrong(r, o->start, "each output once only");
    if (is_output_of(root, letter, &slot))
        rule->rule.results |= bit;
    else
        rule->rule.shared |= bit;
    for (size_t i = 0; i < rule->extents.count; i++)
        if (rule->extents.at[i].letter == o->type.letter)
            rule->extents.at[i].letter = letter;
    o->type.letter = letter;
    if (o->typed)
        c2s_vec_push(&rule->types, o->type);
    r->lexer.at = end;
    return C2S_OK;
}

/* ---- the pattern as a whole ---- */

static unsigned maker_of(const c2s_custom_rule *rule, unsigned letter) {
    unsigned slot;
    for (unsigned i = 0; i < rule->rule.row_count; i++)
        if (is_output_of(&rule->nodes[i], letter, &slot))
            return i;
    return C2S_PATTERN_ROWS;
}

/* The driver finds the nodes from the last one up. */
static c2s_status check_reach(c2s_custom_reader *r, const char *start) {
    const c2s_custom_rule *rule = r->rule;
    bool reached[C2S_PATTERN_ROWS + 1] = {false};
    uint64_t used = 0;
    reached[rule->rule.row_count - 1] = true;
    for (unsigned i = rule->rule.row_count; i-- > 0;) {
        if (!reached[i])
            return c2s_custom_wrong(r, start,
                                    "a pattern in which %s (node %u) leads to the last node",
                                    rule->nodes[i].type, i + 1);
        for (unsigned k = 0; k < C2S_PATTERN_INPUTS; k++) {
            unsigned letter = C2S_LETTER(rule->rows[i].in[k]);
            used |= C2S_BIT(letter);
            if (letter)
                reached[maker_of(rule, letter)] = true;
        }
    }
    for (unsigned letter = 1; letter <= rule->input_count; letter++)
        if (!(used & C2S_BIT(letter)))
            return c2s_custom_wrong(r, start, "a pattern that uses its input %s",
                                    rule->letter[letter]);
    return C2S_OK;
}

static c2s_status check_pattern(c2s_custom_reader *r, const char *start) {
    const c2s_custom_rule *rule = r->rule;
    const char *end = r->lexer.at;
    unsigned swappable = 0;
    if (rule->rule.row_count == 0)
        return c2s_lex_expected(&r->lexer, "at least one node before this");
    for (unsigned i = 0; i < rule->rule.row_count; i++)
        swappable += (rule->nodes[i].op->flags & C2S_OP_COMMUTATIVE) != 0;
    if (swappable > MOST_SWAPPABLE)
        return c2s_custom_wrong(r, start, "at most %d nodes whose operands may be swapped",
                                MOST_SWAPPABLE);
    C2S_TRY(check_reach(r, start));
    r->lexer.at = end;
    return C2S_OK;
}

static c2s_status read_whole(c2s_custom_reader *r, interface *outputs) {
    c2s_custom_rule *rule = r->rule;
    const char *start = c2s_custom_place(r);
    C2S_TRY(c2s_custom_need_word(r, "pattern"));
    C2S_TRY(read_inputs(r));
    C2S_TRY(read_outputs(r, outputs));
    C2S_TRY(c2s_lex_need(&r->lexer, "{"));
    while (!c2s_lex_take(&r->lexer, "}")) {
        C2S_TRY(read_node(r));
        c2s_lex_take(&r->lexer, ";");
    }
    C2S_TRY(check_pattern(r, start));
    for (size_t i = 0; i < outputs->count; i++)
        C2S_TRY(connect_output(r, &outputs->at[i]));
    unsigned out = rule->nodes[rule->rule.row_count - 1].out[0];
    if (!out || !(rule->rule.results & C2S_BIT(out)))
        return c2s_custom_wrong(r, start, "the first output of the last node to be an output");
    return C2S_OK;
}

c2s_status c2s_custom_read_pattern(c2s_custom_reader *r) {
    interface outputs = {0};
    c2s_status status = read_whole(r, &outputs);
    c2s_vec_free(&outputs);
    return status;
}
