/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics while they are collected, and as bytes. For ranges.c and its cache.
 */
#ifndef C2S_MEASURE_RANGES_STATE_H
#define C2S_MEASURE_RANGES_STATE_H

#include "base/vec.h"
#include "passes/measure/ranges.h"

struct c2s_ranges {
    c2s_value_stats *stats; /* in the order of names */
    size_t count;
    C2S_VEC(uint64_t)
    seen; /* samples by their number in the data, in the order in which they ran */
};

c2s_value_stats *c2s_ranges_of(const c2s_ranges *ranges,
                               const char *name); /* NULL: there are none */

typedef C2S_VEC(char) c2s_byte_vec;

/* Appends. */
void c2s_ranges_write(const c2s_ranges *ranges, c2s_byte_vec *out);
/* Into ranges for which nothing has been seen yet. False: there are values among them which
 * the bytes say nothing of, or say with other bins or another axis; nothing is changed then.
 * C2S_ERR_INVALID: no such bytes. */
c2s_status c2s_ranges_read(c2s_ranges *ranges, const void *data, size_t size, bool *taken);

#endif
