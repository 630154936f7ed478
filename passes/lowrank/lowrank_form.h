/* SPDX-License-Identifier: Apache-2.0
 *
 * The forms that a linear operator can be given: which operators, of which sizes, with which
 * weights. A form is one file; what builds the nodes, counts and times them, chooses ranks and
 * measures errors is the same for all.
 */
#ifndef C2S_PASSES_LOWRANK_FORM_H
#define C2S_PASSES_LOWRANK_FORM_H

#include "passes/lowrank/lowrank_chain.h"

struct c2s_spectrum; /* spectrum.h */

typedef struct c2s_lowrank_form {
    const char *name;
    /* NULL, or why the operator has no such form. */
    const char *(*refuse)(const c2s_linear_site *site);
    /* The greatest rank that makes sense: with it the operator is reproduced. */
    size_t (*most)(const c2s_linear_site *site);
    bool single_steps; /* ranks are few and small, so that they are not rounded */
    /* The stages at this rank. */
    void (*chain)(const c2s_linear_site *site, size_t rank, c2s_chain *out);
    /* Their weights at this rank, in the order of ONNX's convolutions (c2s_stage_size), for the
     * problem of one group, and the error that they have. */
    c2s_status (*solve)(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                        size_t rank, double *const *weights, double *error);
    /* What it gives is a proven optimum, so that its error at all ranks is that of the spectrum. */
    bool is_optimal;
    /* Errors of what comes in between grow: where that becomes codes, only if it is asked for. */
    bool amplifies;
    /* Of these: stable[r - 1] says whether floats keep that error at rank r, for all up to `most`,
     * which the spectrum has. NULL: always. */
    c2s_status (*find_stable)(const c2s_lowrank_problem *problem,
                              const struct c2s_spectrum *spectrum, size_t most, bool *stable);
} c2s_lowrank_form;

#define C2S_LOWRANK_FORM(symbol) extern const c2s_lowrank_form c2s_lowrank_form_##symbol;
#include "passes/lowrank/form_list.h"
#undef C2S_LOWRANK_FORM

/* All forms, in the order of form_list.h; ends with NULL. */
const c2s_lowrank_form *const *c2s_lowrank_forms(void);
const c2s_lowrank_form *c2s_lowrank_form_find(const char *name); /* NULL: there is none */

/* `solve` of the form on the problem. Where the form's choice is no proven optimum, projections are
 * chosen with and without G, and the better result counts: so it is never worse than plain SVD. */
c2s_status c2s_lowrank_solve(const c2s_lowrank_form *form, const c2s_linear_site *site,
                             const c2s_lowrank_problem *problem, size_t rank,
                             double *const *weights, double *error);
/* For `solve`: the weights of a first stage over `axes`, the best ones of the marginal problem. */
c2s_status c2s_lowrank_first(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                             unsigned axes, size_t rank, double *weights);
/* The weights of the last stage, behind a first one: least squares, and what error is left. */
c2s_status c2s_lowrank_behind(const c2s_linear_site *site, const c2s_stage *first,
                              const double *first_weights, const c2s_lowrank_problem *problem,
                              double *weights, double *error);

/* Arrays for the weights of all stages, zeroed pointers first; freed by c2s_lowrank_free. */
c2s_status c2s_lowrank_alloc(const c2s_linear_site *site, const c2s_chain *chain, size_t groups,
                             double *weights[C2S_CHAIN_MOST]);
void c2s_lowrank_free(double *weights[C2S_CHAIN_MOST]);

#endif
