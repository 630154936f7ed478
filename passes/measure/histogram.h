/* SPDX-License-Identifier: Apache-2.0
 *
 * A histogram of floats whose range need not be known beforehand. Bins are cells of a grid through
 * 0 whose width is a power of two: the smallest for which the bins reach from the least to the
 * greatest number, and 0. When a number lies outside, cells are merged in pairs, which is exact. So
 * the result depends on the numbers alone, not on their order nor on how they were cut into calls.
 */
#ifndef C2S_MEASURE_HISTOGRAM_H
#define C2S_MEASURE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { C2S_HISTOGRAM_BINS = 2048 };

typedef struct c2s_histogram {
    uint64_t *bin;     /* bin[k] counts numbers in [first + k, first + k + 1) * 2^exponent */
    unsigned capacity; /* bins that there are */
    int exponent;
    int first; /* <= 0 */
} c2s_histogram;

/* `capacity`: 16 to 65536 bins. */
void c2s_histogram_init(c2s_histogram *h, unsigned capacity);
void c2s_histogram_free(c2s_histogram *h); /* zeroed is allowed */

/* Makes room for numbers from `low` to `high`, both finite. */
void c2s_histogram_reach(c2s_histogram *h, float low, float high);
/* Counts numbers, all of which it reaches. Infinities and NaN must not be among them. */
void c2s_histogram_add(c2s_histogram *h, const float *x, size_t count);

/* Lower edge of bin k; that of k + 1 is the upper one. */
double c2s_histogram_edge(const c2s_histogram *h, unsigned k);

#endif
