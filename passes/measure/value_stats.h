/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the numbers that a value held while a model ran: extremes, sums, a histogram,
 * and on request the same by channel. Memory does not depend on how many numbers there were.
 */
#ifndef C2S_MEASURE_VALUE_STATS_H
#define C2S_MEASURE_VALUE_STATS_H

#include "ir/tensor.h"
#include "passes/measure/channel_stats.h"
#include "passes/measure/histogram.h"

typedef struct c2s_value_stats {
    char *name;
    uint64_t samples;        /* tensors that had numbers */
    uint64_t count;          /* finite numbers */
    uint64_t ignored;        /* infinities and NaN: they are in nothing else */
    uint64_t zeros;          /* of the finite ones, exactly 0 */
    float min, max;          /* 0 and 0 if count is 0 */
    double sum_min, sum_max; /* of the extremes of each sample; over `samples`: their average */
    double sum, sum_squares;
    c2s_histogram histogram; /* of the finite ones */
    c2s_channel_stats channels;
} c2s_value_stats;

/* Copies `name`. `axis`: of the channels, or C2S_NO_CHANNELS. */
void c2s_value_stats_init(c2s_value_stats *s, const char *name, unsigned bins, int axis);
void c2s_value_stats_free(c2s_value_stats *s);

/* Is there a number to be seen in tensors of this type: a float type of at least 16 bits? */
bool c2s_value_stats_takes(const c2s_type *type);
/* Adds what a tensor of such a type holds: a sample. C2S_ERR_MEMORY: for 16-bit and double tensors,
 * which are converted to float first. */
c2s_status c2s_value_stats_add(c2s_value_stats *s, const c2s_tensor *tensor);

#endif
