/* SPDX-License-Identifier: Apache-2.0
 *
 * The range that codes shall reach, out of the statistics of a value.
 */
#ifndef C2S_PASSES_QUANT_RANGE_CHOICE_H
#define C2S_PASSES_QUANT_RANGE_CHOICE_H

#include "passes/quant/range_error.h"

typedef enum c2s_range_method {
    C2S_RANGE_MINMAX,     /* all that was seen */
    C2S_RANGE_AVERAGE,    /* the extremes of each sample, averaged over the samples */
    C2S_RANGE_PERCENTILE, /* all but the share of numbers that is most extreme, half of it on each
                             side; of magnitudes if the grid is symmetric */
    C2S_RANGE_ENTROPY, /* least Kullback-Leibler divergence of the histogram of codes from that of
                          the numbers (Migacz, "8-bit inference with TensorRT", GTC 2017) */
    C2S_RANGE_MSE,     /* least expected squared error, rounding and clipping together */
    C2S_RANGE_AUTO,    /* measured in the model (range_trial.h); from statistics alone MSE */
    C2S_RANGE_METHODS
} c2s_range_method;

const char *c2s_range_method_name(c2s_range_method method);
/* "minmax", "average", "percentile", "entropy", "mse", "auto"; false if it is another text. */
bool c2s_range_method_named(const char *name, c2s_range_method *out);

#define C2S_RANGE_PERCENT 99.99

/* A range that reaches 0, for codes of that type, of float scales; the same on both sides if
 * `symmetric`. [0, 0]: nothing but zeros, or nothing at all, was seen. `percent`: of PERCENTILE;
 * 0: C2S_RANGE_PERCENT. C2S_ERR_UNSUPPORTED: a type that c2s_code_grid_of refuses. */
c2s_status c2s_range_choose(const c2s_value_stats *stats, c2s_range_method method, double percent,
                            c2s_dtype dtype, bool symmetric, float *low, float *high);

#endif
