/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule files, read: docs/rules.md has the syntax.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "io/text_tensor.h"
#include "ops/op.h"
#include "ops/op_versions.h"
#include "passes/custom/custom.h"
#include "passes/custom/custom_reader.h"

enum {
    LONGEST_NAME = 40,   /* of a rule */
    MOST_SWAPPABLE = 10, /* nodes of a pattern: each doubles what is tried */
    MOST_RULES = 4096,
    LARGEST_FILE = 1 << 24
};

const char *c2s_custom_place(c2s_custom_reader *r) {
    c2s_lex_peek(&r->lexer);
    return r->lexer.at;
}

static c2s_status need_word(c2s_custom_reader *r, const char *word) {
    return c2s_lex_take_word(&r->lexer, word) ? C2S_OK
                                              : c2s_lex_expected(&r->lexer, "\"%s\"", word);
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
typedef C2S_VEC(output) output_list;

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
static c2s_status read_outputs(c2s_custom_reader *r, output_list *list) {
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

static c2s_status read_pattern_parts(c2s_custom_reader *r, output_list *outputs) {
    c2s_custom_rule *rule = r->rule;
    const char *start = c2s_custom_place(r);
    C2S_TRY(need_word(r, "pattern"));
    C2S_TRY(read_inputs(r));
    C2S_TRY(read_outputs(r, outputs));
    C2S_TRY(c2s_lex_need(&r->lexer, "{"));
    while (!c2s_lex_take(&r->lexer, "}")) {
        C2S_TRY(c2s_custom_read_pattern_node(r));
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

static c2s_status read_pattern(c2s_custom_reader *r) {
    output_list outputs = {0};
    c2s_status status = read_pattern_parts(r, &outputs);
    c2s_vec_free(&outputs);
    return status;
}

/* ---- conditions and replacement ---- */

static c2s_status read_conditions(c2s_custom_reader *r) {
    if (!c2s_lex_take_word(&r->lexer, "where"))
        return C2S_OK;
    do {
        const c2s_expr *condition;
        C2S_TRY(c2s_expr_read(&r->lexer, &r->names, &condition));
        c2s_vec_push(&r->rule->conditions, condition);
    } while (c2s_lex_take(&r->lexer, ","));
    return C2S_OK;
}

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
        C2S_TRY(c2s_custom_new_local(r, start, name, &local));
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

static c2s_status read_replacement(c2s_custom_reader *r) {
    C2S_TRY(need_word(r, "replace"));
    C2S_TRY(read_constants(r));
    C2S_TRY(c2s_lex_need(&r->lexer, "{"));
    while (c2s_lex_peek(&r->lexer) != '}') {
        C2S_TRY(c2s_custom_read_built_node(r));
        c2s_lex_take(&r->lexer, ";");
    }
    C2S_TRY(check_results(r));
    return c2s_lex_need(&r->lexer, "}");
}

/* ---- rules ---- */

/* Letters, digits, - and _. */
static c2s_status read_rule_name(c2s_custom_reader *r, const char **out) {
    c2s_lexer *l = &r->lexer;
    const char *start = c2s_custom_place(r);
    while (l->at < l->end && (isalnum((unsigned char)*l->at) || *l->at == '-' || *l->at == '_'))
        l->at++;
    size_t length = (size_t)(l->at - start);
    if (length == 0 || length > LONGEST_NAME)
        return c2s_custom_wrong(r, start, "a name of 1 to %d letters, digits, - and _",
                                LONGEST_NAME);
    const char *name = c2s_arena_memdup(l->arena, start, length);
    if (c2s_rewrite_exists(name) || c2s_rules_have(r->rules, name))
        return c2s_custom_wrong(r, start, "a name that no other rewrite has");
    *out = name;
    return C2S_OK;
}

static c2s_status read_summary(c2s_custom_reader *r, const char **out) {
    c2s_string text;
    *out = "";
    if (c2s_lex_peek(&r->lexer) != '"')
        return C2S_OK;
    C2S_TRY(c2s_lex_string(&r->lexer, &text));
    *out = text.data;
    return C2S_OK;
}

/* The least opset that has all operators of the replacement, or what was asked for. */
static int least_opset(const c2s_custom_reader *r) {
    int opset = r->opset;
    for (size_t i = 0; i < r->rule->built.count; i++) {
        const c2s_custom_node *node = &r->rule->built.at[i];
        const c2s_op_versions *versions = c2s_op_versions_of(node->domain, node->type);
        if (versions && !node->domain[0] && versions->versions[0].since > opset)
            opset = versions->versions[0].since;
    }
    return opset;
}

static c2s_status read_opset(c2s_custom_reader *r) {
    int64_t opset;
    if (!c2s_lex_take_word(&r->lexer, "opset"))
        return C2S_OK;
    const char *start = c2s_custom_place(r);
    C2S_TRY(c2s_lex_integer(&r->lexer, &opset));
    if (opset < 1 || opset > C2S_OPSET_NEWEST)
        return c2s_custom_wrong(r, start, "an opset of ai.onnx, 1 to %d", C2S_OPSET_NEWEST);
    r->opset = (int)opset;
    return C2S_OK;
}

static c2s_status read_rule(c2s_custom_reader *r) {
    c2s_rule *rule = &r->rule->rule;
    r->names = c2s_custom_names(r->rule);
    if (r->rules->all.count == MOST_RULES)
        return c2s_lex_expected(&r->lexer, "at most %d rules", MOST_RULES);
    C2S_TRY(need_word(r, "rule"));
    C2S_TRY(read_rule_name(r, &rule->name));
    C2S_TRY(read_summary(r, &rule->summary));
    C2S_TRY(c2s_lex_need(&r->lexer, "{"));
    r->opset = 0;
    C2S_TRY(read_opset(r));
    C2S_TRY(read_pattern(r));
    C2S_TRY(read_conditions(r));
    C2S_TRY(read_replacement(r));
    C2S_TRY(c2s_lex_need(&r->lexer, "}"));
    rule->rows = r->rule->rows;
    rule->refuse = c2s_custom_refuse;
    rule->build = c2s_custom_build;
    rule->opset = least_opset(r);
    return C2S_OK;
}

c2s_status c2s_custom_read(struct c2s_rules *rules, const char *text, size_t size,
                           const char *path) {
    c2s_custom_reader r = {.rules = rules, .dims = c2s_dims_create()};
    const char *kept = c2s_arena_strdup(rules->arena, path);
    r.lexer = (c2s_lexer){
        .start = text, .at = text, .end = text + size, .path = kept, .arena = rules->arena};
    c2s_status status = C2S_OK;
    while (status == C2S_OK && !c2s_lex_at_end(&r.lexer)) {
        r.rule = c2s_arena_alloc(rules->arena, sizeof *r.rule);
        r.rule->owner = rules;
        status = read_rule(&r);
        c2s_vec_push(&rules->all, r.rule); /* also after a failure: it holds tensors and lists */
        if (status == C2S_OK)
            c2s_vec_push(&rules->list, &r.rule->rule);
    }
    c2s_dims_destroy(r.dims);
    return status;
}

c2s_status c2s_rules_load(c2s_rules **rules, const char *path) {
    void *text;
    size_t size;
    C2S_TRY(c2s_file_read(path, LARGEST_FILE, &text, &size));
    c2s_status status = c2s_rules_read(rules, text, size, path);
    free(text);
    return status;
}
