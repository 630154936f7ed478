/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/spread.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/simd.h"
#include "base/threads.h"

enum {
    LANES = 16,
    BLOCK = 2048, /* so many are summed in float */
    CHUNK = 16384 /* a thread's portion: chunks are joined in order */
};

c2s_spread c2s_spread_none(void) {
    return (c2s_spread){.min = INFINITY, .max = -INFINITY};
}

void c2s_spread_join(c2s_spread *into, const c2s_spread *other) {
    into->count += other->count;
    into->ignored += other->ignored;
    into->zeros += other->zeros;
    into->min = other->min < into->min ? other->min : into->min;
    into->max = other->max > into->max ? other->max : into->max;
    into->sum += other->sum;
    into->sum_squares += other->sum_squares;
}

typedef struct lanes {
    float min[LANES], max[LANES], sum[LANES], squares[LANES];
    int zeros[LANES];
} lanes;

C2S_INLINE void lanes_loop(const float *x, size_t rows, lanes *l) {
    lanes own = *l;
    for (size_t r = 0; r < rows; r++, x += LANES)
        for (int i = 0; i < LANES; i++) {
            own.min[i] = x[i] < own.min[i] ? x[i] : own.min[i];
            own.max[i] = x[i] > own.max[i] ? x[i] : own.max[i];
            own.sum[i] += x[i];
            own.squares[i] += x[i] * x[i];
            own.zeros[i] += x[i] == 0;
        }
    *l = own;
}

C2S_SIMD(add_lanes, lanes_loop, (const float *x, size_t rows, lanes *l), (x, rows, l))

static c2s_spread one_by_one(const float *x, size_t count) {
    c2s_spread s = c2s_spread_none();
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(x[i])) {
            s.ignored++;
            continue;
        }
        s.count++;
        s.zeros += x[i] == 0;
        s.min = x[i] < s.min ? x[i] : s.min;
        s.max = x[i] > s.max ? x[i] : s.max;
        s.sum += (double)x[i];
        s.sum_squares += (double)x[i] * (double)x[i];
    }
    return s;
}

static c2s_spread of_block(const float *x, size_t count) {
    const size_t rows = count / LANES;
    lanes l;
    for (int i = 0; i < LANES; i++) {
        l.min[i] = INFINITY;
        l.max[i] = -INFINITY;
        l.sum[i] = l.squares[i] = 0;
        l.zeros[i] = 0;
    }
    add_lanes(x, rows, &l);
    c2s_spread s = c2s_spread_none();
    for (int i = 0; i < LANES; i++) {
        const c2s_spread lane = {rows,
                                 0,
                                 (uint64_t)l.zeros[i],
                                 l.min[i],
                                 l.max[i],
                                 (double)l.sum[i],
                                 (double)l.squares[i]};
        c2s_spread_join(&s, &lane);
    }
    /* Squares that are finite have finite sums, and stem from finite numbers. */
    if (!isfinite(s.sum_squares))
        return one_by_one(x, count);
    const c2s_spread rest = one_by_one(x + rows * LANES, count - rows * LANES);
    c2s_spread_join(&s, &rest);
    return s;
}

c2s_spread c2s_spread_of(const float *x, size_t count) {
    c2s_spread s = c2s_spread_none();
    for (size_t at = 0; at < count; at += BLOCK) {
        const c2s_spread block = of_block(x + at, count - at < BLOCK ? count - at : BLOCK);
        c2s_spread_join(&s, &block);
    }
    return s;
}

typedef struct many {
    const float *x;
    size_t count;
    c2s_spread *chunk;
} many;

static void of_chunks(const void *context, size_t from, size_t to) {
    const many *m = context;
    for (size_t c = from; c < to; c++) {
        const size_t at = c * CHUNK, left = m->count - at;
        m->chunk[c] = c2s_spread_of(m->x + at, left < CHUNK ? left : CHUNK);
    }
}

c2s_spread c2s_spread_of_many(const float *x, size_t count) {
    if (count <= CHUNK)
        return c2s_spread_of(x, count);
    const size_t chunks = (count + CHUNK - 1) / CHUNK;
    const many m = {x, count, c2s_alloc_array(chunks, sizeof(c2s_spread))};
    c2s_share(chunks, chunks >= 4, of_chunks, &m);
    c2s_spread s = c2s_spread_none();
    for (size_t c = 0; c < chunks; c++)
        c2s_spread_join(&s, &m.chunk[c]);
    free(m.chunk);
    return s;
}
