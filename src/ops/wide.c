/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/wide.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ir/convert.h"

/* Conversions of large tensors are cut into pieces for the threads; a multiple of four elements, so
 * that packed types are cut between bytes. */
enum { PIECE = 1 << 16 };

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

c2s_status c2s_wide_buffer(size_t count, size_t size, void **out) {
    size_t bytes;
    *out = NULL;
    if (!c2s_mul_size(count, size, &bytes))
        return c2s_fail(C2S_ERR_MEMORY, "%zu elements of %zu bytes overflow memory", count, size);
    *out = c2s_try_alloc_aligned(bytes ? bytes : 1);
    if (!*out)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for %zu bytes of intermediate results", bytes);
    return C2S_OK;
}

c2s_status c2s_widen(c2s_wide wide, const c2s_tensor *tensor, c2s_widened *out) {
    const c2s_dtype dtype = tensor->type.dtype;
    const void *data = c2s_tensor_data(tensor);
    const size_t size = c2s_wide_size(wide), count = tensor->count;
    out->copy = NULL;
    out->data = data;
    if (c2s_wide_is_storage(wide, dtype))
        return C2S_OK;
    if (c2s_wide_of(dtype) == C2S_WIDE_NONE)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "cannot compute with elements of type %s",
                        c2s_dtype_name(dtype));
    C2S_TRY(c2s_wide_buffer(count, size, &out->copy));
    out->data = out->copy;
    const size_t pieces = count / PIECE + 1;
#pragma omp parallel for schedule(static) if (pieces > 2)
    for (size_t p = 0; p < pieces; p++) {
        const size_t start = p * PIECE, left = count - start;
        c2s_wide_load(wide, dtype, data, start, left < PIECE ? left : PIECE,
                      (char *)out->copy + start * size);
    }
    return C2S_OK;
}

void c2s_widened_free(c2s_widened *widened) {
    free(widened->copy);
    *widened = (c2s_widened){0};
}

c2s_status c2s_narrow_start(c2s_wide wide, c2s_tensor *tensor, c2s_narrowing *out) {
    out->copy = NULL;
    if (c2s_wide_is_storage(wide, tensor->type.dtype))
        out->data = c2s_tensor_mutable(tensor);
    else {
        C2S_TRY(c2s_wide_buffer(tensor->count, c2s_wide_size(wide), &out->copy));
        out->data = out->copy;
    }
    return C2S_OK;
}

void c2s_narrow_finish(c2s_wide wide, c2s_tensor *tensor, c2s_narrowing *narrowing) {
    const size_t count = tensor->count, size = c2s_wide_size(wide), pieces = count / PIECE + 1;
    const c2s_dtype dtype = tensor->type.dtype;
    if (narrowing->copy) {
        void *data = c2s_tensor_mutable(tensor);
#pragma omp parallel for schedule(static) if (pieces > 2)
        for (size_t p = 0; p < pieces; p++) {
            const size_t start = p * PIECE, left = count - start;
            c2s_wide_store(wide, dtype, data, start, left < PIECE ? left : PIECE,
                           (const char *)narrowing->copy + start * size);
        }
    }
    c2s_narrow_abort(narrowing);
}

void c2s_narrow_abort(c2s_narrowing *narrowing) {
    free(narrowing->copy);
    *narrowing = (c2s_narrowing){0};
}
