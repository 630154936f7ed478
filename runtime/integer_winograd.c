/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_winograd.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "runtime/integer_dot.h"
#include "runtime/integer_winograd_math.h"

enum { SQUARE = C2S_SQUARE_SIDE, SIDE = C2S_TILE_SIDE, PLANES = C2S_TILE_PLANES };
/* Bytes of transformed input that are multiplied at once. */
enum { BLOCK = 300 << 10 };
/* To transform the weights for a block takes as long as so many products per channel. */
enum { WEIGHTS_COST = 80 };

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
    return s->groups == 1 && s->inputs % C2S_TILE_WORDS == 0 && s->outputs >= COLUMNS &&
           gain <= (C2S_WINOGRAD_MOST_SUM - 1) / 255 && direct >= 1.8 * here;
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

typedef struct packing {
    c2s_integer_winograd *winograd;
    const c2s_integer_weights *weights;
} packing;

static void pack_outputs(const void *context, size_t from, size_t to) {
    const packing *p = context;
    for (size_t o = from; o < to; o++)
        pack_output(p->winograd, p->weights, o);
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
    const packing p = {g, w};
    c2s_share(s->outputs, size > 1 << 16, pack_outputs, &p);
    return C2S_OK;
}

void c2s_integer_winograd_destroy(c2s_integer_winograd *g) {
    if (!g)
        return;
    free(g->place);
    free(g->weights);
    free(g);
}

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
    c2s_winograd_integer_tile(pixel, s->inputs, k->is_signed, k->zero, k->work + tile * s->inputs,
                              g->most * s->inputs);
}

static void finish_tile(const task *k, size_t tile, size_t panel, const int32_t *found) {
    const c2s_integer_winograd *g = k->winograd;
    const c2s_integer_shape *s = &g->shape;
    const size_t at = k->first + tile, top = at / g->across * SQUARE,
                 left = at % g->across * SQUARE, channel = panel * COLUMNS,
                 element = c2s_dtype_bits(k->requantize->dtype) / 8;
    int32_t pixels[SQUARE * SQUARE * C2S_DOT_COLUMNS];
    c2s_winograd_integer_square(found, g->most * COLUMNS, pixels);
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
    const c2s_dot dot = {&tap, 1, inputs / 2, .kind = C2S_DOT_WORDS};
    const c2s_requantize all = {.dtype = C2S_INT32};
    int16_t *weights = (int16_t *)work;
    int32_t *found = (int32_t *)(work + weights_size(g));
    for (size_t p = 0; p < PLANES; p++) {
        if (p % SIDE == 0)
            c2s_winograd_integer_weights((const char *)g->weights + panel * 9 * g->panel * element,
                                         g->narrow, g->panel, p / SIDE, weights);
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

static void transform_tiles(const void *context, size_t from, size_t to) {
    for (size_t t = from; t < to; t++)
        transform_tile(context, t);
}

static void multiply_panels(const void *context, size_t from, size_t to) {
    const task *k = context;
    const c2s_integer_winograd *g = k->winograd;
    char *work = (char *)k->work + input_size(g) +
                 (size_t)c2s_this_thread() * (weights_size(g) + sums_size(g));
    for (size_t p = from; p < to; p++)
        multiply_panel(k, p, work);
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
            c2s_share(k.tiles, threads > 1, transform_tiles, &k);
            c2s_share(g->panels, threads > 1, multiply_panels, &k);
        }
}
