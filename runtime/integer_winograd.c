/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_winograd.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "base/threads.h"
#include "runtime/integer_dot.h"

enum {
    SQUARE = 4,          /* side of the results of a tile */
    SIDE = SQUARE + 2,   /* and of what it reads */
    PLANES = SIDE * SIDE /* products per channel */
};
/* Channels, and sums, of a vector. */
enum { WORDS = 16, SUMS = 8 };
/* Bytes of transformed input that are multiplied at once. */
enum { BLOCK = 300 << 10 };
/* To transform the weights for a block takes as long as so many products per channel. */
enum { WEIGHTS_COST = 80 };

/* 576 = 2^6 * 9; this times 9 is 1 modulo 2^32. */
#define A_NINTH  0x38e38e39u
#define SHIFT    6
#define MOST_SUM ((int64_t)1 << (31 - SHIFT))

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

struct c2s_integer_winograd {
    c2s_integer_shape shape;
    size_t across, down, tiles; /* of an image */
    size_t most;                /* tiles of a block */
    size_t *place;              /* of the tiles of a block in a plane */
    size_t panels, panel;       /* of weights; integers of one tap of a panel */
    bool narrow;                /* weights are of int8_t, else of int16_t */
    void *weights;              /* [panels, 9, inputs / 2, COLUMNS, 2] */
};

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t ceiling(size_t a, size_t b) {
    return (a + b - 1) / b;
}

static size_t tiles_of(const c2s_integer_shape *s) {
    return ceiling(s->out[0], SQUARE) * ceiling(s->out[1], SQUARE);
}

static size_t blocks_of(const c2s_integer_shape *s) {
    return ceiling(tiles_of(s), BLOCK / (PLANES * s->inputs * sizeof(int16_t)) + 1);
}

bool c2s_integer_winograd_serves(const c2s_integer_shape *s, int64_t gain) {
    for (int i = 0; i < 2; i++)
        if (s->kernel[i] != 3 || s->stride[i] != 1 || s->dilation[i] != 1 || s->pad[i] > 2)
            return false;
    const double direct = 9.0 * (double)(s->out[0] * s->out[1]),
                 here = (double)(PLANES * tiles_of(s) + WEIGHTS_COST * blocks_of(s));
    return s->groups == 1 && s->inputs % WORDS == 0 && s->outputs >= COLUMNS &&
           gain <= (MOST_SUM - 1) / 255 && direct >= 1.8 * here;
}

/* ---- weights ---- */

static void pack_output(c2s_integer_winograd *g, const c2s_integer_weights *w, size_t output) {
    const size_t first = output / COLUMNS * 9 * g->panel;
    for (size_t i = 0; i < g->shape.inputs; i++)
        for (size_t t = 0; t < 9; t++) {
            const size_t at =
                first + t * g->panel + (i / 2 * COLUMNS + output % COLUMNS) * 2 + i % 2;
            const int value = c2s_integer_weight(w, output, i, t / 3, t % 3);
            if (g->narrow)
                ((int8_t *)g->weights)[at] = (int8_t)value;
            else
                ((int16_t *)g->weights)[at] = (int16_t)value;
        }
}

c2s_status c2s_integer_winograd_create(const c2s_integer_shape *s, const c2s_integer_weights *w,
                                       bool narrow, c2s_integer_winograd **out) {
    c2s_integer_winograd *g = *out = c2s_zalloc(sizeof *g);
    g->shape = *s;
    g->narrow = narrow;
    g->across = ceiling(s->out[1], SQUARE);
    g->down = ceiling(s->out[0], SQUARE);
    g->tiles = g->across * g->down;
    g->most = ceiling(g->tiles, blocks_of(s));
    g->place = c2s_alloc_array(g->most, sizeof *g->place);
    for (size_t t = 0; t < g->most; t++)
        g->place[t] = t * s->inputs;
    g->panels = ceiling(s->outputs, COLUMNS);
    g->panel = s->inputs * COLUMNS;
    const size_t size = g->panels * 9 * g->panel * (narrow ? sizeof(int8_t) : sizeof(int16_t));
    g->weights = c2s_try_alloc_aligned(size);
    if (!g->weights) {
        c2s_integer_winograd_destroy(g);
        *out = NULL;
        return c2s_fail_alloc(1, size);
    }
    memset(g->weights, 0, size);
#pragma omp parallel for
    for (size_t o = 0; o < s->outputs; o++)
        pack_output(g, w, o);
    return C2S_OK;
}

