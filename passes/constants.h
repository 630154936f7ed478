/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions that rules ask about constant operands.
 */
#ifndef C2S_PASSES_CONSTANTS_H
#define C2S_PASSES_CONSTANTS_H

#include "ir/graph.h"

/* Most axes, pads and the like that a rule looks at. */
#define C2S_MAX_INTS (2 * C2S_MAX_RANK)

/* A short list of integers of a rule's operand. */
typedef struct c2s_ints {
    int64_t at[C2S_MAX_INTS];
    unsigned count;
} c2s_ints;

/* The elements of a constant integer tensor; false if it is none or longer than C2S_MAX_INTS. */
bool c2s_constant_ints(const c2s_value *value, c2s_ints *out);
/* Of an ints attribute; false if missing or too long. */
bool c2s_attr_int_list(const c2s_node *node, const char *name, c2s_ints *out);
/* Axes in formal input `slot` or, as older forms have it, in attribute "axes"; each made
 * non-negative by `rank`. *given says whether there are any; false: given, but not known or out of
 * range. */
bool c2s_node_axes(const c2s_node *node, unsigned slot, int rank, c2s_ints *out, bool *given);

/* The element of a constant real tensor with one element, of any rank. */
bool c2s_constant_scalar(const c2s_value *value, double *out);
/* True if every element of the constant real or bool tensor equals `number` (0 equals -0). */
bool c2s_constant_is_all(const c2s_value *value, double number);
/* True if no element of the constant real tensor, of a byte or more each, is NaN or infinite. */
bool c2s_constant_is_finite(const c2s_value *value);

/* A constant target with which Reshape of `x` gives these extents: known ones as they are, 0 for
 * what x has at that place, -1 for one other. False if that cannot be said, or an extent is 0. */
bool c2s_reshape_target(const c2s_value *x, const c2s_dim *dim, unsigned count, c2s_ints *out);
/* The same for the extents of a value. */
bool c2s_reshape_target_of(const c2s_value *x, const c2s_value *result, c2s_ints *out);

/* A tensor of float, double, float16 or bfloat16: what weights, activations and normalisations are,
 * and what Gemm commonly takes. */
bool c2s_is_float_value(const c2s_value *value);
/* Same kind, dtype and extents, all of which are known or the same expression. */
bool c2s_same_type(const c2s_value *a, const c2s_value *b);

#endif
