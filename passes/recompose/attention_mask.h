/* SPDX-License-Identifier: Apache-2.0
 *
 * What hides keys from queries: a tensor that is added to scores, or a condition that replaces
 * scores by minus infinity. Attention gives zeros for a query that sees no key, written-out softmax
 * NaN; so all that a rule has to know is whether every query sees one.
 */
#ifndef C2S_PASSES_ATTENTION_MASK_H
#define C2S_PASSES_ATTENTION_MASK_H

#include "passes/recompose/recompose.h"

/* What is added to scores is -infinity nowhere: constants, integers and what is computed of them,
 * overflow aside. */
bool c2s_mask_is_finite(const c2s_value *mask);
/* A constant with at least one key per row that is not hidden: elements above -infinity, or true.
 */
bool c2s_mask_leaves_one(const c2s_value *mask);
/* A constant, or the upper left part of one, with extents [1.., queries, keys], that hides the keys
 * behind the query's own place and nothing else. An added one holds 0 and what leaves nothing of a
 * score; a condition is true where the key is seen, or hidden (`inverted`). */
bool c2s_mask_is_causal(const c2s_value *mask, bool inverted, c2s_dim queries, c2s_dim keys);

/* The axis of the mask has that extent wherever the mask can be added to scores that have it: it is
 * known to, or it is cut off there. */
bool c2s_mask_has_extent(const c2s_value *mask, int axis, c2s_dim wanted);

/* A number that leaves nothing of a float score that it is added to or that it replaces. */
bool c2s_mask_hides(double number, c2s_dtype dtype);

/* The mask with a row per query and a column per key: where one is broadcast Attention is not taken
 * everywhere, though the standard allows it. What is made stands where the mask comes to be, so
 * that all layers share it. */
c2s_value *c2s_build_mask(c2s_builder *b, c2s_value *mask, c2s_dim queries, c2s_dim keys);

#endif
