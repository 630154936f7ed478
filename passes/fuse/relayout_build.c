/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a node that computes in another order of axes: its constants, and what it says of axes.
 */
#include "base/vec.h"
#include "passes/constants.h"
#include "passes/fuse/relayout_kind.h"

typedef C2S_VEC(c2s_value *) operands;

/* ---- constants ---- */

/* The tensor as a broadcast operand of that rank, reordered, again without leading extents of 1
 * that it did not have. */
static c2s_tensor *reorder(c2s_builder *b, const c2s_tensor *tensor, const c2s_axis_order *order) {
    const unsigned rank = order->rank, own = (unsigned)tensor->type.rank;
    int64_t dim[C2S_MAX_RANK], perm[C2S_MAX_RANK];
    for (unsigned i = 0; i < rank; i++) {
        dim[i] = i < rank - own ? 1 : tensor->type.dim[i - (rank - own)];
        perm[i] = order->axis[i];
    }
    c2s_tensor *wide = NULL, *moved = NULL, *narrow = NULL;
    if (!c2s_build_ok(b, c2s_tensor_reshape(tensor, (int)rank, dim, &wide)))
        return NULL;
    /* A Transpose that is evaluated and gone. */
    c2s_node *node = c2s_node_create(b->graph, b->before, "", "Transpose", 1, 1);
    c2s_attr_set_ints(node, "perm", perm, rank);
    const c2s_tensor *in[] = {wide};
    c2s_build_ok(b, c2s_node_eval(node, in, &moved, NULL, 0));
    c2s_node_remove(node);
    c2s_tensor_unref(wide);
    if (!moved)
        return NULL;
    unsigned leading = 0;
    while (leading < rank - own && moved->type.dim[leading] == 1)
        leading++;
    c2s_build_ok(
        b, c2s_tensor_reshape(moved, (int)(rank - leading), moved->type.dim + leading, &narrow));
    c2s_tensor_unref(moved);
    return narrow;
}

static c2s_value *reorder_constant(c2s_builder *b, c2s_value *old, const c2s_axis_order *order) {
    c2s_tensor *tensor = b->status == C2S_OK ? reorder(b, old->constant, order) : NULL;
    return c2s_build_constant_like(b, old, tensor);
}

/* Integers in the place of others, of the same type and rank. */
static c2s_value *like_ints(c2s_builder *b, c2s_value *old, c2s_dtype dtype, int rank,
                            const int64_t *values, size_t count) {
    int64_t dim = (int64_t)count;
    c2s_tensor *tensor = NULL;
    if (!c2s_build_ok(b, c2s_tensor_from_i64(dtype, rank, &dim, values, &tensor)))
        return NULL;
    return old ? c2s_build_constant_like(b, old, tensor) : c2s_build_constant(b, "axes", tensor);
}

/* ---- what the node says of axes ---- */

static void renumber_axis(c2s_node *node, const c2s_axis_order *order) {
    unsigned axis;
    if (c2s_relayout_axis(node, order->rank, &axis))
        c2s_attr_set_int(node, "axis", c2s_axis_order_find(order, axis));
}

static void sort(c2s_ints *axes) {
    for (unsigned i = 1; i < axes->count; i++)
        for (unsigned k = i; k > 0 && axes->at[k - 1] > axes->at[k]; k--) {
            const int64_t swapped = axes->at[k];
            axes->at[k] = axes->at[k - 1];
            axes->at[k - 1] = swapped;
        }
}

/* Axes in an attribute or in `slot`; those of reductions may be in any order. */
static void renumber_axes(c2s_builder *b, c2s_node *node, operands *in, unsigned slot,
                          const c2s_axis_order *order, bool any_order) {
    c2s_ints axes;
    bool given;
    if (!c2s_node_axes(node, slot, (int)order->rank, &axes, &given) || !given || axes.count == 0)
        return;
    for (unsigned i = 0; i < axes.count; i++)
        axes.at[i] = c2s_axis_order_find(order, (unsigned)axes.at[i]);
    if (any_order)
        sort(&axes);
    if (c2s_attr_has(node, "axes")) {
        c2s_attr_set_ints(node, "axes", axes.at, axes.count);
    } else {
        c2s_value *old = in->at[slot];
        in->at[slot] = like_ints(b, old, old->type.dtype, 1, axes.at, axes.count);
    }
}

/* A constant with an element per axis and part (Pad has two: before, behind). */
static void renumber_list(c2s_builder *b, operands *in, unsigned slot, const c2s_axis_order *order,
                          unsigned parts) {
    c2s_value *old = slot < in->count ? in->at[slot] : NULL;
    const unsigned rank = order->rank;
    if (!old || !old->constant || old->constant->count != (size_t)parts * rank)
        return;
    double values[C2S_MAX_INTS]; /* exact: extents and pads that could be computed, or scales */
    for (unsigned part = 0; part < parts; part++)
        for (unsigned i = 0; i < rank; i++)
            values[part * rank + i] =
                c2s_tensor_f64_at(old->constant, part * rank + order->axis[i]);
    c2s_tensor *tensor = NULL;
    if (c2s_build_ok(b, c2s_tensor_from_f64(old->constant->type.dtype, 1, old->constant->type.dim,
                                            values, &tensor)))
        in->at[slot] = c2s_build_constant_like(b, old, tensor);
}

