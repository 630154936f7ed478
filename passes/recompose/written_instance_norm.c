/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: d = x - ReduceMean(x), then d / Sqrt(ReduceMean(d * d) + epsilon), divided or multiplied
 *         by the reciprocal, with the means over all axes behind the channels
 * After:  InstanceNormalization with scales of ones and shifts of zeros
 * Before: InstanceNormalization or GroupNormalization, then Mul or Add with a number per channel
 * After:  the normalization with that scale or shift in place
 * Refuses below 4 axes, where such means are those of a layer normalization, and when the number of
 * channels is not known.
 */
#include "passes/recompose/written_statistics.h"

enum { I = FIRST_FREE_LETTER, SCALE, SHIFT, Y, C };

static bool is_over_positions(const c2s_node *mean, int rank) {
    c2s_ints axes;
    bool given, seen[C2S_MAX_RANK] = {false};
    if (!c2s_attr_int(mean, "keepdims", 1) || !c2s_node_axes(mean, 1, rank, &axes, &given) ||
        !given || axes.count != (unsigned)rank - 2)
        return false;
    for (unsigned i = 0; i < axes.count; i++) {
        if (axes.at[i] < 2 || seen[axes.at[i]])
            return false;
        seen[axes.at[i]] = true;
    }
    return true;
}

/* A number for each channel of `result`, or one for all. */
static bool is_per_channel(const c2s_value *constant, const c2s_value *result) {
    const c2s_type *c = &constant->type, *y = &result->type;
    if (constant->constant->count == 1 && c->rank <= y->rank)
        return true;
    if (c->kind != C2S_KIND_TENSOR || c->rank > y->rank || c->rank < y->rank - 1)
        return false;
    for (int i = 0; i < c->rank; i++)
        if (c->dim[i] != (i == c->rank - y->rank + 1 ? y->dim[1] : 1))
            return false;
    return true;
}

/* What follows is a scale per position, which LayerNormalization has. */
static bool is_layer_norm(const c2s_match *m) {
    int axis;
    const c2s_value *y = m->root->outputs[0];
    const c2s_node *next = y->use_count == 1 ? y->uses->user : NULL;
    if (!next || next->op != &c2s_op_mul || c2s_model_opset(y->graph->model, "") < 17 ||
        c2s_normalised_axes(m->node[0], m->value[X], &axis))
        return false;
    const c2s_value *c = c2s_node_in(next, y->uses->slot == 0 ? 1 : 0);
    return c && c->constant && !is_per_channel(c, m->value[X]);
}

static const char *refuse(const c2s_match *m) {
    const c2s_value *x = m->value[X];
    double epsilon;
    if (!c2s_is_square(m->node[2], m->value[D]) || x->type.rank < 4 ||
        !is_over_positions(m->node[0], x->type.rank) ||
        !is_over_positions(m->node[3], x->type.rank))
        return c2s_no_match;
    if (!c2s_is_float_value(x) || x->type.dtype == C2S_DOUBLE || x->type.dtype == C2S_BFLOAT16)
        return "InstanceNormalization is not common for this type";
    if (!c2s_dim_is_known(x->type.dim[1]) || x->type.dim[1] < 1)
        return "the number of channels is not known";
    if (is_layer_norm(m))
        return "the scale is per position: a layer normalization";
    return c2s_norm_epsilon(m->value[EPSILON], &epsilon);
}

