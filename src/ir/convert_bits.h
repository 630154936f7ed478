/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of one element without a branch, so that loops over them vectorise.
 */
#ifndef C2S_IR_CONVERT_BITS_H
#define C2S_IR_CONVERT_BITS_H

#include <math.h>
#include <string.h>

#include "base/simd.h"
#include "ir/convert.h"

C2S_INLINE uint32_t c2s_bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

C2S_INLINE float c2s_bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounds away `drop` low bits of `bits`, ties to even. */
C2S_INLINE uint32_t c2s_bits_round(uint32_t bits, unsigned drop) {
    return (bits + (UINT32_C(1) << (drop - 1)) - 1 + (bits >> drop & 1)) >> drop;
}

/* ---- 16-bit floats ---- */

/* Shifting the fields into place leaves the exponent short by 127 - 15; a multiplication mends that
 * and normalises subnormals on the way. Infinity and NaN get all bits of the exponent. */
C2S_INLINE float c2s_bits_f16_load(uint16_t h) {
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7fffu;
    const uint32_t bits = c2s_bits_of(c2s_bits_float(rest << 13) * 0x1p112f);
    return c2s_bits_float(sign | bits | (rest >= 0x7c00u ? 0x7f800000u : 0));
}

/* Below 2^-14 numbers are subnormal: adding 0.5 rounds to multiples of 2^-24. From 65520 on they
 * round to infinity. */
C2S_INLINE uint32_t c2s_bits_f16_store(float value) {
    const uint32_t bits = c2s_bits_of(value), sign = bits >> 16 & 0x8000u,
                   rest = bits & 0x7fffffffu;
    const uint32_t tiny = c2s_bits_of(c2s_bits_float(rest) + 0.5f) - 0x3f000000u;
    const uint32_t normal = c2s_bits_round(rest, 13) - (UINT32_C(112) << 10);
    const uint32_t nan = 0x7e00u | (rest >> 13 & 0x3ffu);
    uint32_t code = rest < 0x38800000u ? tiny : normal;
    code = rest >= 0x477ff000u ? 0x7c00u : code;
    return sign | (rest > 0x7f800000u ? nan : code);
}

C2S_INLINE uint32_t c2s_bits_bf16_store(float value) {
    const uint32_t bits = c2s_bits_of(value);
    return (bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : c2s_bits_round(bits, 16);
}

/* Rounding to a small type through float would round twice. Rounded to odd first, the sticky last
 * bit keeps the second rounding correct (Boldo, Melquiond 2008), float having two bits to spare.
 * What is beyond float becomes its largest number, which is odd. */
C2S_INLINE float c2s_bits_odd(double value) {
    const float near = (float)value;
    const double back = (double)near;
    const bool inexact = back != value && value - value == 0; /* finite */
    const uint32_t bits = c2s_bits_of(near) - (inexact && fabs(back) > fabs(value));
    return c2s_bits_float(bits | inexact);
}

/* ---- 8- and 4-bit floats ---- */

typedef struct c2s_small_float {
    unsigned mantissa_bits, bias, sign; /* sign: the bit */
    uint32_t largest;                   /* code of the largest finite value, without sign */
    uint32_t infinity;                  /* code without sign; 0: none */
    uint32_t nan;                       /* code; 0: none */
    bool negative_zero;
} c2s_small_float;

#define C2S_FORMAT_E4M3FN   ((c2s_small_float){3, 7, 0x80, 0x7e, 0, 0x7f, true})
#define C2S_FORMAT_E4M3FNUZ ((c2s_small_float){3, 8, 0x80, 0x7f, 0, 0x80, false})
#define C2S_FORMAT_E5M2     ((c2s_small_float){2, 15, 0x80, 0x7b, 0x7c, 0x7f, true})
#define C2S_FORMAT_E5M2FNUZ ((c2s_small_float){2, 16, 0x80, 0x7f, 0, 0x80, false})
#define C2S_FORMAT_E2M1     ((c2s_small_float){1, 1, 0x08, 0x07, 0, 0, true})

/* As for float16; `f` is a constant at every call. */
C2S_INLINE float c2s_bits_small_load(c2s_small_float f, uint32_t code) {
    const uint32_t sign = code & f.sign ? 0x80000000u : 0, rest = code & (f.sign - 1);
    const float scale = c2s_bits_float((127 + 127 - f.bias) << 23);
    uint32_t bits = c2s_bits_of(c2s_bits_float(rest << (23 - f.mantissa_bits)) * scale);
    bits = rest > f.largest ? 0x7fc00000u : bits;
    bits = f.infinity && rest == f.infinity ? 0x7f800000u : bits;
    bits |= sign;
    return c2s_bits_float(!f.negative_zero && code == f.nan ? 0x7fc00000u : bits);
}

/* Below 2^(1 - bias) numbers are subnormal: adding 2^23 rounds to whole steps. */
C2S_INLINE uint32_t c2s_bits_small_store(c2s_small_float f, float value, bool saturate) {
    const uint32_t bits = c2s_bits_of(value), rest = bits & 0x7fffffffu;
    const uint32_t sign = bits >> 31 ? f.sign : 0;
    const float steps = c2s_bits_float((127 + f.bias - 1 + f.mantissa_bits) << 23);
    const float few = c2s_bits_float(rest < 0x3f800000u ? rest : 0); /* keeps the sum in range */
    const uint32_t tiny = c2s_bits_of(few * steps + 0x1p23f) - 0x4b000000u;
    const uint32_t normal =
        c2s_bits_round(rest, 23 - f.mantissa_bits) - ((127 - f.bias) << f.mantissa_bits);
    uint32_t code = rest < (128 - f.bias) << 23 ? tiny : normal;
    const uint32_t nan = f.negative_zero ? f.nan | sign : f.nan;
    const uint32_t over = saturate || (!f.infinity && !f.nan) ? f.largest | sign
                          : f.infinity                        ? f.infinity | sign
                                                              : nan;
    const uint32_t signed_code = code == 0 && !f.negative_zero ? 0 : code | sign;
    code = code > f.largest ? over : signed_code;
    /* E2M1 has no NaN; ONNX's reference gives minus zero. */
    return rest > 0x7f800000u ? (f.nan ? nan : f.sign) : code;
}

/* Powers of two are all that E8M0 has; code 0 is 2^-127, which float holds as a subnormal. */
C2S_INLINE float c2s_bits_e8m0_load(uint32_t code) {
    const uint32_t bits = code == 0 ? 0x00400000u : code << 23;
    return c2s_bits_float(code == 0xff ? 0x7fc00000u : bits);
}

/* Between two of them the larger is taken (round up), the default of the Cast operator. */
C2S_INLINE uint32_t c2s_bits_e8m0_store(float value, bool saturate) {
    const uint32_t bits = c2s_bits_of(value);
    const uint32_t top = (bits + 0x7fffffu) >> 23; /* the exponent of the next power of two */
    const uint32_t large = saturate ? 0xfe : 0xff;
    uint32_t code = bits <= 0x00400000u ? 0 : bits <= 0x00800000u ? 1 : top;
    code = code > 0xfe ? large : code;
    return bits > 0x7f800000u && bits != 0x80000000u ? 0xff : bits == 0x80000000u ? 0 : code;
}

#endif
