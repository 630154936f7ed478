/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"
#include "base/random.h"

/* Randomised where the matrix has more rows than this, and fewer than one part in PART are wanted;
 * more directions than wanted; how often the matrix is applied. */
enum { SMALL = 256, PART = 3, OVERSAMPLING = 16, STEPS = 4, SEED = 2011 };
/* Of moments without full rank: what they say nothing about stays small. */
#define DAMPING 1e-10

/* ---- eigenvectors ---- */

/* s [m, m] is lost. */
static c2s_status all_vectors(size_t m, double *s, c2s_spectrum *out) {
    double *values;
    C2S_TRY(c2s_scratch(m, sizeof *values, &values));
    c2s_status status = c2s_symmetric_eigen(m, s, values);
    for (size_t i = 0; i < out->count && status == C2S_OK; i++) {
        out->values[i] = fmax(0, values[m - 1 - i]);
        memcpy(out->vectors + i * m, s + (m - 1 - i) * m, m * sizeof *s);
    }
    free(values);
    return status;
}

/* Rows of q [p, m] become orthonormal and span what they did. Twice, since the first time loses
 * digits where they are nearly parallel. `l`: [p, p]. */
static c2s_status orthonormalise(size_t p, size_t m, double *q, double *l) {
    for (int pass = 0; pass < 2; pass++) {
        double damping = 1e-15;
        C2S_TRY(c2s_matrix_multiply(&(c2s_product){.transpose_b = true, .m = p, .n = p, .k = m}, q,
                                    q, l));
        C2S_TRY(c2s_cholesky(p, l, &damping));
        C2S_TRY(c2s_triangular_solve(false, p, m, l, q));
    }
    return C2S_OK;
}

/* Subspace iteration: q [p, m], and `next` of its size; `small` [p, p], `values` [p]. */
static c2s_status iterate(size_t p, size_t m, const double *s, double *q, double *next,
                          double *small, double *values, c2s_spectrum *out) {
    c2s_random random = {SEED};
    for (size_t i = 0; i < p * m; i++)
        q[i] = c2s_random_normal(&random);
    for (int step = 0; step < STEPS; step++) {
        C2S_TRY(c2s_matrix_multiply(&(c2s_product){.m = p, .n = m, .k = m}, q, s, next));
        memcpy(q, next, p * m * sizeof *q);
        C2S_TRY(orthonormalise(p, m, q, small));
    }
    C2S_TRY(c2s_matrix_multiply(&(c2s_product){.m = p, .n = m, .k = m}, q, s, next));
    C2S_TRY(c2s_matrix_multiply(&(c2s_product){.transpose_b = true, .m = p, .n = p, .k = m}, q,
                                next, small));
    C2S_TRY(c2s_symmetric_eigen(p, small, values));
    C2S_TRY(c2s_matrix_multiply(&(c2s_product){.m = p, .n = m, .k = p}, small, q, next));
    for (size_t i = 0; i < out->count; i++) {
        out->values[i] = fmax(0, values[p - 1 - i]);
        memcpy(out->vectors + i * m, next + (p - 1 - i) * m, m * sizeof *next);
    }
    return C2S_OK;
}

static c2s_status first_vectors(size_t m, const double *s, c2s_spectrum *out) {
    const size_t p = out->count + OVERSAMPLING;
    double *q = NULL, *next = NULL, *small = NULL, *values = NULL;
    c2s_status status = c2s_scratch(p, m * sizeof *q, &q);
    if (status == C2S_OK)
        status = c2s_scratch(p, m * sizeof *next, &next);
    if (status == C2S_OK)
        status = c2s_scratch(p, p * sizeof *small, &small);
    if (status == C2S_OK)
        status = c2s_scratch(p, sizeof *values, &values);
    if (status == C2S_OK)
        status = iterate(p, m, s, q, next, small, values, out);
    free(q);
    free(next);
    free(small);
    free(values);
    return status;
}

/* ---- matrices ---- */

/* s = w^T G w [n, n] */
static c2s_status output_moment(const c2s_lowrank_problem *p, double *s) {
    return c2s_matrix_multiply(&(c2s_product){.transpose_a = true, .m = p->n, .n = p->n, .k = p->k},
                               p->weights, p->product, s);
}

/* s = L^T w w^T L [k, k] */
static c2s_status whitened_moment(const c2s_lowrank_problem *p, c2s_spectrum *out, double *s) {
    const size_t k = p->k, n = p->n;
    const c2s_product square = {.transpose_b = true, .m = k, .n = k, .k = n};
    double *white, damping = DAMPING;
    if (!p->moment)
        return c2s_matrix_multiply(&square, p->weights, p->weights, s);
    C2S_TRY(c2s_scratch(k, k * sizeof(double), &out->factor));
    memcpy(out->factor, p->moment, k * k * sizeof(double));
    C2S_TRY(c2s_cholesky(k, out->factor, &damping));
    C2S_TRY(c2s_scratch(k, n * sizeof *white, &white));
    c2s_status status =
        c2s_matrix_multiply(&(c2s_product){.transpose_a = true, .m = k, .n = n, .k = k},
                            out->factor, p->weights, white);
    if (status == C2S_OK)
        status = c2s_matrix_multiply(&square, white, white, s);
    free(white);
    return status;
}

