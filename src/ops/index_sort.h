/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting positions by what stands there.
 */
#ifndef C2S_OPS_INDEX_SORT_H
#define C2S_OPS_INDEX_SORT_H

#include "ops/workspace.h"

/* Elements in a form that compares as they do: floats as doubles, integers and bools as int64
 * (uint64 with the top bit flipped). The other pointer is NULL. C2S_ERR_INVALID for other types. */
typedef struct c2s_sort_keys {
    const double *real;
    const int64_t *whole;
} c2s_sort_keys;
c2s_status c2s_sort_keys_of(c2s_workspace *ws, const c2s_tensor *tensor, c2s_sort_keys *out);

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
