/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/convert.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- 16-bit floats ---- */

float c2s_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7fffu;
    if (rest >= 0x7c00u) /* infinity, NaN */
        return float_of(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
    /* Shifting the fields into place leaves the exponent short by 127 - 15; a multiplication
     * mends that and normalises subnormals on the way. */
    float value = float_of(rest << 13) * 0x1p112f;
    return float_of(sign | bits_of(value));
}

/* Rounds away `drop` low bits of `bits`, ties to even. */
static uint32_t round_bits(uint32_t bits, unsigned drop) {
    uint32_t half = (UINT32_C(1) << (drop - 1)) - 1 + ((bits >> drop) & 1);
    return (bits + half) >> drop;
}

uint16_t c2s_f32_to_f16(float value) {
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u, rest = bits & 0x7fffffffu;
    if (rest > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | (rest >> 13 & 0x3ffu));
    if (rest >= 0x477ff000u) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (rest < 0x38800000u) { /* below 2^-14: subnormal; adding 0.5 rounds to multiples of 2^-24 */
        float shifted = float_of(rest) + 0.5f;
        return (uint16_t)(sign | (bits_of(shifted) - bits_of(0.5f)));
    }
    return (uint16_t)(sign | (round_bits(rest, 13) - (UINT32_C(112) << 10)));
}

uint16_t c2s_f64_to_f16(double value) {
    /* Rounding through float32 would round twice. Round to odd first: the sticky last bit keeps
     * the second rounding correct (Boldo, Melquiond 2008), float having >= 2 bits to spare. */
    float near = (float)value;
    if (isfinite(near) && (double)near != value) {
        uint32_t bits = bits_of(near);
        if (fabs((double)near) > fabs(value))
            bits -= 1; /* truncated */
        near = float_of(bits | 1);
    }
    return c2s_f32_to_f16(near);
}

float c2s_bf16_to_f32(uint16_t bits) {
    return float_of((uint32_t)bits << 16);
}

uint16_t c2s_f32_to_bf16(float value) {
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)round_bits(bits, 16);
}

/* ---- 8- and 4-bit floats ---- */

typedef struct small_format {
    int exponent_bits, mantissa_bits, bias;
    uint8_t largest;  /* code of the largest finite value, without sign */
    uint8_t infinity; /* code without sign; 0: none */
    uint8_t nan;      /* code; 0: none */
    bool negative_zero;
} small_format;

static const small_format *format_of(c2s_dtype dtype) {
    static const small_format e4m3fn = {4, 3, 7, 0x7e, 0, 0x7f, true};
    static const small_format e4m3fnuz = {4, 3, 8, 0x7f, 0, 0x80, false};
    static const small_format e5m2 = {5, 2, 15, 0x7b, 0x7c, 0x7f, true};
    static const small_format e5m2fnuz = {5, 2, 16, 0x7f, 0, 0x80, false};
    static const small_format e2m1 = {2, 1, 1, 0x07, 0, 0, true};
    switch (dtype) {
    case C2S_FLOAT8E4M3FN:
        return &e4m3fn;
    case C2S_FLOAT8E4M3FNUZ:
        return &e4m3fnuz;
    case C2S_FLOAT8E5M2:
        return &e5m2;
    case C2S_FLOAT8E5M2FNUZ:
        return &e5m2fnuz;
    default:
        assert(dtype == C2S_FLOAT4E2M1);
        return &e2m1;
    }
}

float c2s_f8_to_f32(c2s_dtype dtype, uint8_t bits) {
    if (dtype == C2S_FLOAT8E8M0)
        return bits == 0xff ? NAN : ldexpf(1.0f, (int)bits - 127);
    const small_format *f = format_of(dtype);
    int width = 1 + f->exponent_bits + f->mantissa_bits;
    unsigned sign = (unsigned)bits >> (width - 1) & 1u, rest = (unsigned)bits & ((1u << (width - 1)) - 1);
    if (!f->negative_zero && bits == f->nan)
        return NAN;
    float value;
    if (f->infinity && rest == f->infinity)
        value = INFINITY;
    else if (rest > f->largest)
        value = NAN;
    else {
        int exponent = (int)(rest >> f->mantissa_bits);
        int mantissa = (int)(rest & ((1u << f->mantissa_bits) - 1));
        if (exponent > 0)
            mantissa += 1 << f->mantissa_bits;
        else
            exponent = 1;
        value = ldexpf((float)mantissa, exponent - f->bias - f->mantissa_bits);
    }
    return sign ? -value : value;
}

/* Powers of two are all that E8M0 has; between two of them the larger is taken (round up), the
 * default of the Cast operator. */
static uint8_t f32_to_e8m0(float value, bool saturate) {
    if (isnan(value) || value < 0.0f)
        return 0xff;
    if (isinf(value))
        return saturate ? 0xfe : 0xff;
    if (value <= 0x1p-127f)
        return 0;
    int exponent;
    float fraction = frexpf(value, &exponent); /* in [0.5, 1) */
    int code = exponent + 127 - (fraction == 0.5f ? 1 : 0);
    if (code > 0xfe)
        return saturate ? 0xfe : 0xff;
    return (uint8_t)code;
}

