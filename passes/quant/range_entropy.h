/* SPDX-License-Identifier: Apache-2.0
 *
 * The range by Kullback-Leibler divergence (Migacz, "8-bit inference with TensorRT", GTC 2017).
 *
 * For a candidate range, the reference distribution is the histogram with everything outside put
 * into the outermost bins; the other one is the histogram inside, where the bins that one code
 * stands for share their mass evenly, those that were empty left out. What clipping costs is that
 * the other distribution lacks the mass outside; what coarse codes cost is that bins are alike.
 * Exact zeros are a bin of their own on both sides: they are no matter of choice.
 */
#ifndef C2S_PASSES_QUANT_RANGE_ENTROPY_H
#define C2S_PASSES_QUANT_RANGE_ENTROPY_H

#include "passes/quant/range_error.h"

/* The factor, at most 1, by which the range from min to max (and 0) is to shrink. A histogram
 * cannot judge ranges of fewer bins than there are codes: those are not candidates. */
double c2s_range_entropy(const c2s_value_stats *stats, const c2s_code_grid *grid);

#endif
