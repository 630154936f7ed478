/* SPDX-License-Identifier: Apache-2.0
 *
 * Which scale belongs to which element of a quantized tensor: one for all, one per index of an
 * axis, or one per block of consecutive indices of an axis.
 */
#ifndef C2S_OPS_GRANULARITY_H
#define C2S_OPS_GRANULARITY_H

#include "ops/op.h"

typedef struct c2s_granularity {
    size_t outer, axis, inner; /* the tensor as [outer, axis, inner] */
    size_t block, blocks;      /* indices per scale and scales along the axis */
    bool per_tensor, blocked;
    size_t segments; /* runs of elements, see c2s_granularity_segment */
} c2s_granularity;

/* For `axis` and `block_size` as the attributes of QuantizeLinear say (block_size 0: not blocked).
 * Both types static. C2S_ERR_INVALID if the scale's shape fits neither rule. */
c2s_status c2s_granularity_of(const c2s_type *x, const c2s_type *scale, int64_t axis,
                              int64_t block_size, c2s_granularity *out);

/* Elements start .. start + count - 1 have the scales scale, scale + step, scale + 2*step, ... */
typedef struct c2s_granularity_run {
    size_t start, count, scale, step;
} c2s_granularity_run;
c2s_granularity_run c2s_granularity_segment(const c2s_granularity *g, size_t index);

#endif
