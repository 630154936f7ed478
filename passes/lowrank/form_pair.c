/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a product with a matrix, a 1 x 1 convolution: k x n
 * After:  two: k x r, r x n
 *
 * and, for other convolutions, "channel" (Zhang et al. 2015, arXiv 1505.06798):
 *
 * Before: a convolution of n filters
 * After:  r filters of that size, then n filters of size 1
 *
 * Both are the best matrix of rank r (spectrum.h).
 */
#include "passes/lowrank/lowrank_form.h"
#include "passes/lowrank/spectrum.h"

static bool has_window(const c2s_linear_site *site) {
    return c2s_site_kernel(site, c2s_site_axes(site)) > 1;
}

static const char *pair_refuse(const c2s_linear_site *site) {
    return has_window(site) ? "it is a convolution with a window: see channel" : NULL;
}

static const char *channel_refuse(const c2s_linear_site *site) {
    return has_window(site) ? NULL : "it has no window: see pair";
}

static size_t most(const c2s_linear_site *site) {
    return site->k < site->n ? site->k : site->n;
}

/* A 1 x 1 convolution may have strides: the first stage takes them. */
static void chain(const c2s_linear_site *site, size_t rank, c2s_chain *out) {
    *out = (c2s_chain){
        .count = 2,
        .stage = {{1, c2s_site_channels(site), rank, c2s_site_axes(site)}, {1, rank, site->n, 0}}};
}

static c2s_status solve(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                        size_t rank, double *const *weights, double *error) {
    c2s_spectrum spectrum;
    (void)site;
    C2S_TRY(c2s_spectrum_open(problem, rank, &spectrum));
    c2s_status status = c2s_spectrum_factor(&spectrum, problem, rank, weights[0], weights[1]);
    if (status == C2S_OK)
        status = c2s_lowrank_problem_divide(problem, rank, weights[1]);
    if (status == C2S_OK)
        *error = c2s_spectrum_error(&spectrum, rank);
    c2s_spectrum_close(&spectrum);
    return status;
}

const c2s_lowrank_form c2s_lowrank_form_pair = {
    .name = "pair",
    .refuse = pair_refuse,
    .most = most,
    .chain = chain,
    .solve = solve,
    .is_optimal = true,
};

const c2s_lowrank_form c2s_lowrank_form_channel = {
    .name = "channel",
    .refuse = channel_refuse,
    .most = most,
    .chain = chain,
    .solve = solve,
    .is_optimal = true,
};
