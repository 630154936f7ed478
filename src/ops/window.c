/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/window.h"

#include <inttypes.h>
#include <string.h>

/* Larger values do not occur; up to it nothing computed in here overflows. */
#define LIMIT ((int64_t)1 << 30)

static c2s_status read_ints(const c2s_node *node, const char *name, int count, int64_t least,
                            int64_t absent, int64_t *out) {
    size_t given = 0;
    const int64_t *ints = c2s_attr_ints(node, name, &given);
    for (int a = 0; a < count; a++)
        out[a] = absent;
    if (!ints || given == 0)
        return C2S_OK;
    if (given != (size_t)count)
        return c2s_fail(C2S_ERR_INVALID, "attribute %s has %zu elements, expected %d", name, given,
                        count);
    for (int a = 0; a < count; a++) {
        if (ints[a] < least || ints[a] > LIMIT)
            return c2s_fail(C2S_ERR_INVALID,
                            "attribute %s has the element %" PRId64 ", expected %" PRId64
                            " to %" PRId64,
                            name, ints[a], least, LIMIT);
        out[a] = ints[a];
    }
    return C2S_OK;
}

static c2s_status read_auto_pad(const c2s_node *node, c2s_auto_pad *out) {
    const char *text = c2s_attr_string(node, "auto_pad", "NOTSET");
    if (strcmp(text, "NOTSET") == 0 || !*text)
        *out = C2S_PAD_EXPLICIT;
    else if (strcmp(text, "VALID") == 0)
        *out = C2S_PAD_VALID;
    else if (strcmp(text, "SAME_UPPER") == 0)
        *out = C2S_PAD_SAME_UPPER;
    else if (strcmp(text, "SAME_LOWER") == 0)
        *out = C2S_PAD_SAME_LOWER;
    else
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "auto_pad is \"%s\", expected NOTSET, VALID, SAME_UPPER or SAME_LOWER",
                        text);
    return C2S_OK;
}

static c2s_status read_kernel(const c2s_node *node, const c2s_dim *kernel, c2s_window *w) {
    int64_t shape[C2S_WINDOW_MAX];
    C2S_TRY(read_ints(node, "kernel_shape", w->rank, 1, -1, shape));
    for (int a = 0; a < w->rank; a++) {
        if (!kernel && shape[a] < 0)
            return c2s_fail(C2S_ERR_INVALID, "attribute kernel_shape is missing");
        if (!kernel || !c2s_dim_is_known(kernel[a])) {
            w->kernel[a] = shape[a] > 0 ? shape[a] : kernel[a];
            continue;
        }
        if (shape[a] > 0 && kernel[a] != shape[a])
            return c2s_fail(C2S_ERR_INVALID,
                            "kernel_shape says %" PRId64 " on spatial axis %d, "
                            "but the weight's extent there is %" PRId64,
                            shape[a], a, kernel[a]);
        if (kernel[a] < 1 || kernel[a] > LIMIT)
            return c2s_fail(C2S_ERR_INVALID,
                            "the weight's extent on spatial axis %d is %" PRId64
                            ", expected 1 to %" PRId64,
                            a, kernel[a], LIMIT);
        w->kernel[a] = kernel[a];
    }
    return C2S_OK;
}

/* output_shape lists the spatial extents, or those of all axes as some exporters write it. */
static c2s_status read_output_shape(const c2s_node *node, c2s_window *w) {
    size_t count = 0;
    const int64_t *ints = c2s_attr_ints(node, "output_shape", &count);
    w->has_output_shape = ints && count > 0;
    if (!w->has_output_shape)
        return C2S_OK;
    if (count != (size_t)w->rank && count != (size_t)w->rank + 2)
        return c2s_fail(C2S_ERR_INVALID, "attribute output_shape has %zu elements, expected %d",
                        count, w->rank);
    for (int a = 0; a < w->rank; a++) {
        int64_t extent = ints[count - (size_t)w->rank + (size_t)a];
        if (extent < 0 || extent > LIMIT)
            return c2s_fail(C2S_ERR_INVALID, "attribute output_shape has the element %" PRId64,
                            extent);
        w->output_shape[a] = extent;
    }
    return C2S_OK;
}

