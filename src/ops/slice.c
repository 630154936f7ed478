/* SPDX-License-Identifier: Apache-2.0
 *
 * Slice.
 */
#include "ops/slice_span.h"

#include <inttypes.h>

#include "ops/contents.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/strided_copy.h"
#include "ops/ties_rules.h"

/* ---- one axis ---- */

c2s_span c2s_slice_span(int64_t extent, int64_t start, int64_t end, int64_t step) {
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? extent - 1 : extent;
    start = start < 0 ? start + extent : start;
    end = end < 0 ? end + extent : end;
    start = start < 0 ? (step < 0 && start < -1 ? -1 : 0) : start > high ? high : start;
    end = end < low ? low : end > high ? high : end;
    c2s_span s = {start, step, 0};
    if (step > 0 && end > start)
        s.count = (end - start - 1) / step + 1;
    else if (step < 0 && start > end) /* -(step + 1) does not overflow for the least integer */
        s.count = step == INT64_MIN ? 1 : (start - end - 1) / -step + 1;
    return s;
}

/* A start or end of a forward slice counted from the front, at least 0; false: its sign depends on
 * what is not known. */
static bool from_front(c2s_dims *dims, c2s_dim extent, c2s_dim at, c2s_dim *out) {
    *out = at;
    if (c2s_dim_never_negative(dims, at))
        return true;
    *out = c2s_dim_max(dims, c2s_dim_add(dims, at, extent), 0);
    return c2s_dim_always_negative(dims, at);
}

/* The extent that remains of a symbolic one, or for symbolic bounds. */
static c2s_dim sliced_extent(const c2s_infer *i, c2s_dim extent, c2s_dim start, c2s_dim end,
                             c2s_dim step) {
    c2s_dims *dims = i->dims;
    c2s_dim from, to;
    if (!c2s_dim_is_known(step))
        return c2s_dim_fresh(dims);
    if (step == -1 && start == -1 && c2s_dim_is_known(end) && end <= -INT32_MAX)
        return extent; /* reversed as a whole */
    if (step < 0 || !from_front(dims, extent, start, &from) || !from_front(dims, extent, end, &to))
        return c2s_dim_fresh(dims);
    /* INT32_MAX and beyond mean "to the end". A start behind the end leaves nothing either way. */
    to = c2s_dim_is_known(to) && to >= INT32_MAX ? extent : c2s_dim_min(dims, to, extent);
    c2s_dim length = c2s_dim_max(dims, c2s_dim_sub(dims, to, from), 0);
    return c2s_dim_ceildiv(dims, length, step);
}

/* ---- inference ---- */

typedef struct slice_inputs {
    unsigned count; /* sliced axes */
    int axis[C2S_MAX_RANK];
    c2s_dim start[C2S_MAX_RANK], end[C2S_MAX_RANK], step[C2S_MAX_RANK];
} slice_inputs;

/* c2s_infer_list_dims, with integers beyond what a dimension can hold brought into its range: "to
 * the end" is often said with the greatest or least integer. */
static c2s_status slice_bounds(const c2s_infer *i, unsigned input, const char *what, bool *known,
                               const c2s_dim **dims, unsigned *count) {
    const int64_t *ints, most = -(C2S_DIM_SYMBOLIC / 2);
    if (!c2s_infer_has(i, input) || !c2s_infer_ints(i, input, &ints, count) ||
        *count > C2S_MAX_RANK)
        return c2s_infer_list_dims(i, input, what, known, dims, count);
    c2s_dim *clamped = c2s_arena_array(i->arena, C2S_MAX_RANK, sizeof *clamped);
    for (unsigned k = 0; k < *count; k++)
        clamped[k] = ints[k] > most ? most : ints[k] < -most ? -most : ints[k];
    *known = true;
    *dims = clamped;
    return C2S_OK;
}

