/* SPDX-License-Identifier: Apache-2.0
 *
 * What kernels of Softmax have in common.
 */
#ifndef C2S_RUNTIME_SOFTMAX_H
#define C2S_RUNTIME_SOFTMAX_H

#include "runtime/kernel.h"

/* The tensor as [before, axis, behind]; false if it is none that kernels take. */
bool c2s_softmax_extents(const c2s_step *step, int64_t dims[3]);

#endif
