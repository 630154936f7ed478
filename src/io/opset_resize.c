/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize backwards: all axes, all operands, the one rule of opset 10, Upsample.
 */
#include <string.h>

#include "io/opset_rows.h"

enum { X, ROI, SCALES, SIZES };

/* ---- opset 18: axes ---- */

typedef struct spread {
    int rank;
    size_t count;
    int64_t axes[C2S_MAX_RANK];
} spread;

static c2s_status read_axes(const c2s_node *node, spread *s) {
    const c2s_type *type = &node->inputs[X].value->type;
    const int64_t *axes = c2s_attr_ints(node, "axes", &s->count);
    if (!c2s_type_is_tensor(type) || type->rank < 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "it resizes some axes, and the rank is not known");
    s->rank = type->rank;
    if (s->count > (size_t)s->rank)
        return c2s_fail(C2S_ERR_INVALID, "%zu axes of rank %d", s->count, s->rank);
    for (size_t i = 0; i < s->count; i++) {
        s->axes[i] = axes[i] < 0 ? axes[i] + s->rank : axes[i];
        if (s->axes[i] < 0 || s->axes[i] >= s->rank)
            return c2s_fail(C2S_ERR_INVALID, "axis %lld of rank %d", (long long)axes[i], s->rank);
    }
    return C2S_OK;
}

/* Operand `slot`, one number per axis (roi: two), becomes one for all axes, `whole` elsewhere. */
static c2s_status spread_operand(c2s_raise *r, c2s_node *node, const spread *s, unsigned slot,
                                 const double *whole) {
    const c2s_value *old = c2s_node_in(node, slot);
    const size_t halves = slot == ROI ? 2 : 1;
    if (!old || (old->constant && old->constant->count == 0))
        return C2S_OK;
    if (!old->constant)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "it resizes some axes, by numbers that are computed while the model runs");
    if (old->constant->count != halves * s->count)
        return c2s_fail(C2S_ERR_INVALID, "input %u has %zu numbers for %zu axes", slot,
                        old->constant->count, s->count);
    double values[2 * C2S_MAX_RANK];
    for (int d = 0; d < s->rank; d++)
        for (size_t h = 0; h < halves; h++)
            values[(size_t)d + h * (size_t)s->rank] = slot == ROI ? (double)h : whole[d];
    for (size_t i = 0; i < s->count; i++)
        for (size_t h = 0; h < halves; h++)
            values[(size_t)s->axes[i] + h * (size_t)s->rank] =
                c2s_tensor_f64_at(old->constant, i + h * s->count);
    c2s_tensor *tensor;
    const int64_t count = (int64_t)halves * s->rank;
    C2S_TRY(c2s_tensor_from_f64(old->constant->type.dtype, 1, &count, values, &tensor));
    c2s_use_set(&node->inputs[slot], c2s_raise_constant(r, node, old->name, tensor));
    return C2S_OK;
}

/* The same for sizes, of which some are computed, or extents of the input that are not known. */
static c2s_status join_sizes(c2s_raise *r, c2s_node *node, const spread *s) {
    int64_t from[C2S_MAX_RANK];
    for (int d = 0; d < s->rank; d++)
        from[d] = d;
    for (size_t i = 0; i < s->count; i++)
        from[s->axes[i]] = s->rank + (int64_t)i;
    c2s_value *x = node->inputs[X].value;
    c2s_value *both[] = {c2s_raise_node(r, node, "Shape", &x, 1), c2s_node_in(node, SIZES)};
    c2s_value *in[] = {c2s_raise_node(r, node, "Concat", both, 2), NULL};
    c2s_attr_set_int(in[0]->def, "axis", 0);
    C2S_TRY(c2s_raise_ints(r, node, "axes", from, (size_t)s->rank, &in[1]));
    c2s_use_set(&node->inputs[SIZES], c2s_raise_node(r, node, "Gather", in, 2));
    return C2S_OK;
}

