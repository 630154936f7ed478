/* SPDX-License-Identifier: Apache-2.0
 *
 * Products against triple loops, factorizations against what defines them.
 */
#include <math.h>
#include <string.h>

#include "shared.h"

#include "base/linear_algebra.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"

static double *matrix(size_t rows, size_t columns, uint64_t seed) {
    c2s_random random = {seed};
    double *a = c2s_alloc_array(rows * columns + 1, sizeof *a);
    for (size_t i = 0; i < rows * columns; i++)
        a[i] = c2s_random_normal(&random);
    return a;
}

/* sum over k of a(i, k) b(k, j), with the strides of both. */
static double dot(const double *a, size_t a_step, const double *b, size_t b_step, size_t k) {
    double sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += a[i * a_step] * b[i * b_step];
    return sum;
}

static void assert_near(double expected, double found, double tolerance) {
    if (!(fabs(expected - found) <= tolerance))
        fail_msg("expected %.17g, found %.17g", expected, found);
}

static const size_t sizes[][3] = {{1, 1, 1},    {3, 5, 2},       {17, 1, 9},  {130, 129, 3},
                                  {257, 64, 5}, {140, 150, 200}, {2, 300, 1}, {4, 3, 0}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void products(void **state) {
    (void)state;
    for (unsigned s = 0; s < SIZES; s++)
        for (int form = 0; form < 8; form++) {
            const size_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            const c2s_product shape = {form & 1, form & 2, m, n, k, form & 4 ? 0.5 : 0};
            double *a = matrix(m, k, 1), *b = matrix(k, n, 2), *c = matrix(m, n, 3);
            double *before = matrix(m, n, 3);
            if (!shape.keep)
                for (size_t i = 0; i < m * n; i++)
                    c[i] = NAN;
            assert_int_equal(c2s_matrix_multiply(&shape, a, b, c), C2S_OK);
            for (size_t i = 0; i < m; i++)
                for (size_t j = 0; j < n; j++) {
                    double sum =
                        dot(a + i * (shape.transpose_a ? 1 : k), shape.transpose_a ? m : 1,
                            b + j * (shape.transpose_b ? k : 1), shape.transpose_b ? 1 : n, k);
                    assert_near(sum + shape.keep * before[i * n + j], c[i * n + j],
                                1e-12 * (1 + (double)k));
                }
            free(a);
            free(b);
            free(c);
            free(before);
        }
}

static float *narrowed(const double *a, size_t count) {
    float *out = c2s_alloc_array(count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)a[i];
    return out;
}

static void moments(void **state) {
    (void)state;
    for (unsigned s = 0; s < SIZES; s++) {
        const size_t n = sizes[s][0], m = sizes[s][1], rows = sizes[s][2] * 3;
        double *x = matrix(rows, n, 1), *y = matrix(rows, m, 2);
        float *xf = narrowed(x, rows * n), *yf = narrowed(y, rows * m);
        double *g = c2s_zalloc(n * n * sizeof *g), *c = c2s_zalloc(n * m * sizeof *c);
        float *columns = c2s_alloc_array(rows * n + 1, sizeof *columns);
        for (size_t i = 0; i < rows * n; i++)
            columns[i % n * rows + i / n] = xf[i];
        for (int twice = 0; twice < 2; twice++) {
            const c2s_samples xs = {twice ? columns : xf, rows, n, twice ? rows : n, twice};
            const c2s_samples ys = {yf, rows, m, m, false};
            assert_int_equal(c2s_gram_add(&xs, g), C2S_OK);
            assert_int_equal(c2s_cross_add(&xs, &ys, c), C2S_OK);
        }
        free(columns);
        c2s_symmetric_fill(n, g);
        const double tolerance = 1e-5 * (double)(rows + 1);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++)
                assert_near(2 * dot(x + i, n, x + j, n, rows), g[i * n + j], tolerance);
            for (size_t j = 0; j < m; j++)
                assert_near(2 * dot(x + i, n, y + j, m, rows), c[i * m + j], tolerance);
        }
        free(x), free(y), free(xf), free(yf), free(g), free(c);
    }
}

/* x^T x of `rows` rows. */
static double *gram(size_t n, size_t rows, uint64_t seed) {
    double *x = matrix(rows, n, seed), *g = c2s_alloc_array(n * n + 1, sizeof *g);
    const c2s_product shape = {true, false, n, n, rows, 0};
    assert_int_equal(c2s_matrix_multiply(&shape, x, x, g), C2S_OK);
    free(x);
    return g;
}

