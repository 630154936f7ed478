/* SPDX-License-Identifier: Apache-2.0 */
#include "base/linear_algebra.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

/* Extents of tiles that threads share; rows that are summed in float. */
enum { TILE = 128, ROWS = 256 };
/* Multiplications that are worth more than one thread. */
#define PARALLEL_WORK 1e6

/* LAPACK by its Fortran symbols, which are OpenBLAS's own: matrices lie in columns, lengths of
 * texts follow the arguments. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info,
             size_t, size_t);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t,
             size_t);
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s,
             double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork,
             int *iwork, int *info, size_t);
void dgelsd_(const int *m, const int *n, const int *nrhs, double *a, const int *lda, double *b,
             const int *ldb, double *s, const double *rcond, int *rank, double *work,
             const int *lwork, int *iwork, int *info);

const char *c2s_linear_algebra_version(void) {
    return openblas_get_config();
}

/* ---- threads and sizes ---- */

static void settle_pool(void) {
    if (openblas_get_parallel() == OPENBLAS_THREAD) /* it has threads of its own, not OpenMP's */
        openblas_set_num_threads(1);
}

/* Inside every parallel region, before BLAS: no threads below this one. The setting ends with the
 * region, also where that has one thread. */
static void alone(void) {
    c2s_threads_set(1);
}

/* Extents that BLAS can count, of a matrix that memory can hold. */
static c2s_status check_size(size_t rows, size_t columns) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, settle_pool);
    size_t bytes;
    if (rows > INT32_MAX || columns > INT32_MAX)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a matrix of %zu rows and %zu columns", rows, columns);
    if (!c2s_mul_size(rows, columns, &bytes) || !c2s_mul_size(bytes, sizeof(double), &bytes))
        return c2s_fail_alloc(rows, columns);
    return C2S_OK;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool is_worth(size_t a, size_t b, size_t c) {
    return (double)a * (double)b * (double)c > PARALLEL_WORK;
}

/* ---- products ---- */

c2s_status c2s_matrix_multiply(const c2s_product *p, const double *a, const double *b, double *c) {
    C2S_TRY(check_size(p->m, p->k));
    C2S_TRY(check_size(p->k, p->n));
    C2S_TRY(check_size(p->m, p->n));
    if (p->m == 0 || p->n == 0)
        return C2S_OK;
    const size_t across = (p->n + TILE - 1) / TILE, tiles = (p->m + TILE - 1) / TILE * across;
    const int lda = (int)(p->transpose_a ? p->m : p->k), ldb = (int)(p->transpose_b ? p->k : p->n);
#pragma omp parallel for schedule(dynamic) if (tiles > 1 && is_worth(p->m, p->n, p->k))
    for (size_t t = 0; t < tiles; t++) {
        const size_t i = t / across * TILE, j = t % across * TILE;
        alone();
        cblas_dgemm(CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans,
                    p->transpose_b ? CblasTrans : CblasNoTrans, (int)least(TILE, p->m - i),
                    (int)least(TILE, p->n - j), (int)p->k, 1, a + i * (p->transpose_a ? 1 : p->k),
                    lda > 0 ? lda : 1, b + j * (p->transpose_b ? p->k : 1), ldb, p->keep,
                    c + i * p->n + j, (int)p->n);
    }
    return C2S_OK;
}

void c2s_float_multiply(const c2s_product *p, c2s_float_part a, c2s_float_part b, float *c,
                        size_t stride) {
    if (p->m == 0 || p->n == 0)
        return;
#pragma omp parallel num_threads(1)
    {
        alone();
        cblas_sgemm(CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans,
                    p->transpose_b ? CblasTrans : CblasNoTrans, (int)p->m, (int)p->n, (int)p->k, 1,
                    a.at, (int)a.stride, b.at, (int)b.stride, (float)p->keep, c, (int)stride);
    }
}

static const float *sample_at(const c2s_samples *x, size_t row, size_t variable) {
    return x->at + (x->by_column ? variable * x->stride + row : row * x->stride + variable);
}

