/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/broadcast.h"

#include <assert.h>
#include <string.h>

void c2s_broadcast_init(c2s_broadcast *b, const c2s_type *out, const c2s_type *operand) {
    size_t extent[C2S_MAX_RANK], stride[C2S_MAX_RANK], step = 1;
    const int lead = out->rank - operand->rank;
    int count = 0;
    assert(lead >= 0);
    /* innermost first, without extents of 1 */
    for (int d = out->rank - 1; d >= 0; d--) {
        const size_t n = (size_t)out->dim[d];
        const size_t own = d >= lead ? (size_t)operand->dim[d - lead] : 1;
        assert(own == n || own == 1);
        if (n == 1)
            continue;
        const size_t s = own == 1 ? 0 : step;
        if (count && s == stride[count - 1] * extent[count - 1])
            extent[count - 1] *= n;
        else {
            extent[count] = n;
            stride[count++] = s;
        }
        step *= own;
    }
    if (!count) {
        extent[0] = stride[0] = 1;
        count = 1;
    }
    b->rank = count;
    b->dense = count == 1 && stride[0] == 1;
    for (int d = 0; d < count; d++) {
        b->extent[d] = extent[count - 1 - d];
        b->stride[d] = stride[count - 1 - d];
    }
    b->period = b->stride[0] == 0;
    for (int d = 1; d < count; d++)
        b->period *= b->extent[d];
}

static void fill(c2s_wide wide, void *out, size_t count) {
    switch (c2s_wide_size(wide)) {
#define FILL(size, type)                                                                           \
    case size: {                                                                                   \
        type *at = out;                                                                            \
        const type value = *at;                                                                    \
        for (size_t i = 1; i < count; i++)                                                         \
            at[i] = value;                                                                         \
        break;                                                                                     \
    }
        FILL(1, uint8_t)
        FILL(2, uint16_t)
        FILL(4, uint32_t)
        FILL(8, uint64_t)
        FILL(16, c2s_raw16)
#undef FILL
    default:
        assert(false);
    }
}

const void *c2s_broadcast_load(const c2s_broadcast *b, c2s_wide wide, const c2s_tensor *operand,
                               size_t start, size_t count, void *buffer) {
    return c2s_broadcast_read(b, wide, operand->type.dtype, c2s_tensor_data(operand), start, count,
                              buffer);
}

const void *c2s_broadcast_read(const c2s_broadcast *b, c2s_wide wide, c2s_dtype dtype,
                               const void *operand, size_t start, size_t count, void *buffer) {
    const char *data = operand;
    const size_t size = c2s_wide_size(wide);
    if (b->dense) {
        if (c2s_wide_is_storage(wide, dtype))
            return data + start * size;
        c2s_wide_load(wide, dtype, data, start, count, buffer);
        return buffer;
    }
    size_t index[C2S_MAX_RANK], at = 0, rest = start;
    const int inner = b->rank - 1;
    for (int d = inner; d >= 0; d--) {
        index[d] = rest % b->extent[d];
        rest /= b->extent[d];
        at += index[d] * b->stride[d];
    }
    if (b->stride[inner] == 1 && b->extent[inner] - index[inner] >= count &&
        c2s_wide_is_storage(wide, dtype)) /* within one run */
        return data + at * size;
    for (char *out = buffer; count;) {
        const size_t left = b->extent[inner] - index[inner], run = left < count ? left : count;
        const bool repeated = b->stride[inner] == 0;
        c2s_wide_load(wide, dtype, data, at, repeated ? 1 : run, out);
        if (repeated)
            fill(wide, out, run);
        out += run * size;
        count -= run;
        index[inner] += run;
        at += run * b->stride[inner];
        for (int d = inner; d > 0 && index[d] == b->extent[d]; d--) {
            at -= b->extent[d] * b->stride[d];
            index[d] = 0;
            index[d - 1]++;
            at += b->stride[d - 1];
        }
    }
    return buffer;
}
