/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a convolution with a window a x b, c channels to n
 * After:  1 x 1, c to r; a x 1 and 1 x b of each channel by itself; 1 x 1, r to n: the CP
 *         decomposition (Lebedev et al. 2014, arXiv 1412.6553)
 *
 * The vectors of all but the last stage are found by alternating least squares, on weights whose
 * channels are whitened by the moments summed over the window; the last stage is least squares
 * behind them, with all moments.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"
#include "passes/lowrank/cp_decomposition.h"
#include "passes/lowrank/lowrank_form.h"

/* Weights of a group: with more, it takes too long. */
enum { MOST_NUMBERS = 1 << 20 };
/* Of moments of channels without full rank. */
#define DAMPING 1e-10

/* Axes along which the window has more than one position. */
static unsigned long_axes(const c2s_linear_site *site, unsigned *count) {
    unsigned axes = 0;
    *count = 0;
    for (int a = 0; a < site->window.rank; a++)
        if (site->window.kernel[a] > 1) {
            axes |= 1u << a;
            ++*count;
        }
    return axes;
}

static const char *refuse(const c2s_linear_site *site) {
    unsigned count;
    long_axes(site, &count);
    return count == 0                                         ? "it has no window"
           : c2s_site_channels(site) == 1                     ? "it has one channel"
           : site->n == 1                                     ? "it has one output"
           : count + 2 > C2S_CHAIN_MOST                       ? "its window has more than two axes"
           : (double)site->k * (double)site->n > MOST_NUMBERS ? "it is large"
                                                              : NULL;
}

static c2s_cp_shape shape_of(const c2s_linear_site *site, size_t rank) {
    c2s_cp_shape s = {.rank = rank};
    s.extent[s.axes++] = c2s_site_channels(site);
    for (int a = 0; a < site->window.rank; a++)
        if (site->window.kernel[a] > 1)
            s.extent[s.axes++] = (size_t)site->window.kernel[a];
    s.extent[s.axes++] = site->n;
    return s;
}

/* One product for each place on all axes but the longest. */
static size_t most(const c2s_linear_site *site) {
    const c2s_cp_shape s = shape_of(site, 0);
    size_t longest = 1;
    for (unsigned a = 0; a < s.axes; a++)
        longest = s.extent[a] > longest ? s.extent[a] : longest;
    return site->k * site->n / longest;
}

/* Axes of one position go to the first stage: its strides come early. */
static void chain(const c2s_linear_site *site, size_t rank, c2s_chain *out) {
    unsigned count;
    const unsigned axes = long_axes(site, &count);
    *out = (c2s_chain){.count = 1,
                       .stage = {{1, c2s_site_channels(site), rank, c2s_site_axes(site) & ~axes}}};
    for (int a = 0; a < site->window.rank; a++)
        if (axes >> a & 1)
            out->stage[out->count++] = (c2s_stage){rank, 1, 1, 1u << a};
    out->stage[out->count++] = (c2s_stage){1, rank, site->n, 0};
}

/* values [c, others] = L^T weights, where L L^T are the moments of the channels. */
static c2s_status whiten(const c2s_lowrank_problem *marginal, double *factor, double *values) {
    const size_t c = marginal->k;
    double damping = DAMPING;
    if (!marginal->moment) {
        memcpy(values, marginal->weights, c * marginal->n * sizeof *values);
        return C2S_OK;
    }
    memcpy(factor, marginal->moment, c * c * sizeof *factor);
    C2S_TRY(c2s_cholesky(c, factor, &damping));
    return c2s_matrix_multiply(
        &(c2s_product){.transpose_a = true, .m = c, .n = marginal->n, .k = c}, factor,
        marginal->weights, values);
}

/* vectors [rank, c] were found for whitened channels. `turned`: [c, rank] */
static c2s_status unwhiten(const c2s_lowrank_problem *marginal, const double *factor, size_t rank,
                           double *turned, double *vectors) {
    if (!marginal->moment)
        return C2S_OK;
    c2s_matrix_transpose(rank, marginal->k, vectors, turned);
    C2S_TRY(c2s_triangular_solve(true, marginal->k, rank, factor, turned));
    c2s_matrix_transpose(marginal->k, rank, turned, vectors);
    return C2S_OK;
}

