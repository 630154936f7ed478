/* SPDX-License-Identifier: Apache-2.0
 *
 * Extremes and sums of many floats, as fast as memory gives them. The result depends neither on the
 * number of threads nor on the processor.
 */
#ifndef C2S_MEASURE_SPREAD_H
#define C2S_MEASURE_SPREAD_H

#include <stddef.h>
#include <stdint.h>

typedef struct c2s_spread {
    uint64_t count, ignored, zeros; /* finite numbers; infinities and NaN; of the finite ones 0 */
    float min, max;                 /* +inf and -inf if count is 0 */
    double sum, sum_squares;        /* sums of 2048 numbers are rounded to float on the way */
} c2s_spread;

c2s_spread c2s_spread_none(void);
void c2s_spread_join(c2s_spread *into, const c2s_spread *other);
/* Of numbers that lie together, on this thread. */
c2s_spread c2s_spread_of(const float *x, size_t count);
/* The same, on several threads. */
c2s_spread c2s_spread_of_many(const float *x, size_t count);

#endif