c2s_status c2s_window_read(const c2s_node *node, bool transposed, int rank, const c2s_dim *kernel,
                           c2s_window *window) {
    memset(window, 0, sizeof *window);
    if (rank < 1 || rank > C2S_WINDOW_MAX)
        return c2s_fail(rank < 1 ? C2S_ERR_INVALID : C2S_ERR_UNSUPPORTED,
                        "the input has %d axes behind batch and channel, expected 1 to %d", rank,
                        C2S_WINDOW_MAX);
    window->rank = rank;
    window->transposed = transposed;
    window->ceil_mode = c2s_attr_int(node, "ceil_mode", 0) != 0;
    C2S_TRY(read_auto_pad(node, &window->auto_pad));
    C2S_TRY(read_kernel(node, kernel, window));
    C2S_TRY(read_ints(node, "strides", rank, 1, 1, window->stride));
    C2S_TRY(read_ints(node, "dilations", rank, 1, 1, window->dilation));
    int64_t pads[2 * C2S_WINDOW_MAX] = {0};
    if (window->auto_pad == C2S_PAD_EXPLICIT)
        C2S_TRY(read_ints(node, "pads", 2 * rank, 0, 0, pads));
    memcpy(window->pad_begin, pads, (size_t)rank * sizeof *pads);
    memcpy(window->pad_end, pads + rank, (size_t)rank * sizeof *pads);
    if (transposed) {
        C2S_TRY(read_ints(node, "output_padding", rank, 0, 0, window->output_padding));
        C2S_TRY(read_output_shape(node, window));
    }
    return C2S_OK;
}

static bool is_same(const c2s_window *w) {
    return w->auto_pad == C2S_PAD_SAME_UPPER || w->auto_pad == C2S_PAD_SAME_LOWER;
}

/* ---- output extents ---- */

static c2s_dim span_of(c2s_dims *dims, const c2s_window *w, int axis) {
    c2s_dim gaps = c2s_dim_mul(dims, c2s_dim_sub(dims, w->kernel[axis], 1), w->dilation[axis]);
    return c2s_dim_add(dims, gaps, 1);
}

/* floor or ceil of (in + pads - span) / stride, plus 1. With ceil, the last window starts in the
 * padding behind the input exactly if that padding plus stride is more than the span; then the
 * windows that count are those that start before it: ceil((in + pad_begin) / stride). */
static c2s_dim forward_extent(c2s_dims *dims, const c2s_window *w, int axis, c2s_dim in) {
    int64_t stride = w->stride[axis];
    if (is_same(w))
        return c2s_dim_ceildiv(dims, in, stride);
    c2s_dim span = span_of(dims, w, axis);
    c2s_dim front = c2s_dim_add(dims, in, w->pad_begin[axis]);
    c2s_dim room = c2s_dim_sub(dims, c2s_dim_add(dims, front, w->pad_end[axis]), span);
    if (c2s_dim_is_known(room) && room < -1 && c2s_dim_is_known(span))
        return room; /* the caller reports it; -1 is an empty input without windows */
    if (!w->ceil_mode)
        return c2s_dim_add(dims, c2s_dim_floordiv(dims, room, stride), 1);
    if (c2s_dim_is_known(span) && w->pad_end[axis] + stride > span)
        return c2s_dim_ceildiv(dims, front, stride);
    return c2s_dim_add(dims, c2s_dim_ceildiv(dims, room, stride), 1);
}

