/* SPDX-License-Identifier: Apache-2.0
 *
 * The output's squares ("tiles") are handled in chunks. Of a chunk, the transformed input is
 * [point, block of input channels, tile, 8], its products with the weights are [point, block of
 * output channels, tile, 8]. Transformed weights: [point, pair of blocks of output channels, input
 * channel, 16]; a last single block has 8.
 */
#include "runtime/winograd_math.h"

#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "runtime/vector.h"
#include "runtime/vector_math.h"

enum { LANES = 8, MOST_POINTS = 36, MOST_SIDE = 6, GROUP = 6 /* tiles in registers */ };

/* Bytes of a chunk's transformed inputs and products, and the fewest tiles that make reading the
 * weights worth while. */
#define CHUNK_BYTES ((size_t)1 << 20)
enum { FEWEST_TILES = 48 };

typedef struct geometry {
    size_t side, points; /* of a transformed tile */
    size_t columns, rows, tiles;
    size_t chunk;               /* tiles in a chunk */
    size_t in_step, out_step;   /* floats between points */
    size_t in_plane, out_plane; /* floats of a block of channels of an image */
} geometry;

static geometry geometry_of(const c2s_winograd *w) {
    geometry g = {.side = (size_t)w->square + 2};
    size_t square = (size_t)w->square;
    g.points = g.side * g.side;
    g.columns = ((size_t)w->out_width + square - 1) / square;
    g.rows = ((size_t)w->out_height + square - 1) / square;
    g.tiles = w->images * g.rows * g.columns;
    size_t each = g.points * (w->in_blocks + w->out_blocks) * LANES * sizeof(float);
    g.chunk = CHUNK_BYTES / each / GROUP * GROUP;
    if (g.chunk < FEWEST_TILES)
        g.chunk = FEWEST_TILES;
    size_t chunks = (g.tiles + g.chunk - 1) / g.chunk; /* of even size */
    g.chunk = ((g.tiles + chunks - 1) / chunks + GROUP - 1) / GROUP * GROUP;
    /* A line more, so that the points of a tile lie in different sets of the cache. */
    g.in_step = w->in_blocks * g.chunk * LANES + 16;
    g.out_step = w->out_blocks * g.chunk * LANES + 16;
    g.in_plane = (size_t)(w->in_height * w->in_width) * LANES;
    g.out_plane = (size_t)(w->out_height * w->out_width) * LANES;
    return g;
}

size_t c2s_winograd_work_size(const c2s_winograd *w) {
    geometry g = geometry_of(w);
    return g.points * (g.in_step + g.out_step);
}

/* ---- weights ---- */

/* By point: what it takes from each of the three weights. */
static const double of_weights_2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
#define ROOT 1.41421356237309504880
static const double of_weights_4[6][3] = {
    {1, 0, 0},
    {-2. / 3, -ROOT / 3, -1. / 3},
    {-2. / 3, ROOT / 3, -1. / 3},
    {1. / 6, ROOT / 6, 1. / 3},
    {1. / 6, -ROOT / 6, 1. / 3},
    {0, 0, 1},
};

bool c2s_winograd_weights_size(const c2s_winograd *w, size_t *count) {
    size_t points = (size_t)((w->square + 2) * (w->square + 2));
    return c2s_mul_size(w->in_blocks * LANES, w->out_blocks * LANES, count) &&
           c2s_mul_size(*count, points, count);
}

/* 16 (or 8) output channels at a time, so that the compiler finds vectors. */
enum { MOST_WIDTH = 16 };

C2S_INLINE void transform_windows(int square, size_t width, const float *from, size_t each,
                                  float *to, size_t step) {
    const double(*by)[3] = square == 2 ? of_weights_2 : of_weights_4;
    int side = square + 2;
    double window[9][MOST_WIDTH], rows[MOST_SIDE][3][MOST_WIDTH];
    for (size_t o = 0; o < width; o++)
        for (int i = 0; i < 9; i++)
            window[i][o] = (double)from[o * each + (size_t)i];
    for (int i = 0; i < side; i++)
        for (int x = 0; x < 3; x++)
            for (size_t o = 0; o < width; o++)
                rows[i][x][o] = by[i][0] * window[x][o] + by[i][1] * window[3 + x][o] +
                                by[i][2] * window[6 + x][o];
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++, to += step)
            for (size_t o = 0; o < width; o++)
                to[o] = (float)(rows[i][0][o] * by[j][0] + rows[i][1][o] * by[j][1] +
                                rows[i][2][o] * by[j][2]);
}

