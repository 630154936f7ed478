/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMulNBits of com.microsoft: a [m, k] times the transpose of weights [n, k] of 4 or 8 bits with
 * a scale, and maybe a zero point, per block of k. The weights stay packed: for few rows of `a`
 * they are unpacked in registers, for many a tile of rows at a time, which stays in the cache while
 * it is multiplied.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "runtime/dnnl_primitive.h"

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };
/* Elements that are unpacked at once, in two halves; rows up to which nothing is unpacked to
 * memory; floats of a tile. */
enum { CHUNK = 16, HALF = CHUNK / 2, FEW = 4, TILE = 1 << 18 };
/* Below this many multiplications one thread is faster. */
#define PARALLEL 60000.0

typedef struct nbits {
    int64_t m, n, k, block, blocks;
    unsigned bits;
    size_t row_bytes, zero_bytes; /* of a row of weights, of zero points */
    int64_t tile_rows;
    float *a;    /* few rows of `a` as the chunks want them, filled up with zeros */
    float *tile; /* NULL: not needed */
} nbits;

/* What a run reads. */
typedef struct packed {
    const uint8_t *weights, *zero_codes; /* zero_codes: NULL if there are none */
    const float *scales, *zeros;         /* zeros: as floats, or NULL */
} packed;

static bool describe(const c2s_step *step, nbits *q) {
    const c2s_node *node = step->node;
    const c2s_type *a = c2s_step_type(step, A), *b = c2s_step_type(step, B);
    *q = (nbits){.n = c2s_attr_int(node, "N", 0),
                 .k = c2s_attr_int(node, "K", 0),
                 .block = c2s_attr_int(node, "block_size", 0),
                 .bits = (unsigned)c2s_attr_int(node, "bits", 4)};
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(a) || a->rank < 1 ||
        !c2s_dnnl_accepts(&step->out[0]->type) || (q->bits != 4 && q->bits != 8) ||
        q->block < CHUNK || q->block % CHUNK != 0 || q->n < 1 || q->k < 1 ||
        a->dim[a->rank - 1] != q->k || q->k > INT32_MAX / 2 || q->n > INT32_MAX ||
        q->block > INT32_MAX / 2 || c2s_attr_int(node, "weight_prepacked", 0) != 0)
        return false;
    size_t count, weights;
    q->blocks = (q->k + q->block - 1) / q->block;
    q->row_bytes = (size_t)(q->blocks * q->block) * q->bits / 8;
    q->zero_bytes = ((size_t)q->blocks * q->bits + 7) / 8;
    q->m = 1;
    for (int i = 0; i + 1 < a->rank; i++)
        q->m *= a->dim[i];
    return c2s_step_constant(step, B) && b->dtype == C2S_UINT8 && c2s_type_elements(b, &count) &&
           c2s_mul_size((size_t)q->n, q->row_bytes, &weights) && count == weights;
}

static bool holds(const c2s_step *step, unsigned input, c2s_dtype dtype, size_t wanted) {
    const c2s_tensor *tensor = c2s_step_constant(step, input);
    return tensor && tensor->type.dtype == dtype && tensor->count == wanted;
}

static bool nbits_accepts(const c2s_step *step) {
    nbits q;
    if (!describe(step, &q) || c2s_step_has(step, GROUPS))
        return false;
    size_t scales = (size_t)(q.n * q.blocks);
    if (!holds(step, SCALES, C2S_FLOAT, scales))
        return false;
    const float *scale = c2s_tensor_data(c2s_step_constant(step, SCALES));
    for (size_t k = 0; k < scales; k++)
        if (!isfinite(scale[k]))
            return false;
    if (c2s_step_has(step, BIAS) &&
        !(c2s_step_type(step, BIAS)->dtype == C2S_FLOAT && c2s_step_type(step, BIAS)->rank == 1 &&
          c2s_step_type(step, BIAS)->dim[0] == q.n))
        return false;
    return !c2s_step_has(step, ZEROS) || holds(step, ZEROS, C2S_FLOAT, scales) ||
           holds(step, ZEROS, C2S_UINT8, (size_t)q.n * q.zero_bytes);
}

