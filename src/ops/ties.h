/* SPDX-License-Identifier: Apache-2.0
 *
 * Axis ties: which indices of which operand axes belong together, so that removing some of them
 * (pruning) leaves the node valid.
 *
 * A node has index spaces of its own, made by its operator's `ties`. A tie says that part of an
 * operand axis is indexed by a space: index i with start <= i < start + count belongs to element
 *
 *     (i - start) / repeat % extent of the space.
 *
 * Removing element e of a space means: of every axis tied to it, remove the indices that belong to
 * e, then `refit` the node. What that does to the results is the role of the space:
 *
 *     KEEP  the outputs lose the removed indices and are otherwise the same (batch, channels of an
 *           activation, output channels of a convolution);
 *     SUM   no output is tied: the outputs are those of the original with zeros (of quantized
 *           operands: zero points) at the removed indices (input channels of a convolution, the
 *           inner axis of a product);
 *     MIX   valid, but other results change (statistics of a normalisation, softmax).
 *
 * An index that no tie names is pinned by the node. Several spaces on one axis at the same place
 * are factors of its extent: Reshape of [C, H] to [C*H] has a space for C (repeat H) and one for H
 * (repeat 1); so has a grouped convolution for groups and for channels within a group, attention
 * for heads and for channels of a head. Extent 1 of a broadcast axis is not tied: it stays.
 *
 * Method: dependency groups as in DepGraph (Fang et al. 2023, arXiv 2301.12900), with ties declared
 * by operators in place of handlers per layer type.
 */
#ifndef C2S_OPS_TIES_H
#define C2S_OPS_TIES_H

#include "base/vec.h"
#include "ir/graph.h"

typedef enum c2s_tie_role { C2S_TIE_KEEP, C2S_TIE_SUM, C2S_TIE_MIX } c2s_tie_role;

typedef struct c2s_tie_space {
    c2s_tie_role role;
    int64_t extent; /* at least 1 */
} c2s_tie_space;

typedef struct c2s_tie {
    unsigned space;
    bool output; /* of the output in slot `slot`, else of the formal input */
    unsigned slot;
    int axis;                     /* in [0, rank) */
    int64_t start, count, repeat; /* count: a multiple of repeat * extent */
} c2s_tie;

typedef struct c2s_ties {
    const c2s_node *node;
    C2S_VEC(c2s_tie_space) spaces;
    C2S_VEC(c2s_tie) ties;
} c2s_ties;

/* The ties of a node with its types as they are; axes of symbolic extent are never tied. A node
 * whose operator states none has none: all is pinned. Free with c2s_ties_free. */
void c2s_ties_of(const c2s_node *node, c2s_ties *ties);
void c2s_ties_free(c2s_ties *ties);
/* Has the operator said what is tied, be it nothing? */
bool c2s_op_states_ties(const c2s_op *op);

/* Refitting: attributes and constant operands that name extents (groups, heads, hidden size, the
 * target of a Reshape) after elements of spaces were removed. The types of the operands are the
 * new ones already. */
typedef struct c2s_refit {
    c2s_node *node;
    const c2s_ties *before;     /* spaces and ties as they were */
    const bool *const *removed; /* [space][element] */
} c2s_refit;

/* Number of elements left in a space. */
int64_t c2s_refit_extent(const c2s_refit *r, unsigned space);
/* Runs the operator's refit if it has one. C2S_ERR_UNSUPPORTED with the reason if the node cannot
 * follow (a target shape that is computed, say). */
c2s_status c2s_node_refit(const c2s_refit *r);

/* ---- for operators ---- */

/* Extent of an operand axis; 0 if the operand is left out, the axis is not there or its extent is
 * not known. Negative axes count from the end. */
int64_t c2s_ties_extent(const c2s_ties *t, bool output, unsigned slot, int axis);
/* A new space; its number. Spaces of extent < 1 may be made (not known): ties to them are
 * dropped. */
unsigned c2s_ties_space(c2s_ties *t, c2s_tie_role role, int64_t extent);
/* Ties a whole axis to a space, `repeat` consecutive indices to an element. Does nothing if the
 * operand is left out or the axis' extent is no multiple of repeat * the space's extent. */
void c2s_ties_in(c2s_ties *t, unsigned space, unsigned slot, int axis, int64_t repeat);
void c2s_ties_out(c2s_ties *t, unsigned space, unsigned slot, int axis, int64_t repeat);
/* The same for indices start .. start + count of the axis. */
void c2s_ties_part(c2s_ties *t, unsigned space, bool output, unsigned slot, int axis, int64_t start,
                   int64_t count, int64_t repeat);

/* Ready-made. */
void c2s_ties_pinned(c2s_ties *t);      /* nothing is tied, and that is meant */
void c2s_ties_elementwise(c2s_ties *t); /* all inputs broadcast to all outputs */

#endif
