/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vec.h"

void *c2s_vec_grow(void *at, size_t *capacity, size_t wanted, size_t element_size) {
    size_t grown = *capacity ? *capacity + *capacity / 2 : 8;
    if (grown < wanted)
        grown = wanted;
    size_t bytes;
    if (!c2s_mul_size(grown, element_size, &bytes))
        bytes = SIZE_MAX; /* ends in the out-of-memory hook */
    at = c2s_realloc(at, bytes);
    *capacity = grown;
    return at;
}
