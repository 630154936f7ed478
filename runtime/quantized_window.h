/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows of kernels on integers: over one or two axes, of which the first is a single row where
 * there is only one.
 */
#ifndef C2S_RUNTIME_QUANTIZED_WINDOW_H
#define C2S_RUNTIME_QUANTIZED_WINDOW_H

#include "ops/window.h"
#include "runtime/integer_conv.h"

/* Fills in extents, strides, dilations and pads; false if there are more axes, or a number makes no
 * sense. */
bool c2s_quantized_window(const c2s_window *window, c2s_integer_shape *shape);

#endif
