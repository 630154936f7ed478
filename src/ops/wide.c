/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/wide.h"

#include <string.h>

#include "ir/convert.h"

c2s_wide c2s_wide_of(c2s_dtype dtype) {
    if (dtype == C2S_DOUBLE)
        return C2S_WIDE_F64;
    if (dtype == C2S_BOOL)
        return C2S_WIDE_U64;
    if (c2s_dtype_is_float(dtype))
        return C2S_WIDE_F32;
    if (c2s_dtype_is_integer(dtype))
        return c2s_dtype_is_signed(dtype) ? C2S_WIDE_I64 : C2S_WIDE_U64;
    return C2S_WIDE_NONE;
}

c2s_wide c2s_wide_raw(c2s_dtype dtype) {
    switch (c2s_dtype_bits(dtype)) {
    case 8:
        return C2S_WIDE_RAW1;
    case 16:
        return C2S_WIDE_RAW2;
    case 32:
        return C2S_WIDE_RAW4;
    case 64:
        return C2S_WIDE_RAW8;
    case 128:
        return C2S_WIDE_RAW16;
    default:
        return c2s_wide_of(dtype);
    }
}

size_t c2s_wide_size(c2s_wide wide) {
    static const unsigned char size[] = {0, 4, 8, 8, 8, 1, 2, 4, 8, 16};
    return size[wide];
}

bool c2s_wide_is_storage(c2s_wide wide, c2s_dtype dtype) {
    switch (wide) {
    case C2S_WIDE_F32:
        return dtype == C2S_FLOAT;
    case C2S_WIDE_F64:
        return dtype == C2S_DOUBLE;
    case C2S_WIDE_I64:
        return dtype == C2S_INT64;
    case C2S_WIDE_U64:
        return dtype == C2S_UINT64;
    case C2S_WIDE_NONE:
        return false;
    default:
        return true;
    }
}

void c2s_wide_load(c2s_wide wide, c2s_dtype dtype, const void *data, size_t start, size_t count,
                   void *out) {
    if (!count)
        return;
    switch (wide) {
    case C2S_WIDE_F32:
        c2s_load_f32(dtype, data, start, count, out);
        break;
    case C2S_WIDE_F64:
        c2s_load_f64(dtype, data, start, count, out);
        break;
    case C2S_WIDE_I64:
    case C2S_WIDE_U64:
        c2s_load_i64(dtype, data, start, count, out);
        break;
    case C2S_WIDE_NONE:
        break;
    default: {
        const size_t size = c2s_wide_size(wide);
        memcpy(out, (const char *)data + start * size, count * size);
    }
    }
}

void c2s_wide_store(c2s_wide wide, c2s_dtype dtype, void *data, size_t start, size_t count,
                    const void *in) {
    if (!count)
        return;
    switch (wide) {
    case C2S_WIDE_F32:
        c2s_store_f32(dtype, data, start, count, in);
        break;
    case C2S_WIDE_F64:
        c2s_store_f64(dtype, data, start, count, in);
        break;
    case C2S_WIDE_I64:
    case C2S_WIDE_U64:
        c2s_store_i64(dtype, data, start, count, in);
        break;
    case C2S_WIDE_NONE:
        break;
    default: {
        const size_t size = c2s_wide_size(wide);
        memcpy((char *)data + start * size, in, count * size);
    }
    }
}
