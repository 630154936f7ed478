/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Reshape to [batch, groups, -1], InstanceNormalization, Reshape back
 * After:  GroupNormalization with that scale and shift for each channel
 * Refuses when batch, groups or channels are not known to be kept, or before opset 21, from which
 * on scale and shift are per channel.
 */
#include "passes/recompose/normalised_axes.h"

enum { X = C2S_LETTER_A, R, SCALE, SHIFT, N };

static const char *refuse(const c2s_match *m) {
    const c2s_type *x = &m->value[X]->type, *r = &m->value[R]->type;
    if (!c2s_is_float_value(m->value[X]) || x->rank < 3 || x->dtype == C2S_DOUBLE || r->rank != 3)
        return c2s_no_match;
    if (!c2s_same_type(m->value[X], m->root->outputs[0]))
        return "the result has another shape";
    if (x->dim[0] != r->dim[0] || !c2s_dim_is_known(r->dim[1]) || !c2s_dim_is_known(x->dim[1]) ||
        r->dim[1] < 1 || x->dim[1] % r->dim[1] != 0)
        return "batch, groups or channels are not known";
    return m->value[SCALE]->constant->count == (size_t)r->dim[1] &&
                   m->value[SHIFT]->constant->count == (size_t)r->dim[1]
               ? NULL
               : "scale and shift are not per group";
}

/* Each number for all channels of its group. */
static c2s_value *spread(c2s_builder *b, c2s_value *constant, int64_t channels) {
    const c2s_tensor *t = constant->constant;
    double *values = c2s_alloc_array((size_t)channels + 1, sizeof *values);
    for (int64_t i = 0; i < channels; i++)
        values[i] = c2s_tensor_f64_at(t, (size_t)(i / (channels / (int64_t)t->count)));
    c2s_tensor *tensor = NULL;
    c2s_status status = c2s_tensor_from_f64(t->type.dtype, 1, &channels, values, &tensor);
    free(values);
    return c2s_build_ok(b, status) ? c2s_build_constant_like(b, constant, tensor) : NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    int64_t channels = m->value[X]->type.dim[1];
    c2s_value *in[] = {m->value[X], spread(b, m->value[SCALE], channels),
                       spread(b, m->value[SHIFT], channels)};
    c2s_node *node = in[1] && in[2] ? c2s_build_start(b, "GroupNormalization", in, 3) : NULL;
    if (node) {
        c2s_attr_set_int(node, "num_groups", m->value[R]->type.dim[1]);
        c2s_attr_set_float(node, "epsilon", c2s_attr_float(m->node[1], "epsilon", 1e-5f));
    }
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_reshape, .out = R, .in = {X}},
    {.op = &c2s_op_instance_normalization, .out = N, .in = {R, SCALE, SHIFT}},
    {.op = &c2s_op_reshape, .in = {N}},
};
const c2s_rule c2s_rule_group_norm = {
    .name = "group-norm",
    .summary = "InstanceNormalization of groups of channels, between Reshapes -> "
               "GroupNormalization; only with recompose(group_norm=yes)",
    C2S_ROWS(rows),
    .constants = C2S_BIT(SCALE) | C2S_BIT(SHIFT),
    .opset = 21,
    .refuse = refuse,
    .build = build};
