/* SPDX-License-Identifier: Apache-2.0
 *
 * What all convolution operators share: shapes, groups, multiply-accumulates.
 */
#ifndef C2S_OPS_CONV_H
#define C2S_OPS_CONV_H

#include "ops/conv_loops.h"

/* Attributes of every convolution. */
#define C2S_CONV_ATTRS                                                                             \
    {"auto_pad", C2S_ATTR_STRING, false}, {"dilations", C2S_ATTR_INTS, false},                     \
        {"group", C2S_ATTR_INT, false}, {"kernel_shape", C2S_ATTR_INTS, false},                    \
        {"pads", C2S_ATTR_INTS, false}, {                                                          \
        "strides", C2S_ATTR_INTS, false                                                            \
    }

/* Sets output 0 to `dtype` with the shape that input `x` and weight `w` (input numbers) give.
 * Weights are [out, in / group, kernel...], those of transposed convolutions [in, out / group,
 * kernel...]. */
c2s_status c2s_conv_infer(c2s_infer *i, bool transposed, unsigned x, unsigned w, c2s_dtype dtype);

/* The resolved convolution of static types. Errors as of c2s_window_of, and C2S_ERR_INVALID for
 * channels that do not match. */
c2s_status c2s_conv_shape_of(const c2s_node *node, bool transposed, const c2s_type *x,
                             const c2s_type *w, c2s_conv_shape *shape);

/* batch * output positions * out * in / group * kernel; transposed: with input positions. */
int64_t c2s_conv_macs(const c2s_node *node, bool transposed, unsigned x, unsigned w);

/* A bias is a vector of one element per output channel. */
c2s_status c2s_conv_check_bias(const c2s_conv_shape *shape, const c2s_tensor *bias);

#endif
