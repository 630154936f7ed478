/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting positions by what stands there.
 */
#ifndef C2S_OPS_INDEX_SORT_H
#define C2S_OPS_INDEX_SORT_H

#include <stdbool.h>
#include <stddef.h>

/* True if what stands at position a comes strictly before what stands at b. */
typedef bool (*c2s_before)(const void *context, size_t a, size_t b);

/* Stable merge sort; `spare` has room for `count` positions too. */
void c2s_index_sort(size_t *index, size_t *spare, size_t count, c2s_before before,
                    const void *context);

/* The first `wanted` of positions 0 .. count-1 in that order, ties by position: O(count log
 * wanted). `index` has room for `wanted`, which is at most `count`. */
void c2s_index_select(size_t *index, size_t wanted, size_t count, c2s_before before,
                      const void *context);

#endif
