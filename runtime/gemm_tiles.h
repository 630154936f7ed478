/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of matrices with our own code: c[i, j] = sum over p of a[i, p] * b[p, j], then the tail.
 * It runs where c2s_processor_has_fma(). Sums run in the order of p, whatever the threads.
 */
#ifndef C2S_RUNTIME_GEMM_H
#define C2S_RUNTIME_GEMM_H

#include "runtime/tail.h"

typedef struct c2s_gemm {
    int64_t m, n, k; /* all at least 1 */
    const float *a;
    int64_t a_row, a_column; /* element (i, p) is at [i * a_row + p * a_column] */
    const float *b;          /* packed by c2s_gemm_pack, or as b_row and b_column say */
    int64_t b_row, b_column;
    float *c;
    int64_t c_row; /* elements of a row are adjacent */
    const c2s_tail *tail;
} c2s_gemm;

/* Floats of a packed b: columns in panels of 16, the last filled up with zeros. */
size_t c2s_gemm_packed_count(int64_t n, int64_t k);
/* Panels from <= panel < to of b. */
void c2s_gemm_pack(const c2s_gemm *g, int64_t from, int64_t to, float *packed);
int64_t c2s_gemm_panels(int64_t n);

/* A part of the rows and of the panels, on this thread; `work` has c2s_gemm_work_count() floats,
 * which are no fewer for larger extents. */
void c2s_gemm_part(const c2s_gemm *g, int64_t row_from, int64_t row_to, int64_t from, int64_t to,
                   float *work);
/* Extents and steps of a count. */
size_t c2s_gemm_work_count(const c2s_gemm *g);

/* For few rows: b is read where it lies, on this thread or, to `share`, on all. */
enum { C2S_GEMM_FEW = 4 };
bool c2s_gemm_few_serves(const c2s_gemm *g);
void c2s_gemm_few(const c2s_gemm *g, bool share);

#endif
