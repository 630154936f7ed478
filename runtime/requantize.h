/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of integer sums: with a factor per channel they are floats, and these, in steps of
 * the result's scale, are rounded to integers (half to even) and clamped. Float arithmetic of
 * single operations in one order: the same bits on every processor.
 */
#ifndef C2S_RUNTIME_REQUANTIZE_H
#define C2S_RUNTIME_REQUANTIZE_H

#include <stdint.h>

#include "ir/dtype.h"

/* result = round(clamp((sum + bias) * factor + offset, low, high)) + zero. The arrays have room for
 * C2S_DOT_COLUMNS more than there are channels. */
typedef struct c2s_requantize {
    c2s_dtype dtype; /* C2S_UINT8, C2S_INT8; C2S_FLOAT: neither clamped nor rounded; C2S_INT32: the
                        sums and nothing else */
    const int32_t *bias;
    const float *factor, *offset;
    float low, high; /* whole numbers */
    int32_t zero;
    bool
        direct; /* there are no offsets, and results have 31 bits at most before they are clamped */
} c2s_requantize;

/* Sets `direct`, when all else is set: of so many channels, whose sums with bias are at most `most`
 * in magnitude. */
void c2s_requantize_settle(c2s_requantize *q, size_t channels, int64_t most);

/* `sums`: [rows, C2S_DOT_COLUMNS], of which the first `columns` are channels from `channel` on.
 * Row r goes to out + r * stride elements. */
void c2s_requantize_rows(const c2s_requantize *q, const int32_t *sums, size_t rows, size_t channel,
                         size_t columns, void *out, size_t stride);

#endif