static c2s_dim transposed_extent(c2s_dims *dims, const c2s_window *w, int axis, c2s_dim in) {
    if (w->has_output_shape)
        return w->output_shape[axis];
    if (is_same(w))
        return c2s_dim_mul(dims, in, w->stride[axis]);
    c2s_dim steps = c2s_dim_mul(dims, c2s_dim_sub(dims, in, 1), w->stride[axis]);
    c2s_dim reach = c2s_dim_add(dims, steps, span_of(dims, w, axis));
    return c2s_dim_add(dims, reach,
                       w->output_padding[axis] - w->pad_begin[axis] - w->pad_end[axis]);
}

c2s_status c2s_window_infer(c2s_dims *dims, const c2s_window *window, const c2s_dim *in,
                            c2s_dim *out) {
    for (int a = 0; a < window->rank; a++) {
        out[a] = window->transposed ? transposed_extent(dims, window, a, in[a])
                                    : forward_extent(dims, window, a, in[a]);
        if (c2s_dim_is_known(out[a]) && out[a] < 0)
            return c2s_fail(C2S_ERR_INVALID,
                            "spatial axis %d: a window of %s (dilation %" PRId64
                            ") and pads %" PRId64 ", %" PRId64 " do not fit the input's extent %s",
                            a, c2s_dim_text(dims, window->kernel[a]), window->dilation[a],
                            window->pad_begin[a], window->pad_end[a], c2s_dim_text(dims, in[a]));
    }
    return C2S_OK;
}

/* ---- explicit pads ---- */

/* The odd one of a total goes to the end for SAME_UPPER, else to the beginning. */
static void split_pads(c2s_window *w, int axis, int64_t total) {
    total = total > 0 ? total : 0;
    int64_t small = total / 2, large = total - small;
    bool upper = w->auto_pad == C2S_PAD_SAME_UPPER;
    w->pad_begin[axis] = upper ? small : large;
    w->pad_end[axis] = upper ? large : small;
}

static void resolve_pads(c2s_window *w, int axis) {
    int64_t in = w->in[axis], out = w->out[axis], stride = w->stride[axis];
    int64_t span = c2s_window_span(w, axis);
    if (w->transposed) {
        if (w->has_output_shape || is_same(w))
            split_pads(w, axis, (in - 1) * stride + w->output_padding[axis] + span - out);
    } else if (is_same(w)) {
        split_pads(w, axis, (out - 1) * stride + span - in);
    }
}

c2s_status c2s_window_resolve(c2s_window *window, const int64_t *in) {
    for (int a = 0; a < window->rank; a++) {
        if (!c2s_dim_is_known(window->kernel[a]) || in[a] < 0 || in[a] > LIMIT)
            return c2s_fail(C2S_ERR_UNSUPPORTED,
                            "spatial axis %d has %" PRId64 " positions, expected 0 to %" PRId64, a,
                            in[a], LIMIT);
        window->in[a] = in[a];
    }
    c2s_dims *dims = c2s_dims_create();
    c2s_status status = c2s_window_infer(dims, window, in, window->out);
    c2s_dims_destroy(dims);
    if (status != C2S_OK)
        return status;
    for (int a = 0; a < window->rank; a++)
        resolve_pads(window, a);
    return C2S_OK;
}

c2s_status c2s_window_of(const c2s_node *node, bool transposed, const c2s_type *input,
                         const c2s_type *weight, c2s_window *window) {
    int rank = input->rank - 2;
    if (weight && weight->rank != input->rank)
        return c2s_fail(C2S_ERR_INVALID, "the weight has rank %d, expected %d as the input",
                        weight->rank, input->rank);
    C2S_TRY(c2s_window_read(node, transposed, rank, weight ? weight->dim + 2 : NULL, window));
    return c2s_window_resolve(window, input->dim + 2);
}

int64_t c2s_window_span(const c2s_window *window, int axis) {
    return (window->kernel[axis] - 1) * window->dilation[axis] + 1;
}

int64_t c2s_window_used_pad_end(const c2s_window *window, int axis) {
    int64_t reach = (window->out[axis] - 1) * window->stride[axis] + c2s_window_span(window, axis);
    int64_t used = reach - window->in[axis] - window->pad_begin[axis];
    return used > 0 ? used : 0;
}

