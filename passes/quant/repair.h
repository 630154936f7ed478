/* SPDX-License-Identifier: Apache-2.0
 *
 * Which layers stay in float (or get codes of more bits) for a quantized model to keep its quality:
 * those whose rounding costs the outputs most for the work that they do.
 *
 * What a layer costs is measured by quantizing it alone and looking at the outputs of the model,
 * which needs no labels and predicts the loss of accuracy better than what is seen at the layer
 * (docs/numerics.md). Errors of several layers add up nearly like independent noise, so the
 * question is a knapsack: least work in float such that the noise of the rest is within bounds.
 */
#ifndef C2S_PASSES_QUANT_REPAIR_H
#define C2S_PASSES_QUANT_REPAIR_H

#include "passes/budget.h"
#include "rewrite/stats.h"

/* Samples that a layer by itself is measured on. */
enum { C2S_REPAIR_SAMPLES = 16 };

typedef struct c2s_repair_problem {
    size_t count;       /* of layers */
    const double *work; /* of each, in any unit; at least 0 */
    c2s_budget budget;
    bool by_divergence; /* what rounding costs is the divergence of the outputs' classes, if they
                           have any, and not their noise */
    /* Quality with those layers in float whose flag is set, `samples` as in c2s_quality_measure. */
    c2s_status (*measure)(void *user, const bool *in_float, size_t samples,
                          c2s_quality_result *result);
    const char *what; /* "stays in float", for the log: what a layer does whose flag is set */
    void *user;
} c2s_repair_problem;

typedef struct c2s_repair_layer {
    bool in_float; /* the answer */
    /* What it causes alone: error^2 / output^2, and c2s_quality_result.divergence. NaN: all layers
     * together were good enough, none was measured. */
    double noise, divergence;
} c2s_repair_layer;

typedef struct c2s_repair_result {
    c2s_repair_layer *layers;   /* [count]: of the caller */
    double before_db, after_db; /* of all layers, and with the answer; NaN: not measured */
} c2s_repair_result;

/* All layers are in float if the budget holds in no other way. Takes at most count + 2 log2(count)
 * + 1 measurements. */
c2s_status c2s_repair(const c2s_repair_problem *problem, c2s_repair_result *result);
/* What each layer costs, and what all that are in float now bought, for the log and as remedies.
 * `nodes` [count]. */
void c2s_repair_report(const c2s_repair_problem *problem, const c2s_repair_result *result,
                       const c2s_node *const *nodes, c2s_stats *stats);

#endif
