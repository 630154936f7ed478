/* SPDX-License-Identifier: Apache-2.0
 *
 * What the pools share: shapes, and reduction of windows over planes of doubles.
 */
#ifndef C2S_OPS_POOL_H
#define C2S_OPS_POOL_H

#include "ops/window.h"

/* Attributes of every pool with windows. */
#define C2S_POOL_ATTRS                                                                             \
    {"auto_pad", C2S_ATTR_STRING, false}, {"ceil_mode", C2S_ATTR_INT, false},                      \
        {"dilations", C2S_ATTR_INTS, false}, {"kernel_shape", C2S_ATTR_INTS, true},                \
        {"pads", C2S_ATTR_INTS, false}, {                                                          \
        "strides", C2S_ATTR_INTS, false                                                            \
    }

/* Output 0 has input 0's type with the spatial extents of its windows. */
c2s_status c2s_pool_infer(c2s_infer *i);

/* Takes `count` elements x[0], x[x_step], ... into the results y[0], y[1], ... */
typedef void (*c2s_pool_step)(int64_t count, const double *x, int64_t x_step, double parameter,
                              double *y);

/* y: `planes` planes of results that start as `start` and take in every element of their window
 * that is not padding, in row-major order. */
void c2s_pool_reduce(const c2s_window *window, size_t planes, c2s_pool_step step, double parameter,
                     double start, const double *x, double *y);

#endif
