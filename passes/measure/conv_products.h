/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution of floats, and its derivatives, as products of matrices with the windows of its
 * input (window_rows.h), on the calling thread. Layouts are those of ops/conv_loops.h.
 */
#ifndef C2S_PASSES_MEASURE_CONV_PRODUCTS_H
#define C2S_PASSES_MEASURE_CONV_PRODUCTS_H

#include "ops/conv_loops.h"

/* Floats that each of these needs beside its operands; 0: that many overflow. */
size_t c2s_conv_scratch(const c2s_conv_shape *shape);

/* y, as c2s_conv_f32. */
void c2s_conv_products(const c2s_conv_shape *shape, const float *x, const float *weight,
                       const float *bias, float *scratch, float *y);
/* Of a number that depends on y by dy: adds its derivatives by x to dx, and by the weight to
 * dweight. Either may be NULL. */
void c2s_conv_derive(const c2s_conv_shape *shape, const float *x, const float *weight,
                     const float *dy, float *scratch, float *dx, float *dweight);

/* In an order of its own. */
float c2s_float_sum(const float *x, size_t count);

#endif
