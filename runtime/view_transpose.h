/* SPDX-License-Identifier: Apache-2.0 */
#ifndef C2S_RUNTIME_VIEW_TRANSPOSE_H
#define C2S_RUNTIME_VIEW_TRANSPOSE_H

#include "runtime/kernel.h"

/* Axis i of a Transpose's result is axis order[i] of its input; false if the attribute is wrong. */
bool c2s_transpose_order(const c2s_step *step, int64_t *order);

#endif