void c2s_integer_winograd_destroy(c2s_integer_winograd *g) {
    if (!g)
        return;
    free(g->place);
    free(g->weights);
    free(g);
}

typedef int16_t words __attribute__((vector_size(2 * WORDS)));
typedef int8_t signed_codes __attribute__((vector_size(WORDS)));
/* The same anywhere in memory. */
typedef words loose_words __attribute__((aligned(2), may_alias));
typedef signed_codes loose_signed_codes __attribute__((aligned(1), may_alias));

#define UNROLLED _Pragma("GCC unroll 6")

/* Three weights of a line give six: G without its factors 1/4, 1/6, 1/6, 1/24, 1/24, 1. The
 * magnitude grows by 7 at most: 12495 after both directions. */
C2S_INLINE void spread_weights(const words *w, words *out) {
    const words ends = w[0] + w[2], far = w[0] + w[2] * 4;
    out[0] = w[0];
    out[1] = -(ends + w[1]);
    out[2] = w[1] - ends;
    out[3] = far + w[1] * 2;
    out[4] = far - w[1] * 2;
    out[5] = w[2];
}

/* One row of planes of a panel: [SIDE, inputs / 2, COLUMNS, 2]. Taps lie `panel` integers apart. */
C2S_INLINE void weights_loop(const void *from, bool narrow, size_t panel, size_t row,
                             int16_t *out) {
    for (size_t k = 0; k < panel; k += WORDS) {
        words column[3], line[SIDE], half[3];
        UNROLLED
        for (size_t x = 0; x < 3; x++) {
            UNROLLED
            for (size_t y = 0; y < 3; y++) {
                const size_t at = (y * 3 + x) * panel + k;
                if (narrow)
                    column[y] = __builtin_convertvector(
                        *(const loose_signed_codes *)((const int8_t *)from + at), words);
                else
                    column[y] = *(const loose_words *)((const int16_t *)from + at);
            }
            spread_weights(column, line);
            half[x] = line[row];
        }
        spread_weights(half, line);
        UNROLLED
        for (size_t x = 0; x < SIDE; x++)
            *(loose_words *)(out + x * panel + k) = line[x];
    }
}

/* With constants for what the loop depends on. */
C2S_INLINE void weights_row(const void *from, bool narrow, size_t panel, size_t row, int16_t *out) {
    switch (row) {
    case 0:
        weights_loop(from, narrow, panel, 0, out);
        return;
    case 1:
        weights_loop(from, narrow, panel, 1, out);
        return;
    case 2:
        weights_loop(from, narrow, panel, 2, out);
        return;
    case 3:
        weights_loop(from, narrow, panel, 3, out);
        return;
    case 4:
        weights_loop(from, narrow, panel, 4, out);
        return;
    default:
        weights_loop(from, narrow, panel, 5, out);
    }
}
C2S_INLINE void weights_row_loop(const void *from, bool narrow, size_t panel, size_t row,
                                 int16_t *out) {
    if (narrow)
        weights_row(from, true, panel, row, out);
    else
        weights_row(from, false, panel, row, out);
}
C2S_SIMD(transform_weights, weights_row_loop,
         (const void *from, bool narrow, size_t panel, size_t row, int16_t *out),
         (from, narrow, panel, row, out))

/* ---- input ---- */

typedef uint8_t codes __attribute__((vector_size(WORDS)));
typedef codes loose_codes __attribute__((aligned(1), may_alias));

/* Six integers of a line. The magnitude grows by 10 at most: 25500 after both directions. */
C2S_INLINE void spread(const words *x, words *y, size_t step) {
    y[0] = x[0] * 4 - x[2] * 5 + x[4];
    y[step] = x[3] + x[4] - (x[1] + x[2]) * 4;
    y[2 * step] = x[4] - x[3] + (x[1] - x[2]) * 4;
    y[3 * step] = x[4] - x[2] + (x[3] - x[1]) * 2;
    y[4 * step] = x[4] - x[2] - (x[3] - x[1]) * 2;
    y[5 * step] = x[1] * 4 - x[3] * 5 + x[5];
}

C2S_INLINE void load_words(const uint8_t *from, bool is_signed, int zero, words *out) {
    if (is_signed)
        *out = __builtin_convertvector(*(const loose_signed_codes *)from, words) - (int16_t)zero;
    else
        *out = __builtin_convertvector(*(const loose_codes *)from, words) - (int16_t)zero;
}