static void nbits_release(c2s_step *step) {
    nbits *q = step->state;
    free(q->a);
    free(q->tile);
    free(q);
    step->state = NULL;
}

static c2s_status nbits_prepare(c2s_step *step) {
    nbits *q = c2s_zalloc(sizeof *q);
    step->state = q;
    if (!describe(step, q)) {
        nbits_release(step);
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    }
    size_t k = (size_t)(q->blocks * q->block), size = 0;
    if (q->m <= FEW) {
        size = (size_t)q->m * k;
        q->a = c2s_try_alloc_aligned(size * sizeof *q->a);
    } else {
        q->tile_rows = TILE / (int64_t)k / CHUNK * CHUNK;
        q->tile_rows = q->tile_rows < CHUNK ? CHUNK : q->tile_rows > q->n ? q->n : q->tile_rows;
        size = (size_t)q->tile_rows * k;
        q->tile = c2s_try_alloc_aligned(size * sizeof *q->tile);
    }
    if (q->a || q->tile)
        return C2S_OK;
    nbits_release(step);
    return c2s_fail_alloc(size, sizeof(float));
}

/* ---- weights ---- */

static float zero_of(const nbits *q, const packed *p, int64_t row, int64_t block) {
    if (p->zeros)
        return p->zeros[row * q->blocks + block];
    if (!p->zero_codes)
        return (float)(1 << (q->bits - 1));
    const uint8_t *codes = p->zero_codes + (size_t)row * q->zero_bytes;
    return q->bits == 8 ? codes[block] : (float)(codes[block / 2] >> (block % 2 * 4) & 15);
}

/* A chunk's weights without their scale: of 4 bits, the even ones come first. */
C2S_INLINE void unpack(unsigned bits, const uint8_t *from, float zero, float w[CHUNK]) {
    for (int l = 0; l < HALF; l++) {
        w[l] = (float)(bits == 4 ? from[l] & 15 : from[l]) - zero;
        w[HALF + l] = (float)(bits == 4 ? from[l] >> 4 : from[HALF + l]) - zero;
    }
}

/* ---- few rows ---- */

static void arrange(const nbits *q, const float *a) {
    int64_t whole = q->blocks * q->block;
    memset(q->a, 0, (size_t)(q->m * whole) * sizeof *q->a);
    for (int64_t i = 0; i < q->m; i++)
        for (int64_t k = 0; k < q->k; k++) {
            int64_t in = k % CHUNK, at = q->bits == 4 ? in % 2 * HALF + in / 2 : in;
            q->a[i * whole + k - in + at] = a[i * q->k + k];
        }
}

/* Products of rows of `a` with row `n` of the weights. */
C2S_INLINE void dot_loop(const nbits *q, const packed *p, int64_t n, unsigned bits, int rows,
                         float *y) {
    const uint8_t *from = p->weights + (size_t)n * q->row_bytes;
    const float *a = q->a, *scale = p->scales + n * q->blocks;
    const int64_t whole = q->blocks * q->block;
    float total[FEW][CHUNK] = {{0}};
    for (int64_t b = 0; b < q->blocks; b++) {
        const float zero = zero_of(q, p, n, b);
        float sum[FEW][CHUNK] = {{0}}, w[CHUNK];
        for (int64_t c = 0; c < q->block; c += CHUNK, from += CHUNK * bits / 8, a += CHUNK) {
            unpack(bits, from, zero, w);
            for (int i = 0; i < rows; i++)
                for (int l = 0; l < CHUNK; l++)
                    sum[i][l] += w[l] * a[i * whole + l];
        }
        for (int i = 0; i < rows; i++)
            for (int l = 0; l < CHUNK; l++)
                total[i][l] += scale[b] * sum[i][l];
    }
    for (int i = 0; i < rows; i++) {
        float all = 0;
        for (int l = 0; l < CHUNK; l++)
            all += total[i][l];
        y[i * q->n + n] = all;
    }
}

