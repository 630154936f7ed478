/* SPDX-License-Identifier: Apache-2.0
 *
 * What the chain of a layer should come near to: the weights, seen through the inputs of the
 * samples, or, when those inputs have changed already, what the layer gave on the old ones.
 *
 * Where a bias can be changed for nothing it takes up the mean of the error, so moments are taken
 * around the means.
 */
#ifndef C2S_PASSES_LOWRANK_TARGET_H
#define C2S_PASSES_LOWRANK_TARGET_H

#include "passes/lowrank/lowrank_layer.h"
#include "passes/measure/gram.h"

typedef struct c2s_lowrank_target {
    const c2s_lowrank_layer *layer;
    const c2s_gram *gram;   /* NULL: nothing is known of the inputs */
    const c2s_cross *cross; /* with it: of what the layer should give; NULL: what it gives */
    double damping;         /* added to the moments, as part of the mean of their diagonal */
    /* What errors of the outputs weigh: lower factors [groups, n, n] (c2s_lowrank_problem); NULL:
     * all alike. Set by the caller, borrowed. */
    const double *outer;
    double *weights, *bias; /* c2s_lowrank_layer_read */
} c2s_lowrank_target;

/* `damping` as above, which is raised where there are few rows for the variables. */
c2s_status c2s_lowrank_target_open(const c2s_lowrank_layer *layer, const c2s_gram *gram,
                                   const c2s_cross *cross, double damping, c2s_lowrank_target *out);
void c2s_lowrank_target_close(c2s_lowrank_target *target);

/* The problem of one group. */
c2s_status c2s_lowrank_target_problem(const c2s_lowrank_target *target, size_t group,
                                      c2s_lowrank_problem *out);

/* What to write. */
typedef struct c2s_lowrank_result {
    c2s_chain chain;
    c2s_tensor *weights[C2S_CHAIN_MOST];
    double *shift;  /* NULL: the bias stays */
    double *matrix; /* [groups, k, n]: all stages together; NULL unless there is a cross */
} c2s_lowrank_result;

c2s_status c2s_lowrank_target_solve(const c2s_lowrank_target *target, const c2s_lowrank_form *form,
                                    size_t rank, c2s_lowrank_result *out);
/* How far a layer with this matrix [groups, k, n], and the best bias if it has one, is from what it
 * should give on the rows of the target, which has a cross: squared, but for a constant. */
c2s_status c2s_lowrank_target_loss(const c2s_lowrank_target *target, const double *matrix,
                                   double *loss);
void c2s_lowrank_result_free(c2s_lowrank_result *result);

#endif