c2s_status c2s_spectrum_open(const c2s_lowrank_problem *p, size_t most, c2s_spectrum *out) {
    const bool by_output = p->n <= p->k;
    const size_t m = by_output ? p->n : p->k;
    const bool some = m > SMALL && most + OVERSAMPLING < m / PART;
    *out = (c2s_spectrum){.k = p->k,
                          .n = p->n,
                          .count = some ? most : m,
                          .by_output = by_output,
                          .energy = p->energy};
    double *s = NULL;
    c2s_status status = c2s_scratch(m, m * sizeof *s, &s);
    if (status == C2S_OK)
        status = c2s_scratch(out->count, sizeof(double), &out->values);
    if (status == C2S_OK)
        status = c2s_scratch(out->count, m * sizeof(double), &out->vectors);
    if (status == C2S_OK)
        status = by_output ? output_moment(p, s) : whitened_moment(p, out, s);
    if (status == C2S_OK)
        status = some ? first_vectors(m, s, out) : all_vectors(m, s, out);
    free(s);
    if (status != C2S_OK)
        c2s_spectrum_close(out);
    return status;
}

void c2s_spectrum_close(c2s_spectrum *s) {
    free(s->values);
    free(s->vectors);
    free(s->factor);
    *s = (c2s_spectrum){0};
}

double c2s_spectrum_error(const c2s_spectrum *s, size_t rank) {
    double error = s->energy, rest = 0;
    if (s->count == (s->by_output ? s->n : s->k)) { /* the sum of small numbers loses no digits */
        for (size_t i = s->count; i-- > rank;)
            rest += s->values[i];
        return rest;
    }
    for (size_t i = 0; i < rank; i++)
        error -= s->values[i];
    return fmax(0, error);
}

/* ---- factors ---- */

static double length(const double *at, size_t count, size_t step) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += at[i * step] * at[i * step];
    return sqrt(sum);
}

/* Row i of a and column i of b get the same length. */
static void balance(size_t k, size_t n, size_t rank, double *a, double *b) {
    for (size_t i = 0; i < rank; i++) {
        const double x = length(a + i * k, k, 1), y = length(b + i, n, rank);
        if (!(x > 0 && y > 0))
            continue;
        const double scale = sqrt(y / x);
        for (size_t j = 0; j < k; j++)
            a[i * k + j] *= scale;
        for (size_t j = 0; j < n; j++)
            b[j * rank + i] /= scale;
    }
}

/* a = (w v)^T, b = v */
static c2s_status output_factors(const c2s_spectrum *s, const c2s_lowrank_problem *p, size_t rank,
                                 double *a, double *b) {
    c2s_matrix_transpose(rank, p->n, s->vectors, b);
    return c2s_matrix_multiply(&(c2s_product){.transpose_b = true, .m = rank, .n = p->k, .k = p->n},
                               s->vectors, p->weights, a);
}

/* a = (L^-T u)^T, b = w^T (L u) */
static c2s_status input_factors(const c2s_spectrum *s, const c2s_lowrank_problem *p, size_t rank,
                                double *a, double *b) {
    const size_t k = p->k;
    const c2s_product last = {.transpose_a = true, .m = p->n, .n = rank, .k = k};
    double *u, *lu = NULL;
    C2S_TRY(c2s_scratch(k, rank * sizeof *u, &u));
    c2s_matrix_transpose(rank, k, s->vectors, u);
    c2s_status status = c2s_scratch(k, rank * sizeof *lu, &lu);
    if (status == C2S_OK && s->factor) {
        status = c2s_matrix_multiply(&(c2s_product){.m = k, .n = rank, .k = k}, s->factor, u, lu);
        if (status == C2S_OK)
            status = c2s_triangular_solve(true, k, rank, s->factor, u);
    }
    if (status == C2S_OK)
        status = c2s_matrix_multiply(&last, p->weights, s->factor ? lu : u, b);
    if (status == C2S_OK)
        c2s_matrix_transpose(k, rank, u, a);
    free(u);
    free(lu);
    return status;
}

c2s_status c2s_spectrum_factor(const c2s_spectrum *s, const c2s_lowrank_problem *p, size_t rank,
                               double *a, double *b) {
    C2S_TRY(s->by_output ? output_factors(s, p, rank, a, b) : input_factors(s, p, rank, a, b));
    balance(p->k, p->n, rank, a, b);
    return C2S_OK;
}
