/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/rounded_weight.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void c2s_rounded_weight_free(c2s_rounded_weight *w) {
    free(w->codes);
    free(w->affines);
    free(w->limits);
    *w = (c2s_rounded_weight){0};
}

bool c2s_rounded_weight_take(const c2s_rounded_weight *w, uint64_t key, float *codes,
                             c2s_affine *affines) {
    if (w->key == 0 || w->key != key)
        return false;
    for (size_t i = 0; i < w->count; i++)
        codes[i] = (float)w->codes[i];
    memcpy(affines, w->affines, w->groups * sizeof *affines);
    return true;
}

void c2s_rounded_weight_keep(c2s_rounded_weight *w, uint64_t key, const c2s_coding *coding,
                             size_t count, size_t groups, const float *codes,
                             const c2s_affine *affines) {
    c2s_rounded_weight_free(w);
    *w = (c2s_rounded_weight){.key = key, .coding = *coding, .count = count, .groups = groups};
    w->codes = c2s_alloc_array(count + 1, sizeof *w->codes);
    w->affines = c2s_alloc_array(groups + 1, sizeof *w->affines);
    for (size_t i = 0; i < count; i++)
        w->codes[i] = (int16_t)codes[i];
    memcpy(w->affines, affines, groups * sizeof *affines);
}
