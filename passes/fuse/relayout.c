/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/fuse/relayout.h"

#include <string.h>

#include "passes/constants.h"
#include "passes/fuse/relayout_kind.h"

/* What the file says, and how many results there may be, all alike. */
static const struct row {
    const c2s_op *op;
    c2s_relayout_kind kind;
    int64_t axis; /* where the attribute is missing */
    bool drops;   /* the axis goes unless keepdims */
    bool slow;    /* along an axis that is not the last one */
} rows[] = {
    {&c2s_op_concat, C2S_ALONG_AXIS, 0, false, false},
    {&c2s_op_split, C2S_ALONG_AXIS, 0, false, false},
    {&c2s_op_softmax, C2S_ALONG_AXIS, -1, false, true},
    {&c2s_op_log_softmax, C2S_ALONG_AXIS, -1, false, true},
    {&c2s_op_hardmax, C2S_ALONG_AXIS, -1, false, true},
    {&c2s_op_arg_max, C2S_ALONG_AXIS, 0, true, false},
    {&c2s_op_arg_min, C2S_ALONG_AXIS, 0, true, false},
    {&c2s_op_quantize_linear, C2S_QUANTIZATION, 1, false, false},
    {&c2s_op_dequantize_linear, C2S_QUANTIZATION, 1, false, false},
    {&c2s_op_cum_sum, C2S_CUMULATIVE, 0, false, false},
    {&c2s_op_reduce_l1, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_l2, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_log_sum, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_log_sum_exp, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_max, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_mean, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_min, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_prod, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_sum, C2S_REDUCTION, 0, true, false},
    {&c2s_op_reduce_sum_square, C2S_REDUCTION, 0, true, false},
    {&c2s_op_squeeze, C2S_VIEW, 0, false, false},
    {&c2s_op_unsqueeze, C2S_VIEW, 0, false, false},
    {&c2s_op_reshape, C2S_VIEW, 0, false, false},
    {&c2s_op_flatten, C2S_VIEW, 0, false, false},
    {&c2s_op_pad, C2S_PAD, 0, false, false},
    {&c2s_op_slice, C2S_SLICE, 0, false, false},
    {&c2s_op_tile, C2S_TILE, 0, false, false},
    {&c2s_op_resize, C2S_RESIZE, 0, false, false},
};
static const struct row elementwise = {NULL, C2S_ELEMENTWISE, 0, false, false};
static const struct row pinned = {NULL, C2S_PINNED, 0, false, false};

static const struct row *row_of(const c2s_node *node) {
    const c2s_op *op = node->op;
    if (op->flags & C2S_OP_ELEMENTWISE && strcmp(op->domain, "") == 0)
        return op == &c2s_op_cast_like || node->output_count != 1 ? &pinned : &elementwise;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].op == op)
            return &rows[i];
    return &pinned;
}

c2s_relayout_kind c2s_relayout_kind_of(const c2s_node *node) {
    return row_of(node)->kind;
}

bool c2s_relayout_takes(const c2s_node *node) {
    return row_of(node)->kind != C2S_PINNED;
}

static bool has_rank(const c2s_value *value) {
    return value && value->type.kind == C2S_KIND_TENSOR && value->type.rank >= 0;
}

static unsigned rank_of(const c2s_value *value) {
    return (unsigned)value->type.rank;
}

/* ---- which axis of a result is which of the operand ---- */

typedef struct axis_map {
    unsigned in_rank, out_rank;
    int in_of[C2S_MAX_RANK]; /* by axis of the result; -1: it is new */
} axis_map;

/* Axes as the node says them; false if they are not known. */
bool c2s_relayout_axis(const c2s_node *node, unsigned rank, unsigned *axis) {
    int64_t given = c2s_attr_int(node, "axis", row_of(node)->axis);
    given += given < 0 ? (int64_t)rank : 0;
    *axis = (unsigned)given;
    return given >= 0 && given < (int64_t)rank;
}