/* Variables i.. of x against variables j.. of y, over all rows, into the tile of c. */
static void add_moments(const c2s_samples *x, const c2s_samples *y, size_t i, size_t j, double *c) {
    float tile[TILE * TILE];
    const size_t height = least(TILE, x->n - i), width = least(TILE, y->n - j);
    for (size_t row = 0; row < x->rows; row += ROWS) {
        cblas_sgemm(CblasRowMajor, x->by_column ? CblasNoTrans : CblasTrans,
                    y->by_column ? CblasTrans : CblasNoTrans, (int)height, (int)width,
                    (int)least(ROWS, x->rows - row), 1, sample_at(x, row, i), (int)x->stride,
                    sample_at(y, row, j), (int)y->stride, 0, tile, TILE);
        for (size_t r = 0; r < height; r++)
            for (size_t k = 0; k < width; k++)
                c[(i + r) * y->n + j + k] += (double)tile[r * TILE + k];
    }
}

static c2s_status check_samples(const c2s_samples *x) {
    C2S_TRY(check_size(x->rows, x->n));
    return check_size(x->stride, x->by_column ? x->n : x->rows);
}

bool c2s_samples_finite(const c2s_samples *x) {
    const size_t lines = x->by_column ? x->n : x->rows, length = x->by_column ? x->rows : x->n;
    float nothing = 0;
    for (size_t i = 0; i < lines; i++) {
        float line = 0;
        for (size_t k = 0; k < length; k++)
            line += 0 * x->at[i * x->stride + k];
        nothing += line;
    }
    return isfinite(nothing);
}

c2s_status c2s_gram_add(const c2s_samples *x, double *g) {
    C2S_TRY(check_samples(x));
    C2S_TRY(check_size(x->n, x->n));
    const size_t across = (x->n + TILE - 1) / TILE;
#pragma omp parallel for schedule(dynamic) if (across > 1 && is_worth(x->rows, x->n, x->n))
    for (size_t t = 0; t < across * across; t++) {
        const size_t i = t / across * TILE, j = t % across * TILE;
        alone();
        if (j <= i)
            add_moments(x, x, i, j, g);
    }
    return C2S_OK;
}

c2s_status c2s_cross_add(const c2s_samples *x, const c2s_samples *y, double *c) {
    C2S_TRY(check_samples(x));
    C2S_TRY(check_samples(y));
    C2S_TRY(check_size(x->n, y->n));
    const size_t across = (y->n + TILE - 1) / TILE, tiles = (x->n + TILE - 1) / TILE * across;
#pragma omp parallel for schedule(dynamic) if (tiles > 1 && is_worth(x->rows, x->n, y->n))
    for (size_t t = 0; t < tiles; t++) {
        alone();
        add_moments(x, y, t / across * TILE, t % across * TILE, c);
    }
    return C2S_OK;
}

void c2s_symmetric_fill(size_t n, double *a) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            a[i * n + j] = a[j * n + i];
}

/* ---- Cholesky ---- */

/* One tile on the diagonal, the column of tiles below it, then what is right of that. False: not
 * positive. A lower triangle in rows is an upper one in columns. */
static bool factor(size_t n, double *a) {
    const int lda = (int)n;
    for (size_t at = 0; at < n; at += TILE) {
        const int width = (int)least(TILE, n - at);
        const size_t below = at + (size_t)width, tiles = (n - below + TILE - 1) / TILE;
        double *diagonal = a + at * n + at;
        int info = 0;
#pragma omp parallel num_threads(1)
        {
            alone();
            dpotrf_("U", &width, diagonal, &lda, &info, 1);
        }
        if (info != 0 || !isfinite(a[(below - 1) * (n + 1)])) /* NaN counts as positive there */
            return false;
#pragma omp parallel for schedule(dynamic) if (is_worth(n - below, TILE, TILE))
        for (size_t t = 0; t < tiles; t++) {
            const size_t i = below + t * TILE;
            alone();
            cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
                        (int)least(TILE, n - i), width, 1, diagonal, lda, a + i * n + at, lda);
        }
#pragma omp parallel for schedule(dynamic) if (is_worth(n - below, n - below, TILE))
        for (size_t t = 0; t < tiles * tiles; t++) {
            const size_t i = below + t / tiles * TILE, j = below + t % tiles * TILE;
            alone();
            if (j < i)
                cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)least(TILE, n - i),
                            (int)least(TILE, n - j), width, -1, a + i * n + at, lda, a + j * n + at,
                            lda, 1, a + i * n + j, lda);
            else if (j == i)
                cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)least(TILE, n - i), width,
                            -1, a + i * n + at, lda, 1, a + i * n + i, lda);
        }
    }
    return true;
}

