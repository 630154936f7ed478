/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_form.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/lowrank/spectrum.h"

static const c2s_lowrank_form *const forms[] = {
#define C2S_LOWRANK_FORM(symbol) &c2s_lowrank_form_##symbol,
#include "passes/lowrank/form_list.h"
#undef C2S_LOWRANK_FORM
    NULL};

const c2s_lowrank_form *const *c2s_lowrank_forms(void) {
    return forms;
}

const c2s_lowrank_form *c2s_lowrank_form_find(const char *name) {
    for (size_t i = 0; forms[i]; i++)
        if (strcmp(forms[i]->name, name) == 0)
            return forms[i];
    return NULL;
}

c2s_status c2s_lowrank_alloc(const c2s_linear_site *site, const c2s_chain *chain, size_t groups,
                             double *weights[C2S_CHAIN_MOST]) {
    memset(weights, 0, C2S_CHAIN_MOST * sizeof *weights);
    for (unsigned i = 0; i < chain->count; i++) {
        const c2s_status status = c2s_scratch(
            groups, c2s_stage_size(site, &chain->stage[i]) * sizeof(double), &weights[i]);
        if (status != C2S_OK) {
            c2s_lowrank_free(weights);
            return status;
        }
    }
    return C2S_OK;
}

void c2s_lowrank_free(double *weights[C2S_CHAIN_MOST]) {
    for (unsigned i = 0; i < C2S_CHAIN_MOST; i++)
        free(weights[i]);
    memset(weights, 0, C2S_CHAIN_MOST * sizeof *weights);
}

c2s_status c2s_lowrank_first(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                             unsigned axes, size_t rank, double *weights) {
    c2s_lowrank_problem marginal;
    c2s_spectrum spectrum = {0};
    double *rest = NULL;
    C2S_TRY(c2s_site_marginal(site, problem, axes, &marginal));
    c2s_status status = c2s_scratch(marginal.n, rank * sizeof *rest, &rest);
    if (status == C2S_OK)
        status = c2s_spectrum_open(&marginal, rank, &spectrum);
    if (status == C2S_OK)
        status = c2s_spectrum_factor(&spectrum, &marginal, rank, weights, rest);
    c2s_spectrum_close(&spectrum);
    c2s_lowrank_problem_close(&marginal);
    free(rest);
    return status;
}

c2s_status c2s_lowrank_behind(const c2s_linear_site *site, const c2s_stage *first,
                              const double *first_weights, const c2s_lowrank_problem *problem,
                              double *weights, double *error) {
    c2s_lowrank_problem rest;
    C2S_TRY(c2s_stage_project(site, first, c2s_site_axes(site), first_weights, problem, &rest));
    for (size_t i = 0; i < rest.k; i++)
        for (size_t j = 0; j < rest.n; j++)
            weights[j * rest.k + i] = rest.weights[i * rest.n + j];
    *error = fmax(0, problem->energy - rest.energy);
    const c2s_status status = c2s_lowrank_problem_divide(problem, rest.k, weights);
    c2s_lowrank_problem_close(&rest);
    return status;
}

c2s_status c2s_lowrank_solve(const c2s_lowrank_form *form, const c2s_linear_site *site,
                             const c2s_lowrank_problem *problem, size_t rank,
                             double *const *weights, double *error) {
    C2S_TRY(form->solve(site, problem, rank, weights, error));
    if (form->is_optimal || !problem->moment)
        return C2S_OK;
    c2s_lowrank_problem plain = *problem;
    double *other[C2S_CHAIN_MOST], other_error = 0;
    c2s_chain chain;
    plain.plain_projections = true;
    form->chain(site, rank, &chain);
    C2S_TRY(c2s_lowrank_alloc(site, &chain, 1, other));
    c2s_status status = form->solve(site, &plain, rank, other, &other_error);
    if (status == C2S_OK && other_error < *error) {
        *error = other_error;
        for (unsigned i = 0; i < chain.count; i++)
            memcpy(weights[i], other[i], c2s_stage_size(site, &chain.stage[i]) * sizeof(double));
    }
    c2s_lowrank_free(other);
    return status;
}
