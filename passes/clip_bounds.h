/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes that cut numbers off: Relu, Clip, and Min and Max with a constant.
 */
#ifndef C2S_PASSES_CLIP_BOUNDS_H
#define C2S_PASSES_CLIP_BOUNDS_H

#include "ops/op.h"

/* What the node gives is its input, cut off at these; infinite: not. False: it is no such node, or
 * its bounds are computed, or low > high. */
bool c2s_clip_bounds(const c2s_node *node, double *low, double *high);
/* The constant operand, one number, of Min and Max of two values; NULL: there is none. */
c2s_value *c2s_clip_operand(const c2s_node *node);

#endif