/* The mean of the diagonal elements that are not 0, and whether they can be a diagonal. */
static bool mean_diagonal(size_t n, const double *diagonal, double *mean) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(diagonal[i] >= 0) || isinf(diagonal[i]))
            return false;
        sum += diagonal[i];
        count += diagonal[i] > 0;
    }
    *mean = count ? sum / (double)count : 1;
    return isfinite(*mean);
}

/* What is above the diagonal stays as it was given, so that another try can begin with it. */
static void restart(size_t n, double *a, const double *diagonal, double mean, double more) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            a[i * n + j] = a[j * n + i];
        a[i * n + i] = diagonal[i] > 0 ? diagonal[i] + more * mean : mean;
    }
}

c2s_status c2s_cholesky(size_t n, double *a, double *damping) {
    double *diagonal, mean;
    C2S_TRY(check_size(n, n));
    C2S_TRY(c2s_scratch(n, sizeof *diagonal, &diagonal));
    for (size_t i = 0; i < n; i++)
        diagonal[i] = a[i * n + i];
    bool done = false;
    if (mean_diagonal(n, diagonal, &mean)) {
        double more = *damping;
        do {
            restart(n, a, diagonal, mean, more);
            done = factor(n, a);
            *damping = more;
            more = fmax(more * 10, 1e-12);
        } while (!done && more <= 1);
    }
    free(diagonal);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            a[i * n + j] = 0;
    return done
               ? C2S_OK
               : c2s_fail(C2S_ERR_INVALID, "a matrix of %zu rows is not positive or not finite", n);
}

c2s_status c2s_triangular_solve(bool transposed, size_t n, size_t m, const double *l, double *b) {
    C2S_TRY(check_size(n, n));
    C2S_TRY(check_size(n, m));
    const size_t tiles = (m + TILE - 1) / TILE;
#pragma omp parallel for schedule(dynamic) if (tiles > 1 && is_worth(n, n, m))
    for (size_t t = 0; t < tiles; t++) {
        alone();
        cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, transposed ? CblasTrans : CblasNoTrans,
                    CblasNonUnit, (int)n, (int)least(TILE, m - t * TILE), 1, l, n ? (int)n : 1,
                    b + t * TILE, (int)m);
    }
    return C2S_OK;
}

c2s_status c2s_cholesky_solve(size_t n, size_t m, const double *l, double *b) {
    C2S_TRY(c2s_triangular_solve(false, n, m, l, b));
    return c2s_triangular_solve(true, n, m, l, b);
}

c2s_status c2s_triangular_invert(size_t n, double *l) {
    C2S_TRY(check_size(n, n));
    const int extent = (int)n, lda = n ? (int)n : 1;
    int info = 0;
#pragma omp parallel num_threads(1)
    {
        alone();
        dtrtri_("U", "N", &extent, l, &lda, &info, 1, 1);
    }
    return info == 0 ? C2S_OK
                     : c2s_fail(C2S_ERR_INVALID, "a triangular matrix has 0 on its diagonal");
}

/* ---- eigenvalues, singular values ---- */

/* LAPACK counts its working memory in 32 bits, too. */
static c2s_status work_memory(double wanted, int integers, double **work, int *size, int **more) {
    *work = NULL;
    *more = NULL;
    if (!(wanted < INT32_MAX))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a matrix too large for LAPACK");
    *size = (int)wanted;
    C2S_TRY(c2s_scratch((size_t)*size, sizeof **work, work));
    c2s_status status = c2s_scratch((size_t)integers, sizeof **more, more);
    if (status != C2S_OK)
        free(*work);
    return status;
}

static c2s_status check_converged(int info) {
    return info == 0 ? C2S_OK
                     : c2s_fail(C2S_ERR_INVALID, "singular values or eigenvalues were not found");
}