C2S_INLINE void transform_column(int square, size_t width, const float *from, size_t each,
                                 float *to, size_t step) {
    if (square == 2)
        transform_windows(2, width, from, each, to, step);
    else if (width == MOST_WIDTH)
        transform_windows(4, MOST_WIDTH, from, each, to, step);
    else
        transform_windows(4, LANES, from, each, to, step);
}

C2S_SIMD(transform_weights, transform_column,
         (int square, size_t width, const float *from, size_t each, float *to, size_t step),
         (square, width, from, each, to, step))

void c2s_winograd_weights(const c2s_winograd *w, const float *from, float *to) {
    size_t in = w->in_blocks * LANES, out = w->out_blocks * LANES;
#pragma omp parallel for
    for (size_t pair = 0; pair < (out + 15) / 16; pair++) {
        size_t width = pair * 16 + 16 <= out ? 16 : 8;
        for (size_t i = 0; i < in; i++)
            transform_weights(w->square, width, from + (pair * 16 * in + i) * 9, in * 9,
                              to + pair * in * 16 + i * width, in * out);
    }
}

/* ---- inputs ---- */

/* A line of an input tile by points. */
C2S_V8_INLINE void transform_inputs_2(const c2s_v8 d[4], c2s_v8 t[4]) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[3] - d[1];
}

C2S_V8_INLINE void transform_inputs_4(const c2s_v8 d[6], c2s_v8 t[6]) {
    c2s_v8 a = v8_set((float)(ROOT / 2)), b = v8_set((float)ROOT);
    c2s_v8 even_a = v8_fma(d[2], v8_set(-2), d[4]), even_b = v8_fma(d[2], v8_set(-0.5f), d[4]);
    c2s_v8 odd_a = v8_fma(d[1], v8_set(-2), d[3]), odd_b = v8_fma(d[1], v8_set(-0.5f), d[3]);
    t[0] = v8_fma(d[2], v8_set(-2.5f), d[0] + d[4]);
    t[1] = v8_fma(odd_a, a, even_a);
    t[2] = v8_fma(odd_a, v8_set(0) - a, even_a);
    t[3] = v8_fma(odd_b, b, even_b);
    t[4] = v8_fma(odd_b, v8_set(0) - b, even_b);
    t[5] = v8_fma(d[3], v8_set(-2.5f), d[1] + d[5]);
}

/* From a tile whose lines are `line` floats apart. */
C2S_V8_INLINE void transform_input_tile(int square, const float *x, size_t line, float *to,
                                        size_t step) {
    enum { SIDE = MOST_SIDE };
    int side = square + 2;
    c2s_v8 t[SIDE][SIDE], d[SIDE], r[SIDE];
    for (int j = 0; j < side; j++) {
        for (int i = 0; i < side; i++)
            d[i] = v8_load(x + (size_t)i * line + (size_t)j * LANES);
        square == 2 ? transform_inputs_2(d, r) : transform_inputs_4(d, r);
        for (int i = 0; i < side; i++)
            t[i][j] = r[i];
    }
    for (int i = 0; i < side; i++) {
        square == 2 ? transform_inputs_2(t[i], r) : transform_inputs_4(t[i], r);
        for (int j = 0; j < side; j++)
            v8_store(to + (size_t)(i * side + j) * step, r[j]);
    }
}

/* Where a tile begins. */
typedef struct place {
    size_t image;
    int64_t y, x; /* of its first output */
} place;

static place place_of(const c2s_winograd *w, const geometry *g, size_t tile) {
    size_t in_image = tile % (g->rows * g->columns);
    return (place){.image = tile / (g->rows * g->columns),
                   .y = (int64_t)(in_image / g->columns) * w->square,
                   .x = (int64_t)(in_image % g->columns) * w->square};
}