/* *known = false: which axes are sliced, or how far, is not known. */
static c2s_status slice_inputs_of(const c2s_infer *i, int rank, slice_inputs *s, bool *known) {
    const c2s_dim *start, *end, *step = NULL;
    const int64_t *axes = NULL,
                  all[C2S_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    unsigned counts[4] = {0};
    bool has[4], given_axes = c2s_infer_has(i, 3), given_step = c2s_infer_has(i, 4);
    C2S_TRY(slice_bounds(i, 1, "starts", &has[0], &start, &counts[0]));
    C2S_TRY(slice_bounds(i, 2, "ends", &has[1], &end, &counts[1]));
    C2S_TRY(c2s_infer_list_ints(i, 3, "axes", &has[2], &axes, &counts[2]));
    C2S_TRY(slice_bounds(i, 4, "steps", &has[3], &step, &counts[3]));
    *known = has[0] && has[1] && has[2] == given_axes && has[3] == given_step;
    if (!*known)
        return C2S_OK;
    s->count = counts[0];
    if (counts[1] != s->count || (given_axes && counts[2] != s->count) ||
        (given_step && counts[3] != s->count) || s->count > (unsigned)rank)
        return c2s_fail(C2S_ERR_INVALID,
                        "%u starts, %u ends, %u axes, %u steps for an input of rank %d", s->count,
                        counts[1], given_axes ? counts[2] : s->count,
                        given_step ? counts[3] : s->count, rank);
    C2S_TRY(c2s_infer_axes(given_axes ? axes : all, s->count, rank, s->axis));
    for (unsigned k = 0; k < s->count; k++) {
        s->start[k] = start[k];
        s->end[k] = end[k];
        s->step[k] = given_step ? step[k] : 1;
        if (s->step[k] == 0)
            return c2s_fail(C2S_ERR_INVALID, "the step of axis %d is 0", s->axis[k]);
    }
    return C2S_OK;
}

static void slice_contents(c2s_infer *i, const slice_inputs *s) {
    const c2s_dim *all;
    c2s_dim picked[1024];
    unsigned count;
    if (i->concrete || !c2s_dtype_is_integer(i->out[0].dtype) ||
        !c2s_infer_dims(i, 0, &all, &count) || count > 1024)
        return;
    if (s->count == 0) {
        c2s_infer_set_contents(i, 0, all, count);
        return;
    }
    if (!c2s_dim_is_known(s->start[0]) || !c2s_dim_is_known(s->end[0]) ||
        !c2s_dim_is_known(s->step[0]))
        return;
    c2s_span part = c2s_slice_span((int64_t)count, s->start[0], s->end[0], s->step[0]);
    for (int64_t k = 0; k < part.count; k++)
        picked[k] = all[part.start + k * part.step];
    c2s_infer_set_contents(i, 0, picked, (unsigned)part.count);
}

static c2s_status slice_infer(c2s_infer *i) {
    slice_inputs s;
    bool known;
    c2s_dim dim[C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 3));
    const c2s_type *x = c2s_infer_type(i, 0);
    if (x->rank < 0)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    C2S_TRY(slice_inputs_of(i, x->rank, &s, &known));
    if (!known) {
        /* Axes that are known not to be sliced keep their extents. */
        const int64_t *axes;
        unsigned count;
        int axis;
        bool sliced[C2S_MAX_RANK] = {false};
        bool has_axes = c2s_infer_has(i, 3) && c2s_infer_ints(i, 3, &axes, &count);
        for (unsigned k = 0; has_axes && k < count; k++) {
            C2S_TRY(c2s_infer_axis(axes[k], x->rank, &axis));
            sliced[axis] = true;
        }
        for (int a = 0; a < x->rank; a++)
            dim[a] = has_axes && !sliced[a] ? x->dim[a] : c2s_dim_fresh(i->dims);
        return c2s_infer_output(i, 0, x->dtype, x->rank, dim);
    }
    for (int a = 0; a < x->rank; a++)
        dim[a] = x->dim[a];
    for (unsigned k = 0; k < s.count; k++) {
        c2s_dim extent = x->dim[s.axis[k]];
        if (c2s_dim_is_known(extent) && c2s_dim_is_known(s.start[k]) &&
            c2s_dim_is_known(s.end[k]) && c2s_dim_is_known(s.step[k]))
            dim[s.axis[k]] = c2s_slice_span(extent, s.start[k], s.end[k], s.step[k]).count;
        else
            dim[s.axis[k]] = sliced_extent(i, extent, s.start[k], s.end[k], s.step[k]);
    }
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, x->rank, dim));
    if (x->rank == 1)
        slice_contents(i, &s);
    return C2S_OK;
}

/* ---- evaluation ---- */

/* Element `k` of an optional integer input that inference has accepted. */
static int64_t input_int(const c2s_eval *e, unsigned input, size_t k, int64_t absent) {
    int64_t value = absent;
    if (input < e->in_count && e->in[input])
        c2s_tensor_i64_at(e->in[input], k, &value);
    return value;
}

static c2s_status slice_eval(c2s_eval *e) {
    ptrdiff_t to[C2S_MAX_RANK], from[C2S_MAX_RANK];
    c2s_elements x, y;
    const c2s_type *in = &e->in[0]->type, *out = &e->out_type[0];
    C2S_TRY(c2s_elements_open(e, &x, &y));
    const char *source = x.data;
    c2s_strides_of(in, x.size, from);
    c2s_strides_of(out, y.size, to);
    for (size_t k = 0; y.count && k < e->in[1]->count; k++) {
        int64_t axis = input_int(e, 3, k, (int64_t)k);
        axis += axis < 0 ? in->rank : 0;
        c2s_span s = c2s_slice_span(in->dim[axis], input_int(e, 1, k, 0), input_int(e, 2, k, 0),
                                    input_int(e, 4, k, 1));
        source += (ptrdiff_t)s.start * from[axis];
        from[axis] *= s.count > 1 ? (ptrdiff_t)s.step : 1;
    }
    c2s_strided plan = {.element = x.size};
    for (int axis = 0; axis < out->rank; axis++)
        c2s_strided_axis(&plan, (size_t)out->dim[axis], to[axis], from[axis]);
    c2s_strided_copy(&plan, y.data, source);
    return c2s_elements_end(e, &x, &y, C2S_OK);
}

const c2s_op c2s_op_slice = {
    .type = "Slice",
    .domain = "",
    .inputs = {3, 5},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .ties = c2s_ties_slice,
    .refit = c2s_refit_slice,
    .infer = slice_infer,
    .eval = slice_eval,
};