c2s_status c2s_symmetric_eigen(size_t n, double *a, double *values) {
    C2S_TRY(check_size(n, n));
    if (n == 0)
        return C2S_OK;
    const int extent = (int)n;
    double *work, rows = (double)n;
    int size, *integers, info = 0;
    if (n > INT32_MAX / 5 - 1)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a matrix too large for LAPACK");
    const int integer_count = 3 + 5 * extent;
    C2S_TRY(work_memory(1 + 6 * rows + 2 * rows * rows, integer_count, &work, &size, &integers));
#pragma omp parallel num_threads(1)
    {
        alone();
        dsyevd_("V", "L", &extent, a, &extent, values, work, &size, integers, &integer_count, &info,
                1, 1);
    }
    free(work);
    free(integers);
    return check_converged(info);
}

/* In columns the matrix is its transpose: u and v change places. */
c2s_status c2s_svd(size_t m, size_t n, double *a, double *u, double *s, double *v) {
    C2S_TRY(check_size(m, n));
    const int rows = (int)n, columns = (int)m, rank = (int)least(m, n);
    if (rank == 0)
        return C2S_OK;
    double *work, less = (double)rank, more = (double)(m > n ? m : n);
    int size, *integers, info = 0;
    if (rank > INT32_MAX / 8)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a matrix too large for LAPACK");
    /* what jobz = 'S' asks for, with room for blocks of 64 columns */
    C2S_TRY(work_memory(4 * less * less + 7 * less + 66 * (less + more), 8 * rank, &work, &size,
                        &integers));
#pragma omp parallel num_threads(1)
    {
        alone();
        dgesdd_("S", &rows, &columns, a, &rows, s, v, &rows, u, &rank, work, &size, integers, &info,
                1);
    }
    free(work);
    free(integers);
    return check_converged(info);
}

static void transpose(size_t rows, size_t columns, const double *a, size_t stride, double *out,
                      size_t out_stride) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            out[j * out_stride + i] = a[i * stride + j];
}

void c2s_matrix_transpose(size_t m, size_t n, const double *a, double *out) {
    transpose(m, n, a, n, out, m);
}

static c2s_status solve_least(size_t m, size_t n, size_t k, double *a, double *b, size_t height,
                              double cutoff, size_t *rank) {
    const int rows = (int)m, columns = (int)n, sides = (int)k, ldb = (int)height;
    int found = 0, size = -1, info = 0, integer_count = 0;
    double wanted = 0, unused = 0, *work, *singular;
    dgelsd_(&rows, &columns, &sides, a, &rows, b, &ldb, &unused, &cutoff, &found, &wanted, &size,
            &integer_count, &info);
    int *integers;
    C2S_TRY(c2s_scratch(least(m, n), sizeof *singular, &singular));
    c2s_status status = work_memory(wanted, integer_count, &work, &size, &integers);
    if (status == C2S_OK) {
#pragma omp parallel num_threads(1)
        {
            alone();
            dgelsd_(&rows, &columns, &sides, a, &rows, b, &ldb, singular, &cutoff, &found, work,
                    &size, integers, &info);
        }
        free(work);
        free(integers);
        status = check_converged(info);
    }
    free(singular);
    if (rank)
        *rank = (size_t)found;
    return status;
}

c2s_status c2s_least_squares(size_t m, size_t n, size_t k, const double *a, const double *b,
                             double cutoff, double *x, size_t *rank) {
    const size_t height = m > n ? m : n;
    double *a_columns, *b_columns;
    C2S_TRY(check_size(m, n));
    C2S_TRY(check_size(height, k));
    if (rank)
        *rank = 0;
    if (m == 0 || n == 0 || k == 0) {
        memset(x, 0, n * k * sizeof *x);
        return C2S_OK;
    }
    C2S_TRY(c2s_scratch(m * n, sizeof *a_columns, &a_columns));
    c2s_status status = c2s_scratch(height * k, sizeof *b_columns, &b_columns);
    if (status == C2S_OK) {
        transpose(m, n, a, n, a_columns, m);
        transpose(m, k, b, k, b_columns, height);
        status = solve_least(m, n, k, a_columns, b_columns, height, cutoff, rank);
        transpose(k, n, b_columns, height, x, k);
        free(b_columns);
    }
    free(a_columns);
    return status;
}