/* What lies beyond the border is 0. */
static void copy_border_tile(const c2s_winograd *w, const float *plane, int64_t y, int64_t x,
                             float *to) {
    int side = w->square + 2;
    memset(to, 0, (size_t)(side * side) * LANES * sizeof *to);
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            if (y + i >= 0 && y + i < w->in_height && x + j >= 0 && x + j < w->in_width)
                memcpy(to + (i * side + j) * LANES, plane + ((y + i) * w->in_width + x + j) * LANES,
                       LANES * sizeof *to);
}

C2S_V8_INLINE void transform_inputs_of(int square, const c2s_winograd *w, const geometry *g,
                                       const float *x, size_t first, size_t count, size_t block,
                                       float *to) {
    int side = square + 2;
    for (size_t k = 0; k < count; k++) {
        place p = place_of(w, g, first + k);
        int64_t top = p.y - w->pad_top, left = p.x - w->pad_left;
        const float *plane = x + (p.image * w->in_blocks + block) * g->in_plane;
        float *at = to + (block * g->chunk + k) * LANES, border[MOST_POINTS * LANES];
        if (top >= 0 && left >= 0 && top + side <= w->in_height && left + side <= w->in_width) {
            transform_input_tile(square, plane + (top * w->in_width + left) * LANES,
                                 (size_t)w->in_width * LANES, at, g->in_step);
        } else {
            copy_border_tile(w, plane, top, left, border);
            transform_input_tile(square, border, (size_t)side * LANES, at, g->in_step);
        }
    }
}

C2S_V8 static void transform_inputs(const c2s_winograd *w, const geometry *g, const float *x,
                                    size_t first, size_t count, size_t block, float *to) {
    if (w->square == 2)
        transform_inputs_of(2, w, g, x, first, count, block, to);
    else
        transform_inputs_of(4, w, g, x, first, count, block, to);
}

/* ---- products ---- */

/* `blocks` (1 or 2) blocks of output channels of `tiles` tiles. */
C2S_V8_INLINE void multiply_group(int blocks, int tiles, size_t in_blocks, size_t in_step,
                                  const float *x, const float *weights, float *to,
                                  size_t out_step) {
    c2s_v8 low[GROUP], high[GROUP];
    for (int t = 0; t < tiles; t++)
        low[t] = high[t] = v8_set(0);
    for (size_t block = 0; block < in_blocks; block++, x += in_step)
        for (int lane = 0; lane < LANES; lane++, weights += blocks * LANES) {
            c2s_v8 a = v8_load(weights), b = blocks == 2 ? v8_load(weights + LANES) : a;
            for (int t = 0; t < tiles; t++) {
                c2s_v8 factor = v8_set(x[t * LANES + lane]);
                low[t] = v8_fma(a, factor, low[t]);
                if (blocks == 2)
                    high[t] = v8_fma(b, factor, high[t]);
            }
        }
    for (int t = 0; t < tiles; t++) {
        v8_store(to + t * LANES, low[t]);
        if (blocks == 2)
            v8_store(to + out_step + t * LANES, high[t]);
    }
}

/* The number of tiles has to be known when compiling: sums then stay in registers. */
C2S_V8_INLINE void multiply_rest(int blocks, size_t tiles, size_t in_blocks, size_t step,
                                 const float *x, const float *weights, float *to) {
    switch (tiles) {
    case 1:
        multiply_group(blocks, 1, in_blocks, step, x, weights, to, step);
        break;
    case 2:
        multiply_group(blocks, 2, in_blocks, step, x, weights, to, step);
        break;
    case 3:
        multiply_group(blocks, 3, in_blocks, step, x, weights, to, step);
        break;
    case 4:
        multiply_group(blocks, 4, in_blocks, step, x, weights, to, step);
        break;
    case 5:
        multiply_group(blocks, 5, in_blocks, step, x, weights, to, step);
        break;
    default:
        multiply_group(blocks, GROUP, in_blocks, step, x, weights, to, step);
        break;
    }
}

