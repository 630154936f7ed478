/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/dtype.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ir/tensor.h"

enum { FLOAT_KIND = 1, INTEGER_KIND = 2, SIGNED_KIND = 4 };

static const struct {
    const char *name;
    unsigned bits, kind;
} info[C2S_DTYPE_COUNT] = {
    [C2S_UNDEFINED] = {"undefined", 0, 0},
    [C2S_FLOAT] = {"float", 32, FLOAT_KIND},
    [C2S_UINT8] = {"uint8", 8, INTEGER_KIND},
    [C2S_INT8] = {"int8", 8, INTEGER_KIND | SIGNED_KIND},
    [C2S_UINT16] = {"uint16", 16, INTEGER_KIND},
    [C2S_INT16] = {"int16", 16, INTEGER_KIND | SIGNED_KIND},
    [C2S_INT32] = {"int32", 32, INTEGER_KIND | SIGNED_KIND},
    [C2S_INT64] = {"int64", 64, INTEGER_KIND | SIGNED_KIND},
    [C2S_STRING] = {"string", 8 * sizeof(c2s_string), 0},
    [C2S_BOOL] = {"bool", 8, 0},
    [C2S_FLOAT16] = {"float16", 16, FLOAT_KIND},
    [C2S_DOUBLE] = {"double", 64, FLOAT_KIND},
    [C2S_UINT32] = {"uint32", 32, INTEGER_KIND},
    [C2S_UINT64] = {"uint64", 64, INTEGER_KIND},
    [C2S_COMPLEX64] = {"complex64", 64, 0},
    [C2S_COMPLEX128] = {"complex128", 128, 0},
    [C2S_BFLOAT16] = {"bfloat16", 16, FLOAT_KIND},
    [C2S_FLOAT8E4M3FN] = {"float8e4m3fn", 8, FLOAT_KIND},
    [C2S_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 8, FLOAT_KIND},
    [C2S_FLOAT8E5M2] = {"float8e5m2", 8, FLOAT_KIND},
    [C2S_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 8, FLOAT_KIND},
    [C2S_UINT4] = {"uint4", 4, INTEGER_KIND},
    [C2S_INT4] = {"int4", 4, INTEGER_KIND | SIGNED_KIND},
    [C2S_FLOAT4E2M1] = {"float4e2m1", 4, FLOAT_KIND},
    [C2S_FLOAT8E8M0] = {"float8e8m0", 8, FLOAT_KIND},
    [C2S_UINT2] = {"uint2", 2, INTEGER_KIND},
    [C2S_INT2] = {"int2", 2, INTEGER_KIND | SIGNED_KIND},
};

bool c2s_dtype_is_valid(int number) {
    return number > C2S_UNDEFINED && number < C2S_DTYPE_COUNT;
}

const char *c2s_dtype_name(c2s_dtype dtype) {
    return info[c2s_dtype_is_valid((int)dtype) ? dtype : C2S_UNDEFINED].name;
}

c2s_dtype c2s_dtype_from_name(const char *name) {
    for (int i = 1; i < C2S_DTYPE_COUNT; i++)
        if (strcmp(info[i].name, name) == 0)
            return (c2s_dtype)i;
    return C2S_UNDEFINED;
}

unsigned c2s_dtype_bits(c2s_dtype dtype) {
    return info[c2s_dtype_is_valid((int)dtype) ? dtype : C2S_UNDEFINED].bits;
}

bool c2s_dtype_size(c2s_dtype dtype, size_t count, size_t *bytes) {
    unsigned bits = c2s_dtype_bits(dtype);
    if (bits < 8) {
        size_t per_byte = bits ? 8 / bits : 1;
        *bytes = bits ? count / per_byte + (count % per_byte != 0) : 0;
        return bits != 0;
    }
    return c2s_mul_size(count, bits / 8, bytes);
}

static bool has_kind(c2s_dtype dtype, unsigned kind) {
    return c2s_dtype_is_valid((int)dtype) && (info[dtype].kind & kind);
}

bool c2s_dtype_is_float(c2s_dtype dtype) {
    return has_kind(dtype, FLOAT_KIND);
}

bool c2s_dtype_is_integer(c2s_dtype dtype) {
    return has_kind(dtype, INTEGER_KIND);
}

bool c2s_dtype_is_real(c2s_dtype dtype) {
    return c2s_dtype_is_float(dtype) || c2s_dtype_is_integer(dtype) || dtype == C2S_BOOL;
}

bool c2s_dtype_is_signed(c2s_dtype dtype) {
    return has_kind(dtype, SIGNED_KIND);
}

double c2s_dtype_largest(c2s_dtype dtype) {
    switch (dtype) {
    case C2S_FLOAT16:
        return 65504.0;
    case C2S_BFLOAT16:
        return 0x1.fep127;
    case C2S_FLOAT:
        return (double)FLT_MAX;
    case C2S_DOUBLE:
        return DBL_MAX;
    default:
        return (double)INFINITY;
    }
}

double c2s_dtype_least_normal(c2s_dtype dtype) {
    switch (dtype) {
    case C2S_FLOAT16:
        return 0x1p-14;
    case C2S_BFLOAT16:
    case C2S_FLOAT:
        return (double)FLT_MIN;
    case C2S_DOUBLE:
        return DBL_MIN;
    default:
        return 0;
    }
}
