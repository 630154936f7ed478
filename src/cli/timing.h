/* SPDX-License-Identifier: Apache-2.0
 *
 * Times of repeated runs, and what they tell.
 */
#ifndef C2S_CLI_TIMING_H
#define C2S_CLI_TIMING_H

#include <stdint.h>

#include "base/vec.h"

typedef C2S_VEC(double) cli_times; /* seconds */

double cli_clock(void);     /* seconds since some moment */
double cli_processor(void); /* seconds that all threads of the process have worked */

/* The element below which `part` of `values` lie; 0 if there is none. Sorts `values`. */
double cli_quantile(cli_times *values, double part);

typedef struct cli_ratio {
    double median, low, high;
} cli_ratio;

/* The median of b[i] / a[i] over runs that were made in turns, and the interval that holds the true
 * median with 95 % confidence (of the binomial distribution of its rank: nothing is assumed about
 * how times are distributed). `a` and `b` have the same number of entries, at least one. */
cli_ratio cli_ratio_of(const cli_times *a, const cli_times *b);

#endif