/* One tile: pixels that are outside are NULL. Its planes lie `plane` integers apart. */
C2S_INLINE void transform_loop(const uint8_t *const *pixel, size_t channels, bool is_signed,
                               int zero, int16_t *out, size_t plane) {
    for (size_t c = 0; c < channels; c += WORDS) {
        words half[SIDE][SIDE], line[SIDE];
        UNROLLED
        for (size_t x = 0; x < SIDE; x++) {
            UNROLLED
            for (size_t y = 0; y < SIDE; y++)
                if (pixel[y * SIDE + x])
                    load_words(pixel[y * SIDE + x] + c, is_signed, zero, &line[y]);
                else
                    line[y] = (words){0};
            spread(line, &half[0][x], SIDE);
        }
        UNROLLED
        for (size_t y = 0; y < SIDE; y++) {
            spread(half[y], line, 1);
            UNROLLED
            for (size_t x = 0; x < SIDE; x++)
                *(loose_words *)(out + (y * SIDE + x) * plane + c) = line[x];
        }
    }
}
C2S_SIMD(transform, transform_loop,
         (const uint8_t *const *pixel, size_t channels, bool is_signed, int zero, int16_t *out,
          size_t plane),
         (pixel, channels, is_signed, zero, out, plane))

/* ---- results ---- */

typedef uint32_t sums __attribute__((vector_size(4 * SUMS)));
typedef int32_t signed_sums __attribute__((vector_size(4 * SUMS)));
typedef sums loose_sums __attribute__((aligned(4), may_alias));
typedef signed_sums loose_signed_sums __attribute__((aligned(4), may_alias));

/* Six sums of a line give four results, 24 times as large. */
C2S_INLINE void gather(const sums *m, sums *y, size_t step) {
    const sums even = (m[1] + m[2]) * 4, odd = (m[1] - m[2]) * 4, far = m[3] + m[4],
               off = m[3] - m[4];
    y[0] = m[0] * 6 + even + far;
    y[step] = odd + off * 2;
    y[2 * step] = even + far * 4;
    y[3 * step] = odd + off * 8 + m[5] * 24;
}

/* One tile's planes, which lie `plane` sums apart, give [SQUARE, SQUARE, COLUMNS]. */
C2S_INLINE void collect_loop(const int32_t *from, size_t plane, int32_t *out) {
    for (size_t c = 0; c < COLUMNS; c += SUMS) {
        sums half[SQUARE][SIDE], line[SIDE];
        UNROLLED
        for (size_t y = 0; y < SIDE; y++) {
            UNROLLED
            for (size_t x = 0; x < SIDE; x++)
                line[x] = *(const loose_sums *)(from + (y * SIDE + x) * plane + c);
            gather(line, &half[0][y], SIDE);
        }
        UNROLLED
        for (size_t x = 0; x < SQUARE; x++) {
            gather(half[x], line, 1);
            UNROLLED
            for (size_t y = 0; y < SQUARE; y++) {
                *(loose_signed_sums *)(out + (y * SQUARE + x) * COLUMNS + c) =
                    (signed_sums)(line[y] * A_NINTH) >> SHIFT;
            }
        }
    }
}
C2S_SIMD(collect, collect_loop, (const int32_t *from, size_t plane, int32_t *out),
         (from, plane, out))

/* ---- running ---- */

typedef struct task {
    const c2s_integer_winograd *winograd;
    const uint8_t *in; /* of the image */
    bool is_signed;
    int zero;
    const c2s_requantize *requantize;
    char *out; /* of the image */
    size_t first, tiles;
    int16_t *work; /* [PLANES, most, inputs] */
} task;

/* Bytes of the work space: transformed inputs, and of each thread transformed weights and sums. */
static size_t input_size(const c2s_integer_winograd *g) {
    return PLANES * g->most * g->shape.inputs * sizeof(int16_t);
}

static size_t weights_size(const c2s_integer_winograd *g) {
    return SIDE * g->panel * sizeof(int16_t);
}

static size_t sums_size(const c2s_integer_winograd *g) {
    return PLANES * g->most * COLUMNS * sizeof(int32_t);
}