bool c2s_relayout_has_scales(const c2s_node *node) {
    const c2s_type *scale = &node->inputs[1].value->type;
    return scale->rank == 1 && scale->dim[0] != 1;
}

static bool reduced_axes(const c2s_node *node, unsigned rank, uint32_t *axes) {
    c2s_ints list;
    bool given;
    *axes = (UINT32_C(1) << rank) - 1;
    if (!c2s_node_axes(node, 1, (int)rank, &list, &given) ||
        ((!given || list.count == 0) && c2s_attr_int(node, "noop_with_empty_axes", 0)))
        return false;
    if (!given || list.count == 0)
        return true;
    *axes = 0;
    for (unsigned i = 0; i < list.count; i++)
        *axes |= UINT32_C(1) << list.at[i];
    return true;
}

static void map_without(axis_map *map, uint32_t gone) {
    unsigned count = 0;
    for (unsigned axis = 0; axis < map->in_rank; axis++)
        if (!(gone >> axis & 1))
            map->in_of[count++] = (int)axis;
    map->out_rank = count;
}

/* The extents other than 1 are the same, in the same order. */
static bool map_view(const c2s_type *x, const c2s_type *y, axis_map *map) {
    unsigned next = 0;
    bool gone = false, new = false;
    for (unsigned axis = 0; axis < map->out_rank; axis++) {
        map->in_of[axis] = -1;
        if (y->dim[axis] == 1) {
            new = true;
            continue;
        }
        while (next < map->in_rank && x->dim[next] == 1)
            next++, gone = true;
        if (next == map->in_rank || x->dim[next] != y->dim[axis])
            return false;
        map->in_of[axis] = (int)next++;
    }
    for (; next < map->in_rank; next++, gone = true)
        if (x->dim[next] != 1)
            return false;
    return gone || new;
}

/* A 1 that is there before and after between the same neighbours is the same axis. */
static void map_ones(const c2s_type *x, axis_map *map) {
    unsigned next = 0;
    for (unsigned axis = 0; axis < map->out_rank; axis++) {
        if (map->in_of[axis] < 0 && next < map->in_rank && x->dim[next] == 1)
            map->in_of[axis] = (int)next;
        if (map->in_of[axis] >= 0)
            next = (unsigned)map->in_of[axis] + 1;
    }
}

static bool map_axes(const c2s_node *node, axis_map *map) {
    const struct row *row = row_of(node);
    const c2s_type *x = &node->inputs[0].value->type, *y = &node->outputs[0]->type;
    map->in_rank = (unsigned)x->rank;
    map->out_rank = (unsigned)y->rank;
    if (row->kind == C2S_VIEW) {
        if (!map_view(x, y, map))
            return false;
        map_ones(x, map);
        return true;
    }
    uint32_t gone = 0;
    if (row->kind == C2S_ELEMENTWISE)
        map->in_rank = map->out_rank;
    if (row->drops && !c2s_attr_int(node, "keepdims", 1)) {
        unsigned axis = 0;
        if (row->kind == C2S_REDUCTION ? !reduced_axes(node, map->in_rank, &gone)
                                       : !c2s_relayout_axis(node, map->in_rank, &axis))
            return false;
        gone = row->kind == C2S_REDUCTION ? gone : UINT32_C(1) << axis;
    }
    map_without(map, gone);
    return map->out_rank == (unsigned)y->rank;
}

/* The order of the axes on one side from that on the other: `other_of` as in_of; new axes stay
 * where they are. */
