/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops of convolutions over plain arrays, for float, double and wrapping 32-bit integers.
 * The order of accumulation is fixed, whatever the number of threads.
 */
#ifndef C2S_OPS_CONV_LOOPS_H
#define C2S_OPS_CONV_LOOPS_H

#include "ops/window.h"

/* One resolved convolution. Forward weights are [groups * out, in, kernel...], transposed ones
 * [groups * in, out, kernel...]; in and out are the channels of one group. */
typedef struct c2s_conv_shape {
    int64_t batch, groups, in, out;
    c2s_window window;
} c2s_conv_shape;

/* `bias`: one element per output channel, or NULL. `y` need not be initialised. */
void c2s_conv_f32(const c2s_conv_shape *shape, const float *x, const float *weight,
                  const float *bias, float *y);
void c2s_conv_f64(const c2s_conv_shape *shape, const double *x, const double *weight,
                  const double *bias, double *y);
void c2s_conv_u32(const c2s_conv_shape *shape, const uint32_t *x, const uint32_t *weight,
                  const uint32_t *bias, uint32_t *y);

#endif
