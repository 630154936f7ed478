/* SPDX-License-Identifier: Apache-2.0
 *
 * What normalisations share: statistics and scaling of runs of consecutive elements, in double.
 */
#ifndef C2S_OPS_NORM_H
#define C2S_OPS_NORM_H

#include "ops/pointwise.h"

/* From this number of elements on, work is shared between threads. */
#define C2S_NORM_PARALLEL ((size_t)1 << 15)

/* Of n elements from `start` on; NaN if there are none. `variance` is that of the population. */
void c2s_norm_moments(const c2s_tensor *x, size_t start, size_t n, double *mean, double *variance);
double c2s_norm_sum(const c2s_tensor *x, size_t start, size_t n);
double c2s_norm_sum_square(const c2s_tensor *x, size_t start, size_t n, double center);
/* y = (x - center) * factor + offset, in this order: x near a large center cancels exactly. */
void c2s_norm_affine(const c2s_tensor *x, c2s_tensor *y, size_t start, size_t n, double center,
                     double factor, double offset);

/* X of at least `least` axes; inputs 1 .. 1 + count have one axis whose extent, where known, is
 * that of axis 1 of X (1 for X of one axis) or, if `also` is not 0, equals `also`. Output 0 is as
 * X. */
c2s_status c2s_norm_infer_channels(c2s_infer *i, int least, unsigned count, int64_t also);

#endif
