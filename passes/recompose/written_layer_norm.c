/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: d = x - ReduceMean(x), then d / Sqrt(ReduceMean(d * d) + epsilon), divided or multiplied
 *         by the reciprocal; or, as TensorFlow writes it, x * g + (shift - mean * g) with
 *         g = scale / Sqrt(...)
 * After:  LayerNormalization with a scale of ones, which norm-scale and norm-shift replace, or
 *         with that scale and shift
 * Refuses when the means run over anything but the last axes, in double, or before opset 17.
 */
#include "passes/recompose/written_statistics.h"

enum { I = FIRST_FREE_LETTER, SCALE, G, XG, MG, SHIFT, T };

static const char *read(const c2s_match *m, int *axis, double *epsilon) {
    if (!c2s_is_square(m->node[2], m->value[D]))
        return c2s_no_match;
    const char *reason = c2s_normalised_axes_both(m->node[0], m->node[3], m->value[X], axis);
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
    return c2s_build_norm(b, "LayerNormalization", m->value[X], axis, epsilon, NULL, NULL);
}

static const c2s_pattern_row divided[] = {STATISTICS, {.op = &c2s_op_div, .in = {D, ROOT}}};
const c2s_rule c2s_rule_layer_norm_divided = {
    .name = "layer-norm",
    .summary = "mean and variance over the last axes, written out -> LayerNormalization",
    C2S_ROWS(divided),
    .opset = 17,
    .refuse = refuse,
    .build = build};

static const c2s_pattern_row multiplied[] = {
    STATISTICS,
    {.op = &c2s_op_reciprocal, .out = I, .in = {ROOT}},
    {.op = &c2s_op_mul, .in = {D, I}},
};
const c2s_rule c2s_rule_layer_norm_multiplied = {
    .name = "layer-norm",
    .summary = "mean and variance over the last axes, written out -> LayerNormalization",
    C2S_ROWS(multiplied),
    .opset = 17,
    .refuse = refuse,
    .build = build};

/* ---- x * g + (shift - mean * g) ---- */

static const char *refuse_affine(const c2s_match *m) {
    int axis;
    double epsilon;
    const char *reason = read(m, &axis, &epsilon);
    if (reason)
        return reason;
    return c2s_fits_norm(m->value[SCALE], m->value[X], axis) &&
                   c2s_fits_norm(m->value[SHIFT], m->value[X], axis)
               ? NULL
               : "scale or shift is not a constant with one number per normalized element";
}

static c2s_value *build_affine(c2s_builder *b, const c2s_match *m) {
    int axis;
    double epsilon;
    read(m, &axis, &epsilon);
    return c2s_build_norm(b, "LayerNormalization", m->value[X], axis, epsilon, m->value[SCALE],
                          m->value[SHIFT]);
}

static const c2s_pattern_row as_affine[] = {
    STATISTICS,
    {.op = &c2s_op_reciprocal, .out = I, .in = {ROOT}},
    {.op = &c2s_op_mul, .out = G, .in = {I, SCALE}},
    {.op = &c2s_op_mul, .out = XG, .in = {X, G}},
    {.op = &c2s_op_mul, .out = MG, .in = {MEAN, G}},
    {.op = &c2s_op_sub, .out = T, .in = {SHIFT, MG}},
    {.op = &c2s_op_add, .in = {XG, T}},
};
const c2s_rule c2s_rule_layer_norm_as_affine = {
    .name = "layer-norm",
    .summary = "mean and variance over the last axes, written out -> LayerNormalization",
    C2S_ROWS(as_affine),
    .constants = C2S_BIT(SCALE) | C2S_BIT(SHIFT),
    .opset = 17,
    .refuse = refuse_affine,
    .build = build_affine};
