/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/recompose/normalised_axes.h"

#include <float.h>

const char *c2s_normalised_axes(const c2s_node *mean, const c2s_value *x, int *axis) {
    int rank = x->type.rank;
    c2s_ints axes;
    bool given, seen[C2S_MAX_RANK] = {false};
    /* Statistics are computed in float32: more would be lost than gained in double. */
    if (!c2s_is_float_value(x) || x->type.dtype == C2S_DOUBLE || rank < 1)
        return "the element type or the rank is not known, or double";
    if (!c2s_attr_int(mean, "keepdims", 1))
        return "the mean does not keep its axes";
    if (!c2s_node_axes(mean, 1, rank, &axes, &given))
        return "the axes are not known";
    if (!given || axes.count == 0 || axes.count > (unsigned)rank)
        return "the mean runs over all axes";
    *axis = rank - (int)axes.count;
    for (unsigned i = 0; i < axes.count; i++)
        seen[axes.at[i]] = true;
    for (int a = *axis; a < rank; a++)
        if (!seen[a] || !c2s_dim_is_known(x->type.dim[a]) || x->type.dim[a] < 1)
            return "the mean runs over other axes than the last ones, or their extents are not "
                   "known";
    return NULL;
}

const char *c2s_normalised_axes_both(const c2s_node *mean, const c2s_node *other,
                                     const c2s_value *x, int *axis) {
    int second;
    const char *reason = c2s_normalised_axes(mean, x, axis);
    if (!reason)
        reason = c2s_normalised_axes(other, x, &second);
    return reason || *axis == second ? reason : "the means run over different axes";
}

const char *c2s_norm_epsilon(const c2s_value *epsilon, double *out) {
    if (!c2s_constant_scalar(epsilon, out) || !(*out > 0 && *out < FLT_MAX))
        return "epsilon is not a positive number";
    return NULL;
}

bool c2s_fits_norm(const c2s_value *constant, const c2s_value *x, int axis) {
    const c2s_tensor *tensor = constant->constant;
    if (!tensor || tensor->type.dtype != x->type.dtype || tensor->type.rank != x->type.rank - axis)
        return false;
    for (int a = axis; a < x->type.rank; a++)
        if (tensor->type.dim[a - axis] != x->type.dim[a])
            return false;
    return true;
}

static c2s_value *ones(c2s_builder *b, const c2s_type *x, int axis) {
    size_t count = 1;
    for (int a = axis; a < x->rank; a++)
        if (!c2s_mul_size(count, (size_t)x->dim[a], &count) || count > (size_t)1 << 24)
            return c2s_build_constant(b, "scale", NULL);
    double *values = c2s_alloc_array(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = 1;
    c2s_tensor *tensor = NULL;
    c2s_status status =
        c2s_tensor_from_f64(x->dtype, x->rank - axis, &x->dim[axis], values, &tensor);
    free(values);
    return c2s_build_ok(b, status) ? c2s_build_constant(b, "scale", tensor) : NULL;
}

c2s_value *c2s_build_norm(c2s_builder *b, const char *type, c2s_value *x, int axis, double epsilon,
                          c2s_value *scale, c2s_value *shift) {
    c2s_value *in[3] = {x, scale ? scale : ones(b, &x->type, axis), shift};
    c2s_node *node = c2s_build_start(b, type, in, shift ? 3 : 2);
    if (node) {
        c2s_attr_set_int(node, "axis", axis - x->type.rank);
        c2s_attr_set_float(node, "epsilon", (float)epsilon);
    }
    return c2s_build_finish(b, node);
}
