/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying where each axis of the output takes its positions from a table of input positions: Pad,
 * nearest Resize, CenterCropPad.
 */
#ifndef C2S_OPS_MAPPED_COPY_H
#define C2S_OPS_MAPPED_COPY_H

#include "base/status.h"
#include "ir/type.h"

typedef struct c2s_mapped {
    int rank;
    size_t element;
    size_t in[C2S_MAX_RANK], out[C2S_MAX_RANK]; /* extents */
    /* map[axis][o]: input position of output position o, or -1 for the fill value. NULL: the axis
     * is taken over as it is (equal extents). */
    const int64_t *map[C2S_MAX_RANK];
} c2s_mapped;

/* out[o0, o1, ...] = in[map0[o0], map1[o1], ...], or the element at `fill` where a position is -1.
 * `fill` may be NULL if no position is. Both buffers are row-major. */
c2s_status c2s_mapped_copy(const c2s_mapped *plan, void *to, const void *from, const void *fill);

#endif
