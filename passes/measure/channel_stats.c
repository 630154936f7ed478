/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/channel_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "base/threads.h"
#include "passes/measure/spread.h"

enum {
    LONG_RUN = 32, /* numbers of a channel that lie together and are worth a call */
    ROWS = 64,     /* so many are summed in float */
    WIDE = 64      /* channels beside each other that a call takes */
};

void c2s_channel_stats_free(c2s_channel_stats *s) {
    free(s->count);
    free(s->min);
    free(s->max);
    free(s->sum);
    free(s->sum_squares);
    *s = (c2s_channel_stats){.axis = s->axis, .refuted = s->refuted};
}

void c2s_channel_stats_start(c2s_channel_stats *s, size_t extent) {
    s->extent = extent;
    s->count = c2s_alloc_array(extent, sizeof *s->count);
    s->min = c2s_alloc_array(extent, sizeof *s->min);
    s->max = c2s_alloc_array(extent, sizeof *s->max);
    s->sum = c2s_alloc_array(extent, sizeof *s->sum);
    s->sum_squares = c2s_alloc_array(extent, sizeof *s->sum_squares);
    for (size_t c = 0; c < extent; c++) {
        s->count[c] = 0;
        s->min[c] = INFINITY;
        s->max[c] = -INFINITY;
        s->sum[c] = s->sum_squares[c] = 0;
    }
}

static void join(c2s_channel_stats *s, size_t channel, const c2s_spread *spread) {
    s->count[channel] += spread->count;
    s->min[channel] = fminf(s->min[channel], spread->min);
    s->max[channel] = fmaxf(s->max[channel], spread->max);
    s->sum[channel] += spread->sum;
    s->sum_squares[channel] += spread->sum_squares;
}

typedef struct adding {
    c2s_channel_stats *s;
    const float *x;
    size_t outer, inner;
} adding;

/* ---- a channel's numbers lie together ---- */

static void add_runs(const void *context, size_t from, size_t to) {
    const adding *a = context;
    for (size_t c = from; c < to; c++)
        for (size_t o = 0; o < a->outer; o++) {
            const c2s_spread run =
                c2s_spread_of(a->x + (o * a->s->extent + c) * a->inner, a->inner);
            join(a->s, c, &run);
        }
}

/* ---- channels lie beside each other ---- */

typedef struct columns {
    float min[WIDE], max[WIDE], sum[WIDE], squares[WIDE];
} columns;

C2S_INLINE void columns_loop(const float *x, size_t rows, size_t stride, size_t width,
                             columns *out) {
    for (size_t c = 0; c < width; c++) {
        out->min[c] = INFINITY;
        out->max[c] = -INFINITY;
        out->sum[c] = out->squares[c] = 0;
    }
    for (size_t r = 0; r < rows; r++, x += stride)
        for (size_t c = 0; c < width; c++) {
            out->min[c] = x[c] < out->min[c] ? x[c] : out->min[c];
            out->max[c] = x[c] > out->max[c] ? x[c] : out->max[c];
            out->sum[c] += x[c];
            out->squares[c] += x[c] * x[c];
        }
}

C2S_SIMD(find_columns, columns_loop,
         (const float *x, size_t rows, size_t stride, size_t width, columns *out),
         (x, rows, stride, width, out))

static c2s_spread column_of(const columns *found, const float *x, size_t rows, size_t stride,
                            size_t c) {
    if (isfinite(found->squares[c])) /* so are the numbers */
        return (c2s_spread){rows,
                            0,
                            0,
                            found->min[c],
                            found->max[c],
                            (double)found->sum[c],
                            (double)found->squares[c]};
    c2s_spread all = c2s_spread_none();
    for (size_t r = 0; r < rows; r++) {
        const c2s_spread one = c2s_spread_of(x + r * stride + c, 1);
        c2s_spread_join(&all, &one);
    }
    return all;
}

/* Rows are [outer], columns [channel, inner]; `from` and `to` count channels. */
static void add_columns(const void *context, size_t from, size_t to) {
    const adding *a = context;
    const size_t stride = a->s->extent * a->inner;
    for (size_t at = from * a->inner; at < to * a->inner; at += WIDE) {
        const size_t left = to * a->inner - at, width = left < WIDE ? left : WIDE;
        for (size_t row = 0; row < a->outer; row += ROWS) {
            const size_t rows = a->outer - row < ROWS ? a->outer - row : ROWS;
            const float *x = a->x + row * stride + at;
            columns found;
            find_columns(x, rows, stride, width, &found);
            for (size_t c = 0; c < width; c++) {
                const c2s_spread column = column_of(&found, x, rows, stride, c);
                join(a->s, (at + c) / a->inner, &column);
            }
        }
    }
}

void c2s_channel_stats_add(c2s_channel_stats *s, const c2s_type *type, const float *x) {
    const int axis = s->axis < 0 ? s->axis + type->rank : s->axis;
    if (s->axis == C2S_NO_CHANNELS || s->refuted)
        return;
    if (axis < 0 || axis >= type->rank || (s->extent && s->extent != (size_t)type->dim[axis])) {
        c2s_channel_stats_free(s);
        s->refuted = true;
        return;
    }
    if (s->extent == 0)
        c2s_channel_stats_start(s, (size_t)type->dim[axis]);
    adding a = {s, x, 1, 1};
    for (int i = 0; i < type->rank; i++)
        if (i != axis)
            *(i < axis ? &a.outer : &a.inner) *= (size_t)type->dim[i];
    const bool worth = s->extent * a.outer * a.inner >= 65536;
    c2s_share(s->extent, worth, a.inner >= LONG_RUN ? add_runs : add_columns, &a);
}
