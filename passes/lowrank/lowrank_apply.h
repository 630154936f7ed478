/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes what a plan has chosen into a graph.
 */
#ifndef C2S_PASSES_LOWRANK_APPLY_H
#define C2S_PASSES_LOWRANK_APPLY_H

#include "passes/lowrank/lowrank_plan.h"
#include "passes/pass.h"

/* Rows that layers learn from (c2s_gram_options). */
enum { C2S_LOWRANK_ROWS = 20000 };

typedef struct c2s_lowrank_how {
    const c2s_pass_context *context;
    bool whitened;   /* by the second moments of the inputs, else by the weights alone */
    double damping;  /* of these moments */
    uint64_t memory; /* for them at a time */
    /* How often the samples are run at most. 1: all layers learn from the graph as it is; more:
     * layers behind others that are written already aim at what the graph gave before. */
    size_t stages;
} c2s_lowrank_how;

/* Second moments for all items (of tables: how often rows are read), as the graph is: calls `take`
 * for each, with NULL where there are none. */
c2s_status c2s_lowrank_learn(const c2s_graph *graph, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             c2s_status (*take)(void *user, c2s_lowrank_item *item, c2s_gram *gram),
                             void *user);

/* `model`: that of the plan's nodes, or a copy of it whose nodes have the same order. `before`,
 * `user`: asked and told before a layer is written (false: it stays); may be NULL. */
c2s_status c2s_lowrank_apply(c2s_model *model, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             bool (*before)(void *user, const c2s_lowrank_item *item), void *user);

#endif