static void transform_tile(const task *k, size_t tile) {
    const c2s_integer_winograd *g = k->winograd;
    const c2s_integer_shape *s = &g->shape;
    const size_t at = k->first + tile, top = at / g->across * SQUARE,
                 left = at % g->across * SQUARE;
    const uint8_t *pixel[PLANES];
    for (size_t p = 0; p < PLANES; p++) {
        /* out of range below zero, too */
        const size_t y = top + p / SIDE - s->pad[0], x = left + p % SIDE - s->pad[1];
        pixel[p] = y < s->in[0] && x < s->in[1] ? k->in + (y * s->in[1] + x) * s->inputs : NULL;
    }
    transform(pixel, s->inputs, k->is_signed, k->zero, k->work + tile * s->inputs,
              g->most * s->inputs);
}

static void finish_tile(const task *k, size_t tile, size_t panel, const int32_t *found) {
    const c2s_integer_winograd *g = k->winograd;
    const c2s_integer_shape *s = &g->shape;
    const size_t at = k->first + tile, top = at / g->across * SQUARE,
                 left = at % g->across * SQUARE, channel = panel * COLUMNS,
                 element = c2s_dtype_bits(k->requantize->dtype) / 8;
    int32_t pixels[SQUARE * SQUARE * C2S_DOT_COLUMNS];
    collect(found, g->most * COLUMNS, pixels);
    for (size_t y = 0; y < smaller(SQUARE, s->out[0] - top); y++)
        c2s_requantize_rows(
            k->requantize, pixels + y * SQUARE * COLUMNS, smaller(SQUARE, s->out[1] - left),
            channel, smaller(COLUMNS, s->outputs - channel),
            k->out + (((top + y) * s->out[1] + left) * s->outputs + channel) * element, s->outputs);
}

/* The block's tiles with the weights of one panel. `work`: [SIDE] planes of weights, then [PLANES,
 * most, COLUMNS] sums. */
static void multiply_panel(const task *k, size_t panel, char *work) {
    const c2s_integer_winograd *g = k->winograd;
    const size_t inputs = g->shape.inputs, element = g->narrow ? sizeof(int8_t) : sizeof(int16_t);
    const ptrdiff_t tap = 0;
    const c2s_dot dot = {&tap, 1, inputs / 2, false};
    const c2s_requantize all = {.dtype = C2S_INT32};
    int16_t *weights = (int16_t *)work;
    int32_t *found = (int32_t *)(work + weights_size(g));
    for (size_t p = 0; p < PLANES; p++) {
        if (p % SIDE == 0)
            transform_weights((const char *)g->weights + panel * 9 * g->panel * element, g->narrow,
                              g->panel, p / SIDE, weights);
        c2s_dot_panel(&dot, k->work + p * g->most * inputs, g->place, k->tiles,
                      weights + p % SIDE * g->panel, &all, 0, COLUMNS,
                      found + p * g->most * COLUMNS, COLUMNS);
    }
    for (size_t t = 0; t < k->tiles; t++)
        finish_tile(k, t, panel, found + t * COLUMNS);
}

size_t c2s_integer_winograd_work(const c2s_integer_winograd *g, unsigned threads) {
    return input_size(g) + threads * (weights_size(g) + sums_size(g));
}

static void run_block(const task *k, unsigned threads) {
    const c2s_integer_winograd *g = k->winograd;
    char *rest = (char *)k->work + input_size(g);
#pragma omp parallel for num_threads((int)threads) if (threads > 1)
    for (size_t t = 0; t < k->tiles; t++)
        transform_tile(k, t);
#pragma omp parallel for schedule(dynamic) num_threads((int)threads) if (threads > 1)
    for (size_t p = 0; p < g->panels; p++)
        multiply_panel(k, p, rest + (size_t)c2s_this_thread() * (weights_size(g) + sums_size(g)));
}

void c2s_integer_winograd_run(const c2s_integer_winograd *g, const void *in, bool is_signed,
                              int zero, const c2s_requantize *requantize, void *out,
                              unsigned threads, void *work) {
    const c2s_integer_shape *s = &g->shape;
    const size_t element = c2s_dtype_bits(requantize->dtype) / 8;
    for (size_t n = 0; n < s->batch; n++)
        for (size_t first = 0; first < g->tiles; first += g->most) {
            const task k = {.winograd = g,
                            .in = (const uint8_t *)in + n * s->in[0] * s->in[1] * s->inputs,
                            .is_signed = is_signed,
                            .zero = zero,
                            .requantize = requantize,
                            .out = (char *)out + n * s->out[0] * s->out[1] * s->outputs * element,
                            .first = first,
                            .tiles = smaller(g->most, g->tiles - first),
                            .work = work};
            run_block(&k, threads);
        }
}