static void check_factor(size_t n, const double *a, const double *l, double damping) {
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += a[i * n + i] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double expected = a[i * n + j] + (i == j ? damping * mean : 0);
            if (j > i)
                assert_true(l[i * n + j] == 0);
            assert_near(expected, dot(l + i * n, 1, l + j * n, 1, n), 1e-11 * mean * (double)n);
        }
}

static void cholesky(void **state) {
    (void)state;
    static const size_t extents[] = {0, 1, 5, 127, 128, 129, 300};
    for (unsigned e = 0; e < sizeof extents / sizeof *extents; e++)
        for (int deficient = 0; deficient < 2; deficient++) {
            const size_t n = extents[e], m = 7;
            double *a = gram(n, deficient ? n / 2 : 2 * n + 3, 5),
                   *l = gram(n, deficient ? n / 2 : 2 * n + 3, 5);
            double damping = deficient ? 0 : 0.01, asked = damping;
            if (deficient && n == 1)
                a[0] = l[0] = 2;
            assert_int_equal(c2s_cholesky(n, l, &damping), C2S_OK);
            assert_true(damping >= asked && damping <= (deficient ? 1e-8 : 0.01));
            check_factor(n, a, l, damping);
            if (!deficient) {
                double *b = matrix(n, m, 9), *x = matrix(n, m, 9), *inverse = matrix(n, n, 0);
                assert_int_equal(c2s_cholesky_solve(n, m, l, x), C2S_OK);
                memcpy(inverse, l, n * n * sizeof *l);
                assert_int_equal(c2s_triangular_invert(n, inverse), C2S_OK);
                for (size_t i = 0; i < n; i++) {
                    for (size_t j = 0; j < m; j++) { /* l l^T x = b */
                        double sum = 0;
                        for (size_t k = 0; k < n; k++)
                            sum += l[i * n + k] * dot(l + k, n, x + j, m, n);
                        assert_near(b[i * m + j], sum, 1e-9);
                    }
                    for (size_t j = 0; j < n; j++)
                        assert_near(i == j, dot(l + i * n, 1, inverse + j, n, n), 1e-10);
                }
                free(b), free(x), free(inverse);
            }
            free(a), free(l);
        }
}

/* Variables that are always 0 stay apart, whatever else is there. */
static void dead_variables(void **state) {
    (void)state;
    double a[9] = {4, 0, 2, 0, 0, 0, 2, 0, 5}, zero[4] = {0}, none = 0, damping = 0;
    assert_int_equal(c2s_cholesky(3, a, &damping), C2S_OK);
    assert_true(damping == 0 && a[0] == 2 && a[6] == 1 && a[8] == 2);
    assert_true(a[3] == 0 && a[7] == 0 && fabs(a[4] * a[4] - 4.5) < 1e-12);
    assert_int_equal(c2s_cholesky(2, zero, &none), C2S_OK);
    assert_true(zero[0] == 1 && zero[1] == 0 && zero[2] == 0 && zero[3] == 1);
}

static void refuses(void **state) {
    (void)state;
    double nan[4] = {1, NAN, NAN, 1}, negative[4] = {1, 9, 9, 1}, below[1] = {-1}, damping = 0;
    double infinite[1] = {INFINITY};
    assert_int_equal(c2s_cholesky(2, nan, &damping), C2S_ERR_INVALID);
    damping = 0;
    assert_int_equal(c2s_cholesky(2, negative, &damping), C2S_ERR_INVALID);
    damping = 0;
    assert_int_equal(c2s_cholesky(1, below, &damping), C2S_ERR_INVALID);
    assert_int_equal(c2s_cholesky(1, infinite, &damping), C2S_ERR_INVALID);
    assert_int_equal(c2s_cholesky((size_t)1 << 31, nan, &damping), C2S_ERR_UNSUPPORTED);
    const c2s_product shape = {.m = (size_t)1 << 30, .n = (size_t)1 << 31, .k = 1};
    assert_int_equal(c2s_matrix_multiply(&shape, nan, nan, nan), C2S_ERR_UNSUPPORTED);
}

static void eigen(void **state) {
    (void)state;
    static const size_t extents[] = {0, 1, 2, 40, 131};
    for (unsigned e = 0; e < sizeof extents / sizeof *extents; e++) {
        const size_t n = extents[e];
        double *a = gram(n, n / 2 + 1, 3), *v = gram(n, n / 2 + 1, 3), *values = matrix(n, 1, 0);
        assert_int_equal(c2s_symmetric_eigen(n, v, values), C2S_OK);
        for (size_t i = 0; i < n; i++) {
            if (i > 0)
                assert_true(values[i] >= values[i - 1]);
            for (size_t j = 0; j < n; j++) { /* a v = value v; v orthonormal */
                assert_near(values[i] * v[i * n + j], dot(a + j * n, 1, v + i * n, 1, n),
                            1e-10 * (1 + (double)n));
                assert_near(i == j, dot(v + i * n, 1, v + j * n, 1, n), 1e-12 * (1 + (double)n));
            }
        }
        free(a), free(v), free(values);
    }
}