uint8_t c2s_f32_to_f8(c2s_dtype dtype, float value, bool saturate) {
    if (dtype == C2S_FLOAT8E8M0)
        return f32_to_e8m0(value, saturate);
    const small_format *f = format_of(dtype);
    int width = 1 + f->exponent_bits + f->mantissa_bits;
    unsigned sign = signbit(value) ? 1u << (width - 1) : 0;
    if (isnan(value)) {
        if (!f->nan) /* E2M1 has no NaN; ONNX's reference gives minus zero */
            return (uint8_t)(1u << (width - 1));
        return (uint8_t)(f->negative_zero ? (f->nan | sign) : f->nan);
    }
    float size = fabsf(value);
    unsigned code;
    if (isinf(size)) {
        code = 256;
    } else {
        int exponent = size > 0 ? ilogbf(size) : 1 - f->bias;
        if (exponent < 1 - f->bias)
            exponent = 1 - f->bias;
        if (exponent > 128 - f->bias)
            exponent = 128 - f->bias; /* far out of range; the code below says so */
        float steps = rintf(ldexpf(size, f->mantissa_bits - exponent));
        unsigned base = (unsigned)(exponent + f->bias - 1) << f->mantissa_bits;
        code = steps >= 256.0f ? 256 : base + (unsigned)steps;
    }
    if (code > f->largest) {
        if (saturate || (!f->infinity && !f->nan))
            code = f->largest;
        else if (f->infinity)
            code = f->infinity;
        else
            return (uint8_t)(f->negative_zero ? (f->nan | sign) : f->nan);
    }
    if (code == 0 && !f->negative_zero)
        sign = 0;
    return (uint8_t)(code | sign);
}

/* ---- packed integers ---- */

static unsigned packed_get(const uint8_t *data, size_t index, unsigned bits) {
    size_t per_byte = 8 / bits;
    return (unsigned)data[index / per_byte] >> (index % per_byte * bits) & ((1u << bits) - 1);
}

static void packed_set(uint8_t *data, size_t index, unsigned bits, unsigned value) {
    size_t per_byte = 8 / bits;
    unsigned shift = (unsigned)(index % per_byte) * bits, mask = ((1u << bits) - 1) << shift;
    uint8_t *byte = &data[index / per_byte];
    *byte = (uint8_t)((*byte & ~mask) | (value << shift & mask));
}

static int64_t packed_signed(unsigned value, unsigned bits) {
    int64_t half = INT64_C(1) << (bits - 1);
    return ((int64_t)value ^ half) - half;
}

/* ---- arrays ---- */

#define NATIVE_TYPES(X)                                                                            \
    X(C2S_FLOAT, float)                                                                            \
    X(C2S_DOUBLE, double)                                                                          \
    X(C2S_UINT8, uint8_t)                                                                          \
    X(C2S_INT8, int8_t)                                                                            \
    X(C2S_UINT16, uint16_t)                                                                        \
    X(C2S_INT16, int16_t)                                                                          \
    X(C2S_INT32, int32_t)                                                                          \
    X(C2S_UINT32, uint32_t)                                                                        \
    X(C2S_INT64, int64_t)                                                                          \
    X(C2S_UINT64, uint64_t)

/* Everything of 16 bits and less that C has no type for. */
static float load_small(c2s_dtype dtype, const void *data, size_t index) {
    switch (dtype) {
    case C2S_BOOL:
        return ((const uint8_t *)data)[index] ? 1.0f : 0.0f;
    case C2S_FLOAT16:
        return c2s_f16_to_f32(((const uint16_t *)data)[index]);
    case C2S_BFLOAT16:
        return c2s_bf16_to_f32(((const uint16_t *)data)[index]);
    case C2S_UINT4:
        return (float)packed_get(data, index, 4);
    case C2S_INT4:
        return (float)packed_signed(packed_get(data, index, 4), 4);
    case C2S_UINT2:
        return (float)packed_get(data, index, 2);
    case C2S_INT2:
        return (float)packed_signed(packed_get(data, index, 2), 2);
    case C2S_FLOAT4E2M1:
        return c2s_f8_to_f32(dtype, (uint8_t)packed_get(data, index, 4));
    default:
        return c2s_f8_to_f32(dtype, ((const uint8_t *)data)[index]);
    }
}

/* Out-of-range floats have no defined integer in C; take the nearest end of the 64-bit range and
 * let the narrower types wrap from there. NaN becomes 0. */
static int64_t integer_of(double value) {
    if (!(value > -0x1p63))
        return isnan(value) ? 0 : INT64_MIN;
    return value < 0x1p63 ? (int64_t)value : INT64_MAX;
}

static uint64_t unsigned_of(double value) {
    return value >= 0x1p63 ? (value < 0x1p64 ? (uint64_t)value : UINT64_MAX)
                           : (uint64_t)integer_of(value);
}