/* With constants for what the inner loops depend on. */
C2S_INLINE void dots_loop(const nbits *q, const packed *p, int64_t n, float *y) {
    if (q->bits == 4 && q->m == 1)
        dot_loop(q, p, n, 4, 1, y);
    else if (q->bits == 4 && q->m == 2)
        dot_loop(q, p, n, 4, 2, y);
    else if (q->bits == 4)
        dot_loop(q, p, n, 4, (int)q->m, y);
    else if (q->m == 1)
        dot_loop(q, p, n, 8, 1, y);
    else
        dot_loop(q, p, n, 8, (int)q->m, y);
}
C2S_SIMD(dots, dots_loop, (const nbits *q, const packed *p, int64_t n, float *y), (q, p, n, y))

static void multiply_few(const nbits *q, const packed *p, const float *a, float *y) {
    arrange(q, a);
#pragma omp parallel for schedule(static) if ((double)(q->m * q->n) * (double)q->k >= PARALLEL)
    for (int64_t n = 0; n < q->n; n++)
        dots(q, p, n, y);
}

/* ---- many rows ---- */

C2S_INLINE void unpack_row_loop(const nbits *q, const packed *p, int64_t n, float *out) {
    const uint8_t *from = p->weights + (size_t)n * q->row_bytes;
    for (int64_t b = 0; b < q->blocks; b++) {
        const float zero = zero_of(q, p, n, b), scale = p->scales[n * q->blocks + b];
        if (q->bits == 4)
            for (int64_t k = 0; k < q->block; k += 2, from++, out += 2) {
                out[0] = ((float)(*from & 15) - zero) * scale;
                out[1] = ((float)(*from >> 4) - zero) * scale;
            }
        else
            for (int64_t k = 0; k < q->block; k++)
                *out++ = ((float)*from++ - zero) * scale;
    }
}
C2S_SIMD(unpack_row, unpack_row_loop, (const nbits *q, const packed *p, int64_t n, float *out),
         (q, p, n, out))

static c2s_status multiply_many(const nbits *q, const packed *p, const float *a, float *y) {
    int64_t whole = q->blocks * q->block;
    for (int64_t start = 0; start < q->n; start += q->tile_rows) {
        int64_t rows = q->n - start < q->tile_rows ? q->n - start : q->tile_rows;
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < rows; n++)
            unpack_row(q, p, start + n, q->tile + n * whole);
        C2S_TRY(c2s_dnnl_multiply(q->m, rows, q->k, a, q->tile, whole, y + start, q->n));
    }
    return C2S_OK;
}

static c2s_status nbits_run(c2s_step *step) {
    const nbits *q = step->state;
    const c2s_tensor *zeros = c2s_step_constant(step, ZEROS);
    packed p = {.weights = c2s_tensor_data(step->in[B]->tensor),
                .scales = c2s_tensor_data(step->in[SCALES]->tensor)};
    if (zeros && zeros->type.dtype == C2S_UINT8)
        p.zero_codes = c2s_tensor_data(zeros);
    else if (zeros)
        p.zeros = c2s_tensor_data(zeros);
    const float *a = c2s_tensor_data(step->in[A]->tensor);
    float *y = c2s_tensor_mutable(step->out[0]->tensor);
    if (q->m <= FEW)
        multiply_few(q, &p, a, y);
    else
        C2S_TRY(multiply_many(q, &p, a, y));
    const float *bias = c2s_step_has(step, BIAS) ? c2s_tensor_data(step->in[BIAS]->tensor) : NULL;
    for (int64_t i = 0; bias && i < q->m; i++)
        for (int64_t n = 0; n < q->n; n++)
            y[i * q->n + n] += bias[n];
    return C2S_OK;
}

extern const c2s_kernel_family c2s_kernels_matmul_nbits;
const c2s_kernel_family c2s_kernels_matmul_nbits = {
    .name = "matmul_nbits",
    .accepts = nbits_accepts,
    .prepare = nbits_prepare,
    .run = nbits_run,
    .release = nbits_release,
};