static c2s_axis_order carry(const c2s_axis_order *order, unsigned rank, const int *other_of) {
    int own_of[C2S_MAX_RANK];
    for (unsigned i = 0; i < C2S_MAX_RANK; i++)
        own_of[i] = -1;
    for (unsigned i = 0; i < rank; i++)
        if (other_of[i] >= 0)
            own_of[other_of[i]] = (int)i;
    c2s_axis_order own = {.rank = rank};
    unsigned next = 0;
    for (unsigned i = 0; i < rank; i++) {
        own.axis[i] = (uint8_t)i;
        if (other_of[i] < 0)
            continue;
        /* The places of axes that both sides have are filled in the other side's order. */
        while (own_of[order->axis[next]] < 0)
            next++;
        own.axis[i] = (uint8_t)own_of[order->axis[next++]];
    }
    return own;
}

static void carry_orders(const axis_map *map, bool backward, const c2s_axis_order *order,
                         c2s_relayout *out) {
    if (!backward) {
        out->in = *order;
        out->out = carry(order, map->out_rank, map->in_of);
        return;
    }
    int out_of[C2S_MAX_RANK];
    for (unsigned i = 0; i < C2S_MAX_RANK; i++)
        out_of[i] = -1;
    for (unsigned i = 0; i < map->out_rank; i++)
        if (map->in_of[i] >= 0)
            out_of[map->in_of[i]] = (int)i;
    out->out = *order;
    out->in = carry(order, map->in_rank, out_of);
}

/* ---- what the node says of axes can be said again ---- */

static const char *refuse_quantization(const c2s_node *node, unsigned rank) {
    const c2s_value *scale = c2s_node_in(node, 1);
    unsigned axis;
    if (c2s_attr_int(node, "block_size", 0) != 0 || !has_rank(scale) || scale->type.rank > 1)
        return "it is quantized in blocks";
    return !c2s_relayout_has_scales(node) || c2s_relayout_axis(node, rank, &axis)
               ? NULL
               : "the axis is not known";
}

static const char *refuse_resize(const c2s_node *node, const c2s_relayout *relayout) {
    const c2s_type *x = &node->inputs[0].value->type, *y = &node->outputs[0]->type;
    const c2s_value *roi = c2s_node_in(node, 1);
    if (strcmp(c2s_attr_string(node, "coordinate_transformation_mode", ""), "tf_crop_and_resize") ==
            0 &&
        roi)
        return "it crops by a region";
    for (unsigned i = 0; i < 2 && relayout->in.rank > 2; i++)
        if (x->dim[relayout->in.axis[i]] != y->dim[relayout->in.axis[i]])
            return "not all runtimes resize the first two axes";
    return c2s_attr_has(node, "axes") ||
                   ((!c2s_node_in(node, 2) || node->inputs[2].value->constant) &&
                    (!c2s_node_in(node, 3) || node->inputs[3].value->constant))
               ? NULL
               : "the scales are not constant";
}

static const char *refuse_slice(const c2s_node *node, unsigned rank) {
    c2s_ints axes;
    bool given;
    const c2s_type *starts = &node->inputs[1].value->type;
    if (!c2s_node_axes(node, 3, (int)rank, &axes, &given) ||
        (!given && (starts->kind != C2S_KIND_TENSOR || starts->rank != 1 ||
                    !c2s_dim_is_known(starts->dim[0]) || starts->dim[0] > (int64_t)rank)))
        return "the axes are not constant";
    return NULL;
}

static const char *refuse_list(const c2s_node *node, unsigned rank, unsigned slot,
                               unsigned axes_slot, unsigned per_axis) {
    c2s_ints list, axes;
    bool given = false;
    if (axes_slot && !c2s_node_axes(node, axes_slot, (int)rank, &axes, &given))
        return "the axes are not constant";
    if (!given &&
        (!c2s_constant_ints(c2s_node_in(node, slot), &list) || list.count != per_axis * rank))
        return "what it does to the axes is not constant";
    return NULL;
}

