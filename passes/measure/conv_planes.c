/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/conv_planes.h"

#include <string.h>

#include "base/memory.h"
#include "base/simd.h"

/* Of both axes; a window of one axis has one line. */
typedef struct axis {
    size_t kernel, stride, dilation, pad, in, out;
} axis;

static axis axis_of(const c2s_window *w, int from_last) {
    const int k = w->rank - 1 - from_last;
    if (k < 0)
        return (axis){1, 1, 1, 0, 1, 1};
    return (axis){(size_t)w->kernel[k],    (size_t)w->stride[k], (size_t)w->dilation[k],
                  (size_t)w->pad_begin[k], (size_t)w->in[k],     (size_t)w->out[k]};
}

/* Of a part, along an axis: what the last output position meets at most. */
static size_t extent_of(const axis *a) {
    return a->out + (a->kernel - 1) * a->dilation / a->stride;
}

bool c2s_conv_plane_of(const c2s_window *window, c2s_conv_plane *out) {
    if (window->rank > 2 || window->transposed || c2s_window_out_size(window) == 0)
        return false;
    for (int k = 0; k < window->rank; k++)
        if (window->pad_begin[k] < 0 || window->pad_end[k] < 0)
            return false;
    const axis rows = axis_of(window, 1), columns = axis_of(window, 0);
    *out =
        (c2s_conv_plane){.window = window, .lines = extent_of(&rows), .width = extent_of(&columns)};
    out->run = (rows.out - 1) * out->width + columns.out;
    return true;
}

/* Parts, one for each offset within a stride of both axes, and a run. */
size_t c2s_conv_plane_scratch(const c2s_conv_plane *p) {
    const axis rows = axis_of(p->window, 1), columns = axis_of(p->window, 0);
    size_t part, parts, floats;
    return c2s_mul_size(p->lines, p->width, &part) &&
                   c2s_mul_size(rows.stride, columns.stride, &parts) &&
                   c2s_mul_size(part, parts + 1, &floats)
               ? floats
               : 0;
}

/* ---- runs ---- */

C2S_INLINE void add_three_loop(size_t n, const float *w, const float *a, const float *b,
                               const float *c, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] += w[0] * a[i] + w[1] * b[i] + w[2] * c[i];
}
C2S_SIMD(add_three, add_three_loop,
         (size_t n, const float *w, const float *a, const float *b, const float *c,
          float *restrict y),
         (n, w, a, b, c, y))

C2S_INLINE void add_loop(size_t n, float w, const float *a, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] += w * a[i];
}
C2S_SIMD(add, add_loop, (size_t n, float w, const float *a, float *restrict y), (n, w, a, y))

enum { LANES = 16 };

C2S_INLINE void multiply_loop(size_t n, const float *a, const float *b, float *sum) {
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lanes[l] += a[i + l] * b[i + l];
    for (; i < n; i++)
        lanes[0] += a[i] * b[i];
    for (size_t l = 0; l < LANES; l++)
        *sum += lanes[l];
}
C2S_SIMD(multiply, multiply_loop, (size_t n, const float *a, const float *b, float *sum),
         (n, a, b, sum))

/* ---- parts ---- */

/* Where a kernel position begins among the parts. */
static size_t start_of(const c2s_conv_plane *p, size_t position) {
    const axis rows = axis_of(p->window, 1), columns = axis_of(p->window, 0);
    const size_t row = position / columns.kernel * rows.dilation,
                 column = position % columns.kernel * columns.dilation;
    const size_t part = row % rows.stride * columns.stride + column % columns.stride;
    return (part * p->lines + row / rows.stride) * p->width + column / columns.stride;
}

/* What a line of the plane has at one offset within a stride: elements from `first` on, each a
 * stride behind the one before, and where they lie among the parts. */
typedef struct piece {
    size_t first, count, at;
} piece;

