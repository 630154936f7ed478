/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a product with a matrix, a convolution of n filters
 * After:  the first r outputs, computed from the inputs; the others, computed from these; Concat
 *
 * The best matrix of rank r, as pair and channel have it, with its second factor in echelon form:
 * r^2 fewer numbers say the same (Zhao et al. 2025, arXiv 2501.19090, who choose the r outputs, and
 * gather them). So every rank below k and n saves something.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"
#include "passes/lowrank/lowrank_form.h"
#include "passes/lowrank/spectrum.h"

enum { LEAST = 4 }; /* inputs and outputs */
/* By how much what the first outputs are off may grow in the others; and how many of the others are
 * looked at. */
#define MOST_GROWTH 500.0
enum { LOOKED_AT = 256 };
/* Of the moments of the first outputs' rows, should these depend on each other. */
#define DAMPING 1e-10

static const char *refuse(const c2s_linear_site *site) {
    const c2s_value *bias = site->node->op == &c2s_op_gather ? NULL : c2s_node_in(site->node, 2);
    return site->groups > 1                     ? "it has groups"
           : c2s_node_is_recurrent(site->node)  ? "its last stage stays inside the operator"
           : site->k < LEAST || site->n < LEAST ? "it is small"
           : bias && !c2s_is_output_vector(bias, site->n) ? "what it adds is no constant per output"
                                                          : NULL;
}

static size_t most(const c2s_linear_site *site) {
    return site->k < site->n ? site->k : site->n;
}

static void chain(const c2s_linear_site *site, size_t rank, c2s_chain *out) {
    const size_t channels = c2s_site_channels(site);
    const unsigned axes = c2s_site_axes(site);
    if (rank < site->n)
        *out = (c2s_chain){.count = 2,
                           .stage = {{1, channels, rank, axes}, {1, rank, site->n - rank, 0}},
                           .keeps_first = true};
    else /* all of them are the first */
        *out = (c2s_chain){.count = 1, .stage = {{1, channels, rank, axes}}};
}

/* Columns of b [n, r] get length 1: the scale of each cancels out. */
static void normalise(size_t n, size_t r, double *b) {
    for (size_t j = 0; j < r; j++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += b[i * r + j] * b[i * r + j];
        for (size_t i = 0; sum > 0 && i < n; i++)
            b[i * r + j] /= sqrt(sum);
    }
}

/* z [n - r, r] with rest = z own by least squares, where own and rest are the rows of b [n, r]. */
static c2s_status express(size_t n, size_t r, const double *b, double *z) {
    const size_t others = n - r;
    double *square, *turned = NULL, damping = DAMPING;
    C2S_TRY(c2s_scratch(r, r * sizeof *square, &square));
    c2s_status status = c2s_scratch(r, others * sizeof *turned, &turned);
    if (status == C2S_OK)
        status = c2s_matrix_multiply(&(c2s_product){.transpose_b = true, .m = r, .n = r, .k = r}, b,
                                     b, square);
    if (status == C2S_OK)
        status = c2s_matrix_multiply(
            &(c2s_product){.transpose_b = true, .m = r, .n = others, .k = r}, b, b + r * r, turned);
    if (status == C2S_OK)
        status = c2s_cholesky(r, square, &damping);
    if (status == C2S_OK)
        status = c2s_cholesky_solve(r, others, square, turned);
    if (status == C2S_OK)
        c2s_matrix_transpose(r, others, turned, z);
    free(square);
    free(turned);
    return status;
}

/* first [r, k] = the first r rows of b, times a [r, k]; then b is normalised, and z found. */
static c2s_status reduce(size_t k, size_t n, size_t r, const double *a, double *b, double *first,
                         double *z) {
    C2S_TRY(c2s_matrix_multiply(&(c2s_product){.m = r, .n = k, .k = r}, b, a, first));
    if (r == n)
        return C2S_OK;
    normalise(n, r, b);
    return express(n, r, b, z);
}

