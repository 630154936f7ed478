/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions with the arithmetic of saturating_dot.h, in one of the orders in which runtimes
 * bring the terms of a sum together (docs/numerics.md says which runtime does what).
 */
#ifndef C2S_RUNTIME_SATURATING_CONV_H
#define C2S_RUNTIME_SATURATING_CONV_H

#include "runtime/integer_conv.h"

typedef struct c2s_saturating_conv c2s_saturating_conv;

/* True if what is multiplied in pairs saturates: depthwise convolutions add in 32 bits everywhere.
 */
bool c2s_saturating_conv_serves(const c2s_integer_shape *shape, const c2s_integer_weights *w);
/* As c2s_integer_conv_create, _destroy, _gain, _work and _run. Signed inputs get 128 added. */
c2s_status c2s_saturating_conv_create(const c2s_integer_shape *shape, const c2s_integer_weights *w,
                                      c2s_saturating_conv **out);
void c2s_saturating_conv_destroy(c2s_saturating_conv *conv);
int64_t c2s_saturating_conv_gain(const c2s_saturating_conv *conv);
size_t c2s_saturating_conv_work(const c2s_saturating_conv *conv, unsigned threads);
void c2s_saturating_conv_run(const c2s_saturating_conv *conv, const void *in, bool is_signed,
                             int zero, const c2s_requantize *requantize, void *out,
                             unsigned threads, void *work);

#endif
