/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disjoint_sets.h"

size_t c2s_disjoint_sets_add(c2s_disjoint_sets *sets, size_t count) {
    const size_t first = sets->parent.count;
    c2s_vec_reserve(&sets->parent, first + count);
    for (size_t k = 0; k < count; k++)
        sets->parent.at[first + k] = (uint32_t)(first + k);
    sets->parent.count = first + count;
    return first;
}

uint32_t c2s_disjoint_sets_find(const c2s_disjoint_sets *sets, size_t member) {
    uint32_t *parent = sets->parent.at, at = (uint32_t)member;
    while (parent[at] != at)
        at = parent[at] = parent[parent[at]];
    return at;
}

void c2s_disjoint_sets_unite(c2s_disjoint_sets *sets, size_t a, size_t b) {
    const uint32_t x = c2s_disjoint_sets_find(sets, a), y = c2s_disjoint_sets_find(sets, b);
    if (x < y)
        sets->parent.at[y] = x;
    else
        sets->parent.at[x] = y;
}

size_t c2s_disjoint_sets_number(const c2s_disjoint_sets *sets, uint32_t *set_of) {
    size_t count = 0;
    for (size_t k = 0; k < sets->parent.count; k++) {
        const uint32_t least = c2s_disjoint_sets_find(sets, k);
        set_of[k] = least == k ? (uint32_t)count++ : set_of[least];
    }
    return count;
}

void c2s_disjoint_sets_free(c2s_disjoint_sets *sets) {
    c2s_vec_free(&sets->parent);
}
