/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcasting by strides: how one operand is read when the output is walked in linear order.
 */
#ifndef C2S_OPS_BROADCAST_H
#define C2S_OPS_BROADCAST_H

#include "ops/wide.h"

/* Neighbouring dimensions that the operand runs through without a jump are merged: the innermost
 * extent is a run of consecutive elements (stride 1) or of one repeated element (stride 0). */
typedef struct c2s_broadcast {
    int rank;   /* at least 1 */
    bool dense; /* linear index of the output = linear index of the operand */
    size_t extent[C2S_MAX_RANK];
    size_t stride[C2S_MAX_RANK]; /* in elements; 0: repeated */
    /* Linear indices of the output after which the operand starts again: 1 for a scalar. 0: it does
     * not within the first axis. */
    size_t period;
} c2s_broadcast;

/* `operand` must broadcast to `out` (as inference has checked); both static. */
void c2s_broadcast_init(c2s_broadcast *b, const c2s_type *out, const c2s_type *operand);

/* Elements start .. start + count of the broadcast operand, widened, into `buffer`, or a pointer
 * into the operand where they stand there just so. */
const void *c2s_broadcast_read(const c2s_broadcast *b, c2s_wide wide, c2s_dtype dtype,
                               const void *data, size_t start, size_t count, void *buffer);
const void *c2s_broadcast_load(const c2s_broadcast *b, c2s_wide wide, const c2s_tensor *operand,
                               size_t start, size_t count, void *buffer);

#endif
