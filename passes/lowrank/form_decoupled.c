/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a convolution with a window, c channels to n
 * After:  r filters for each channel by itself (depthwise, c to c * r), then 1 x 1, c * r to n:
 *         network decoupling (Guo et al. 2018, arXiv 1808.05517)
 *
 * The filters of a channel are the best matrix of rank r for the weights that read it; the 1 x 1
 * convolution is least squares behind all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/lowrank/lowrank_form.h"
#include "passes/lowrank/spectrum.h"

static const char *refuse(const c2s_linear_site *site) {
    return c2s_site_kernel(site, c2s_site_axes(site)) == 1    ? "it has no window"
           : c2s_site_channels(site) == 1 && site->groups > 1 ? "it is depthwise already"
                                                              : NULL;
}

static size_t most(const c2s_linear_site *site) {
    const size_t kernel = c2s_site_kernel(site, c2s_site_axes(site));
    return kernel < site->n ? kernel : site->n;
}

static void chain(const c2s_linear_site *site, size_t rank, c2s_chain *out) {
    const size_t channels = c2s_site_channels(site);
    *out = (c2s_chain){
        .count = 2,
        .stage = {{channels, 1, rank, c2s_site_axes(site)}, {1, channels * rank, site->n, 0}}};
}

/* What channel c alone contributes. `moment`: room for kernel x kernel. */
static c2s_status channel_filters(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                                  size_t c, size_t rank, double *moment, double *rest,
                                  double *weights) {
    const size_t kernel = c2s_site_kernel(site, c2s_site_axes(site)), first = c * kernel;
    const bool moments = problem->moment && !problem->plain_projections;
    c2s_lowrank_problem own;
    c2s_spectrum spectrum = {0};
    for (size_t i = 0; moments && i < kernel; i++)
        memcpy(moment + i * kernel, problem->moment + (first + i) * problem->k + first,
               kernel * sizeof *moment);
    C2S_TRY(c2s_lowrank_problem_open(kernel, site->n, problem->weights + first * site->n,
                                     moments ? moment : NULL, &own));
    c2s_status status = c2s_spectrum_open(&own, rank, &spectrum);
    if (status == C2S_OK)
        status = c2s_spectrum_factor(&spectrum, &own, rank, weights + c * rank * kernel, rest);
    c2s_spectrum_close(&spectrum);
    c2s_lowrank_problem_close(&own);
    return status;
}

static c2s_status all_filters(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                              size_t rank, double *weights) {
    const size_t kernel = c2s_site_kernel(site, c2s_site_axes(site));
    double *moment, *rest = NULL;
    C2S_TRY(c2s_scratch(kernel, kernel * sizeof *moment, &moment));
    c2s_status status = c2s_scratch(site->n, rank * sizeof *rest, &rest);
    for (size_t c = 0; c < c2s_site_channels(site) && status == C2S_OK; c++)
        status = channel_filters(site, problem, c, rank, moment, rest, weights);
    free(moment);
    free(rest);
    return status;
}

static c2s_status solve(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                        size_t rank, double *const *weights, double *error) {
    c2s_chain stages;
    chain(site, rank, &stages);
    C2S_TRY(all_filters(site, problem, rank, weights[0]));
    return c2s_lowrank_behind(site, &stages.stage[0], weights[0], problem, weights[1], error);
}

const c2s_lowrank_form c2s_lowrank_form_decoupled = {
    .name = "decoupled",
    .refuse = refuse,
    .most = most,
    .single_steps = true,
    .chain = chain,
    .solve = solve,
};