static const char *refuse_parameters(const c2s_node *node, const c2s_relayout *relayout) {
    const unsigned rank = relayout->in.rank;
    unsigned axis;
    uint32_t axes;
    double number;
    switch (row_of(node)->kind) {
    case C2S_ALONG_AXIS:
        return c2s_relayout_axis(node, rank, &axis) ? NULL : "the axis is not known";
    case C2S_QUANTIZATION:
        return refuse_quantization(node, rank);
    case C2S_CUMULATIVE:
        return c2s_constant_scalar(c2s_node_in(node, 1), &number) && number >= -(double)rank &&
                       number < rank
                   ? NULL
                   : "the axis is not constant";
    case C2S_REDUCTION:
        return reduced_axes(node, rank, &axes) ? NULL : "the axes are not constant";
    case C2S_PAD:
        return refuse_list(node, rank, 1, 3, 2);
    case C2S_TILE:
        return refuse_list(node, rank, 1, 0, 1);
    case C2S_SLICE:
        return refuse_slice(node, rank);
    case C2S_RESIZE:
        return refuse_resize(node, relayout);
    default:
        return NULL;
    }
}

const char *c2s_relayout_of(const c2s_node *node, bool backward, const c2s_axis_order *order,
                            c2s_relayout *out) {
    axis_map map;
    if (!c2s_relayout_takes(node) || !has_rank(c2s_node_in(node, 0)) ||
        !has_rank(c2s_node_out(node, 0)))
        return "it needs this layout";
    if (c2s_attr_any_reference(node))
        return "an attribute is the caller's";
    for (unsigned i = 1; i < node->output_count; i++)
        if (!node->outputs[i])
            return "a result is left out";
    if (row_of(node)->kind == C2S_VIEW && node->inputs[0].value->constant)
        return "it is constant";
    if (!map_axes(node, &map) || order->rank != (backward ? map.out_rank : map.in_rank))
        return "axes are split or joined";
    carry_orders(&map, backward, order, out);
    return refuse_parameters(node, out);
}

/* ---- operands and results ---- */

static bool is_single(const c2s_type *type) {
    for (int i = 0; i < type->rank; i++)
        if (type->dim[i] != 1)
            return false;
    return true;
}

static bool is_data(const c2s_node *node, unsigned slot) {
    return slot == 0 || row_of(node)->kind == C2S_ELEMENTWISE || node->op == &c2s_op_concat;
}

c2s_follow c2s_relayout_input(const c2s_node *node, unsigned slot, const c2s_relayout *relayout,
                              c2s_axis_order *order) {
    const c2s_value *value = c2s_node_in(node, slot);
    if (!value || !is_data(node, slot))
        return C2S_FOLLOW_NOT;
    if (!has_rank(value) || rank_of(value) > relayout->in.rank)
        return C2S_FOLLOW_REFUSED;
    if (row_of(node)->kind == C2S_ELEMENTWISE && is_single(&value->type))
        return C2S_FOLLOW_NOT;
    *order = relayout->in;
    if (value->constant)
        return C2S_FOLLOW_CONSTANT;
    if (!c2s_axis_order_last(&relayout->in, rank_of(value), order))
        return C2S_FOLLOW_REFUSED;
    return c2s_axis_order_is_idle(order, &value->type) ? C2S_FOLLOW_NOT : C2S_FOLLOW;
}

c2s_follow c2s_relayout_output(const c2s_node *node, unsigned slot, const c2s_relayout *relayout,
                               c2s_axis_order *order) {
    const c2s_value *value = c2s_node_out(node, slot);
    if (!value)
        return C2S_FOLLOW_NOT;
    if (!has_rank(value) || rank_of(value) != relayout->out.rank)
        return C2S_FOLLOW_REFUSED;
    *order = relayout->out;
    return c2s_axis_order_is_idle(order, &value->type) ? C2S_FOLLOW_NOT : C2S_FOLLOW;
}

bool c2s_relayout_is_slow(const c2s_node *node, const c2s_relayout *relayout) {
    unsigned axis;
    return row_of(node)->slow && c2s_relayout_axis(node, relayout->in.rank, &axis) &&
           relayout->in.axis[relayout->in.rank - 1] != axis;
}
