/* SPDX-License-Identifier: Apache-2.0
 *
 * What c2s_counts holds, in two parts: what any model tells, and what needs inferred types.
 */
#ifndef C2S_COUNT_H
#define C2S_COUNT_H

#include "ir/graph.h"

/* Fills nodes, parameters and bytes. Functions and bodies count once each. */
c2s_status c2s_count_content(c2s_model *model, c2s_counts *counts);

/* Fills macs and peak_activation_bytes of a normalised model with inferred types; symbolic
 * dimensions count as 1; shapes that the graph computes from constants are computed. MACs: main
 * graph, and per body one execution. Peak: the largest sum of values of the main graph that are
 * alive at once when its nodes run in list order, each value freed after its last use; views
 * (Reshape and the like) take no memory of their own. */
void c2s_count_cost(const c2s_model *model, c2s_counts *counts);

#endif
