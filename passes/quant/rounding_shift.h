/* SPDX-License-Identifier: Apache-2.0
 *
 * What rounding the weights of a layer takes from its sums on the average: the lost part of the
 * weights times the mean of what they are multiplied with (Nagel et al. 2019, arXiv 1906.04721,
 * section 4.2).
 */
#ifndef C2S_PASSES_QUANT_ROUNDING_SHIFT_H
#define C2S_PASSES_QUANT_ROUNDING_SHIFT_H

#include "passes/measure/channel_stats.h"
#include "passes/measure/linear_site.h"
#include "passes/quant/encode.h"

/* The weights less what their codes stand for, in an array to free. */
c2s_status c2s_rounding_lost(const c2s_tensor *weights, const c2s_codes *codes,
                             const c2s_coding *coding, float **out);
/* shift [groups * n]: by output channel. `mean` [groups, k]: of what each weight is multiplied
 * with. */
void c2s_rounding_shift(const c2s_linear_site *site, const float *lost, const double *mean,
                        double *shift);
/* The same with the means of the input's channels; the zeros of padding count as much as they.
 * False: the statistics have other channels. */
bool c2s_rounding_shift_by_channel(const c2s_linear_site *site, const float *lost,
                                   const c2s_channel_stats *channels, double *shift);

#endif
