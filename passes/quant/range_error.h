/* SPDX-License-Identifier: Apache-2.0
 *
 * What a quantizer loses of the numbers that a histogram counts.
 */
#ifndef C2S_PASSES_QUANT_RANGE_ERROR_H
#define C2S_PASSES_QUANT_RANGE_ERROR_H

#include "passes/measure/value_stats.h"
#include "passes/quant/code_grid.h"

/* Scale and zero point by which the grid's codes reach from `low` to `high`, which are finite, and
 * 0 is a code: low is at most 0 and high at least 0, else they are taken to be 0. With a symmetric
 * grid the greater of the two counts on both sides. A scale of 0 (nothing to represent) becomes 1.
 */
c2s_affine c2s_affine_of_range(const c2s_code_grid *grid, float low, float high);
/* The range that a grid's codes reach with it. */
void c2s_affine_reach(const c2s_code_grid *grid, c2s_affine affine, float *low, float *high);

/* Mean squared error over all numbers counted, rounding and clipping included. Within a bin numbers
 * are taken to be spread evenly, but none lie beyond the extremes, and zeros are exact. */
double c2s_range_error(const c2s_value_stats *stats, const c2s_code_grid *grid, c2s_affine affine);

#endif
