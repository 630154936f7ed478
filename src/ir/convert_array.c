/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays between the storage of a dtype and float, double or int64.
 */
#include <assert.h>

#include "ir/convert_bits.h"

/* ---- integers of 4 and 2 bits ---- */

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

C2S_INLINE int packed_signed(unsigned value, unsigned bits) {
    const int half = 1 << (bits - 1);
    return ((int)value ^ half) - half;
}

/* ---- floats to integers ---- */

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

enum { CHUNK = 256 };

/* True if the integers of a chunk all fit 32 bits with sign: then one instruction converts them. */
#define ALL_SMALL(name, type)                                                                      \
    C2S_INLINE bool name(const type *in, size_t count) {                                           \
        int outside = 0;                                                                           \
        for (size_t i = 0; i < count; i++)                                                         \
            outside |= !(in[i] >= (type)-0x1p31 && in[i] < (type)0x1p31);                          \
        return !outside;                                                                           \
    }
ALL_SMALL(all_small_float, float)
ALL_SMALL(all_small_double, double)

/* ---- loading ---- */

#define LOOP(name, from, to, ...)                                                                  \
    C2S_INLINE void name##_loop(const from *restrict in, size_t count, to *restrict out) {         \
        for (size_t i = 0; i < count; i++) {                                                       \
            const from x = in[i];                                                                  \
            out[i] = (to)(__VA_ARGS__);                                                            \
        }                                                                                          \
    }                                                                                              \
    C2S_SIMD(name, name##_loop, (const from *in, size_t count, to *out), (in, count, out))

/* Everything of a byte and more: X(dtype, type in memory, name, value of element x). */
#define LOADED_TYPES(X)                                                                            \
    X(C2S_FLOAT, float, float, x)                                                                  \
    X(C2S_DOUBLE, double, double, x)                                                               \
    X(C2S_UINT8, uint8_t, uint8, x)                                                                \
    X(C2S_INT8, int8_t, int8, x)                                                                   \
    X(C2S_UINT16, uint16_t, uint16, x)                                                             \
    X(C2S_INT16, int16_t, int16, x)                                                                \
    X(C2S_UINT32, uint32_t, uint32, x)                                                             \
    X(C2S_INT32, int32_t, int32, x)                                                                \
    X(C2S_UINT64, uint64_t, uint64, x)                                                             \
    X(C2S_INT64, int64_t, int64, x)                                                                \
    X(C2S_BOOL, uint8_t, bool, x != 0)                                                             \
    X(C2S_FLOAT16, uint16_t, f16, c2s_bits_f16_load(x))                                            \
    X(C2S_BFLOAT16, uint16_t, bf16, c2s_bits_float((uint32_t)x << 16))                             \
    X(C2S_FLOAT8E4M3FN, uint8_t, e4m3fn, c2s_bits_small_load(C2S_FORMAT_E4M3FN, x))                \
    X(C2S_FLOAT8E4M3FNUZ, uint8_t, e4m3fnuz, c2s_bits_small_load(C2S_FORMAT_E4M3FNUZ, x))          \
    X(C2S_FLOAT8E5M2, uint8_t, e5m2, c2s_bits_small_load(C2S_FORMAT_E5M2, x))                      \
    X(C2S_FLOAT8E5M2FNUZ, uint8_t, e5m2fnuz, c2s_bits_small_load(C2S_FORMAT_E5M2FNUZ, x))          \
    X(C2S_FLOAT8E8M0, uint8_t, e8m0, c2s_bits_e8m0_load(x))

#define LOAD_FLOAT(d, from, name, ...)  LOOP(float_of_##name, from, float, __VA_ARGS__)
#define LOAD_DOUBLE(d, from, name, ...) LOOP(double_of_##name, from, double, __VA_ARGS__)
LOADED_TYPES(LOAD_FLOAT)
LOADED_TYPES(LOAD_DOUBLE)

static void load_packed(c2s_dtype dtype, const uint8_t *data, size_t start, size_t count,
                        int8_t *out) {
    const unsigned bits = c2s_dtype_bits(dtype);
    const bool is_signed = c2s_dtype_is_signed(dtype);
    for (size_t i = 0; i < count; i++) {
        const unsigned code = packed_get(data, start + i, bits);
        out[i] = (int8_t)(is_signed ? packed_signed(code, bits) : (int)code);
    }
}

/* A chunk of elements of less than a byte. */
#define LOAD_PACKED(type)                                                                          \
    for (size_t done = 0; done < count; done += CHUNK) {                                           \
        int8_t code[CHUNK];                                                                        \
        const size_t n = count - done < CHUNK ? count - done : CHUNK;                              \
        load_packed(dtype, data, start + done, n, code);                                           \
        for (size_t i = 0; i < n; i++)                                                             \
            out[done + i] = dtype == C2S_FLOAT4E2M1                                                \
                                ? (type)c2s_bits_small_load(C2S_FORMAT_E2M1, (uint32_t)code[i])    \
                                : (type)code[i];                                                   \
    }

#define CASE_FLOAT(d, from, name, ...)                                                             \
    case d:                                                                                        \
        float_of_##name((const from *)data + start, count, out);                                   \
        break;
#define CASE_DOUBLE(d, from, name, ...)                                                            \
    case d:                                                                                        \
        double_of_##name((const from *)data + start, count, out);                                  \
        break;

static bool is_packed(c2s_dtype dtype) {
    const unsigned bits = c2s_dtype_bits(dtype);
    return bits > 0 && bits < 8;
}

void c2s_load_f32(c2s_dtype dtype, const void *data, size_t start, size_t count, float *out) {
    switch (dtype) {
        LOADED_TYPES(CASE_FLOAT)
    default:
        assert(is_packed(dtype));
        LOAD_PACKED(float)
    }
}

void c2s_load_f64(c2s_dtype dtype, const void *data, size_t start, size_t count, double *out) {
    switch (dtype) {
        LOADED_TYPES(CASE_DOUBLE)
    default:
        assert(is_packed(dtype));
        LOAD_PACKED(double)
    }
}

/* dtype, type in memory, name */
#define INTEGER_TYPES(X)                                                                           \
    X(C2S_UINT8, uint8_t, uint8)                                                                   \
    X(C2S_INT8, int8_t, int8)                                                                      \
    X(C2S_UINT16, uint16_t, uint16)                                                                \
    X(C2S_INT16, int16_t, int16)                                                                   \
    X(C2S_UINT32, uint32_t, uint32)                                                                \
    X(C2S_INT32, int32_t, int32)                                                                   \
    X(C2S_UINT64, uint64_t, uint64)                                                                \
    X(C2S_INT64, int64_t, int64)

#define LOAD_INT(d, from, name) LOOP(int_of_##name, from, int64_t, x)
INTEGER_TYPES(LOAD_INT)
LOOP(int_of_bool, uint8_t, int64_t, x != 0)

void c2s_load_i64(c2s_dtype dtype, const void *data, size_t start, size_t count, int64_t *out) {
    switch (dtype) {
#define CASE_INT(d, from, name)                                                                    \
    case d:                                                                                        \
        int_of_##name((const from *)data + start, count, out);                                     \
        break;
        INTEGER_TYPES(CASE_INT)
    case C2S_BOOL:
        int_of_bool((const uint8_t *)data + start, count, out);
        break;
    default:
        if (is_packed(dtype) && dtype != C2S_FLOAT4E2M1) {
            LOAD_PACKED(int64_t)
            break;
        }
        for (size_t done = 0; done < count; done += CHUNK) {
            double value[CHUNK];
            const size_t n = count - done < CHUNK ? count - done : CHUNK;
            c2s_load_f64(dtype, data, start + done, n, value);
            for (size_t i = 0; i < n; i++)
                out[done + i] = integer_of(value[i]);
        }
    }
}

/* ---- storing ---- */

/* Floats that are rounded: dtype, type in memory, name, code of a float x. */
#define ROUNDED_TYPES(X)                                                                           \
    X(C2S_FLOAT16, uint16_t, f16, c2s_bits_f16_store)                                              \
    X(C2S_BFLOAT16, uint16_t, bf16, c2s_bits_bf16_store)
#define ROUND_FLOAT(d, to, name, code)  LOOP(name##_of_float, float, to, code(x))
#define ROUND_DOUBLE(d, to, name, code) LOOP(name##_of_double, double, to, code(c2s_bits_odd(x)))
ROUNDED_TYPES(ROUND_FLOAT)
ROUNDED_TYPES(ROUND_DOUBLE)
LOOP(float_of_doubles, double, float, x)
LOOP(double_of_floats, float, double, x)
LOOP(bool_of_float, float, uint8_t, x != 0)
LOOP(bool_of_double, double, uint8_t, x != 0)
LOOP(odd_of_double, double, float, c2s_bits_odd(x))

/* dtype, name, format */
#define SMALL_FLOATS(X)                                                                            \
    X(C2S_FLOAT8E4M3FN, e4m3fn, C2S_FORMAT_E4M3FN)                                                 \
    X(C2S_FLOAT8E4M3FNUZ, e4m3fnuz, C2S_FORMAT_E4M3FNUZ)                                           \
    X(C2S_FLOAT8E5M2, e5m2, C2S_FORMAT_E5M2)                                                       \
    X(C2S_FLOAT8E5M2FNUZ, e5m2fnuz, C2S_FORMAT_E5M2FNUZ)                                           \
    X(C2S_FLOAT4E2M1, e2m1, C2S_FORMAT_E2M1)
#define SMALL_LOOPS(d, name, format)                                                               \
    LOOP(name##_saturated, float, uint8_t, c2s_bits_small_store(format, x, true))                  \
    LOOP(name##_unbounded, float, uint8_t, c2s_bits_small_store(format, x, false))
SMALL_FLOATS(SMALL_LOOPS)
LOOP(e8m0_saturated, float, uint8_t, c2s_bits_e8m0_store(x, true))
LOOP(e8m0_unbounded, float, uint8_t, c2s_bits_e8m0_store(x, false))

void c2s_store_f8(c2s_dtype dtype, uint8_t *codes, size_t count, const float *in, bool saturate) {
    switch (dtype) {
#define CASE_SMALL(d, name, format)                                                                \
    case d:                                                                                        \
        (saturate ? name##_saturated : name##_unbounded)(in, count, codes);                        \
        break;
        SMALL_FLOATS(CASE_SMALL)
    default:
        assert(dtype == C2S_FLOAT8E8M0);
        (saturate ? e8m0_saturated : e8m0_unbounded)(in, count, codes);
    }
}

/* A chunk of floats as integers of at most 32 bits, which wrap around. */
#define NARROW(to, name, type)                                                                     \
    C2S_INLINE void name##_of_##type##_loop(const type *restrict in, size_t count,                 \
                                            to *restrict out) {                                    \
        for (size_t done = 0; done < count; done += CHUNK) {                                       \
            const size_t n = count - done < CHUNK ? count - done : CHUNK;                          \
            const type *from = in + done;                                                          \
            to *at = out + done;                                                                   \
            if (all_small_##type(from, n))                                                         \
                for (size_t i = 0; i < n; i++)                                                     \
                    at[i] = (to)(int32_t)from[i];                                                  \
            else                                                                                   \
                for (size_t i = 0; i < n; i++)                                                     \
                    at[i] = (to)integer_of((double)from[i]);                                       \
        }                                                                                          \
    }                                                                                              \
    C2S_SIMD(name##_of_##type, name##_of_##type##_loop, (const type *in, size_t count, to *out),   \
             (in, count, out))
#define NARROW_TYPES(X)                                                                            \
    X(C2S_UINT8, uint8_t, uint8)                                                                   \
    X(C2S_INT8, int8_t, int8)                                                                      \
    X(C2S_UINT16, uint16_t, uint16)                                                                \
    X(C2S_INT16, int16_t, int16)                                                                   \
    X(C2S_UINT32, uint32_t, uint32)                                                                \
    X(C2S_INT32, int32_t, int32)
#define NARROW_BOTH(d, to, name) NARROW(to, name, float) NARROW(to, name, double)
NARROW_TYPES(NARROW_BOTH)

/* Types of less than a byte, and 8-bit floats, from floats. */
static void store_codes(c2s_dtype dtype, void *data, size_t start, size_t count, const float *in) {
    if (c2s_dtype_bits(dtype) == 8) {
        c2s_store_f8(dtype, (uint8_t *)data + start, count, in, true);
        return;
    }
    for (size_t done = 0; done < count; done += CHUNK) {
        uint8_t code[CHUNK];
        const size_t n = count - done < CHUNK ? count - done : CHUNK;
        if (dtype == C2S_FLOAT4E2M1)
            c2s_store_f8(dtype, code, n, in + done, true);
        else
            uint8_of_float(in + done, n, code);
        for (size_t i = 0; i < n; i++)
            packed_set(data, start + done + i, c2s_dtype_bits(dtype), code[i]);
    }
}

#define CASE_NARROW_FLOAT(d, to, name)                                                             \
    case d:                                                                                        \
        name##_of_float(in, count, (to *)data + start);                                            \
        break;
#define CASE_NARROW_DOUBLE(d, to, name)                                                            \
    case d:                                                                                        \
        name##_of_double(in, count, (to *)data + start);                                           \
        break;
#define CASE_ROUNDED_FLOAT(d, to, name, code)  CASE_NARROW_FLOAT(d, to, name)
#define CASE_ROUNDED_DOUBLE(d, to, name, code) CASE_NARROW_DOUBLE(d, to, name)

void c2s_store_f32(c2s_dtype dtype, void *data, size_t start, size_t count, const float *in) {
    switch (dtype) {
        NARROW_TYPES(CASE_NARROW_FLOAT)
        ROUNDED_TYPES(CASE_ROUNDED_FLOAT)
    case C2S_FLOAT:
        memcpy((float *)data + start, in, count * sizeof *in);
        break;
    case C2S_DOUBLE:
        double_of_floats(in, count, (double *)data + start);
        break;
    case C2S_BOOL:
        bool_of_float(in, count, (uint8_t *)data + start);
        break;
    case C2S_INT64:
        for (size_t i = 0; i < count; i++)
            ((int64_t *)data)[start + i] = integer_of((double)in[i]);
        break;
    case C2S_UINT64:
        for (size_t i = 0; i < count; i++)
            ((uint64_t *)data)[start + i] = unsigned_of((double)in[i]);
        break;
    default:
        assert(dtype != C2S_STRING && dtype != C2S_COMPLEX64 && dtype != C2S_COMPLEX128);
        store_codes(dtype, data, start, count, in);
    }
}

void c2s_store_f64(c2s_dtype dtype, void *data, size_t start, size_t count, const double *in) {
    switch (dtype) {
        NARROW_TYPES(CASE_NARROW_DOUBLE)
        ROUNDED_TYPES(CASE_ROUNDED_DOUBLE)
    case C2S_FLOAT:
        float_of_doubles(in, count, (float *)data + start);
        break;
    case C2S_DOUBLE:
        memcpy((double *)data + start, in, count * sizeof *in);
        break;
    case C2S_BOOL:
        bool_of_double(in, count, (uint8_t *)data + start);
        break;
    case C2S_INT64:
        for (size_t i = 0; i < count; i++)
            ((int64_t *)data)[start + i] = integer_of(in[i]);
        break;
    case C2S_UINT64:
        for (size_t i = 0; i < count; i++)
            ((uint64_t *)data)[start + i] = unsigned_of(in[i]);
        break;
    default:
        assert(dtype != C2S_STRING && dtype != C2S_COMPLEX64 && dtype != C2S_COMPLEX128);
        for (size_t done = 0; done < count; done += CHUNK) {
            const size_t n = count - done < CHUNK ? count - done : CHUNK;
            if (is_packed(dtype) && dtype != C2S_FLOAT4E2M1) {
                for (size_t i = 0; i < n; i++)
                    packed_set(data, start + done + i, c2s_dtype_bits(dtype),
                               (unsigned)integer_of(in[done + i]) & 15);
            } else {
                float odd[CHUNK];
                odd_of_double(in + done, n, odd);
                store_codes(dtype, data, start + done, n, odd);
            }
        }
    }
}

#define STORE_INT(d, to, name) LOOP(name##_of_int, int64_t, to, x)
INTEGER_TYPES(STORE_INT)
LOOP(bool_of_int, int64_t, uint8_t, x != 0)
LOOP(double_of_int, int64_t, double, x)
LOOP(float_of_int, int64_t, float, x)

void c2s_store_i64(c2s_dtype dtype, void *data, size_t start, size_t count, const int64_t *in) {
    switch (dtype) {
#define CASE_STORE_INT(d, to, name)                                                                \
    case d:                                                                                        \
        name##_of_int(in, count, (to *)data + start);                                              \
        break;
        INTEGER_TYPES(CASE_STORE_INT)
        CASE_STORE_INT(C2S_FLOAT, float, float)
        CASE_STORE_INT(C2S_DOUBLE, double, double)
        CASE_STORE_INT(C2S_BOOL, uint8_t, bool)
    default:
        assert(dtype != C2S_STRING && dtype != C2S_COMPLEX64 && dtype != C2S_COMPLEX128);
        if (is_packed(dtype) && dtype != C2S_FLOAT4E2M1) {
            for (size_t i = 0; i < count; i++)
                packed_set(data, start + i, c2s_dtype_bits(dtype), (unsigned)(in[i] & 15));
            break;
        }
        for (size_t done = 0; done < count; done += CHUNK) {
            double value[CHUNK];
            const size_t n = count - done < CHUNK ? count - done : CHUNK;
            double_of_int(in + done, n, value);
            c2s_store_f64(dtype, data, start + done, n, value);
        }
    }
}
