/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "ir/convert_bits.h"
#include "ops/cast.h"

enum { BLOCK = 1024, PARALLEL_BLOCKS = 64 };

/* Float8e8m0 holds powers of two only, from 2^-127 to 2^127, code 255 is NaN. As in ONNX's
 * reference the sign is dropped, infinity is NaN, and of two equally near powers the larger one is
 * taken. */
static uint8_t to_e8m0(double value, const c2s_cast *cast) {
    const double size = fabs(value);
    int exponent;
    if (!isfinite(value))
        return 0xff;
    if (size <= 0x1p-127)
        return 0;
    const double fraction = frexp(size, &exponent); /* a half for powers of two */
    int code = exponent - 1 + 127;
    if (cast->rounding == C2S_ROUND_UP)
        code += fraction > 0.5;
    else if (cast->rounding == C2S_ROUND_NEAREST)
        code += fraction >= 0.75;
    if (code > 0xfe)
        code = cast->saturate ? 0xfe : 0xff;
    return (uint8_t)code;
}

static bool is_float8(c2s_dtype dtype) {
    return dtype >= C2S_FLOAT8E4M3FN && dtype <= C2S_FLOAT8E5M2FNUZ;
}

static bool is_packed_integer(c2s_dtype dtype) {
    return c2s_dtype_is_integer(dtype) && c2s_dtype_bits(dtype) < 8;
}

/* The wide type that holds every value of `from` and from which `to` is rounded once. */
static c2s_wide between(c2s_dtype from, c2s_dtype to) {
    const c2s_wide wide = c2s_wide_of(from);
    if (to == C2S_FLOAT8E8M0)
        return C2S_WIDE_F64;
    if (is_float8(to))
        return wide == C2S_WIDE_F32 ? C2S_WIDE_F32 : C2S_WIDE_F64;
    if (from == C2S_UINT64 && c2s_dtype_is_float(to))
        return to == C2S_FLOAT ? C2S_WIDE_F32 : C2S_WIDE_F64;
    return wide;
}

typedef union numbers {
    float f32[BLOCK];
    double f64[BLOCK];
} numbers;

/* ONNX rounds to integers of 4 and 2 bits, ties to even, and truncates for all others. */
static void round_block(c2s_wide wide, numbers *block, size_t count) {
    for (size_t k = 0; k < count && wide == C2S_WIDE_F32; k++)
        block->f32[k] = rintf(block->f32[k]);
    for (size_t k = 0; k < count && wide == C2S_WIDE_F64; k++)
        block->f64[k] = rint(block->f64[k]);
}

static void store_float8(const c2s_cast *cast, c2s_wide wide, const numbers *block, c2s_dtype to,
                         uint8_t *out, size_t count) {
    float narrow[BLOCK];
    if (wide == C2S_WIDE_F32) {
        c2s_store_f8(to, out, count, block->f32, cast->saturate);
        return;
    }
    for (size_t k = 0; k < count; k++)
        narrow[k] = c2s_bits_odd(block->f64[k]);
    c2s_store_f8(to, out, count, narrow, cast->saturate);
}

static void cast_block(const c2s_cast *cast, c2s_wide wide, c2s_dtype from, const void *in,
                       c2s_dtype to, void *out, size_t start, size_t count) {
    numbers block;
    if (c2s_wide_is_storage(wide, to)) {
        c2s_wide_load(wide, from, in, start, count, (char *)out + start * c2s_wide_size(wide));
        return;
    }
    c2s_wide_load(wide, from, in, start, count, &block);
    if (is_packed_integer(to))
        round_block(wide, &block, count);
    if (to == C2S_FLOAT8E8M0)
        for (size_t k = 0; k < count; k++)
            ((uint8_t *)out)[start + k] = to_e8m0(block.f64[k], cast);
    else if (is_float8(to))
        store_float8(cast, wide, &block, to, (uint8_t *)out + start, count);
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

/* ---- as a block function ---- */

typedef struct conversion {
    c2s_cast cast;
    c2s_dtype from, to;
    c2s_wide wide;
} conversion;

static void convert(const void *const *in, void *out, size_t n, const void *params) {
    conversion c;
    memcpy(&c, params, sizeof c);
    for (size_t start = 0; start < n; start += BLOCK)
        cast_block(&c.cast, c.wide, c.from, in[0], c.to, out, start,
                   n - start < BLOCK ? n - start : BLOCK);
}

c2s_status c2s_cast_pointwise(const c2s_cast *cast, c2s_dtype from, c2s_dtype to,
                              c2s_pointwise *out) {
    if (!c2s_wide_of(from) || !c2s_wide_of(to) || c2s_dtype_bits(from) < 8 ||
        c2s_dtype_bits(to) < 8)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "conversions of %s to %s come in another way",
                        c2s_dtype_name(from), c2s_dtype_name(to));
    const conversion c = {*cast, from, to, from == to ? c2s_wide_raw(to) : between(from, to)};
    *out = (c2s_pointwise){
        .block = convert, .operands = 1, .in = {c2s_wide_raw(from)}, .out = c2s_wide_raw(to)};
    _Static_assert(sizeof c <= sizeof out->params, "the parameters of a conversion");
    memcpy(out->params.bytes, &c, sizeof c);
    return C2S_OK;
}
