/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a convolution with a window over several axes, k x k
 * After:  r filters over the first axis, k x 1, then filters over the others, 1 x k; or the last
 *         axis first (Jaderberg et al. 2014, arXiv 1405.3866)
 *
 * The first filters are the best ones for the weights as a matrix of (channel, first axis) by
 * (other axes, output); the second ones are least squares behind them.
 */
#include "passes/lowrank/lowrank_form.h"

static const char *refuse(const c2s_linear_site *site) {
    unsigned wide = 0;
    for (int a = 0; a < site->window.rank; a++)
        wide += site->window.kernel[a] > 1;
    return wide < 2 ? "its window has not two axes" : NULL;
}

static unsigned first_axes(const c2s_linear_site *site, bool turned) {
    return turned ? 1u << (site->window.rank - 1) : 1u;
}

static size_t most_of(const c2s_linear_site *site, bool turned) {
    const unsigned first = first_axes(site, turned);
    const size_t a = c2s_site_channels(site) * c2s_site_kernel(site, first);
    const size_t b = site->n * c2s_site_kernel(site, c2s_site_axes(site) & ~first);
    return a < b ? a : b;
}

static void chain_of(const c2s_linear_site *site, bool turned, size_t rank, c2s_chain *out) {
    const unsigned first = first_axes(site, turned);
    *out = (c2s_chain){.count = 2,
                       .stage = {{1, c2s_site_channels(site), rank, first},
                                 {1, rank, site->n, c2s_site_axes(site) & ~first}}};
}

static c2s_status solve_of(const c2s_linear_site *site, bool turned,
                           const c2s_lowrank_problem *problem, size_t rank, double *const *weights,
                           double *error) {
    c2s_chain chain;
    chain_of(site, turned, rank, &chain);
    C2S_TRY(c2s_lowrank_first(site, problem, chain.stage[0].axes, rank, weights[0]));
    return c2s_lowrank_behind(site, &chain.stage[0], weights[0], problem, weights[1], error);
}

static size_t most(const c2s_linear_site *site) {
    return most_of(site, false);
}
static void chain(const c2s_linear_site *site, size_t rank, c2s_chain *out) {
    chain_of(site, false, rank, out);
}
static c2s_status solve(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                        size_t rank, double *const *weights, double *error) {
    return solve_of(site, false, problem, rank, weights, error);
}

static size_t most_turned(const c2s_linear_site *site) {
    return most_of(site, true);
}
static void chain_turned(const c2s_linear_site *site, size_t rank, c2s_chain *out) {
    chain_of(site, true, rank, out);
}
static c2s_status solve_turned(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                               size_t rank, double *const *weights, double *error) {
    return solve_of(site, true, problem, rank, weights, error);
}

const c2s_lowrank_form c2s_lowrank_form_spatial = {
    .name = "spatial",
    .refuse = refuse,
    .most = most,
    .chain = chain,
    .solve = solve,
};

const c2s_lowrank_form c2s_lowrank_form_spatial_turned = {
    .name = "spatial-turned",
    .refuse = refuse,
    .most = most_turned,
    .chain = chain_turned,
    .solve = solve_turned,
};
