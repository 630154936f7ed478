/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/sample_order.h"

#include <stdlib.h>

#include "base/memory.h"

static size_t reversed(size_t k, unsigned bits) {
    size_t r = 0;
    for (unsigned b = 0; b < bits; b++)
        r |= (k >> b & 1) << (bits - 1 - b);
    return r;
}

void c2s_samples_choose(size_t count, size_t wanted, bool *chosen) {
    unsigned bits = 0;
    while (bits < 63 && ((size_t)1 << bits) < count)
        bits++;
    if (wanted == 0 || wanted > count)
        wanted = count;
    for (size_t k = 0; k < count; k++)
        chosen[k] = false;
    for (size_t k = 0; wanted > 0; k++) {
        const size_t sample = reversed(k, bits);
        if (sample < count) {
            chosen[sample] = true;
            wanted--;
        }
    }
}

size_t *c2s_samples_list(size_t count, size_t wanted, size_t *taken) {
    bool *chosen = c2s_alloc_array(count + 1, sizeof *chosen);
    size_t *list = c2s_alloc_array(count + 1, sizeof *list);
    c2s_samples_choose(count, wanted, chosen);
    *taken = 0;
    for (size_t k = 0; k < count; k++)
        if (chosen[k])
            list[(*taken)++] = k;
    free(chosen);
    return list;
}
