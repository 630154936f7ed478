/* SPDX-License-Identifier: Apache-2.0
 *
 * How a weight was rounded, kept for the next time that the same model is quantized with the same
 * scales: for a search that does so many times, and for whoever finds better codes in between.
 */
#ifndef C2S_PASSES_QUANT_ROUNDED_WEIGHT_H
#define C2S_PASSES_QUANT_ROUNDED_WEIGHT_H

#include "passes/quant/encode.h"
#include "passes/quant/pair_order.h"

/* Zero-initialised: nothing is known. */
typedef struct c2s_rounded_weight {
    uint64_t key; /* of all that it depends on; 0: not known */
    c2s_coding coding;
    size_t count, groups;
    int16_t *codes; /* whole numbers */
    c2s_affine *affines;
    unsigned clipped, rescaled;
    double x_scale;  /* of what it is multiplied with, if that is one activation; else 0 */
    bool bounded;    /* its pairs are to fit into 16 bits, for activations with these codes: */
    uint8_t *limits; /* least, then most, by input channel (c2s_code_limits); NULL: any */
    size_t channels;
} c2s_rounded_weight;

void c2s_rounded_weight_free(c2s_rounded_weight *weight); /* leaves nothing known */
/* Codes and scales as floats, if they are those of this key. */
bool c2s_rounded_weight_take(const c2s_rounded_weight *weight, uint64_t key, float *codes,
                             c2s_affine *affines);
/* In place of what there was. */
void c2s_rounded_weight_keep(c2s_rounded_weight *weight, uint64_t key, const c2s_coding *coding,
                             size_t count, size_t groups, const float *codes,
                             const c2s_affine *affines);

#endif
