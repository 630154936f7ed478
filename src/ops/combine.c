/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/combine.h"

#include <math.h>
#include <string.h>

#include "ir/convert.h"

enum { ADD, MUL, MAX, MIN, REDUCTIONS };

#define LOOP(name, type, expression)                                                               \
    static void name(void *into, const void *from, size_t count) {                                 \
        type *a = into;                                                                            \
        const type *b = from;                                                                      \
        for (size_t k = 0; k < count; k++)                                                         \
            a[k] = (type)(expression);                                                             \
    }
/* Integers wrap around; NaN wins over numbers. The unsigned type `wide` holds the arithmetic. */
#define INTEGER(suffix, type, wide)                                                                \
    LOOP(add_##suffix, type, (wide)a[k] + (wide)b[k])                                              \
    LOOP(mul_##suffix, type, (wide)a[k] * (wide)b[k])                                              \
    LOOP(max_##suffix, type, a[k] > b[k] ? a[k] : b[k])                                            \
    LOOP(min_##suffix, type, a[k] < b[k] ? a[k] : b[k])
#define FLOATING(suffix, type)                                                                     \
    LOOP(add_##suffix, type, a[k] + b[k])                                                          \
    LOOP(mul_##suffix, type, a[k] * b[k])                                                          \
    LOOP(max_##suffix, type, a[k] > b[k] || isnan(a[k]) ? a[k] : b[k])                             \
    LOOP(min_##suffix, type, a[k] < b[k] || isnan(a[k]) ? a[k] : b[k])
/* Types that compute in float. */
#define CONVERTED(suffix, dtype)                                                                   \
    static void apply_##suffix(void *into, const void *from, size_t count, c2s_combine combine) {  \
        for (size_t k = 0; k < count; k++) {                                                       \
            float a, b;                                                                            \
            c2s_load_f32(dtype, into, k, 1, &a);                                                   \
            c2s_load_f32(dtype, from, k, 1, &b);                                                   \
            combine(&a, &b, 1);                                                                    \
            c2s_store_f32(dtype, into, k, 1, &a);                                                  \
        }                                                                                          \
    }                                                                                              \
    static void add_##suffix(void *into, const void *from, size_t count) {                         \
        apply_##suffix(into, from, count, add_float);                                              \
    }                                                                                              \
    static void mul_##suffix(void *into, const void *from, size_t count) {                         \
        apply_##suffix(into, from, count, mul_float);                                              \
    }                                                                                              \
    static void max_##suffix(void *into, const void *from, size_t count) {                         \
        apply_##suffix(into, from, count, max_float);                                              \
    }                                                                                              \
    static void min_##suffix(void *into, const void *from, size_t count) {                         \
        apply_##suffix(into, from, count, min_float);                                              \
    }

FLOATING(float, float)
FLOATING(double, double)
INTEGER(uint8, uint8_t, uint32_t)
INTEGER(int8, int8_t, uint32_t)
INTEGER(uint16, uint16_t, uint32_t)
INTEGER(int16, int16_t, uint32_t)
INTEGER(uint32, uint32_t, uint32_t)
INTEGER(int32, int32_t, uint32_t)
INTEGER(uint64, uint64_t, uint64_t)
INTEGER(int64, int64_t, uint64_t)
CONVERTED(float16, C2S_FLOAT16)
CONVERTED(bfloat16, C2S_BFLOAT16)
LOOP(or_bool, uint8_t, a[k] | b[k])
LOOP(and_bool, uint8_t, a[k] & b[k])

#define ROW(suffix)                                                                                \
    { add_##suffix, mul_##suffix, max_##suffix, min_##suffix }

static const c2s_combine table[C2S_DTYPE_COUNT][REDUCTIONS] = {
    [C2S_FLOAT] = ROW(float),
    [C2S_DOUBLE] = ROW(double),
    [C2S_FLOAT16] = ROW(float16),
    [C2S_BFLOAT16] = ROW(bfloat16),
    [C2S_UINT8] = ROW(uint8),
    [C2S_INT8] = ROW(int8),
    [C2S_UINT16] = ROW(uint16),
    [C2S_INT16] = ROW(int16),
    [C2S_UINT32] = ROW(uint32),
    [C2S_INT32] = ROW(int32),
    [C2S_UINT64] = ROW(uint64),
    [C2S_INT64] = ROW(int64),
    [C2S_BOOL] = {or_bool, and_bool, or_bool, and_bool},
};

c2s_status c2s_combine_of(const c2s_node *node, c2s_dtype dtype, c2s_combine *out) {
    static const char *const names[REDUCTIONS] = {"add", "mul", "max", "min"};
    const char *name = c2s_attr_string(node, "reduction", "none");
    *out = NULL;
    if (strcmp(name, "none") == 0)
        return C2S_OK;
    for (int k = 0; k < REDUCTIONS; k++) {
        if (strcmp(name, names[k]) != 0)
            continue;
        *out = table[dtype][k];
        return *out ? C2S_OK
                    : c2s_fail(C2S_ERR_UNSUPPORTED, "reduction %s of %s is not possible", name,
                               c2s_dtype_name(dtype));
    }
    return c2s_fail(C2S_ERR_INVALID, "reduction is \"%s\", expected none, add, mul, max or min",
                    name);
}
