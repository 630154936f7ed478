/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: x + 0, x - 0, x * 1, x / 1, x ** 1, And(x, true), Or(x, false), Xor(x, false)
 * After:  x
 * Refuses when the constant makes the result larger than x by broadcasting.
 *
 * The one difference is that -0 + 0 is 0 and -0 is returned: equal numbers, which only a division
 * by them or a look at their bits can tell apart. The proof compares numbers.
 */
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, C };

static double neutral_of(const c2s_op *op) {
    bool zero = op == &c2s_op_add || op == &c2s_op_sub || op == &c2s_op_or || op == &c2s_op_xor;
    return zero ? 0 : 1;
}

static const char *refuse(const c2s_match *m) {
    if (!m->value[C]->constant || !c2s_constant_is_all(m->value[C], neutral_of(m->root->op)))
        return c2s_no_match;
    if (!c2s_same_type(m->value[X], m->root->outputs[0]))
        return "the shapes are not known to be the same";
    return NULL;
}

static const c2s_op *const operators[] = {&c2s_op_add, &c2s_op_sub, &c2s_op_mul,
                                          &c2s_op_div, &c2s_op_pow, &c2s_op_and,
                                          &c2s_op_or,  &c2s_op_xor, NULL};
static const c2s_pattern_row rows[] = {{.any_of = operators, .in = {X, C}}};
const c2s_rule c2s_rule_neutral_operand = {
    .name = "neutral-operand",
    .summary = "x + 0, x - 0, x * 1, x / 1, x ** 1, And true, Or false, Xor false -> x",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = c2s_build_forward};
