/* SPDX-License-Identifier: Apache-2.0
 *
 * The few types that operators compute in. Every element type is widened to one of them, so that a
 * loop is written once per wide type instead of once per element type.
 */
#ifndef C2S_OPS_WIDE_H
#define C2S_OPS_WIDE_H

#include "ir/tensor.h"

typedef enum c2s_wide {
    C2S_WIDE_NONE = 0,
    C2S_WIDE_F32,  /* float: float, float16, bfloat16, 8- and 4-bit floats */
    C2S_WIDE_F64,  /* double */
    C2S_WIDE_I64,  /* int64_t: signed integers */
    C2S_WIDE_U64,  /* uint64_t: unsigned integers, bool */
    C2S_WIDE_RAW1, /* bits as they are: elements of 1, 2, 4, 8, 16 bytes */
    C2S_WIDE_RAW2,
    C2S_WIDE_RAW4,
    C2S_WIDE_RAW8,
    C2S_WIDE_RAW16
} c2s_wide;

typedef struct c2s_raw16 {
    uint64_t half[2];
} c2s_raw16;

/* The type to compute in; C2S_WIDE_NONE for strings and complex numbers. */
c2s_wide c2s_wide_of(c2s_dtype dtype);
/* For moving elements: the raw type of the same size; packed types get their arithmetic type. */
c2s_wide c2s_wide_raw(c2s_dtype dtype);
size_t c2s_wide_size(c2s_wide wide); /* bytes of one element */
/* True if the wide type is how the dtype is stored. */
bool c2s_wide_is_storage(c2s_wide wide, c2s_dtype dtype);

/* Between elements start .. start + count of stored data and a wide array. Integers narrow by
 * wrapping around, floats round to nearest even. */
void c2s_wide_load(c2s_wide wide, c2s_dtype dtype, const void *data, size_t start, size_t count,
                   void *out);
void c2s_wide_store(c2s_wide wide, c2s_dtype dtype, void *data, size_t start, size_t count,
                    const void *in);

/* Towards zero; 0 for NaN and what int64_t cannot hold. */
static inline int64_t c2s_wide_truncate(double value) {
    return value > -0x1p63 && value < 0x1p63 ? (int64_t)value : 0;
}

#endif
