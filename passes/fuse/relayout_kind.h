/* SPDX-License-Identifier: Apache-2.0
 *
 * What relayout.c and relayout_build.c share: how an operator says which axes it works on.
 */
#ifndef C2S_PASSES_RELAYOUT_KIND_H
#define C2S_PASSES_RELAYOUT_KIND_H

#include "passes/fuse/relayout.h"

typedef enum c2s_relayout_kind {
    C2S_PINNED,
    C2S_ELEMENTWISE,
    C2S_ALONG_AXIS,   /* attribute axis */
    C2S_QUANTIZATION, /* the same, of the scales if there are several */
    C2S_CUMULATIVE,   /* the axis is input 1 */
    C2S_REDUCTION,
    C2S_VIEW, /* extents of 1 come and go */
    C2S_PAD,
    C2S_SLICE,
    C2S_TILE,
    C2S_RESIZE
} c2s_relayout_kind;

c2s_relayout_kind c2s_relayout_kind_of(const c2s_node *node);
/* The attribute axis, counted from the front; false if there is no such axis. */
bool c2s_relayout_axis(const c2s_node *node, unsigned rank, unsigned *axis);
/* Of QuantizeLinear and DequantizeLinear: the scales belong to an axis. */
bool c2s_relayout_has_scales(const c2s_node *node);

#endif