/* A pair of blocks of output channels at one point, of `count` tiles. */
C2S_V8 static void multiply(const c2s_winograd *w, const geometry *g, const float *x,
                            const float *weights, size_t point, size_t pair, size_t count,
                            float *to) {
    size_t in = w->in_blocks * LANES, step = g->chunk * LANES;
    const float *from = x + point * g->in_step;
    const float *by = weights + point * in * w->out_blocks * LANES + pair * in * 16;
    float *out = to + point * g->out_step + 2 * pair * step;
    bool both = 2 * pair + 1 < w->out_blocks;
    for (size_t t = 0; t < count; t += GROUP) {
        size_t tiles = count - t < GROUP ? count - t : GROUP;
        if (both)
            multiply_rest(2, tiles, w->in_blocks, step, from + t * LANES, by, out + t * LANES);
        else
            multiply_rest(1, tiles, w->in_blocks, step, from + t * LANES, by, out + t * LANES);
    }
}

/* ---- outputs ---- */

C2S_V8_INLINE void transform_outputs_2(const c2s_v8 m[4], c2s_v8 y[4]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] + m[3];
}

C2S_V8_INLINE void transform_outputs_4(const c2s_v8 m[6], c2s_v8 y[4]) {
    c2s_v8 sum_a = m[1] + m[2], sum_b = m[3] + m[4], a = m[1] - m[2], b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = v8_fma(b, v8_set(2), a) * v8_set((float)(ROOT / 2));
    y[2] = v8_fma(sum_b, v8_set(2), sum_a * v8_set(0.5f));
    y[3] = v8_fma(v8_fma(b, v8_set(8), a), v8_set((float)(ROOT / 4)), m[5]);
}

C2S_V8_INLINE c2s_v8 operand_of(const c2s_winograd_post *post, size_t at, size_t channel) {
    return post->shape == C2S_WINOGRAD_FULL      ? v8_load(post->operand + at)
           : post->shape == C2S_WINOGRAD_CHANNEL ? v8_load(post->operand + channel)
                                                 : v8_set(*post->operand);
}

/* `at`: where the results are in the output; `channel`: the first of them. */
C2S_V8_INLINE c2s_v8 apply_post(const c2s_winograd_post *post, c2s_v8 y, size_t at,
                                size_t channel) {
    c2s_v8 alpha = v8_set(post->alpha), beta = v8_set(post->beta), zero = v8_set(0);
    switch (post->kind) {
    case C2S_WINOGRAD_ADD:
        return y + operand_of(post, at, channel);
    case C2S_WINOGRAD_SUBTRACT:
        return y - operand_of(post, at, channel);
    case C2S_WINOGRAD_MULTIPLY:
        return y * operand_of(post, at, channel);
    case C2S_WINOGRAD_LEAKY:
        return v8_if_less(y, zero, v8_fma(alpha, y, zero), y); /* never -0 for alpha 0 */
    case C2S_WINOGRAD_CLIP:
        return v8_at_most(v8_at_least(y, alpha), beta);
    case C2S_WINOGRAD_SIGMOID:
        return v8_sigmoid(y);
    case C2S_WINOGRAD_SWISH:
        return y * v8_sigmoid(alpha * y);
    case C2S_WINOGRAD_HARDSWISH:
        return y * v8_at_most(v8_at_least(v8_fma(alpha, y, beta), zero), v8_set(1));
    }
    return y;
}

typedef struct ending {
    const float *bias;
    const c2s_winograd_post *posts;
    unsigned post_count;
} ending;