c2s_status c2s_lower_resize_axes(c2s_raise *r, c2s_node *node) {
    spread s;
    double whole[C2S_MAX_RANK];
    if (!c2s_attr_has(node, "axes"))
        return C2S_OK;
    C2S_TRY(read_axes(node, &s));
    const c2s_type *type = &node->inputs[X].value->type;
    for (int d = 0; d < s.rank; d++)
        whole[d] = 1;
    C2S_TRY(spread_operand(r, node, &s, ROI, whole));
    C2S_TRY(spread_operand(r, node, &s, SCALES, whole));
    if (c2s_node_in(node, SIZES)) {
        bool resized[C2S_MAX_RANK] = {false}, known = c2s_node_in(node, SIZES)->constant != NULL;
        for (size_t i = 0; i < s.count; i++)
            resized[s.axes[i]] = true;
        for (int d = 0; d < s.rank; d++) {
            known = known && (resized[d] || c2s_dim_is_known(type->dim[d]));
            whole[d] = resized[d] ? 0 : (double)type->dim[d];
        }
        C2S_TRY(known ? spread_operand(r, node, &s, SIZES, whole) : join_sizes(r, node, &s));
    }
    c2s_attr_remove(node, "axes");
    return C2S_OK;
}

/* ---- opset 13: operands that may be left out ---- */

c2s_status c2s_lower_resize_operands(c2s_raise *r, c2s_node *node) {
    for (unsigned slot = ROI; slot <= SCALES; slot++) {
        c2s_tensor *none;
        if (c2s_node_in(node, slot))
            continue;
        C2S_TRY(c2s_tensor_from_f64(C2S_FLOAT, 1, &(int64_t){0}, NULL, &none));
        c2s_raise_set_input(node, slot, c2s_raise_constant(r, node, "none", none));
    }
    return C2S_OK;
}

/* ---- opset 11: how a position is found ---- */

static c2s_status constant_scales(const c2s_node *node, unsigned slot, double *least,
                                  double *most) {
    const c2s_value *scales = c2s_node_in(node, slot);
    if (!scales || !scales->constant || scales->constant->count == 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "before opset 11 an image is resized by scales, and "
                                             "here they are not given or not constant");
    *least = *most = c2s_tensor_f64_at(scales->constant, 0);
    for (size_t i = 1; i < scales->constant->count; i++) {
        const double scale = c2s_tensor_f64_at(scales->constant, i);
        *least = scale < *least ? scale : *least;
        *most = scale > *most ? scale : *most;
    }
    return C2S_OK;
}

c2s_status c2s_lower_resize_rule(c2s_raise *r, c2s_node *node) {
    (void)r;
    double least, most;
    const char *mode = c2s_attr_string(node, "mode", "nearest");
    const char *rule = c2s_attr_string(node, "coordinate_transformation_mode", "half_pixel");
    const char *nearest = c2s_attr_string(node, "nearest_mode", "round_prefer_floor");
    C2S_TRY(constant_scales(node, SCALES, &least, &most));
    if (c2s_attr_int(node, "antialias", 0))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "antialias is on, which came with opset 18");
    const bool linear = strcmp(mode, "linear") == 0;
    const bool same = (strcmp(nearest, "floor") == 0 && least >= 1) ||
                      (strcmp(nearest, "ceil") == 0 && most <= 1);
    if (strcmp(rule, "asymmetric") != 0 || strcmp(mode, "cubic") == 0 || (!linear && !same) ||
        c2s_attr_int(node, "exclude_outside", 0))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "positions are found by %s, %s%s%s, which came with opset 11", mode, rule,
                        linear ? "" : ", ", linear ? "" : nearest);
    c2s_raise_become(node, "Resize",
                     (c2s_value *[]){c2s_node_in(node, X), c2s_node_in(node, SCALES)}, 2);
    c2s_attr_set_string(node, "mode", linear ? "linear" : "nearest");
    return C2S_OK;
}

/* ---- opset 10: Upsample ---- */

c2s_status c2s_lower_resize_upsample(c2s_raise *r, c2s_node *node) {
    (void)r;
    double least, most;
    C2S_TRY(constant_scales(node, 1, &least, &most));
    if (least < 1)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a scale is %g, expected at least 1 before opset 10",
                        least);
    c2s_node_set_type(node, "", "Upsample");
    return C2S_OK;
}

c2s_status c2s_lower_upsample_scales(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_tensor *scales = c2s_node_in(node, 1)->constant;
    float *values = c2s_alloc_array(scales->count, sizeof *values);
    for (size_t i = 0; i < scales->count; i++)
        values[i] = (float)c2s_tensor_f64_at(scales, i);
    c2s_attr_set_floats(node, "scales", values, scales->count);
    free(values);
    c2s_node_resize_inputs(node, 1);
    return C2S_OK;
}
