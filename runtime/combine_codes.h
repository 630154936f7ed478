/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums and products of two tensors of 8-bit integers that stand for numbers, as such integers
 * again, in one pass: the same bits on every processor.
 */
#ifndef C2S_RUNTIME_COMBINE_CODES_H
#define C2S_RUNTIME_COMBINE_CODES_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/requantize.h"

/* An operand: (code - zero) * factor, in steps of the result's scale. */
typedef struct c2s_coded_operand {
    bool is_signed;
    int zero;
    float factor; /* of products the first has that of both, the second 1 */
} c2s_coded_operand;

typedef struct c2s_combination {
    c2s_coded_operand x[2];
    bool multiplies; /* else adds */
    c2s_dtype dtype; /* of the result: C2S_UINT8 or C2S_INT8 */
    float low, high; /* whole numbers: what results are clamped to before `zero` is added */
    int zero;
} c2s_combination;

/* `out` may be `a` or `b`. */
void c2s_combine_codes(const c2s_combination *c, const void *a, const void *b, size_t count,
                       void *out);

#endif
