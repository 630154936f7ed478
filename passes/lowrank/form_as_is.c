/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/form_as_is.h"

#include "base/linear_algebra.h"

static const char *refuse(const c2s_linear_site *site) {
    (void)site;
    return NULL;
}

static size_t most(const c2s_linear_site *site) {
    return site->n;
}

static void chain(const c2s_linear_site *site, size_t rank, c2s_chain *out) {
    (void)rank;
    *out = (c2s_chain){.count = 1,
                       .stage = {{1, c2s_site_channels(site), site->n, c2s_site_axes(site)}}};
}

static c2s_status solve(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                        size_t rank, double *const *weights, double *error) {
    (void)rank;
    *error = 0;
    c2s_matrix_transpose(site->k, site->n, problem->weights, weights[0]);
    return c2s_lowrank_problem_divide(problem, site->k, weights[0]);
}

const c2s_lowrank_form c2s_lowrank_form_as_is = {
    .name = "as it is",
    .refuse = refuse,
    .most = most,
    .chain = chain,
    .solve = solve,
    .is_optimal = true,
};
