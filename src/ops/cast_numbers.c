/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "ir/convert.h"
#include "ops/cast.h"

enum { BLOCK = 1024, PARALLEL_BLOCKS = 64 };

/* Float8e8m0 holds powers of two only: the exponent field of the float, rounded by the fraction.
 * The sign is dropped; infinity and NaN are 0xff. */
static uint8_t to_e8m0(float value, const c2s_cast *cast) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t fraction = bits & 0x7fffffu;
    uint32_t exponent = bits >> 23 & 0xffu;
    if (exponent == 0xff)
        return 0xff;
    if (cast->rounding == C2S_ROUND_UP)
        exponent += fraction != 0;
    else if (cast->rounding == C2S_ROUND_NEAREST) {
        const uint32_t half = 0x400000u;
        exponent += fraction > half || (fraction == half && exponent > 0);
    }
    if (exponent == 0xff && cast->saturate)
        exponent = 0xfe;
    return (uint8_t)exponent;
}

static bool is_float8(c2s_dtype dtype) {
    return dtype >= C2S_FLOAT8E4M3FN && dtype <= C2S_FLOAT8E5M2FNUZ;
}

/* The wide type that holds every value of `from` and from which `to` is rounded once. */
static c2s_wide between(c2s_dtype from, c2s_dtype to) {
    const c2s_wide wide = c2s_wide_of(from);
    if (is_float8(to) || to == C2S_FLOAT8E8M0)
        return C2S_WIDE_F32;
    if (from == C2S_UINT64 && c2s_dtype_is_float(to))
        return to == C2S_FLOAT ? C2S_WIDE_F32 : C2S_WIDE_F64;
    return wide;
}

static void cast_block(const c2s_cast *cast, c2s_wide wide, c2s_dtype from, const void *in,
                       c2s_dtype to, void *out, size_t start, size_t count) {
    union {
        float f32[BLOCK];
        double f64[BLOCK];
    } block;
    if (c2s_wide_is_storage(wide, to)) {
        c2s_wide_load(wide, from, in, start, count, (char *)out + start * c2s_wide_size(wide));
        return;
    }
    c2s_wide_load(wide, from, in, start, count, &block);
    if (to == C2S_FLOAT8E8M0)
        for (size_t k = 0; k < count; k++)
            ((uint8_t *)out)[start + k] = to_e8m0(block.f32[k], cast);
    else if (is_float8(to))
        c2s_store_f8(to, (uint8_t *)out + start, count, block.f32, cast->saturate);
    else
        c2s_wide_store(wide, to, out, start, count, &block);
}

c2s_status c2s_cast_numbers(const c2s_cast *cast, const c2s_tensor *in, c2s_tensor *out) {
    const c2s_dtype from = in->type.dtype, to = out->type.dtype;
    const size_t count = in->count, blocks = (count + BLOCK - 1) / BLOCK;
    if (!c2s_wide_of(from) || !c2s_wide_of(to))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "elements of type %s cannot be converted to %s",
                        c2s_dtype_name(from), c2s_dtype_name(to));
    const c2s_wide wide = between(from, to);
    const void *source = c2s_tensor_data(in);
    void *target = c2s_tensor_mutable(out);
#pragma omp parallel for schedule(static) if (blocks >= PARALLEL_BLOCKS)
    for (size_t b = 0; b < blocks; b++) {
        const size_t start = b * BLOCK, left = count - start;
        cast_block(cast, wide, from, source, to, target, start, left < BLOCK ? left : BLOCK);
    }
    return C2S_OK;
}
