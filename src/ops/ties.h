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
 *     SUM   the outputs are those of the original with zeros (of quantized operands: zero points)
 *           at the removed indices of the inputs (input channels of a convolution, the inner axis
 *           of a product); usually no output is tied, else it loses the removed indices, too;
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
    int64_t extent; /* at least 1; 0: pinned, no tie names this space */
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

/* ---- removing ----
 * Sets of elements are arrays [space][element]; a space without array (NULL) has none. */

/* Sets gone[i] for the indices of an operand axis that go with the removed elements; the rest of
 * `gone`, one per index, stays as it is. True if it set one that was not. */
bool c2s_ties_mark(const c2s_ties *t, const bool *const *removed, bool output, unsigned slot,
                   int axis, bool *gone);
/* The opposite: sets removed[s][e], which all spaces must have, for each element all of whose
 * indices on this axis are gone. False if some index is gone that belongs to none of these: this
 * node cannot lose exactly that. Going back and forth between the nodes around a value until
 * nothing is new gives the group of what must go together. */
bool c2s_ties_cover(const c2s_ties *t, bool output, unsigned slot, int axis, const bool *gone,
                    bool *const *removed);
/* The type of an operand without what was removed (other axes and operands: as they are). */
void c2s_ties_shrink(const c2s_ties *t, const bool *const *removed, bool output, unsigned slot,
                     c2s_type *type);
/* The content of an operand without what was removed. */
c2s_status c2s_ties_cut(const c2s_ties *t, const bool *const *removed, bool output, unsigned slot,
                        const c2s_tensor *in, c2s_tensor **out);
/* A tensor of any element type without the indices of one axis that are gone. */
c2s_status c2s_tensor_drop(const c2s_tensor *in, int axis, const bool *gone, c2s_tensor **out);

/* Refitting: attributes and constant operands that name extents (groups, heads, hidden size, the
 * target of a Reshape) after elements of spaces were removed. The types of the operands, outputs
 * included, are the new ones already. */
typedef struct c2s_refit {
    c2s_node *node;
    const c2s_ties *before;     /* spaces and ties as they were */
    const bool *const *removed; /* [space][element] */
} c2s_refit;

/* Number of elements left in a space. */
int64_t c2s_refit_extent(const c2s_refit *r, unsigned space);
/* Sets an attribute to the number of elements left, times `unit`, if the space lost any. */
void c2s_refit_attr(const c2s_refit *r, const char *name, unsigned space, int64_t unit);
/* Makes the integers `values` the content of formal input `slot`, a 1-D operand, unless that is its
 * constant already. The constant of other users stays. */
c2s_status c2s_refit_ints(const c2s_refit *r, unsigned slot, const int64_t *values, size_t count);
/* Runs the operator's refit if it has one and elements were removed. C2S_ERR_UNSUPPORTED with the
 * reason if the node cannot follow (a target shape that is computed, say). */
c2s_status c2s_node_refit(const c2s_refit *r);

/* ---- for operators ---- */

/* Extent of an operand axis; 0 if the operand is left out, the axis is not there or its extent is
 * not known. Negative axes count from the end. */
int64_t c2s_ties_extent(const c2s_ties *t, bool output, unsigned slot, int axis);
/* A new space; its number. Of extent < 1 (not known): a pinned one. */
unsigned c2s_ties_space(c2s_ties *t, c2s_tie_role role, int64_t extent);
/* Ties a whole axis to a space, `repeat` consecutive indices to an element. Does nothing if the
 * operand is left out, has not that axis, or has extent 1 there (broadcasting). If the extent is
 * not known or no multiple of repeat * the space's extent, the space is pinned: what cannot follow
 * must not be left behind. */
void c2s_ties_whole(c2s_ties *t, unsigned space, bool output, unsigned slot, int axis,
                    int64_t repeat);
void c2s_ties_in(c2s_ties *t, unsigned space, unsigned slot, int axis, int64_t repeat);
void c2s_ties_out(c2s_ties *t, unsigned space, unsigned slot, int axis, int64_t repeat);
/* The same for indices start .. start + count of the axis. Nothing is tied for count 0. */
void c2s_ties_part(c2s_ties *t, unsigned space, bool output, unsigned slot, int axis, int64_t start,
                   int64_t count, int64_t repeat);
/* No element of the space can be removed. */
void c2s_ties_pin(c2s_ties *t, unsigned space);
/* Rank of an operand; -1 if it is left out, no tensor, or its rank is not known. */
int c2s_ties_rank(const c2s_ties *t, bool output, unsigned slot);
/* The elements, at most `limit`, of a constant 1-D or scalar integer operand; false if it is none. */
bool c2s_node_ints(const c2s_node *node, unsigned slot, int64_t *values, size_t limit,
                   size_t *count);

/* A new space over an axis of a formal input, tied to that and to `out_axis` of every output that
 * has it (C2S_TIES_NO_AXIS: to no output). */
unsigned c2s_ties_over(c2s_ties *t, c2s_tie_role role, unsigned slot, int axis, int out_axis);
#define C2S_TIES_NO_AXIS C2S_MAX_RANK
/* An axis attribute in [0, rank), or -1 if it is outside. */
int c2s_ties_axis(const c2s_ties *t, const char *name, int64_t absent, int rank);

/* Ready-made. */
void c2s_ties_pinned(c2s_ties *t);      /* nothing is tied, and that is meant */
void c2s_ties_elementwise(c2s_ties *t); /* all inputs broadcast to all outputs */
/* The same for the first `inputs` inputs, space k being axis k of output 0; but results depend on
 * other indices along the axes whose bits are set in `mixed`: these spaces are MIX. */
void c2s_ties_broadcast(c2s_ties *t, unsigned inputs, unsigned mixed);

#endif
