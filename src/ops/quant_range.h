/* SPDX-License-Identifier: Apache-2.0
 *
 * The ranges of quantized types, and integers less their zero point.
 */
#ifndef C2S_OPS_QUANT_RANGE_H
#define C2S_OPS_QUANT_RANGE_H

#include "ops/workspace.h"

/* Least and largest value of an integer type of at most 32 bits. */
void c2s_quant_range(c2s_dtype dtype, float *least, float *most);
/* Moves whole numbers into the range of an integer type; NaN becomes the least value. */
void c2s_quant_saturate(c2s_dtype dtype, float *values, size_t count);

/* C2S_ERR_INVALID unless values can be quantized to the type: integers of at most 16 bits, floats
 * of 4 and 8 bits (but not FLOAT8E8M0). */
c2s_status c2s_quant_check(c2s_dtype dtype);
/* C2S_ERR_INVALID unless the elements are real numbers. */
c2s_status c2s_quant_check_real(const c2s_tensor *tensor);

/* The elements of x, seen as [outer, axis, inner], less a zero point of one element or one per
 * index of the axis (NULL: 0), as wrapping 32-bit integers. NULL on failure, kept in `ws`. */
const uint32_t *c2s_quant_less_zero(c2s_workspace *ws, const c2s_tensor *x, const c2s_tensor *zero,
                                    size_t outer, size_t axis, size_t inner);

#endif
