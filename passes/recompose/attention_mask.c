/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/recompose/attention_mask.h"

#include <math.h>

#include "ir/convert.h"
#include "passes/recompose/attention_parts.h"

/* ---- finite ---- */

/* Results are between their operands, or bounded, whatever goes in; NaN aside. */
static const c2s_op *const bounded[] = {&c2s_op_sigmoid, &c2s_op_tanh,         &c2s_op_erf,
                                        &c2s_op_sin,     &c2s_op_cos,          &c2s_op_softmax,
                                        &c2s_op_relu,    &c2s_op_hard_sigmoid, NULL};
/* Results are finite if all floats that go in are. */
static const c2s_op *const closed[] = {&c2s_op_add, &c2s_op_sub,  &c2s_op_mul, &c2s_op_neg,
                                       &c2s_op_abs, &c2s_op_min,  &c2s_op_max, &c2s_op_where,
                                       &c2s_op_sum, &c2s_op_cast, NULL};

static bool is_one_of(const c2s_op *const *list, const c2s_op *op) {
    while (*list && *list != op)
        list++;
    return *list != NULL;
}

/* Of constants; any type that has no infinity is finite. */
static bool holds_finite(const c2s_tensor *tensor) {
    if (tensor->type.kind != C2S_KIND_TENSOR)
        return false;
    if (!c2s_dtype_is_float(tensor->type.dtype))
        return true;
    enum { BLOCK = 1024 };
    double part[BLOCK];
    for (size_t i = 0; i < tensor->count; i += BLOCK) {
        size_t count = tensor->count - i < BLOCK ? tensor->count - i : BLOCK;
        c2s_load_f64(tensor->type.dtype, c2s_tensor_data(tensor), i, count, part);
        for (size_t k = 0; k < count; k++)
            if (!(part[k] > -INFINITY && part[k] < INFINITY))
                return false;
    }
    return true;
}

/* `budget`: values that may still be looked at. */
static bool is_finite(const c2s_value *value, unsigned *budget) {
    c2s_dtype dtype = value->type.dtype;
    if (value->type.kind != C2S_KIND_TENSOR || (*budget)-- == 0) {
        *budget = 0;
        return false;
    }
    if (c2s_dtype_is_integer(dtype) || dtype == C2S_BOOL)
        return true;
    if (value->constant)
        return holds_finite(value->constant);
    const c2s_node *def = value->def;
    if (!def || def == value->graph->entry || !c2s_dtype_is_float(dtype))
        return false;
    if (is_one_of(bounded, def->op))
        return true;
    /* What fills up (Pad, Scatter) comes in by another operand. */
    if (!(def->op->flags & C2S_OP_MOVES_DATA) && !is_one_of(closed, def->op))
        return false;
    for (unsigned k = 0; k<def->formal_count && * budget> 0; k++)
        if (def->inputs[k].value && !is_finite(def->inputs[k].value, budget))
            return false;
    return *budget > 0;
}

bool c2s_mask_is_finite(const c2s_value *mask) {
    unsigned budget = 200;
    return is_finite(mask, &budget);
}

/* ---- constants ---- */

bool c2s_mask_hides(double number, c2s_dtype dtype) {
    return number == -INFINITY || (dtype == C2S_FLOAT && number <= -1e38);
}

bool c2s_mask_leaves_one(const c2s_value *mask) {
    const c2s_tensor *t = mask->constant;
    if (!t || t->type.kind != C2S_KIND_TENSOR || t->type.rank < 1 || t->count == 0 ||
        !(t->type.dtype == C2S_BOOL || c2s_dtype_is_float(t->type.dtype)))
        return false;
    size_t columns = (size_t)t->type.dim[t->type.rank - 1];
    float *row = c2s_alloc_array(columns, sizeof *row);
    bool leaves = true;
    for (size_t i = 0; i < t->count && leaves; i += columns) {
        c2s_load_f32(t->type.dtype, c2s_tensor_data(t), i, columns, row);
        leaves = false;
        for (size_t k = 0; k < columns && !leaves; k++)
            leaves = t->type.dtype == C2S_BOOL ? row[k] != 0 : row[k] > -INFINITY;
    }
    free(row);
    return leaves;
}

static bool is_triangle(const c2s_tensor *t, bool inverted) {
    int rank = t->type.rank;
    bool condition = t->type.dtype == C2S_BOOL;
    if (t->type.kind != C2S_KIND_TENSOR || rank < 2 || t->count == 0 ||
        !(condition || c2s_dtype_is_float(t->type.dtype)))
        return false;
    size_t rows = (size_t)t->type.dim[rank - 2], columns = (size_t)t->type.dim[rank - 1];
    if (rows < 2 || columns < 2 || t->count != rows * columns)
        return false; /* one row would be broadcast to all queries */
    float *row = c2s_alloc_array(columns, sizeof *row);
    bool good = true;
    for (size_t i = 0; i < rows && good; i++) {
        c2s_load_f32(t->type.dtype, c2s_tensor_data(t), i * columns, columns, row);
        for (size_t k = 0; k < columns && good; k++) {
            bool seen = k <= i;
            good = condition ? (row[k] != 0) == (seen != inverted)
                   : seen    ? row[k] == 0
                             : c2s_mask_hides((double)row[k], t->type.dtype);
        }
    }
    free(row);
    return good;
}

