/* SPDX-License-Identifier: Apache-2.0
 *
 * A row vector times a row-major matrix: the inner loop of recurrent cells and of attention.
 */
#ifndef C2S_OPS_VECTOR_MATRIX_H
#define C2S_OPS_VECTOR_MATRIX_H

#include <stdint.h>

/* out[j] += sum over r < rows of v[r] * matrix[r * stride + j], for j < columns. The order of the
 * sum is fixed: four rows at a time. */
static inline void c2s_vector_matrix(const double *v, int64_t rows, const double *matrix,
                                     int64_t stride, int64_t columns, double *restrict out) {
    const double *m = matrix;
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4, m += 4 * stride) {
        const double *m1 = m + stride, *m2 = m1 + stride, *m3 = m2 + stride;
        double v0 = v[r], v1 = v[r + 1], v2 = v[r + 2], v3 = v[r + 3];
        for (int64_t j = 0; j < columns; j++)
            out[j] += (v0 * m[j] + v1 * m1[j]) + (v2 * m2[j] + v3 * m3[j]);
    }
    for (; r < rows; r++, m += stride) {
        double v0 = v[r];
        for (int64_t j = 0; j < columns; j++)
            out[j] += v0 * m[j];
    }
}

#endif
