/* SPDX-License-Identifier: Apache-2.0
 *
 * The axis ties of all nodes of a model, made once and found quickly by operand axis and by space.
 */
#ifndef C2S_PASSES_PRUNE_TIE_INDEX_H
#define C2S_PASSES_PRUNE_TIE_INDEX_H

#include "ops/op.h"

typedef struct c2s_node_ties {
    c2s_ties ties;
    uint32_t *by_operand; /* ties by (output, slot, axis), then from the first index to the last */
    uint32_t *by_space;   /* ties by space */
    uint8_t *visits;      /* by space: for who walks over them */
} c2s_node_ties;

typedef struct c2s_tie_index {
    size_t count;
    c2s_node_ties *of; /* by node id */
} c2s_tie_index;

/* Of every node of the model, those of bodies included. Linear in the nodes and their ties, but for
 * sorting. */
void c2s_tie_index_create(const c2s_model *model, c2s_tie_index *out);
void c2s_tie_index_free(c2s_tie_index *index);

/* Numbers of ties: at[0 .. count - 1]. */
typedef struct c2s_tie_range {
    const uint32_t *at;
    size_t count;
} c2s_tie_range;
c2s_tie_range c2s_ties_of_operand(const c2s_node_ties *n, bool output, unsigned slot, int axis);
/* Those that begin at the same index of the same axis, the tie itself included. */
c2s_tie_range c2s_ties_beside(const c2s_node_ties *n, const c2s_tie *tie);
c2s_tie_range c2s_ties_of_space(const c2s_node_ties *n, unsigned space);

#endif