static void store_small(c2s_dtype dtype, void *data, size_t index, double value) {
    switch (dtype) {
    case C2S_BOOL:
        ((uint8_t *)data)[index] = value != 0.0;
        break;
    case C2S_FLOAT16:
        ((uint16_t *)data)[index] = c2s_f64_to_f16(value);
        break;
    case C2S_BFLOAT16:
        ((uint16_t *)data)[index] = c2s_f32_to_bf16((float)value);
        break;
    case C2S_UINT4:
    case C2S_INT4:
        packed_set(data, index, 4, (unsigned)(integer_of(value) & 15));
        break;
    case C2S_UINT2:
    case C2S_INT2:
        packed_set(data, index, 2, (unsigned)(integer_of(value) & 3));
        break;
    case C2S_FLOAT4E2M1:
        packed_set(data, index, 4, c2s_f32_to_f8(dtype, (float)value, true));
        break;
    default:
        ((uint8_t *)data)[index] = c2s_f32_to_f8(dtype, (float)value, true);
        break;
    }
}

#define LOAD_FUNCTION(name, type)                                                                  \
    void name(c2s_dtype dtype, const void *data, size_t start, size_t count, type *out) {          \
        switch (dtype) {                                                                           \
            NATIVE_TYPES(LOAD_CASE_##type)                                                         \
        default:                                                                                   \
            assert(dtype != C2S_STRING && dtype != C2S_COMPLEX64 && dtype != C2S_COMPLEX128);      \
            for (size_t i = 0; i < count; i++)                                                     \
                out[i] = (type)load_small(dtype, data, start + i);                                 \
            break;                                                                                 \
        }                                                                                          \
    }

#define LOAD_CASE(d, from, expression)                                                             \
    case d: {                                                                                      \
        const from *in = (const from *)data + start;                                               \
        for (size_t i = 0; i < count; i++)                                                         \
            out[i] = (expression);                                                                 \
        break;                                                                                     \
    }
#define LOAD_CASE_float(d, from)   LOAD_CASE(d, from, (float)in[i])
#define LOAD_CASE_double(d, from)  LOAD_CASE(d, from, (double)in[i])
#define LOAD_CASE_int64_t(d, from)                                                                 \
    LOAD_CASE(d, from, d == C2S_FLOAT || d == C2S_DOUBLE ? integer_of((double)in[i])               \
                                                         : (int64_t)in[i])

LOAD_FUNCTION(c2s_load_f32, float)
LOAD_FUNCTION(c2s_load_f64, double)
LOAD_FUNCTION(c2s_load_i64, int64_t)

#define STORE_FLOATS(name, type)                                                                   \
    void name(c2s_dtype dtype, void *data, size_t start, size_t count, const type *in) {           \
        switch (dtype) {                                                                           \
            NATIVE_TYPES(STORE_CASE)                                                               \
        default:                                                                                   \
            assert(dtype != C2S_STRING && dtype != C2S_COMPLEX64 && dtype != C2S_COMPLEX128);      \
            for (size_t i = 0; i < count; i++)                                                     \
                store_small(dtype, data, start + i, (double)in[i]);                                \
            break;                                                                                 \
        }                                                                                          \
    }
#define STORE_CASE(d, to)                                                                          \
    case d: {                                                                                      \
        to *out = (to *)data + start;                                                              \
        for (size_t i = 0; i < count; i++)                                                         \
            out[i] = d == C2S_FLOAT || d == C2S_DOUBLE ? (to)in[i]                                 \
                     : d == C2S_UINT64                 ? (to)unsigned_of((double)in[i])            \
                                                       : (to)integer_of((double)in[i]);            \
        break;                                                                                     \
    }
STORE_FLOATS(c2s_store_f32, float)
STORE_FLOATS(c2s_store_f64, double)

void c2s_store_i64(c2s_dtype dtype, void *data, size_t start, size_t count, const int64_t *in) {
    switch (dtype) {
#define STORE_INT(d, to)                                                                           \
    case d: {                                                                                      \
        to *out = (to *)data + start;                                                              \
        for (size_t i = 0; i < count; i++)                                                         \
            out[i] = (to)in[i];                                                                    \
        break;                                                                                     \
    }
        NATIVE_TYPES(STORE_INT)
    case C2S_UINT4:
    case C2S_INT4:
        for (size_t i = 0; i < count; i++)
            packed_set(data, start + i, 4, (unsigned)(in[i] & 15));
        break;
    case C2S_UINT2:
    case C2S_INT2:
        for (size_t i = 0; i < count; i++)
            packed_set(data, start + i, 2, (unsigned)(in[i] & 3));
        break;
    default:
        assert(dtype != C2S_STRING && dtype != C2S_COMPLEX64 && dtype != C2S_COMPLEX128);
        for (size_t i = 0; i < count; i++)
            store_small(dtype, data, start + i, (double)in[i]);
        break;
    }
}
