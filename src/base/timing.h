/* SPDX-License-Identifier: Apache-2.0
 *
 * Times of repeated runs, and what they tell.
 */
#ifndef C2S_BASE_TIMING_H
#define C2S_BASE_TIMING_H

#include <stdint.h>

#include "base/vec.h"

typedef C2S_VEC(double) c2s_times; /* seconds */

double c2s_clock(void);     /* seconds since some moment */
double c2s_processor_clock(void); /* seconds that all threads of the process have worked */

/* The element below which `part` of `values` lie; 0 if there is none. Sorts `values`. */
double c2s_quantile(c2s_times *values, double part);

typedef struct c2s_ratio {
    double median, low, high;
} c2s_ratio;

/* The median of b[i] / a[i] over runs that were made in turns, and the interval that holds the true
 * median with 95 % confidence (of the binomial distribution of its rank: nothing is assumed about
 * how times are distributed). `a` and `b` have the same number of entries, at least one. */
c2s_ratio c2s_ratio_of(const c2s_times *a, const c2s_times *b);

#endif