static int64_t product(const int64_t *extent, int count) {
    int64_t total = 1;
    for (int a = 0; a < count; a++)
        if (!c2s_mul_i64(total, extent[a], &total))
            return INT64_MAX;
    return total;
}

int64_t c2s_window_kernel_size(const c2s_window *window) {
    return product(window->kernel, window->rank);
}

int64_t c2s_window_in_size(const c2s_window *window) {
    return product(window->in, window->rank);
}

int64_t c2s_window_out_size(const c2s_window *window) {
    return product(window->out, window->rank);
}

/* ---- walking over rows ---- */

int64_t c2s_window_out_rows(const c2s_window *window) {
    return product(window->out, window->rank - 1);
}

static int64_t ceil_div(int64_t a, int64_t b) { /* b > 0; rounds up, also for a < 0 */
    return a > 0 ? (a - 1) / b + 1 : -(-a / b);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* Kernel positions k of an axis with 0 <= origin + k*dilation < in. */
static void meet(const c2s_window *w, int axis, int64_t origin, int64_t *first, int64_t *end) {
    int64_t d = w->dilation[axis];
    *first = clamp(ceil_div(-origin, d), 0, w->kernel[axis]);
    *end = clamp(ceil_div(w->in[axis] - origin, d), *first, w->kernel[axis]);
}

static void locate(c2s_window_walk *walk) {
    const c2s_window *w = walk->window;
    walk->kernel_row = walk->in_row = 0;
    for (int a = 0; a < w->rank - 1; a++) {
        walk->kernel_row = walk->kernel_row * w->kernel[a] + walk->at[a];
        walk->in_row = walk->in_row * w->in[a] + walk->origin[a] + walk->at[a] * w->dilation[a];
    }
}

void c2s_window_walk_begin(c2s_window_walk *walk, const c2s_window *window, int64_t out_row) {
    walk->window = window;
    walk->more = true;
    for (int a = window->rank - 2; a >= 0; a--) {
        int64_t o = out_row % window->out[a];
        out_row /= window->out[a];
        walk->origin[a] = o * window->stride[a] - window->pad_begin[a];
        meet(window, a, walk->origin[a], &walk->first[a], &walk->end[a]);
        walk->at[a] = walk->first[a];
        if (walk->first[a] == walk->end[a])
            walk->more = false;
    }
    if (walk->more)
        locate(walk);
}

void c2s_window_walk_next(c2s_window_walk *walk) {
    for (int a = walk->window->rank - 2; a >= 0; a--) {
        if (++walk->at[a] < walk->end[a]) {
            locate(walk);
            return;
        }
        walk->at[a] = walk->first[a];
    }
    walk->more = false;
}

void c2s_window_kernel_columns(const c2s_window *window, int64_t *begin, int64_t *end) {
    int a = window->rank - 1;
    int64_t first = -window->pad_begin[a], unused;
    int64_t last = (window->out[a] - 1) * window->stride[a] + first;
    meet(window, a, first, &unused, end);
    meet(window, a, last, begin, &unused);
}

void c2s_window_columns(const c2s_window *window, int64_t k, int64_t *begin, int64_t *end,
                        int64_t *in_column) {
    int a = window->rank - 1;
    int64_t stride = window->stride[a];
    int64_t at_zero = k * window->dilation[a] - window->pad_begin[a];
    *begin = clamp(ceil_div(-at_zero, stride), 0, window->out[a]);
    *end = clamp(ceil_div(window->in[a] - at_zero, stride), *begin, window->out[a]);
    *in_column = at_zero + *begin * stride;
}

void c2s_window_swap(c2s_window *window) {
    for (int a = 0; a < window->rank; a++) {
        int64_t in = window->in[a];
        window->in[a] = window->out[a];
        window->out[a] = in;
    }
}
