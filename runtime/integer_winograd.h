/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's method for convolutions of integers with windows of 3 x 3 and stride 1 (Lavin and
 * Gray, arXiv 1509.09308): squares of 4 x 4 results take 36 products per channel instead of 144.
 * It is exact. The fractions of the transforms are left out, which makes the results 576 times too
 * large; modulo 2^32 that is undone by a multiplication and a shift, if the sums have 26 bits.
 */
#ifndef C2S_RUNTIME_INTEGER_WINOGRAD_H
#define C2S_RUNTIME_INTEGER_WINOGRAD_H

#include "runtime/integer_conv.h"

typedef struct c2s_integer_winograd c2s_integer_winograd;

/* True if the method is exact and pays. `gain` as of c2s_integer_conv_gain. */
bool c2s_integer_winograd_serves(const c2s_integer_shape *shape, int64_t gain);
/* As c2s_integer_conv_create, _destroy, _work and _run. `narrow`: all weights have 8 bits. They are
 * transformed while they are used, which is faster than to read them transformed. */
c2s_status c2s_integer_winograd_create(const c2s_integer_shape *shape, const c2s_integer_weights *w,
                                       bool narrow, c2s_integer_winograd **out);
void c2s_integer_winograd_destroy(c2s_integer_winograd *w);
size_t c2s_integer_winograd_work(const c2s_integer_winograd *w, unsigned threads);
void c2s_integer_winograd_run(const c2s_integer_winograd *w, const void *in, bool is_signed,
                              int zero, const c2s_requantize *requantize, void *out,
                              unsigned threads, void *work);

#endif
