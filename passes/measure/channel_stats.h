/* SPDX-License-Identifier: Apache-2.0
 *
 * Extremes and sums by index of an axis.
 */
#ifndef C2S_MEASURE_CHANNEL_STATS_H
#define C2S_MEASURE_CHANNEL_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "ir/type.h"

enum { C2S_NO_CHANNELS = 127 }; /* as an axis */

/* `extent` 0: not asked for, nothing seen yet, or the axis has had different extents. */
typedef struct c2s_channel_stats {
    int axis;     /* as asked for: may be negative, which counts from the end */
    bool refuted; /* the axis is missing or has had different extents */
    size_t extent;
    uint64_t *count;  /* finite numbers */
    float *min, *max; /* of them; +inf and -inf where there is none */
    double *sum, *sum_squares;
} c2s_channel_stats;

void c2s_channel_stats_free(c2s_channel_stats *s); /* zeroed is allowed */
/* Room for so many channels, in which nothing has been seen. */
void c2s_channel_stats_start(c2s_channel_stats *s, size_t extent);
/* Adds a tensor's elements. */
void c2s_channel_stats_add(c2s_channel_stats *s, const c2s_type *type, const float *x);

#endif
