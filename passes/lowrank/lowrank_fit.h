/* SPDX-License-Identifier: Apache-2.0
 *
 * One layer, from what was learnt of its inputs, and of what it should give, to its weights.
 */
#ifndef C2S_PASSES_LOWRANK_LOWRANK_FIT_H
#define C2S_PASSES_LOWRANK_LOWRANK_FIT_H

#include "passes/lowrank/lowrank_plan.h"

/* A new one of the sums of two; `a` NULL: of `b`. */
c2s_status c2s_lowrank_add_grams(const c2s_gram *a, const c2s_gram *b, c2s_gram **out);

/* What was collected of a layer, from all of its members. */
typedef struct c2s_lowrank_moments {
    c2s_gram *gram;  /* NULL: nothing */
    c2s_cross cross; /* its arrays NULL: no target */
    size_t taken;    /* members that have come */
} c2s_lowrank_moments;

/* Adds what c2s_gram_collect has of a member of `layer`, whose outputs are after `before` others.
 */
c2s_status c2s_lowrank_moments_take(c2s_lowrank_moments *moments, const c2s_lowrank_layer *layer,
                                    const c2s_linear_site *member, size_t before, c2s_gram *gram,
                                    const c2s_cross *cross);
void c2s_lowrank_moments_free(c2s_lowrank_moments *moments);

typedef struct c2s_lowrank_fit {
    const c2s_lowrank_layer *layer;
    const c2s_lowrank_form *form;
    size_t rank;
    const double *outer; /* c2s_lowrank_target */
    const double
        *added; /* [n] that an Add behind the layer brings into its target; NULL: nothing */
    double damping;
} c2s_lowrank_fit;

/* The weights for these moments. With `judge`, moments of other samples: the damping, up to 1000
 * times what is asked for, is the one that is best for those; then the weights are those for both.
 * Either may be NULL. */
c2s_status c2s_lowrank_fit_solve(const c2s_lowrank_fit *fit, const c2s_lowrank_moments *learn,
                                 const c2s_lowrank_moments *judge, c2s_lowrank_result *out);

#endif
