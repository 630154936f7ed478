/* SPDX-License-Identifier: Apache-2.0
 *
 * Means by channel of what a value holds, sample by sample: enough to tell how far a changed model
 * is off on the average, and how sure that is.
 */
#ifndef C2S_MEASURE_CHANNEL_MEANS_H
#define C2S_MEASURE_CHANNEL_MEANS_H

#include "ir/tensor.h"

/* means [extent]: of a float tensor along an axis of that extent; what is infinite or NaN counts as
 * 0. C2S_ERR_INVALID: another extent, or no floats. */
c2s_status c2s_channel_means(const c2s_tensor *tensor, int axis, size_t extent, float *means);
/* The tensor with by[c] added to channel c, as floats. */
c2s_status c2s_channel_add(const c2s_tensor *tensor, int axis, const double *by, c2s_tensor **out);

/* The mean over so many samples of a - b, less what may be chance: it is multiplied by 1 - v /
 * mean^2, where v is the variance of that mean, or by 0 if that is negative. Samples are `stride`
 * apart. */
double c2s_channel_shift(const float *a, const float *b, size_t samples, size_t stride);

#endif