C2S_V8_INLINE void transform_outputs_of(int square, const c2s_winograd *w, const geometry *g,
                                        const float *from, size_t first, size_t count, size_t block,
                                        const ending *end, float *y) {
    int side = square + 2;
    c2s_v8 bias = v8_load(end->bias + block * LANES);
    for (size_t k = 0; k < count; k++) {
        place p = place_of(w, g, first + k);
        const float *m = from + (block * g->chunk + k) * LANES;
        c2s_v8 t[4][MOST_SIDE], d[MOST_SIDE], r[4];
        for (int j = 0; j < side; j++) {
            for (int i = 0; i < side; i++)
                d[i] = v8_load(m + (size_t)(i * side + j) * g->out_step);
            square == 2 ? transform_outputs_2(d, r) : transform_outputs_4(d, r);
            for (int i = 0; i < square; i++)
                t[i][j] = r[i];
        }
        size_t plane = (p.image * w->out_blocks + block) * g->out_plane;
        for (int i = 0; i < square && p.y + i < w->out_height; i++) {
            square == 2 ? transform_outputs_2(t[i], r) : transform_outputs_4(t[i], r);
            size_t at = plane + (size_t)((p.y + i) * w->out_width + p.x) * LANES;
            for (int j = 0; j < square && p.x + j < w->out_width; j++, at += LANES) {
                c2s_v8 result = r[j] + bias;
                for (unsigned n = 0; n < end->post_count; n++)
                    result = apply_post(&end->posts[n], result, at, block * LANES);
                v8_store(y + at, result);
            }
        }
    }
}

C2S_V8 static void transform_outputs(const c2s_winograd *w, const geometry *g, const float *from,
                                     size_t first, size_t count, size_t block, const ending *end,
                                     float *y) {
    if (w->square == 2)
        transform_outputs_of(2, w, g, from, first, count, block, end, y);
    else
        transform_outputs_of(4, w, g, from, first, count, block, end, y);
}

/* ---- all together ---- */

static size_t tiles_of(const geometry *g, size_t first) {
    return g->tiles - first < g->chunk ? g->tiles - first : g->chunk;
}

/* A chunk by one thread. */
static void run_chunk(const c2s_winograd *w, const geometry *g, const float *x,
                      const float *weights, const ending *end, size_t first, float *work,
                      float *y) {
    size_t count = tiles_of(g, first);
    float *products = work + g->points * g->in_step;
    for (size_t block = 0; block < w->in_blocks; block++)
        transform_inputs(w, g, x, first, count, block, work);
    for (size_t point = 0; point < g->points; point++)
        for (size_t pair = 0; pair < (w->out_blocks + 1) / 2; pair++)
            multiply(w, g, work, weights, point, pair, count, products);
    for (size_t block = 0; block < w->out_blocks; block++)
        transform_outputs(w, g, products, first, count, block, end, y);
}

/* A chunk by all threads. */
static void share_chunk(const c2s_winograd *w, const geometry *g, const float *x,
                        const float *weights, const ending *end, size_t first, float *work,
                        unsigned threads, float *y) {
    size_t count = tiles_of(g, first), pairs = (w->out_blocks + 1) / 2;
    float *products = work + g->points * g->in_step;
#pragma omp parallel num_threads(threads)
    {
#pragma omp for
        for (size_t block = 0; block < w->in_blocks; block++)
            transform_inputs(w, g, x, first, count, block, work);
#pragma omp for
        for (size_t task = 0; task < g->points * pairs; task++)
            multiply(w, g, work, weights, task / pairs, task % pairs, count, products);
#pragma omp for
        for (size_t block = 0; block < w->out_blocks; block++)
            transform_outputs(w, g, products, first, count, block, end, y);
    }
}

void c2s_winograd_run(const c2s_winograd *w, const float *x, const float *weights,
                      const float *bias, const c2s_winograd_post *posts, unsigned post_count,
                      float *work, unsigned threads, float *y) {
    geometry g = geometry_of(w);
    size_t chunks = (g.tiles + g.chunk - 1) / g.chunk, each = c2s_winograd_work_size(w);
    ending end = {bias, posts, post_count};
    if (threads > 1 && chunks < 4 * threads) {
        for (size_t c = 0; c < chunks; c++)
            share_chunk(w, &g, x, weights, &end, c * g.chunk, work, threads, y);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (unsigned thread = 0; thread < threads; thread++)
        for (size_t c = thread; c < chunks; c += threads)
            run_chunk(w, &g, x, weights, &end, c * g.chunk, work + thread * each, y);
}
