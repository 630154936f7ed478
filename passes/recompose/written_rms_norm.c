/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: x / Sqrt(ReduceMean(x * x) + epsilon), divided or multiplied by the reciprocal
 * After:  RMSNormalization with a scale of ones, which norm-scale replaces
 * Refuses when the mean runs over anything but the last axes, in double, or before opset 23.
 */
#include "passes/recompose/normalised_axes.h"

enum { X = C2S_LETTER_A, POWER, SQUARE, MEAN, EPSILON, E, ROOT, ONE, I };

/* Rows 0 to 3 of every pattern. */
#define ROOT_MEAN_SQUARE                                                                           \
    {.any_of = squares, .out = SQUARE, .in = {X, POWER}},                                          \
        {.op = &c2s_op_reduce_mean, .out = MEAN, .in = {SQUARE}},                                  \
        {.op = &c2s_op_add, .out = E, .in = {MEAN, EPSILON}}, {                                    \
        .op = &c2s_op_sqrt, .out = ROOT, .in = { E }                                               \
    }

static const c2s_op *const squares[] = {&c2s_op_mul, &c2s_op_pow, NULL};

static const char *read(const c2s_match *m, int *axis, double *epsilon) {
    if (!c2s_is_square(m->node[0], m->value[X]))
        return c2s_no_match;
    const char *reason = c2s_normalised_axes(m->node[1], m->value[X], axis);
    return reason ? reason : c2s_norm_epsilon(m->value[EPSILON], epsilon);
}

static const char *refuse(const c2s_match *m) {
    int axis;
    double epsilon;
    return read(m, &axis, &epsilon);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    int axis;
    double epsilon;
    read(m, &axis, &epsilon);
    return c2s_build_norm(b, "RMSNormalization", m->value[X], axis, epsilon, NULL, NULL);
}

static const c2s_pattern_row divided[] = {ROOT_MEAN_SQUARE, {.op = &c2s_op_div, .in = {X, ROOT}}};
const c2s_rule c2s_rule_rms_norm_divided = {
    .name = "rms-norm",
    .summary = "x / Sqrt(ReduceMean(x * x) + epsilon) -> RMSNormalization",
    C2S_ROWS(divided),
    .opset = 23,
    .refuse = refuse,
    .build = build};

static const c2s_pattern_row multiplied[] = {
    ROOT_MEAN_SQUARE,
    {.op = &c2s_op_reciprocal, .out = I, .in = {ROOT}},
    {.op = &c2s_op_mul, .in = {X, I}},
};
const c2s_rule c2s_rule_rms_norm_multiplied = {
    .name = "rms-norm",
    .summary = "x / Sqrt(ReduceMean(x * x) + epsilon) -> RMSNormalization",
    C2S_ROWS(multiplied),
    .opset = 23,
    .refuse = refuse,
    .build = build};

static const char *refuse_quotient(const c2s_match *m) {
    double one;
    return c2s_constant_scalar(m->value[ONE], &one) && one == 1 ? refuse(m) : c2s_no_match;
}

static const c2s_pattern_row quotient[] = {
    ROOT_MEAN_SQUARE,
    {.op = &c2s_op_div, .out = I, .in = {ONE, ROOT}},
    {.op = &c2s_op_mul, .in = {X, I}},
};
const c2s_rule c2s_rule_rms_norm_quotient = {
    .name = "rms-norm",
    .summary = "x / Sqrt(ReduceMean(x * x) + epsilon) -> RMSNormalization",
    C2S_ROWS(quotient),
    .opset = 23,
    .refuse = refuse_quotient,
    .build = build};
