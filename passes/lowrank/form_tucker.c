/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a convolution with a window, c channels to n
 * After:  1 x 1, c to r; the window, r to s; 1 x 1, s to n: Tucker-2 (Kim et al. 2016,
 *         arXiv 1511.06530), with s / n = r / c
 *
 * The channels of the first are the best ones for the weights as a matrix of channels by all else;
 * the others are the best matrix of rank s behind them.
 */
#include <math.h>

#include "passes/lowrank/lowrank_form.h"
#include "passes/lowrank/spectrum.h"

enum { STEP = 8 };

static const char *refuse(const c2s_linear_site *site) {
    return c2s_site_kernel(site, c2s_site_axes(site)) == 1 ? "it has no window"
           : c2s_site_channels(site) == 1                  ? "it has one channel"
                                                           : NULL;
}

static size_t most(const c2s_linear_site *site) {
    const size_t channels = c2s_site_channels(site);
    const size_t others = c2s_site_kernel(site, c2s_site_axes(site)) * site->n;
    return channels < others ? channels : others;
}

/* s for r: in proportion, a multiple of STEP, and at most what r channels can give. */
static size_t second_rank(const c2s_linear_site *site, size_t rank) {
    const size_t channels = c2s_site_channels(site);
    const size_t limit = rank * c2s_site_kernel(site, c2s_site_axes(site));
    size_t s = (rank * site->n + channels - 1) / channels;
    s = s > STEP ? (s + STEP / 2) / STEP * STEP : s;
    s = s < limit ? s : limit;
    return s < site->n && rank < most(site) ? s : site->n < limit ? site->n : limit;
}

static void chain(const c2s_linear_site *site, size_t rank, c2s_chain *out) {
    const size_t s = second_rank(site, rank);
    *out = (c2s_chain){.count = 3,
                       .stage = {{1, c2s_site_channels(site), rank, 0},
                                 {1, rank, s, c2s_site_axes(site)},
                                 {1, s, site->n, 0}}};
}

static c2s_status solve(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                        size_t rank, double *const *weights, double *error) {
    c2s_chain stages;
    c2s_lowrank_problem rest;
    c2s_spectrum spectrum = {0};
    chain(site, rank, &stages);
    C2S_TRY(c2s_lowrank_first(site, problem, 0, rank, weights[0]));
    C2S_TRY(
        c2s_stage_project(site, &stages.stage[0], c2s_site_axes(site), weights[0], problem, &rest));
    const size_t s = stages.stage[1].out;
    c2s_status status = c2s_spectrum_open(&rest, s, &spectrum);
    if (status == C2S_OK)
        status = c2s_spectrum_factor(&spectrum, &rest, s, weights[1], weights[2]);
    if (status == C2S_OK)
        status = c2s_lowrank_problem_divide(problem, s, weights[2]);
    if (status == C2S_OK)
        *error = fmax(0, problem->energy - rest.energy) + c2s_spectrum_error(&spectrum, s);
    c2s_spectrum_close(&spectrum);
    c2s_lowrank_problem_close(&rest);
    return status;
}

const c2s_lowrank_form c2s_lowrank_form_tucker = {
    .name = "tucker",
    .refuse = refuse,
    .most = most,
    .chain = chain,
    .solve = solve,
};
