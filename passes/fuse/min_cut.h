/* SPDX-License-Identifier: Apache-2.0
 *
 * The cheapest way to part the vertices of a network into two sides: a maximum flow by Dinic's
 * algorithm (Soviet Math. Doklady 11, 1970), whose residual network shows a minimum cut.
 */
#ifndef C2S_PASSES_MIN_CUT_H
#define C2S_PASSES_MIN_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

enum { C2S_CUT_SOURCE = 0, C2S_CUT_SINK = 1, C2S_CUT_FIRST = 2 };
/* Never cut; the sum of all other capacities must be less. */
#define C2S_CUT_NEVER (INT64_C(1) << 60)

typedef struct c2s_cut {
    struct c2s_cut_edge {
        unsigned to, next; /* edge e and e ^ 1 are the two directions */
        int64_t capacity;  /* what is left */
    } * edges;
    size_t edge_count, edge_capacity;
    C2S_VEC(unsigned) first; /* by vertex: an edge, then `next`; UINT_MAX ends */
} c2s_cut;

/* With source and sink. */
void c2s_cut_init(c2s_cut *cut);
unsigned c2s_cut_add_vertex(c2s_cut *cut);
/* Costs `forth` if a is on the source's side and b is not, `back` the other way round. */
void c2s_cut_add_edge(c2s_cut *cut, unsigned a, unsigned b, int64_t forth, int64_t back);
/* *sink_side: by vertex; free it. False if it would take much more time than reading the network.
 */
bool c2s_cut_solve(c2s_cut *cut, bool **sink_side);
void c2s_cut_free(c2s_cut *cut);

#endif
