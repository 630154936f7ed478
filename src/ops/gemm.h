/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of matrices over plain arrays, for float, double and wrapping integers. The order of
 * accumulation depends on the sizes and layouts only, never on the number of threads.
 */
#ifndef C2S_OPS_GEMM_H
#define C2S_OPS_GEMM_H

#include <stddef.h>
#include <stdint.h>

/* C[m][n] = sum over k of A[m][k] * B[k][n]; m, n, k are the extents. */
typedef struct c2s_gemm {
    size_t m, n, k;
    size_t a_row, a_column; /* elements from one row, one column to the next */
    size_t b_row, b_column;
} c2s_gemm;

/* Layouts of dense row-major operands, transposed or not; ldc is always n. */
static inline c2s_gemm c2s_gemm_of(size_t m, size_t n, size_t k, int transpose_a, int transpose_b) {
    const c2s_gemm g = {.m = m,
                        .n = n,
                        .k = k,
                        .a_row = transpose_a ? 1 : k,
                        .a_column = transpose_a ? m : 1,
                        .b_row = transpose_b ? 1 : n,
                        .b_column = transpose_b ? k : 1};
    return g;
}

/* `c` is dense, row-major, and need not be initialised. */
void c2s_gemm_f32(const c2s_gemm *g, const float *a, const float *b, float *c);
void c2s_gemm_f64(const c2s_gemm *g, const double *a, const double *b, double *c);
void c2s_gemm_u32(const c2s_gemm *g, const uint32_t *a, const uint32_t *b, uint32_t *c);
void c2s_gemm_u64(const c2s_gemm *g, const uint64_t *a, const uint64_t *b, uint64_t *c);

#endif
