/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/block_product.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "base/threads.h"
#include "runtime/dnnl_primitive.h"
#include "runtime/dnnl_processor.h"
#include "runtime/vector.h"

/* Half a chunk; rows up to which nothing is unpacked to memory; floats of a tile. */
enum { HALF = C2S_BLOCK_CHUNK / 2, FEW = 4, TILE = 1 << 18 };

struct c2s_block_product {
    c2s_block_weights w;
    int64_t m, tile_rows;
    size_t row_bytes;
    float *a;    /* few rows of `a` as the chunks want them, filled up with zeros */
    float *tile; /* NULL: not needed */
};
typedef struct c2s_block_product product;

bool c2s_block_accepts(c2s_block_weights *w) {
    if (w->n < 1 || w->n > INT32_MAX || w->k < 1 || w->k > INT32_MAX / 2 ||
        (w->bits != 4 && w->bits != 8) || w->block < C2S_BLOCK_CHUNK ||
        w->block % C2S_BLOCK_CHUNK != 0 || w->block > INT32_MAX / 2)
        return false;
    w->blocks = (w->k + w->block - 1) / w->block;
    return true;
}

size_t c2s_block_row_bytes(const c2s_block_weights *w) {
    return (size_t)(w->blocks * w->block) * w->bits / 8;
}

size_t c2s_block_zero_bytes(const c2s_block_weights *w) {
    return ((size_t)w->blocks * w->bits + 7) / 8;
}

void c2s_block_product_destroy(c2s_block_product *q) {
    if (!q)
        return;
    free(q->a);
    free(q->tile);
    free(q);
}

c2s_status c2s_block_product_create(const c2s_block_weights *w, int64_t m,
                                    c2s_block_product **out) {
    product *q = *out = c2s_zalloc(sizeof *q);
    *q = (product){.w = *w, .m = m, .row_bytes = c2s_block_row_bytes(w)};
    size_t whole = (size_t)(w->blocks * w->block), size;
    if (m <= FEW) {
        size = (size_t)m * whole;
        q->a = c2s_try_alloc_aligned(size * sizeof *q->a);
    } else {
        q->tile_rows = TILE / (int64_t)whole;
        q->tile_rows = q->tile_rows < C2S_BLOCK_CHUNK ? C2S_BLOCK_CHUNK
                       : q->tile_rows > w->n          ? w->n
                                                      : q->tile_rows;
        size = (size_t)q->tile_rows * whole;
        q->tile = c2s_try_alloc_aligned(size * sizeof *q->tile);
    }
    if (q->a || q->tile)
        return C2S_OK;
    c2s_block_product_destroy(q);
    *out = NULL;
    return c2s_fail_alloc(size, sizeof(float));
}

/* ---- weights ---- */

static float zero_of(const c2s_block_weights *w, int64_t row, int64_t block) {
    if (w->zeros)
        return w->zeros[row * w->blocks + block];
    if (!w->zero_codes)
        return (float)(1 << (w->bits - 1));
    const uint8_t *codes = w->zero_codes + (size_t)row * c2s_block_zero_bytes(w);
    return w->bits == 8 ? codes[block] : (float)(codes[block / 2] >> (block % 2 * 4) & 15);
}

/* A chunk's weights without their scale: of 4 bits, the even ones come first. */
C2S_INLINE void unpack(unsigned bits, const uint8_t *from, float zero, float w[C2S_BLOCK_CHUNK]) {
    for (int l = 0; l < HALF; l++) {
        w[l] = (float)(bits == 4 ? from[l] & 15 : from[l]) - zero;
        w[HALF + l] = (float)(bits == 4 ? from[l] >> 4 : from[HALF + l]) - zero;
    }
}

/* ---- few rows ---- */

static void arrange(const product *q, const float *a) {
    int64_t whole = q->w.blocks * q->w.block;
    memset(q->a, 0, (size_t)(q->m * whole) * sizeof *q->a);
    for (int64_t i = 0; i < q->m; i++)
        for (int64_t k = 0; k < q->w.k; k++) {
            int64_t in = k % C2S_BLOCK_CHUNK, at = q->w.bits == 4 ? in % 2 * HALF + in / 2 : in;
            q->a[i * whole + k - in + at] = a[i * q->w.k + k];
        }
}

/* Products of rows of `a` with row `n` of the weights. */
C2S_INLINE void dot_loop(const product *q, int64_t n, unsigned bits, int rows, float *y) {
    const uint8_t *from = q->w.codes + (size_t)n * q->row_bytes;
    const float *a = q->a, *scale = q->w.scales + n * q->w.blocks;
    const int64_t whole = q->w.blocks * q->w.block;
    float total[FEW][C2S_BLOCK_CHUNK] = {{0}};
    for (int64_t b = 0; b < q->w.blocks; b++) {
        const float zero = zero_of(&q->w, n, b);
        float sum[FEW][C2S_BLOCK_CHUNK] = {{0}}, w[C2S_BLOCK_CHUNK];
        for (int64_t c = 0; c < q->w.block;
             c += C2S_BLOCK_CHUNK, from += C2S_BLOCK_CHUNK * bits / 8, a += C2S_BLOCK_CHUNK) {
            unpack(bits, from, zero, w);
            for (int i = 0; i < rows; i++)
                for (int l = 0; l < C2S_BLOCK_CHUNK; l++)
                    sum[i][l] += w[l] * a[i * whole + l];
        }
        for (int i = 0; i < rows; i++)
            for (int l = 0; l < C2S_BLOCK_CHUNK; l++)
                total[i][l] += scale[b] * sum[i][l];
    }
    for (int i = 0; i < rows; i++) {
        float all = 0;
        for (int l = 0; l < C2S_BLOCK_CHUNK; l++)
            all += total[i][l];
        y[i * q->w.n + n] = all;
    }
}

