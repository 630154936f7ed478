/* SPDX-License-Identifier: Apache-2.0
 *
 * Products and factorizations of dense matrices. The one place that knows BLAS and LAPACK.
 *
 * Matrices are row-major without gaps: a [m, n] has element (i, j) at a[i * n + j]. BLAS runs on
 * the calling thread; what is worth it is shared among OpenMP's threads here, in pieces that do not
 * depend on their number: results have the same bits whatever it is. (They may differ in the last
 * bits between kinds of processors, for which BLAS has different code.)
 *
 * Every function checks that sizes fit: C2S_ERR_MEMORY if they overflow or there is no room for
 * what it needs beside its operands, C2S_ERR_UNSUPPORTED beyond 32-bit extents. Elements must be
 * finite unless it says what happens.
 */
#ifndef C2S_BASE_LINEAR_ALGEBRA_H
#define C2S_BASE_LINEAR_ALGEBRA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* c [m, n] = op(a) op(b) + keep * c, where op(a) is [m, k] and op(b) is [k, n]; with transpose_a
 * a is [k, m], with transpose_b b is [n, k]. keep 0: what is in c does not matter. */
typedef struct c2s_product {
    bool transpose_a, transpose_b;
    size_t m, n, k;
    double keep;
} c2s_product;
c2s_status c2s_matrix_multiply(const c2s_product *shape, const double *a, const double *b,
                               double *c);

/* The same for floats that may be parts of larger matrices: rows are so many elements apart. On the
 * calling thread; extents fit into 31 bits. */
typedef struct c2s_float_part {
    const float *at;
    size_t stride;
} c2s_float_part;
void c2s_float_multiply(const c2s_product *shape, c2s_float_part a, c2s_float_part b, float *c,
                        size_t stride);

/* `rows` observations of `n` variables: variable v of row r is at[r * stride + v], if they lie
 * by_column at[v * stride + r]. */
typedef struct c2s_samples {
    const float *at;
    size_t rows, n, stride;
    bool by_column;
} c2s_samples;

/* None is infinite or NaN. */
bool c2s_samples_finite(const c2s_samples *x);

/* Second moments of as many rows: the lower triangle of g [x.n, x.n] += x^T x (elements above it
 * may change, c2s_symmetric_fill makes them equal), c [x.n, y.n] += x^T y. Products are summed in
 * float over 256 rows, in double beyond. */
c2s_status c2s_gram_add(const c2s_samples *x, double *g);
c2s_status c2s_cross_add(const c2s_samples *x, const c2s_samples *y, double *c);
/* Copies the lower triangle of a [n, n] to the upper one. */
void c2s_symmetric_fill(size_t n, double *a);
/* out [n, m] = the transpose of a [m, n] */
void c2s_matrix_transpose(size_t m, size_t n, const double *a, double *out);

/* Replaces the symmetric a [n, n] (both triangles given), positive semidefinite up to rounding, by
 * the lower L with L L^T = a + d I, zeros above the diagonal. d is *damping times the mean of the
 * diagonal, and ten times as much as often as the factorization fails, up to that mean; *damping
 * receives the factor used. A row whose diagonal element is 0 stands for a variable that is always
 * 0: its diagonal becomes that mean (1 if all are 0). C2S_ERR_INVALID: elements that are not
 * finite, or a matrix that is far from positive. */
c2s_status c2s_cholesky(size_t n, double *a, double *damping);
/* x [n, m] with L x = b, or with `transposed` L^T x = b, in the place of b. L lower, no 0 on its
 * diagonal. */
c2s_status c2s_triangular_solve(bool transposed, size_t n, size_t m, const double *l, double *b);
/* The inverse of the lower l in its place. */
c2s_status c2s_triangular_invert(size_t n, double *l);
/* x [n, m] with a x = b, where l is c2s_cholesky's factor of a, in the place of b. */
c2s_status c2s_cholesky_solve(size_t n, size_t m, const double *l, double *b);

/* Eigenvalues of the symmetric a [n, n], ascending; row i of a becomes the eigenvector of
 * values[i], of length 1. */
c2s_status c2s_symmetric_eigen(size_t n, double *a, double *values);
/* a [m, n] = u [m, r] diag(s) v [r, n], r = min(m, n), s descending, columns of u and rows of v
 * orthonormal. What was in a is lost. */
c2s_status c2s_svd(size_t m, size_t n, double *a, double *u, double *s, double *v);
/* The x [n, k] of least norm among those that minimise |a x - b|, a [m, n], b [m, k]. Singular
 * values below `cutoff` times the greatest count as 0; *rank (may be NULL): how many do not. */
c2s_status c2s_least_squares(size_t m, size_t n, size_t k, const double *a, const double *b,
                             double cutoff, double *x, size_t *rank);

/* "OpenBLAS 0.3.21 ..." */
const char *c2s_linear_algebra_version(void);

#endif
