/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that work along one axis, the other axes being independent: softmax, cumulative sums,
 * arg-max. The driver cuts the tensor into panels of n x width elements, widened and contiguous.
 */
#ifndef C2S_OPS_AXIS_H
#define C2S_OPS_AXIS_H

#include "ops/pointwise.h"

/* Element (k, c) of a panel is data[k * width + c]; k runs along the axis. */
typedef struct c2s_panel {
    void *data;
    size_t n, width;
    /* Element (k, c) of the tensor is at `first + k * inner + c`; of a tensor without the axis,
     * column c is at `column + c`. */
    size_t first, inner, column;
    const void *params;
} c2s_panel;

/* Calls `work` for every panel, from several threads at once. `axis` in [0, rank). */
c2s_status c2s_axis_each(c2s_wide wide, const c2s_tensor *in, int axis,
                         void (*work)(const c2s_panel *panel), const void *params);
/* The same; what `work` leaves in the panel becomes the elements of `out`, which has in's shape. */
c2s_status c2s_axis_map(c2s_wide wide, const c2s_tensor *in, c2s_tensor *out, int axis,
                        void (*work)(const c2s_panel *panel), const void *params);

#endif
