/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Reciprocal(x) or 1 / x, then Mul with y
 * After:  y / x
 * Refuses for integers, whose 1 / x is cut.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { ONE = C2S_LETTER_A, X, R, Y };

static const char *refuse(const c2s_match *m) {
    double one = 1;
    const c2s_value *dividend = m->value[ONE];
    if (dividend && (!dividend->constant || !c2s_constant_scalar(dividend, &one) || one != 1))
        return c2s_no_match;
    return c2s_is_float_value(m->value[X]) ? NULL : "the quotient is cut";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[Y], m->value[X]};
    return c2s_build(b, "Div", in, 2);
}

static const c2s_pattern_row reciprocal[] = {
    {.op = &c2s_op_reciprocal, .out = R, .in = {X}},
    {.op = &c2s_op_mul, .in = {R, Y}},
};
const c2s_rule c2s_rule_reciprocal_mul = {.name = "reciprocal-mul",
                                          .summary = "1 / x, then Mul with y -> y / x",
                                          C2S_ROWS(reciprocal),
                                          .refuse = refuse,
                                          .build = build};

static const c2s_pattern_row quotient[] = {
    {.op = &c2s_op_div, .out = R, .in = {ONE, X}},
    {.op = &c2s_op_mul, .in = {R, Y}},
};
const c2s_rule c2s_rule_quotient_mul = {.name = "reciprocal-mul",
                                        .summary = "1 / x, then Mul with y -> y / x",
                                        C2S_ROWS(quotient),
                                        .refuse = refuse,
                                        .build = build};