/* Piece k of all; false: no window meets it. */
static bool piece_of(const c2s_conv_plane *p, const axis *rows, const axis *columns, size_t k,
                     piece *out) {
    const size_t row = k / columns->stride, offset = k % columns->stride;
    const size_t line = row + rows->pad;
    /* columns of the plane in front of the first one at this offset */
    const size_t skip =
        (offset + columns->stride - columns->pad % columns->stride) % columns->stride;
    const size_t column = (columns->pad + skip) / columns->stride;
    if (line / rows->stride >= p->lines || skip >= columns->in || column >= p->width)
        return false;
    const size_t there = (columns->in - skip + columns->stride - 1) / columns->stride;
    const size_t part = line % rows->stride * columns->stride + offset;
    out->first = row * columns->in + skip;
    out->count = there < p->width - column ? there : p->width - column;
    out->at = (part * p->lines + line / rows->stride) * p->width + column;
    return true;
}

static size_t parts_size(const c2s_conv_plane *p) {
    const axis rows = axis_of(p->window, 1), columns = axis_of(p->window, 0);
    return rows.stride * columns.stride * p->lines * p->width;
}

static void split(const c2s_conv_plane *p, const float *x, float *parts) {
    const axis rows = axis_of(p->window, 1), columns = axis_of(p->window, 0);
    memset(parts, 0, parts_size(p) * sizeof *parts);
    for (size_t k = 0; k < rows.in * columns.stride; k++) {
        piece q;
        if (!piece_of(p, &rows, &columns, k, &q))
            continue;
        if (columns.stride == 1)
            memcpy(parts + q.at, x + q.first, q.count * sizeof *x);
        else
            for (size_t i = 0; i < q.count; i++)
                parts[q.at + i] = x[q.first + i * columns.stride];
    }
}

/* Adds the parts to the plane. */
static void join(const c2s_conv_plane *p, const float *parts, float *x) {
    const axis rows = axis_of(p->window, 1), columns = axis_of(p->window, 0);
    for (size_t k = 0; k < rows.in * columns.stride; k++) {
        piece q;
        if (!piece_of(p, &rows, &columns, k, &q))
            continue;
        if (columns.stride == 1)
            add(q.count, 1, parts + q.at, x + q.first);
        else
            for (size_t i = 0; i < q.count; i++)
                x[q.first + i * columns.stride] += parts[q.at + i];
    }
}

/* ---- forward and backward ---- */

void c2s_conv_plane_run(const c2s_conv_plane *p, const float *x, const float *w, float bias,
                        float *scratch, float *y) {
    const axis rows = axis_of(p->window, 1), columns = axis_of(p->window, 0);
    const size_t kernel = rows.kernel * columns.kernel;
    float *parts = scratch, *run = scratch + parts_size(p);
    split(p, x, parts);
    for (size_t i = 0; i < p->run; i++)
        run[i] = bias;
    size_t k = 0;
    for (; k + 3 <= kernel; k += 3)
        add_three(p->run, w + k, parts + start_of(p, k), parts + start_of(p, k + 1),
                  parts + start_of(p, k + 2), run);
    for (; k < kernel; k++)
        add(p->run, w[k], parts + start_of(p, k), run);
    for (size_t row = 0; row < rows.out; row++)
        memcpy(y + row * columns.out, run + row * p->width, columns.out * sizeof *y);
}

void c2s_conv_plane_derive(const c2s_conv_plane *p, const float *x, const float *w, const float *dy,
                           float *scratch, float *dx, float *dw) {
    const axis rows = axis_of(p->window, 1), columns = axis_of(p->window, 0);
    const size_t kernel = rows.kernel * columns.kernel;
    float *parts = scratch, *run = scratch + parts_size(p);
    memset(run, 0, p->run * sizeof *run);
    for (size_t row = 0; row < rows.out; row++)
        memcpy(run + row * p->width, dy + row * columns.out, columns.out * sizeof *dy);
    if (dw)
        split(p, x, parts);
    for (size_t k = 0; dw && k < kernel; k++)
        multiply(p->run, run, parts + start_of(p, k), &dw[k]);
    if (!dx)
        return;
    memset(parts, 0, parts_size(p) * sizeof *parts);
    for (size_t k = 0; k < kernel; k++)
        add(p->run, w[k], run, parts + start_of(p, k));
    join(p, parts, dx);
}
