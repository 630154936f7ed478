/* SPDX-License-Identifier: Apache-2.0
 *
 * What Slice takes of one axis.
 */
#ifndef C2S_OPS_SLICE_SPAN_H
#define C2S_OPS_SLICE_SPAN_H

#include <stdint.h>

/* `count` elements from `start` on, `step` apart. */
typedef struct c2s_span {
    int64_t start, step, count;
} c2s_span;

/* Of an axis of that extent; start, end and step (not 0) as given, clamped as the operator says. */
c2s_span c2s_slice_span(int64_t extent, int64_t start, int64_t end, int64_t step);

#endif