/* What a Slice that starts at 0 in all axes, by steps of 1, is taken from; else NULL. */
static const c2s_value *sliced(const c2s_value *value) {
    const c2s_node *slice = value->def;
    c2s_ints numbers;
    if (!slice || slice->op != &c2s_op_slice || slice->graph != value->graph ||
        !c2s_constant_ints(c2s_node_in(slice, 1), &numbers))
        return NULL;
    for (unsigned i = 0; i < numbers.count; i++)
        if (numbers.at[i] != 0)
            return NULL;
    if (!c2s_node_in(slice, 4))
        return c2s_node_in(slice, 0);
    if (!c2s_constant_ints(c2s_node_in(slice, 4), &numbers))
        return NULL;
    for (unsigned i = 0; i < numbers.count; i++)
        if (numbers.at[i] != 1)
            return NULL;
    return c2s_node_in(slice, 0);
}

/* The axis of what Unsqueeze is given; -1: that axis is new. */
static int axis_before(const c2s_node *unsqueeze, int rank, int axis) {
    c2s_ints axes;
    bool given;
    int before = axis;
    if (!c2s_node_axes(unsqueeze, 1, rank, &axes, &given) || !given)
        return -1;
    for (unsigned i = 0; i < axes.count; i++) {
        if (axes.at[i] == axis)
            return -1;
        before -= axes.at[i] < axis;
    }
    return before;
}

bool c2s_mask_has_extent(const c2s_value *mask, int axis, c2s_dim wanted) {
    enum { MOST_STEPS = 8 };
    c2s_dims *dims = mask->graph->model->dims;
    for (int i = 0; mask->type.kind == C2S_KIND_TENSOR && mask->type.rank > axis && axis >= 0 &&
                    i < MOST_STEPS;
         i++) {
        c2s_dim extent = mask->type.dim[axis];
        if (extent == wanted)
            return true;
        c2s_node *step = c2s_maker(mask, &c2s_op_unsqueeze);
        if (step) {
            axis = axis_before(step, mask->type.rank, axis);
            mask = c2s_node_in(step, 0);
            continue;
        }
        step = c2s_maker(mask, &c2s_op_slice);
        mask = step ? c2s_node_in(step, 0) : NULL;
        if (!mask || mask->type.rank <= axis)
            return false;
        c2s_dim whole = mask->type.dim[axis];
        /* From 2 on it is 1, and broadcast, only where `wanted` is. */
        if (c2s_dim_is_known(whole) && whole >= 2 && extent == c2s_dim_min(dims, wanted, whole))
            return true;
        if (extent != whole)
            return false;
    }
    return false;
}

bool c2s_mask_is_causal(const c2s_value *mask, bool inverted, c2s_dim queries, c2s_dim keys) {
    enum { MOST_SLICES = 4 };
    const c2s_value *whole = mask, *next;
    for (int i = 0; i < MOST_SLICES && !whole->constant && (next = sliced(whole)); i++)
        whole = next;
    const c2s_tensor *t = whole->constant;
    int rank = mask->type.rank;
    if (!t || mask->type.kind != C2S_KIND_TENSOR || rank < 2 || rank != t->type.rank ||
        !is_triangle(t, inverted))
        return false;
    return c2s_mask_has_extent(mask, rank - 2, queries) &&
           c2s_mask_has_extent(mask, rank - 1, keys);
}

/* ---- building ---- */

/* An Expand of the mask to these extents that is there already. */
static c2s_value *known_expansion(const c2s_value *mask, c2s_dim queries, c2s_dim keys) {
    enum { MOST = 64 };
    unsigned left = MOST;
    c2s_value_each_use(use, mask) {
        const c2s_value *out = c2s_node_out(use->user, 0);
        if (left-- == 0)
            break;
        if (out && use->user->op == &c2s_op_expand && use->slot == 0 &&
            out->type.rank == mask->type.rank && out->type.dim[out->type.rank - 2] == queries &&
            out->type.dim[out->type.rank - 1] == keys)
            return use->user->outputs[0];
    }
    return NULL;
}

c2s_value *c2s_build_mask(c2s_builder *b, c2s_value *mask, c2s_dim queries, c2s_dim keys) {
    int rank = mask->type.rank;
    if (c2s_mask_has_extent(mask, rank - 2, queries) && c2s_mask_has_extent(mask, rank - 1, keys))
        return mask;
    c2s_value *known = known_expansion(mask, queries, keys);
    if (known)
        return known;
    const c2s_node *def = mask->def;
    c2s_node *before = b->before;
    bool early = !def || def == b->graph->entry;
    b->before = early ? b->graph->first : def->next;
    c2s_value *extent[3] = {NULL, c2s_build_extent(b, queries), c2s_build_extent(b, keys)};
    c2s_value *expanded = NULL;
    if (!extent[1] || !extent[2]) {
        c2s_build_ok(b, c2s_fail(C2S_ERR_UNSUPPORTED, "the extents of the mask are not at hand"));
    } else {
        int64_t ones[C2S_MAX_RANK];
        for (int i = 0; i < rank; i++)
            ones[i] = 1;
        extent[0] = c2s_build_ints(b, "ones", ones, (size_t)rank - 2);
        c2s_node *shape =
            c2s_build_start(b, "Concat", rank == 2 ? extent + 1 : extent, rank == 2 ? 2 : 3);
        if (shape)
            c2s_attr_set_int(shape, "axis", 0);
        c2s_value *in[] = {mask, c2s_build_finish(b, shape)};
        expanded = in[1] ? c2s_build(b, "Expand", in, 2) : NULL;
    }
    b->before = before;
    return expanded;
}