static c2s_value *all(c2s_builder *b, const c2s_value *x, const char *hint, double number) {
    int64_t count = x->type.dim[1];
    double *values = c2s_alloc_array((size_t)count, sizeof *values);
    for (int64_t i = 0; i < count; i++)
        values[i] = number;
    c2s_tensor *tensor = NULL;
    c2s_status status = c2s_tensor_from_f64(x->type.dtype, 1, &count, values, &tensor);
    free(values);
    return c2s_build_ok(b, status) ? c2s_build_constant(b, hint, tensor) : NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *x = m->value[X];
    c2s_value *in[] = {x, all(b, x, "scale", 1), all(b, x, "shift", 0)};
    double epsilon;
    c2s_norm_epsilon(m->value[EPSILON], &epsilon);
    c2s_node *node = in[1] && in[2] ? c2s_build_start(b, "InstanceNormalization", in, 3) : NULL;
    if (node)
        c2s_attr_set_float(node, "epsilon", (float)epsilon);
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row divided[] = {STATISTICS, {.op = &c2s_op_div, .in = {D, ROOT}}};
const c2s_rule c2s_rule_instance_norm_divided = {
    .name = "instance-norm",
    .summary = "mean and variance of each channel, written out -> InstanceNormalization",
    C2S_ROWS(divided),
    .refuse = refuse,
    .build = build};

static const c2s_pattern_row multiplied[] = {
    STATISTICS,
    {.op = &c2s_op_reciprocal, .out = I, .in = {ROOT}},
    {.op = &c2s_op_mul, .in = {D, I}},
};
const c2s_rule c2s_rule_instance_norm_multiplied = {
    .name = "instance-norm",
    .summary = "mean and variance of each channel, written out -> InstanceNormalization",
    C2S_ROWS(multiplied),
    .refuse = refuse,
    .build = build};

/* ---- scale and shift ---- */

static const char *refuse_affine(const c2s_match *m) {
    const c2s_value *x = m->value[X];
    if (!c2s_is_float_value(x) || x->type.rank < 3 || !c2s_dim_is_known(x->type.dim[1]))
        return "the element type or the channels are not known";
    if (m->value[SCALE]->type.rank != 1 || m->value[SCALE]->type.dim[0] != x->type.dim[1] ||
        m->value[SHIFT]->type.rank != 1 || m->value[SHIFT]->type.dim[0] != x->type.dim[1])
        return "the normalization has no scale and shift per channel";
    return is_per_channel(m->value[C], x) ? NULL : "the constant is not per channel";
}

/* `old` times the constant, or plus it. */
static c2s_value *combined(c2s_builder *b, c2s_value *old, const c2s_value *c, bool product) {
    const c2s_tensor *a = old->constant, *with = c->constant;
    double *values = c2s_alloc_array(a->count + 1, sizeof *values);
    for (size_t i = 0; i < a->count; i++) {
        double number = c2s_tensor_f64_at(with, with->count == 1 ? 0 : i);
        values[i] = product ? c2s_tensor_f64_at(a, i) * number : c2s_tensor_f64_at(a, i) + number;
    }
    c2s_tensor *tensor = NULL;
    c2s_status status = c2s_tensor_from_f64(a->type.dtype, 1, a->type.dim, values, &tensor);
    free(values);
    return c2s_build_ok(b, status) ? c2s_build_constant_like(b, old, tensor) : NULL;
}

static c2s_value *build_affine(c2s_builder *b, const c2s_match *m) {
    bool product = m->root->op == &c2s_op_mul;
    c2s_value *scale = m->value[SCALE], *shift = m->value[SHIFT];
    c2s_value *in[] = {m->value[X], product ? combined(b, scale, m->value[C], true) : scale,
                       combined(b, shift, m->value[C], product)};
    return in[1] && in[2] ? c2s_build_finish(b, c2s_build_like(b, m->node[0], in, 3)) : NULL;
}

static const c2s_op *const norms[] = {&c2s_op_instance_normalization, &c2s_op_group_normalization,
                                      NULL};
static const c2s_op *const affine[] = {&c2s_op_mul, &c2s_op_add, NULL};
static const c2s_pattern_row affine_rows[] = {
    {.any_of = norms, .out = Y, .in = {X, SCALE, SHIFT}},
    {.any_of = affine, .in = {Y, C}},
};
const c2s_rule c2s_rule_channel_norm_affine = {
    .name = "channel-norm-affine",
    .summary = "InstanceNormalization or GroupNormalization, then Mul or Add with a number per "
               "channel -> the normalization with that scale or shift",
    C2S_ROWS(affine_rows),
    .constants = C2S_BIT(SCALE) | C2S_BIT(SHIFT) | C2S_BIT(C),
    .refuse = refuse_affine,
    .build = build_affine};
