/* SPDX-License-Identifier: Apache-2.0
 *
 * What c2s_counts holds, in two parts: what any model tells, and what needs inferred types.
 */
#ifndef C2S_COUNT_H
#define C2S_COUNT_H

#include "ir/graph.h"

/* Fills nodes, parameters and bytes. Functions and bodies count once each. */
c2s_status c2s_count_content(c2s_model *model, c2s_counts *counts);

/* Extents for a model's inputs, to count with: those of --dim, 1 for the batch, for other symbols
 * the first of a list for which inference finds no contradiction (eval/random_inputs). */
typedef struct c2s_extents {
    c2s_arena *arena;
    unsigned count;
    const char **name;
    c2s_type *type;
} c2s_extents;

/* Of a normalised model with inferred types. C2S_ERR_USAGE: a binding that fits no input. */
c2s_status c2s_extents_choose(const c2s_model *model, const c2s_dim_binding *dims,
                              unsigned dim_count, c2s_extents *out);
void c2s_extents_free(c2s_extents *extents);

/* Fills macs and peak_activation_bytes of a normalised model for inputs of these extents. What
 * stays unknown even then (data-dependent) counts as 1. MACs: main graph, and each body executed
 * once. Peak: the largest sum of values of the main graph that are alive at once when its nodes run
 * in list order, each value freed after its last use; views (Reshape and the like) take no memory
 * of their own. */
void c2s_count_cost(const c2s_model *model, const c2s_extents *extents, c2s_counts *counts);

/* The MACs of each node of the main graph, in list order, for inputs of these extents. */
void c2s_count_node_macs(const c2s_model *model, const c2s_extents *extents, uint64_t *macs);

#endif