static c2s_status solve(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                        size_t rank, double *const *weights, double *error) {
    const size_t k = site->k, n = site->n;
    c2s_spectrum spectrum;
    double *a, *b = NULL;
    C2S_TRY(c2s_spectrum_open(problem, rank, &spectrum));
    c2s_status status = c2s_scratch(rank, k * sizeof *a, &a);
    if (status == C2S_OK)
        status = c2s_scratch(n, rank * sizeof *b, &b);
    if (status == C2S_OK)
        status = c2s_spectrum_factor(&spectrum, problem, rank, a, b);
    if (status == C2S_OK)
        status = c2s_lowrank_problem_divide(problem, rank, b);
    if (status == C2S_OK)
        status = reduce(k, n, rank, a, b, weights[0], weights[1]);
    if (status == C2S_OK)
        *error = c2s_spectrum_error(&spectrum, rank);
    c2s_spectrum_close(&spectrum);
    free(a);
    free(b);
    return status;
}

/* ---- which ranks floats can hold ---- */

/* The first `most` rows of b [n, most], and some of the others, as columns: [most, rows]. */
static c2s_status turn_rows(size_t n, size_t most, const double *b, size_t *rows, double **out) {
    const size_t others = n - most, step = (others + LOOKED_AT - 1) / LOOKED_AT;
    *rows = most + (step ? (others + step - 1) / step : 0);
    C2S_TRY(c2s_scratch(most, *rows * sizeof **out, out));
    for (size_t i = 0; i < *rows; i++)
        for (size_t j = 0; j < most; j++)
            (*out)[j * *rows + i] = b[(i < most ? i : most + (i - most) * step) * most + j];
    return C2S_OK;
}

/* z for rank r + 1 from that for rank r: column j of z, for all rows, is z + j * rows; those of
 * rows up to r no longer count. `b`: columns likewise. Returns the greatest sum of squares of a
 * row. */
static double add_output(size_t r, size_t rows, const double *b, double *z, double *squares) {
    double *rest = z + r * rows, most = 0;
    memcpy(rest, b + r * rows, rows * sizeof *rest);
    for (size_t j = 0; j < r; j++) {
        const double by = b[r * rows + j];
        for (size_t i = r; i < rows; i++)
            rest[i] -= z[j * rows + i] * by;
    }
    const double pivot = rest[r];
    memset(squares, 0, rows * sizeof *squares);
    for (size_t i = r; i < rows; i++)
        rest[i] /= pivot;
    for (size_t j = 0; j < r; j++) {
        const double by = z[j * rows + r];
        for (size_t i = r + 1; i < rows; i++) {
            z[j * rows + i] -= rest[i] * by;
            squares[i] += z[j * rows + i] * z[j * rows + i];
        }
    }
    for (size_t i = r + 1; i < rows; i++) {
        const double sum = squares[i] + rest[i] * rest[i];
        most = sum <= most ? most : sum; /* also if it is NaN */
    }
    return most;
}

/* Where the first outputs nearly depend on each other, or one of them is dead, the others are large
 * multiples of small differences. */
static c2s_status find_stable(const c2s_lowrank_problem *problem, const c2s_spectrum *spectrum,
                              size_t most, bool *stable) {
    const size_t n = problem->n;
    double *a, *b = NULL, *turned = NULL, *z = NULL, *squares = NULL;
    size_t rows = 0;
    memset(stable, false, most);
    C2S_TRY(c2s_scratch(most, problem->k * sizeof *a, &a));
    c2s_status status = c2s_scratch(n, most * sizeof *b, &b);
    if (status == C2S_OK)
        status = c2s_spectrum_factor(spectrum, problem, most, a, b);
    if (status == C2S_OK)
        status = c2s_lowrank_problem_divide(problem, most, b);
    if (status == C2S_OK)
        status = turn_rows(n, most, b, &rows, &turned);
    if (status == C2S_OK)
        status = c2s_scratch(most, rows * sizeof *z, &z);
    if (status == C2S_OK)
        status = c2s_scratch(rows, sizeof *squares, &squares);
    for (size_t r = 0; r < most && status == C2S_OK; r++) {
        const double growth = r + 1 < rows ? add_output(r, rows, turned, z, squares) : 0;
        if (!(growth <= 1e16)) /* nothing can be told any more */
            break;
        stable[r] = growth <= MOST_GROWTH * MOST_GROWTH;
    }
    if (most == n && status == C2S_OK)
        stable[most - 1] = true; /* all of them are the first */
    free(a);
    free(b);
    free(turned);
    free(z);
    free(squares);
    return status;
}

const c2s_lowrank_form c2s_lowrank_form_echelon = {
    .name = "echelon",
    .refuse = refuse,
    .most = most,
    .chain = chain,
    .solve = solve,
    .is_optimal = true,
    .amplifies = true,
    .find_stable = find_stable,
};
