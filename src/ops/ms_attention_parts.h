/* SPDX-License-Identifier: Apache-2.0
 *
 * What the attentions of com.microsoft share that are written down as Attention of ai.onnx: masks
 * of several forms, and caches whose buffer is larger than what it holds.
 */
#ifndef C2S_OPS_MS_ATTENTION_PARTS_H
#define C2S_OPS_MS_ATTENTION_PARTS_H

#include "ops/composite.h"

typedef struct c2s_ms_operands {
    c2s_value *q, *k, *v;       /* rank 3, or 4 with the heads before the positions */
    c2s_value *bias;            /* added to the scores, or NULL */
    c2s_value *past_k, *past_v; /* in front of k and v, or NULL */
    c2s_value *valid;           /* per sequence the keys that count, or NULL: all */
    c2s_value *total;           /* with `valid`: their number, a vector of one int64 */
} c2s_ms_operands;

/* Of the shape that a vector gives: every element is its index on `axis`. */
c2s_value *c2s_ms_counted(c2s_composite *c, c2s_value *shape, int axis);

/* What a mask adds to the scores, of elements `dtype`: of the forms [batch] (lengths), [2 * batch]
 * (ends, then starts), [3 * batch + 2] (lengths first), [batch, keys], [batch, queries, keys],
 * [batch, 1, positions, positions]; 0 where a key is hidden. Needs what is in front of the keys. */
c2s_value *c2s_ms_mask_bias(c2s_composite *c, const c2s_ms_operands *o, c2s_value *mask,
                            c2s_dtype dtype);
/* The sum of two values of which any may be NULL. */
c2s_value *c2s_ms_sum(c2s_composite *c, c2s_value *a, c2s_value *b);

/* Keys or values written into a buffer [.., positions, width] from position `past` (one int) on. */
c2s_value *c2s_ms_write(c2s_composite *c, c2s_value *buffer, c2s_value *rows, c2s_value *past);
/* Rows [batch, heads, length, width] of [batch, length, heads * width]. */
c2s_value *c2s_ms_split_heads(c2s_composite *c, c2s_value *x, int64_t heads);

/* The node Attention, computed, with `outputs` outputs at the caller's disposal: the result, keys
 * and values with their past, and the scores with what is added to them, before softmax: that is
 * what ONNX Runtime gives, other than its documentation says. NULL: failed. */
c2s_node *c2s_ms_attend(c2s_composite *c, const c2s_ms_operands *o, unsigned outputs);

/* Part k of three along the last axis, where part k ends at end[k]. */
c2s_value *c2s_ms_part(c2s_composite *c, c2s_value *x, const int64_t *end, int k);

#endif