/* The vectors of all axes; those of the outputs are thrown away. */
static c2s_status find_vectors(const c2s_cp_shape *shape, const c2s_lowrank_problem *marginal,
                               double *const *vectors) {
    const size_t c = marginal->k;
    double *factor, *values = NULL, *turned = NULL;
    C2S_TRY(c2s_scratch(c, c * sizeof *factor, &factor));
    c2s_status status = c2s_scratch(c, marginal->n * sizeof *values, &values);
    if (status == C2S_OK)
        status = c2s_scratch(c, shape->rank * sizeof *turned, &turned);
    if (status == C2S_OK)
        status = whiten(marginal, factor, values);
    if (status == C2S_OK)
        status = c2s_cp_fit(shape, values, vectors);
    if (status == C2S_OK)
        status = unwhiten(marginal, factor, shape->rank, turned, vectors[0]);
    free(factor);
    free(values);
    free(turned);
    return status;
}

/* Rows of p [rank, k] are the products of vectors: moment = p G p^T, product = p G w. `half`:
 * [rank, k] */
static c2s_status multiply_moments(const c2s_lowrank_problem *problem, size_t rank, const double *p,
                                   double *half, double *moment, double *product) {
    const size_t k = problem->k;
    if (problem->moment)
        C2S_TRY(c2s_matrix_multiply(&(c2s_product){.m = rank, .n = k, .k = k}, p, problem->moment,
                                    half));
    C2S_TRY(c2s_matrix_multiply(&(c2s_product){.transpose_b = true, .m = rank, .n = rank, .k = k},
                                problem->moment ? half : p, p, moment));
    return c2s_matrix_multiply(&(c2s_product){.m = rank, .n = problem->n, .k = k}, p,
                               problem->product, product);
}

static c2s_status project(const c2s_cp_shape *shape, const c2s_lowrank_problem *problem,
                          double *const *vectors, c2s_lowrank_problem *out) {
    const size_t r = shape->rank, k = problem->k;
    double *p, *half = NULL, *moment = NULL, *product = NULL;
    C2S_TRY(c2s_scratch(r, k * sizeof *p, &p));
    c2s_status status = c2s_scratch(r, k * sizeof *half, &half);
    if (status == C2S_OK)
        status = c2s_scratch(r, r * sizeof *moment, &moment);
    if (status == C2S_OK)
        status = c2s_scratch(r, problem->n * sizeof *product, &product);
    for (size_t i = 0; i < r && status == C2S_OK; i++)
        c2s_cp_product(shape, vectors, i, 0, shape->axes - 2, C2S_CP_AXES, p + i * k);
    if (status == C2S_OK)
        status = multiply_moments(problem, r, p, half, moment, product);
    free(p);
    free(half);
    if (status == C2S_OK)
        return c2s_lowrank_problem_behind(problem, r, moment, product, out);
    free(moment);
    free(product);
    return status;
}

static c2s_status solve(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                        size_t rank, double *const *weights, double *error) {
    const c2s_cp_shape shape = shape_of(site, rank);
    c2s_lowrank_problem marginal, rest = {0};
    C2S_TRY(c2s_site_marginal(site, problem, 0, &marginal));
    c2s_status status = find_vectors(&shape, &marginal, weights);
    if (status == C2S_OK)
        status = project(&shape, problem, weights, &rest);
    if (status == C2S_OK) {
        c2s_matrix_transpose(rank, site->n, rest.weights, weights[shape.axes - 1]);
        *error = fmax(0, problem->energy - rest.energy);
        status = c2s_lowrank_problem_divide(problem, rank, weights[shape.axes - 1]);
    }
    c2s_lowrank_problem_close(&marginal);
    c2s_lowrank_problem_close(&rest);
    return status;
}

const c2s_lowrank_form c2s_lowrank_form_cp = {
    .name = "cp",
    .refuse = refuse,
    .most = most,
    .chain = chain,
    .solve = solve,
};
