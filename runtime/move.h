/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that put boxes of their input somewhere else: Slice, Split, Pad, Expand, Transpose, and
 * Gather of neighbours.
 * What goes where is settled when the plan is made; a run copies, in whatever layout the input has,
 * or, where the elements lie together anyway, does nothing.
 */
#ifndef C2S_RUNTIME_MOVE_H
#define C2S_RUNTIME_MOVE_H

#include "base/vec.h"
#include "runtime/kernel.h"

/* A part of an output: along axis i, element to[i] + k is from[i] + k * step[i] of the input, for k
 * below extent[i]. With `fills`, it is the same constant all over instead. */
typedef struct c2s_box {
    unsigned output;
    bool fills;
    int64_t extent[C2S_MAX_RANK], to[C2S_MAX_RANK], from[C2S_MAX_RANK], step[C2S_MAX_RANK];
} c2s_box;

typedef struct c2s_boxes {
    c2s_type in;             /* as the boxes see it: with the rank of the outputs */
    int order[C2S_MAX_RANK]; /* axis i of `in` is this one of the input; -1: a new one */
    int dropped;             /* the axis of the input that `in` lacks; -1: none */
    int64_t at;              /* the only index there */
    C2S_VEC(c2s_box) all;
} c2s_boxes;

/* What the step's node does, if its inputs but the first are constants; else false. The caller
 * frees boxes->all, also then. */
bool c2s_boxes_of(const c2s_step *step, c2s_boxes *boxes);

#endif
