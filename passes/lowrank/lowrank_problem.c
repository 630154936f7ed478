/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"

/* Of normal equations, where columns of a projection depend on each other. */
#define DAMPING 1e-12

static double dot(size_t count, const double *a, const double *b) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

c2s_status c2s_lowrank_problem_open(size_t k, size_t n, const double *weights, const double *moment,
                                    c2s_lowrank_problem *out) {
    *out = (c2s_lowrank_problem){.k = k, .n = n, .weights = weights, .moment = moment};
    C2S_TRY(c2s_scratch(k, n * sizeof(double), &out->product));
    c2s_status status = C2S_OK;
    if (moment)
        status = c2s_matrix_multiply(&(c2s_product){.m = k, .n = n, .k = k}, moment, weights,
                                     out->product);
    else
        memcpy(out->product, weights, k * n * sizeof *weights);
    if (status == C2S_OK)
        out->energy = dot(k * n, weights, out->product);
    if (status == C2S_OK && !isfinite(out->energy))
        status = c2s_fail(C2S_ERR_INVALID, "weights or moments that are not finite");
    if (status != C2S_OK)
        c2s_lowrank_problem_close(out);
    return status;
}

c2s_status c2s_lowrank_problem_own(size_t k, size_t n, double *weights, double *moment,
                                   c2s_lowrank_problem *out) {
    const c2s_status status = c2s_lowrank_problem_open(k, n, weights, moment, out);
    if (status != C2S_OK) {
        free(weights);
        free(moment);
        return status;
    }
    out->owns = true;
    return C2S_OK;
}

void c2s_lowrank_problem_close(c2s_lowrank_problem *p) {
    free(p->product);
    if (p->owns) {
        free((void *)(uintptr_t)p->weights);
        free((void *)(uintptr_t)p->moment);
    }
    *p = (c2s_lowrank_problem){0};
}

/* v = p b^T with the b that was found; b^T L^-1 is wanted. */
c2s_status c2s_lowrank_problem_divide(const c2s_lowrank_problem *p, size_t m, double *last) {
    return p->outer ? c2s_triangular_solve(true, p->n, m, p->outer, last) : C2S_OK;
}

c2s_status c2s_lowrank_problem_error(const c2s_lowrank_problem *p, const double *v, double *error) {
    const size_t count = p->k * p->n;
    double *rest, *weighted = NULL;
    C2S_TRY(c2s_scratch(p->k, p->n * sizeof *rest, &rest));
    c2s_status status = C2S_OK;
    for (size_t i = 0; i < count; i++)
        rest[i] = p->weights[i] - v[i];
    if (p->moment) {
        status = c2s_scratch(p->k, p->n * sizeof *weighted, &weighted);
        if (status == C2S_OK)
            status = c2s_matrix_multiply(&(c2s_product){.m = p->k, .n = p->n, .k = p->k}, p->moment,
                                         rest, weighted);
    }
    if (status == C2S_OK)
        *error = fmax(0, dot(count, rest, weighted ? weighted : rest));
    free(rest);
    free(weighted);
    return status;
}

c2s_status c2s_lowrank_problem_behind(const c2s_lowrank_problem *from, size_t m, double *moment,
                                      double *product, c2s_lowrank_problem *out) {
    double *factor, damping = DAMPING;
    *out = (c2s_lowrank_problem){0};
    for (size_t i = 0; i < m; i++) /* rounding leaves it a little off */
        for (size_t j = 0; j < i; j++)
            moment[j * m + i] = moment[i * m + j] = (moment[i * m + j] + moment[j * m + i]) / 2;
    c2s_status status = c2s_scratch(m, m * sizeof *factor, &factor);
    if (status == C2S_OK) {
        memcpy(factor, moment, m * m * sizeof *factor);
        status = c2s_cholesky(m, factor, &damping);
        if (status == C2S_OK)
            status = c2s_cholesky_solve(m, from->n, factor, product);
        free(factor);
    }
    if (status != C2S_OK) {
        free(moment);
        free(product);
        return status;
    }
    C2S_TRY(c2s_lowrank_problem_own(m, from->n, product, moment, out));
    out->plain_projections = from->plain_projections;
    out->outer = from->outer;
    return C2S_OK;
}
