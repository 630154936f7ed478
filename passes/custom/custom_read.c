/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule files, read: docs/rules.md has the syntax.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ops/op_versions.h"
#include "passes/custom/custom.h"
#include "passes/custom/custom_reader.h"

enum {
    LONGEST_NAME = 40, /* of a rule */
    MOST_RULES = 4096,
    LARGEST_FILE = 1 << 24
};

const char *c2s_custom_place(c2s_custom_reader *r) {
    c2s_lex_peek(&r->lexer);
    return r->lexer.at;
}

c2s_status c2s_custom_need_word(c2s_custom_reader *r, const char *word) {
    return c2s_lex_take_word(&r->lexer, word) ? C2S_OK
                                              : c2s_lex_expected(&r->lexer, "\"%s\"", word);
}

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
    const char *start = r->lexer.at;
    C2S_TRY(c2s_lex_string(&r->lexer, &text));
    for (size_t i = 0; i < text.size; i++)
        if (iscntrl((unsigned char)text.data[i]))
            return c2s_custom_wrong(r, start, "a summary of one line");
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
    C2S_TRY(c2s_custom_need_word(r, "rule"));
    C2S_TRY(read_rule_name(r, &rule->name));
    C2S_TRY(read_summary(r, &rule->summary));
    C2S_TRY(c2s_lex_need(&r->lexer, "{"));
    r->opset = 0;
    C2S_TRY(read_opset(r));
    C2S_TRY(c2s_custom_read_pattern(r));
    C2S_TRY(read_conditions(r));
    C2S_TRY(c2s_custom_read_replacement(r));
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