/* With constants for what the inner loops depend on. */
C2S_INLINE void dots_loop(const product *q, int64_t n, float *y) {
    if (q->w.bits == 4 && q->m == 1)
        dot_loop(q, n, 4, 1, y);
    else if (q->w.bits == 4 && q->m == 2)
        dot_loop(q, n, 4, 2, y);
    else if (q->w.bits == 4)
        dot_loop(q, n, 4, (int)q->m, y);
    else if (q->m == 1)
        dot_loop(q, n, 8, 1, y);
    else
        dot_loop(q, n, 8, (int)q->m, y);
}
C2S_SIMD(dots, dots_loop, (const product *q, int64_t n, float *y), (q, n, y))

/* The same with fused multiplication and addition. */
C2S_V8_INLINE void v8_dot(const product *q, int64_t n, unsigned bits, int rows, float *y) {
    const uint8_t *from = q->w.codes + (size_t)n * q->row_bytes;
    const float *a = q->a, *scale = q->w.scales + n * q->w.blocks;
    const int64_t whole = q->w.blocks * q->w.block;
    c2s_v8 total[FEW];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
        total[i] = v8_set(0);
    for (int64_t b = 0; b < q->w.blocks; b++) {
        const c2s_v8 zero = v8_set(zero_of(&q->w, n, b));
        c2s_v8 sum[FEW][2];
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            sum[i][0] = sum[i][1] = v8_set(0);
        for (int64_t c = 0; c < q->w.block;
             c += C2S_BLOCK_CHUNK, from += C2S_BLOCK_CHUNK * bits / 8, a += C2S_BLOCK_CHUNK) {
            c2s_v8 first, second;
            if (bits == 4) {
                v8_from_halves(from, &first, &second);
            } else {
                first = v8_from_bytes(from);
                second = v8_from_bytes(from + HALF);
            }
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++) {
                sum[i][0] = v8_fma(first - zero, v8_load(a + i * whole), sum[i][0]);
                sum[i][1] = v8_fma(second - zero, v8_load(a + i * whole + HALF), sum[i][1]);
            }
        }
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            total[i] = v8_fma(v8_set(scale[b]), sum[i][0] + sum[i][1], total[i]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
        y[i * q->w.n + n] = v8_sum(total[i]);
}

C2S_V8_INLINE void v8_dot_rows(const product *q, int64_t n, unsigned bits, float *y) {
    switch (q->m) {
    case 1:
        v8_dot(q, n, bits, 1, y);
        return;
    case 2:
        v8_dot(q, n, bits, 2, y);
        return;
    case 3:
        v8_dot(q, n, bits, 3, y);
        return;
    default:
        v8_dot(q, n, bits, FEW, y);
    }
}

C2S_V8 static void v8_dots(const product *q, int64_t n, float *y) {
    if (q->w.bits == 4)
        v8_dot_rows(q, n, 4, y);
    else
        v8_dot_rows(q, n, 8, y);
}

typedef struct few {
    const product *q;
    float *y;
} few;

static void dot_rows(const void *context, size_t from, size_t to) {
    const few *f = context;
    const bool fused = c2s_processor_has_fma();
    for (size_t n = from; n < to; n++)
        if (fused)
            v8_dots(f->q, (int64_t)n, f->y);
        else
            dots(f->q, (int64_t)n, f->y);
}

static void multiply_few(const product *q, const float *a, float *y) {
    const few f = {q, y};
    arrange(q, a);
    c2s_share((size_t)q->w.n, true, dot_rows, &f);
}

/* ---- many rows ---- */

C2S_INLINE void unpack_row_loop(const product *q, int64_t n, float *out) {
    const uint8_t *from = q->w.codes + (size_t)n * q->row_bytes;
    for (int64_t b = 0; b < q->w.blocks; b++) {
        const float zero = zero_of(&q->w, n, b), scale = q->w.scales[n * q->w.blocks + b];
        if (q->w.bits == 4)
            for (int64_t k = 0; k < q->w.block; k += 2, from++, out += 2) {
                out[0] = ((float)(*from & 15) - zero) * scale;
                out[1] = ((float)(*from >> 4) - zero) * scale;
            }
        else
            for (int64_t k = 0; k < q->w.block; k++)
                *out++ = ((float)*from++ - zero) * scale;
    }
}
C2S_SIMD(unpack_row, unpack_row_loop, (const product *q, int64_t n, float *out), (q, n, out))

static c2s_status multiply_many(const product *q, const float *a, float *y) {
    int64_t whole = q->w.blocks * q->w.block;
    for (int64_t start = 0; start < q->w.n; start += q->tile_rows) {
        int64_t rows = q->w.n - start < q->tile_rows ? q->w.n - start : q->tile_rows;
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < rows; n++)
            unpack_row(q, start + n, q->tile + n * whole);
        C2S_TRY(c2s_dnnl_multiply(q->m, rows, q->w.k, a, q->tile, whole, y + start, q->w.n));
    }
    return C2S_OK;
}

c2s_status c2s_block_product_run(const c2s_block_product *q, const float *a, const float *bias,
                                 float *y) {
    if (q->m <= FEW)
        multiply_few(q, a, y);
    else
        C2S_TRY(multiply_many(q, a, y));
    for (int64_t i = 0; bias && i < q->m; i++)
        for (int64_t n = 0; n < q->w.n; n++)
            y[i * q->w.n + n] += bias[n];
    return C2S_OK;
}