static void renumber_slice(c2s_builder *b, c2s_node *node, operands *in,
                           const c2s_axis_order *order) {
    if (c2s_node_in(node, 3)) {
        renumber_axes(b, node, in, 3, order, false);
        return;
    }
    int64_t axes[C2S_MAX_RANK];
    const c2s_type *starts = &in->at[1]->type;
    for (int64_t i = 0; i < starts->dim[0]; i++)
        axes[i] = c2s_axis_order_find(order, (unsigned)i);
    while (in->count < 4)
        c2s_vec_push(in, NULL);
    in->at[3] = like_ints(b, NULL, starts->dtype, 1, axes, (size_t)starts->dim[0]);
}

static void renumber_scan(c2s_builder *b, operands *in, const c2s_axis_order *order) {
    c2s_value *old = in->at[1];
    int64_t axis = 0;
    c2s_tensor_i64_at(old->constant, 0, &axis);
    axis = c2s_axis_order_find(order, (unsigned)(axis + (axis < 0 ? (int64_t)order->rank : 0)));
    in->at[1] = like_ints(b, old, old->type.dtype, old->type.rank, &axis, 1);
}

static void renumber(c2s_builder *b, c2s_node *node, const c2s_relayout *relayout, operands *in) {
    const c2s_axis_order *order = &relayout->in;
    switch (c2s_relayout_kind_of(node)) {
    case C2S_ALONG_AXIS:
        renumber_axis(node, order);
        break;
    case C2S_QUANTIZATION:
        if (c2s_relayout_has_scales(node))
            renumber_axis(node, order);
        break;
    case C2S_CUMULATIVE:
        renumber_scan(b, in, order);
        break;
    case C2S_REDUCTION:
        renumber_axes(b, node, in, 1, order, true);
        break;
    case C2S_PAD:
        if (c2s_node_in(node, 3))
            renumber_axes(b, node, in, 3, order, false);
        else
            renumber_list(b, in, 1, order, 2);
        break;
    case C2S_TILE:
        renumber_list(b, in, 1, order, 1);
        break;
    case C2S_SLICE:
        renumber_slice(b, node, in, order);
        break;
    case C2S_RESIZE:
        if (c2s_attr_has(node, "axes")) {
            renumber_axes(b, node, in, UINT8_MAX, order, false);
        } else {
            renumber_list(b, in, 2, order, 1);
            renumber_list(b, in, 3, order, 1);
        }
        break;
    default:
        break;
    }
}

/* ---- nodes ---- */

/* The extents of the reordered result. */
static c2s_node *build_view(c2s_builder *b, const c2s_node *node, const c2s_relayout *relayout,
                            c2s_value *x) {
    c2s_dim dim[C2S_MAX_RANK];
    c2s_ints target;
    const unsigned rank = relayout->out.rank;
    for (unsigned i = 0; i < rank; i++)
        dim[i] = node->outputs[0]->type.dim[relayout->out.axis[i]];
    if (!x || !c2s_reshape_target(x, dim, rank, &target)) {
        c2s_build_ok(b, c2s_fail(C2S_ERR_UNSUPPORTED, "more than one extent is not known"));
        return NULL;
    }
    c2s_value *in[] = {x, c2s_build_ints(b, "shape", target.at, target.count)};
    c2s_node *view = c2s_build_start(b, "Reshape", in, 2);
    if (view)
        view->name = node->name;
    return c2s_build_finish(b, view) ? view : NULL;
}

c2s_node *c2s_relayout_build(c2s_builder *b, const c2s_node *node, const c2s_relayout *relayout,
                             c2s_value *const *given) {
    if (c2s_relayout_kind_of(node) == C2S_VIEW)
        return build_view(b, node, relayout, given[0]);
    operands in = {0};
    for (unsigned slot = 0; slot < node->formal_count; slot++) {
        c2s_axis_order order;
        const bool constant =
            c2s_relayout_input(node, slot, relayout, &order) == C2S_FOLLOW_CONSTANT;
        c2s_vec_push(&in, constant ? reorder_constant(b, given[slot], &order) : given[slot]);
    }
    c2s_node *made = c2s_build_like(b, node, in.at, (unsigned)in.count);
    for (unsigned i = 1; made && i < node->output_count; i++)
        c2s_node_add_output(made, node->outputs[i] ? node->outputs[i]->name : "");
    if (made) {
        renumber(b, made, relayout, &in);
        if (in.count > made->formal_count)
            c2s_node_resize_inputs(made, (unsigned)in.count);
        for (unsigned slot = 0; slot < in.count && b->status == C2S_OK; slot++)
            c2s_use_set(&made->inputs[slot], in.at[slot]);
        made->changed = true;
    }
    c2s_vec_free(&in);
    return c2s_build_finish(b, made) ? made : NULL;
}
