/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Where(condition, x, y) with a condition that is true, or false, everywhere
 * After:  x, or y
 * Refuses when the chosen operand has not the shape of the result.
 */
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { CONDITION = C2S_LETTER_A, X, Y };

static c2s_value *chosen(const c2s_match *m) {
    const c2s_value *condition = m->value[CONDITION];
    if (!condition->constant || condition->constant->count == 0)
        return NULL;
    if (c2s_constant_is_all(condition, 1))
        return m->value[X];
    return c2s_constant_is_all(condition, 0) ? m->value[Y] : NULL;
}

static const char *refuse(const c2s_match *m) {
    c2s_value *value = chosen(m);
    if (!value)
        return c2s_no_match;
    return c2s_same_type(value, m->root->outputs[0]) ? NULL : "the result is broadcast";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    (void)b;
    return chosen(m);
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_where, .in = {CONDITION, X, Y}}};
const c2s_rule c2s_rule_where_constant = {
    .name = "where-constant",
    .summary = "Where with a condition that is the same everywhere -> the chosen operand",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
