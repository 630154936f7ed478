/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that tell apart what values hold, before anything is run: by all that is in front of
 * them.
 */
#ifndef C2S_PASSES_MEASURE_VALUE_DIGEST_H
#define C2S_PASSES_MEASURE_VALUE_DIGEST_H

#include "ir/graph.h"

/* By value id, to free: of values that `wanted` (by value id) names and of what they are computed
 * from; operators, attributes, the contents of constants, the names of the graph's inputs count,
 * other names do not. 0: not known (random numbers in front of it, or it is in a body). The graph
 * is a main graph in topological order. Reads the weights in front of what is wanted. */
uint64_t *c2s_value_digests(const c2s_graph *graph, const bool *wanted);

#endif
