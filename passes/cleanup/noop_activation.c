/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: f(f(x)) for Relu, Abs, Ceil, Floor, Round, Sign      After: f(x)
 * Before: Neg(Neg(x)), Not(Not(x))                             After: x
 * Before: Relu of a result that is never negative (Sigmoid,
 *         Softmax, Abs, Exp, Sqrt, ...), in floats: the least
 *         integer has no magnitude                             After: that result
 * Before: Clip without bounds, or with infinite ones           After: x
 * NaN passes through all of these.
 */
#include <math.h>

#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

/* The letter A is what remains: f(x) in the rules that keep the inner node. */
enum { KEPT = C2S_LETTER_A, OTHER, LOW, HIGH };

static const char *same_operator(const c2s_match *m) {
    return m->node[0]->op == m->node[1]->op ? NULL : c2s_no_match;
}

static const c2s_op *const idempotent_ops[] = {
    &c2s_op_relu, &c2s_op_abs, &c2s_op_ceil, &c2s_op_floor, &c2s_op_round, &c2s_op_sign, NULL};
static const c2s_pattern_row idempotent[] = {
    {.any_of = idempotent_ops, .out = KEPT, .in = {OTHER}},
    {.any_of = idempotent_ops, .in = {KEPT}},
};
const c2s_rule c2s_rule_idempotent = {
    .name = "twice-the-same",
    .summary = "Relu, Abs, Ceil, Floor, Round or Sign of the same -> one",
    C2S_ROWS(idempotent),
    .shared = C2S_BIT(KEPT),
    .refuse = same_operator,
    .build = c2s_build_forward};

static const c2s_op *const involution_ops[] = {&c2s_op_neg, &c2s_op_not, NULL};
static const c2s_pattern_row involution[] = {
    {.any_of = involution_ops, .out = OTHER, .in = {KEPT}},
    {.any_of = involution_ops, .in = {OTHER}},
};
const c2s_rule c2s_rule_involution = {.name = "there-and-back",
                                      .summary = "Neg of Neg, Not of Not -> nothing",
                                      C2S_ROWS(involution),
                                      .shared = C2S_BIT(OTHER),
                                      .refuse = same_operator,
                                      .build = c2s_build_forward};

static const c2s_op *const positive_ops[] = {
    &c2s_op_sigmoid,  &c2s_op_softmax,      &c2s_op_abs,       &c2s_op_exp,       &c2s_op_sqrt,
    &c2s_op_softplus, &c2s_op_hard_sigmoid, &c2s_op_reduce_l1, &c2s_op_reduce_l2, NULL};
static const char *relu_refuse(const c2s_match *m) {
    return c2s_is_float_value(m->value[KEPT]) ? NULL : "the least integer stays negative";
}

static const c2s_pattern_row relu_of_positive[] = {
    {.any_of = positive_ops, .out = KEPT},
    {.op = &c2s_op_relu, .in = {KEPT}},
};
const c2s_rule c2s_rule_relu_of_positive = {.name = "relu-of-positive",
                                            .summary = "Relu of what is never negative -> nothing",
                                            C2S_ROWS(relu_of_positive),
                                            .shared = C2S_BIT(KEPT),
                                            .refuse = relu_refuse,
                                            .build = c2s_build_forward};

static bool bounds_nothing(const c2s_value *bound, double sign) {
    double number;
    return !bound || (c2s_constant_scalar(bound, &number) && isinf(number) && number * sign > 0);
}

static const char *clip_refuse(const c2s_match *m) {
    return bounds_nothing(m->value[LOW], -1) && bounds_nothing(m->value[HIGH], 1) ? NULL
                                                                                  : c2s_no_match;
}

static const c2s_pattern_row clip[] = {
    {.op = &c2s_op_clip, .in = {KEPT, LOW | C2S_OPTIONAL, HIGH | C2S_OPTIONAL}}};
const c2s_rule c2s_rule_clip_unbounded = {.name = "clip-without-bounds",
                                          .summary = "Clip without bounds -> nothing",
                                          C2S_ROWS(clip),
                                          .refuse = clip_refuse,
                                          .build = c2s_build_forward};
