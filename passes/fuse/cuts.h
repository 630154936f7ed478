/* SPDX-License-Identifier: Apache-2.0
 *
 * What Slice nodes with constant bounds cut, and values that are parts of others along one axis.
 */
#ifndef C2S_PASSES_CUTS_H
#define C2S_PASSES_CUTS_H

#include "passes/constants.h"
#include "rewrite/builder.h"

typedef struct c2s_cut {
    int64_t axis, start, end, step; /* axis from the front, the rest as the node has it */
} c2s_cut;

typedef struct c2s_cuts {
    c2s_cut at[C2S_MAX_RANK];
    unsigned count;
} c2s_cuts;

/* False: the rank is not known or the bounds are computed. */
bool c2s_cuts_read(const c2s_node *slice, c2s_cuts *out);
/* Slice of x; x itself for no cuts. */
c2s_value *c2s_cuts_build(c2s_builder *b, c2s_value *x, const c2s_cuts *cuts);
/* Start and end counted from the front, start <= end <= extent; false unless the step is 1. */
bool c2s_cut_clamp(const c2s_cut *cut, int64_t extent, int64_t *start, int64_t *end);

/* Indices start .. end - 1 of one axis of `x`, whose extent is known, and all of the others. */
typedef struct c2s_part {
    c2s_value *x;
    int64_t axis, start, end;
} c2s_part;

/* What a Slice gives; false if that is no part, or all of x. */
bool c2s_part_of_slice(const c2s_node *slice, c2s_part *out);
/* x or a Slice of it. */
c2s_value *c2s_part_build(c2s_builder *b, const c2s_part *part);

/* Attribute "axis" counted from the front of a tensor of the value's rank; -1: not known. */
int64_t c2s_axis_in(const c2s_node *node, const c2s_value *value, int64_t absent);
/* The operand of a Concat along `axis` that has all of the indices start .. end - 1, start < end,
 * and how many come before it; NULL: there is none, or extents are not known. */
c2s_value *c2s_concat_operand(const c2s_node *concat, int64_t axis, int64_t start, int64_t end,
                              int64_t *before);

#endif
