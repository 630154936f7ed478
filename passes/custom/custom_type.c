/* SPDX-License-Identifier: Apache-2.0
 *
 * Declared types of a pattern's inputs and outputs, and the names that stand in them.
 */
#include <string.h>

#include "io/text_tensor.h"
#include "passes/custom/custom_reader.h"

bool c2s_custom_is_type(c2s_custom_reader *r) {
    const char *start = c2s_custom_place(r);
    bool any = c2s_lex_take_word(&r->lexer, "any") && c2s_lex_peek(&r->lexer) == '[';
    r->lexer.at = start;
    return any || c2s_text_is_type(&r->lexer);
}

static bool find_extent(const c2s_custom_rule *rule, const char *name, unsigned *index) {
    for (unsigned i = 0; i < rule->extents.count; i++)
        if (strcmp(rule->extents.at[i].name, name) == 0) {
            *index = i;
            return true;
        }
    return false;
}

static c2s_status read_axis(c2s_custom_reader *r, c2s_custom_type *type) {
    c2s_lexer *l = &r->lexer;
    const char *name, *start = c2s_custom_place(r);
    int axis = type->rank++;
    if (c2s_lex_take(l, "?"))
        return C2S_OK;
    if (c2s_lex_is_number(l)) {
        type->axis[axis].kind = C2S_AXIS_KNOWN;
        C2S_TRY(c2s_lex_integer(l, &type->axis[axis].extent));
        return type->axis[axis].extent >= 0 ? C2S_OK : c2s_custom_wrong(r, start, "an extent >= 0");
    }
    C2S_TRY(c2s_lex_name(l, &name));
    type->axis[axis].kind = C2S_AXIS_NAMED;
    if (!find_extent(r->rule, name, &type->axis[axis].name)) {
        type->axis[axis].name = (unsigned)r->rule->extents.count;
        c2s_vec_push(&r->rule->extents, (c2s_custom_extent){name, type->letter, axis});
    }
    return C2S_OK;
}

c2s_status c2s_custom_read_type(c2s_custom_reader *r, c2s_custom_type *type) {
    c2s_lexer *l = &r->lexer;
    const char *name, *start = c2s_custom_place(r);
    C2S_TRY(c2s_lex_name(l, &name));
    type->dtype = c2s_dtype_from_name(name);
    if (type->dtype == C2S_UNDEFINED && strcmp(name, "any") != 0)
        return c2s_custom_wrong(r, start, "an element type, or any");
    type->rank = 0;
    if (!c2s_lex_take(l, "["))
        return C2S_OK;
    if (c2s_lex_take(l, "]")) {
        type->rank = -1;
        return C2S_OK;
    }
    do {
        if (type->rank == C2S_MAX_RANK)
            return c2s_lex_expected(l, "at most %d dimensions", C2S_MAX_RANK);
        C2S_TRY(read_axis(r, type));
    } while (c2s_lex_take(l, ","));
    return c2s_lex_need(l, "]");
}

/* ---- names ---- */

bool c2s_custom_find_letter(const c2s_custom_rule *rule, const char *name, unsigned *letter) {
    for (unsigned i = 1; i <= rule->letter_count; i++)
        if (rule->letter[i] && strcmp(rule->letter[i], name) == 0) {
            *letter = i;
            return true;
        }
    return false;
}

c2s_status c2s_custom_new_letter(c2s_custom_reader *r, const char *start, const char *name,
                                 unsigned *letter) {
    c2s_custom_rule *rule = r->rule;
    if (name && (!*name || c2s_custom_find_letter(rule, name, letter)))
        return c2s_custom_wrong(r, start, "a name that is not taken");
    if (rule->letter_count + 1 == C2S_LETTER_COUNT)
        return c2s_custom_wrong(r, start, "at most %d values in a pattern", C2S_LETTER_COUNT - 1);
    *letter = ++rule->letter_count;
    rule->letter[*letter] = name;
    return C2S_OK;
}

static bool find_value(void *user, const char *name, unsigned *index) {
    return c2s_custom_find_letter(user, name, index);
}

static bool find_attr(void *user, const char *name, unsigned *index) {
    const c2s_custom_rule *rule = user;
    for (unsigned i = 0; i < rule->variables.count; i++)
        if (rule->variables.at[i].name && strcmp(rule->variables.at[i].variable, name) == 0) {
            *index = i;
            return true;
        }
    return false;
}

static bool find_dim(void *user, const char *name, unsigned *index) {
    return find_extent(user, name, index);
}

c2s_expr_names c2s_custom_names(c2s_custom_rule *rule) {
    return (c2s_expr_names){find_value, find_attr, find_dim, rule};
}
