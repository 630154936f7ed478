/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of the numbers 0, 1, ... that are united step by step. The least member stands for its set,
 * so what comes out does not depend on the order of unions.
 */
#ifndef C2S_BASE_DISJOINT_SETS_H
#define C2S_BASE_DISJOINT_SETS_H

#include <stdint.h>

#include "base/vec.h"

typedef struct c2s_disjoint_sets {
    C2S_VEC(uint32_t) parent; /* by member; the least of a set is its own */
} c2s_disjoint_sets;

/* The next `count` numbers, each a set of its own; returns the first one. */
size_t c2s_disjoint_sets_add(c2s_disjoint_sets *sets, size_t count);
/* The least member of the set. */
uint32_t c2s_disjoint_sets_find(const c2s_disjoint_sets *sets, size_t member);
void c2s_disjoint_sets_unite(c2s_disjoint_sets *sets, size_t a, size_t b);
/* Numbers the sets from 0 in the order of their least members: set_of[member], for all of them.
 * Returns how many sets there are. */
size_t c2s_disjoint_sets_number(const c2s_disjoint_sets *sets, uint32_t *set_of);
void c2s_disjoint_sets_free(c2s_disjoint_sets *sets);

#endif