static void svd(void **state) {
    (void)state;
    static const size_t extents[][2] = {{0, 3},    {1, 1},    {3, 8},  {8, 3},
                                        {60, 130}, {131, 50}, {90, 90}};
    for (unsigned e = 0; e < sizeof extents / sizeof *extents; e++) {
        const size_t m = extents[e][0], n = extents[e][1], r = m < n ? m : n;
        double *a = matrix(m, n, 3), *lost = matrix(m, n, 3);
        double *u = matrix(m, r, 0), *s = matrix(r, 1, 0), *v = matrix(r, n, 0);
        assert_int_equal(c2s_svd(m, n, lost, u, s, v), C2S_OK);
        for (size_t i = 0; i < r; i++) {
            assert_true(s[i] >= 0 && (i == 0 || s[i] <= s[i - 1]));
            for (size_t j = 0; j < r; j++) {
                assert_near(i == j, dot(u + i, r, u + j, r, m), 1e-12);
                assert_near(i == j, dot(v + i * n, 1, v + j * n, 1, n), 1e-12);
            }
        }
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                double sum = 0;
                for (size_t k = 0; k < r; k++)
                    sum += u[i * r + k] * s[k] * v[k * n + j];
                assert_near(a[i * n + j], sum, 1e-11);
            }
        free(a), free(lost), free(u), free(s), free(v);
    }
}

/* The residual is orthogonal to a; of two equal columns each gets half: the least norm. */
static void least_squares(void **state) {
    (void)state;
    static const size_t extents[][3] = {{9, 4, 2}, {4, 9, 3}, {140, 33, 5}, {1, 1, 1}};
    for (unsigned e = 0; e < sizeof extents / sizeof *extents; e++) {
        const size_t m = extents[e][0], n = extents[e][1], k = extents[e][2];
        double *a = matrix(m, n, 3), *b = matrix(m, k, 4), *x = matrix(n, k, 0);
        size_t rank, full = m < n ? m : n;
        if (n > 1)
            for (size_t i = 0; i < m; i++)
                a[i * n + 1] = a[i * n];
        if (n > 1 && n <= m)
            full--;
        assert_int_equal(c2s_least_squares(m, n, k, a, b, 1e-10, x, &rank), C2S_OK);
        assert_int_equal(rank, full);
        for (size_t j = 0; j < k; j++) {
            for (size_t i = 0; i < m; i++)
                b[i * k + j] -= dot(a + i * n, 1, x + j, k, n);
            if (n > 1)
                assert_near(x[j], x[k + j], 1e-10);
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < k; j++)
                assert_near(0, dot(a + i, n, b + j, k, m), 1e-10 * (double)m);
        free(a), free(b), free(x);
    }
}

/* The number of threads changes no bit. */
static void same_bits(void **state) {
    (void)state;
    const size_t n = 300;
    double *x = matrix(400, n, 1), *first = NULL;
    float *xf = narrowed(x, 400 * n);
    for (unsigned threads = 1; threads <= 2; threads++) {
        double *g = c2s_zalloc(n * n * sizeof *g), damping = 0.01;
        const unsigned before = c2s_threads_set(threads);
        const c2s_samples samples = {xf, 400, n, n, false};
        assert_int_equal(c2s_gram_add(&samples, g), C2S_OK);
        c2s_symmetric_fill(n, g);
        assert_int_equal(c2s_cholesky(n, g, &damping), C2S_OK);
#ifdef _OPENMP
        assert_int_equal(c2s_most_threads() > 1, threads > 1); /* the caller's setting stays */
#endif
        c2s_threads_restore(before);
        if (first)
            assert_memory_equal(first, g, n * n * sizeof *g);
        else
            first = g;
        if (first != g)
            free(g);
    }
    free(x), free(xf), free(first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),  cmocka_unit_test(moments),
        cmocka_unit_test(cholesky),  cmocka_unit_test(dead_variables),
        cmocka_unit_test(refuses),   cmocka_unit_test(eigen),
        cmocka_unit_test(svd),       cmocka_unit_test(least_squares),
        cmocka_unit_test(same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
