/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: LayerNormalization or RMSNormalization, then Mul or Add with a constant
 * After:  the normalization with that scale or shift in place
 * Refuses when the constant does not have one number per normalized element, when a scale would
 * follow a shift, and for a shift of RMSNormalization, which has none.
 */
#include "passes/recompose/normalised_axes.h"

enum { X = C2S_LETTER_A, SCALE, SHIFT, Y, C };

static int axis_of(const c2s_node *norm, const c2s_value *x) {
    int64_t axis = c2s_attr_int(norm, "axis", -1);
    return (int)(axis < 0 ? axis + x->type.rank : axis);
}

static const char *refuse(const c2s_match *m) {
    const c2s_value *x = m->value[X];
    if (!c2s_is_float_value(x) || x->type.rank < 1)
        return "the element type or the rank is not known";
    return c2s_fits_norm(m->value[C], x, axis_of(m->node[0], x))
               ? NULL
               : "the constant does not have one number per normalized element";
}

static const char *refuse_scale(const c2s_match *m) {
    const char *reason = refuse(m);
    if (reason)
        return reason;
    if (m->value[SHIFT])
        return "the normalization has a shift already";
    return c2s_fits_norm(m->value[SCALE], m->value[X], axis_of(m->node[0], m->value[X]))
               ? NULL
               : "the scale of the normalization is broadcast";
}

static c2s_value *product(c2s_builder *b, c2s_value *scale, c2s_value *c) {
    const c2s_tensor *old = scale->constant, *factor = c->constant;
    if (c2s_constant_is_all(scale, 1))
        return c;
    double *values = c2s_alloc_array(old->count + 1, sizeof *values);
    for (size_t i = 0; i < old->count; i++)
        values[i] = c2s_tensor_f64_at(old, i) * c2s_tensor_f64_at(factor, i);
    c2s_tensor *tensor = NULL;
    c2s_status status =
        c2s_tensor_from_f64(old->type.dtype, old->type.rank, old->type.dim, values, &tensor);
    free(values);
    return c2s_build_ok(b, status) ? c2s_build_constant_like(b, c, tensor) : NULL;
}

static c2s_value *build_scale(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[X], product(b, m->value[SCALE], m->value[C])};
    return c2s_build_finish(b, c2s_build_like(b, m->node[0], in, 2));
}

static const char *refuse_shift(const c2s_match *m) {
    if (m->node[0]->op == &c2s_op_rms_normalization)
        return c2s_no_match;
    return m->value[SHIFT] ? "the normalization has a shift already" : refuse(m);
}

static c2s_value *build_shift(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[X], m->value[SCALE], m->value[C]};
    return c2s_build_finish(b, c2s_build_like(b, m->node[0], in, 3));
}

static const c2s_op *const norms[] = {&c2s_op_layer_normalization, &c2s_op_rms_normalization, NULL};

static const c2s_pattern_row scaled[] = {
    {.any_of = norms, .out = Y, .in = {X, SCALE, SHIFT | C2S_OPTIONAL}},
    {.op = &c2s_op_mul, .in = {Y, C}},
};
const c2s_rule c2s_rule_norm_scale = {.name = "norm-scale",
                                      .summary =
                                          "LayerNormalization or RMSNormalization, then Mul with a "
                                          "constant -> the normalization with that scale",
                                      C2S_ROWS(scaled),
                                      .constants = C2S_BIT(SCALE) | C2S_BIT(C),
                                      .refuse = refuse_scale,
                                      .build = build_scale};

static const c2s_pattern_row shifted[] = {
    {.any_of = norms, .out = Y, .in = {X, SCALE, SHIFT | C2S_OPTIONAL}},
    {.op = &c2s_op_add, .in = {Y, C}},
};
const c2s_rule c2s_rule_norm_shift = {
    .name = "norm-shift",
    .summary = "LayerNormalization, then Add of a constant -> the normalization with that shift",
    C2S_ROWS(shifted),
    .constants = C2S_BIT(C),
    .refuse = refuse_shift,
    .build = build_shift};
