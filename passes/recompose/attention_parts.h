/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking from a node to what its operands are made of.
 */
#ifndef C2S_PASSES_ATTENTION_PARTS_H
#define C2S_PASSES_ATTENTION_PARTS_H

#include "passes/recompose/recompose.h"

/* The node of that operator whose output 0 the value is, in the value's graph and with all its
 * attributes given; else NULL. */
c2s_node *c2s_maker(const c2s_value *value, const c2s_op *op);
/* What a Transpose by [0, 2, 1, 3] makes the value of; NULL: it is none. */
c2s_value *c2s_heads_turned(const c2s_value *value);
/* The value is `*of` times a constant number, by which *factor is multiplied; else *of = value. */
void c2s_unscaled(c2s_value *value, c2s_value **of, double *factor);
/* A float tensor of that rank. */
bool c2s_is_float_rank(const c2s_value *value, int rank);
/* A known extent above 0. */
bool c2s_is_extent(c2s_dim dim);

/* An extent as a vector of one element: a constant, or an axis of a graph input. NULL: neither. */
c2s_value *c2s_build_extent(c2s_builder *b, c2s_dim dim);
/* [batch, length, heads * width] for [batch, length, heads, width]. */
bool c2s_is_joined(c2s_dims *dims, const c2s_type *three, const c2s_type *four);
/* Such of `four`: what a Reshape made that of, or a Reshape. Heads and width are known. */
c2s_value *c2s_build_joined(c2s_builder *b, c2s_value *four);

#endif
