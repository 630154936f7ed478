/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types. The numbers are those of ONNX's TensorProto.DataType.
 */
#ifndef C2S_IR_DTYPE_H
#define C2S_IR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum c2s_dtype {
    C2S_UNDEFINED = 0,
    C2S_FLOAT = 1,
    C2S_UINT8 = 2,
    C2S_INT8 = 3,
    C2S_UINT16 = 4,
    C2S_INT16 = 5,
    C2S_INT32 = 6,
    C2S_INT64 = 7,
    C2S_STRING = 8,
    C2S_BOOL = 9,
    C2S_FLOAT16 = 10,
    C2S_DOUBLE = 11,
    C2S_UINT32 = 12,
    C2S_UINT64 = 13,
    C2S_COMPLEX64 = 14,
    C2S_COMPLEX128 = 15,
    C2S_BFLOAT16 = 16,
    C2S_FLOAT8E4M3FN = 17,
    C2S_FLOAT8E4M3FNUZ = 18,
    C2S_FLOAT8E5M2 = 19,
    C2S_FLOAT8E5M2FNUZ = 20,
    C2S_UINT4 = 21,
    C2S_INT4 = 22,
    C2S_FLOAT4E2M1 = 23,
    C2S_FLOAT8E8M0 = 24,
    C2S_UINT2 = 25,
    C2S_INT2 = 26,
    C2S_DTYPE_COUNT
} c2s_dtype;

/* ONNX's short name as in the text syntax: "float", "int64", "float16"; "undefined" for others. */
const char *c2s_dtype_name(c2s_dtype dtype);
c2s_dtype c2s_dtype_from_name(const char *name); /* C2S_UNDEFINED if unknown */
bool c2s_dtype_is_valid(int number);             /* 1 .. C2S_DTYPE_COUNT - 1 */

/* Bits of one element in a tensor's bytes. Elements of 4 and 2 bits are packed, the first in the
 * low bits. A string element is a c2s_string (see ir/tensor.h). 0 for C2S_UNDEFINED. */
unsigned c2s_dtype_bits(c2s_dtype dtype);
/* Bytes that `count` elements take, rounded up to whole bytes; false on overflow. */
bool c2s_dtype_size(c2s_dtype dtype, size_t count, size_t *bytes);

bool c2s_dtype_is_float(c2s_dtype dtype);   /* float, double, float16, bfloat16, 8 and 4 bit floats */
bool c2s_dtype_is_integer(c2s_dtype dtype); /* signed or unsigned, any width; not bool */
bool c2s_dtype_is_real(c2s_dtype dtype);    /* one of these, or bool */
bool c2s_dtype_is_signed(c2s_dtype dtype);  /* of integers */

/* Of float, double, float16 and bfloat16, else infinity and 0: the largest finite number, and the
 * smallest that has all its digits. */
double c2s_dtype_largest(c2s_dtype dtype);
double c2s_dtype_least_normal(c2s_dtype dtype);

#endif
