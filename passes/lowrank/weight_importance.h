/* SPDX-License-Identifier: Apache-2.0
 *
 * How much errors of weights count, from the samples.
 */
#ifndef C2S_PASSES_LOWRANK_WEIGHT_IMPORTANCE_H
#define C2S_PASSES_LOWRANK_WEIGHT_IMPORTANCE_H

#include "passes/pass.h"
#include "passes/quant/weight_plan.h"

/* The squared error of a weight counts as often as its input is large: the mean of its square.
 * importance[i], to free: of each element of weight i of the plan; left alone where nothing is
 * known. `memory`: bytes that second moments may take at a time. */
c2s_status c2s_weight_importance(const c2s_graph *graph, const c2s_weight_plan *plan,
                                 const c2s_pass_context *context, uint64_t memory,
                                 float **importance);

#endif
