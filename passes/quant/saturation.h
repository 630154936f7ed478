/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights whose sums of products are the same on every processor. Without VNNI, x86 processors add
 * the products of two neighbouring terms in 16 bits with saturation (runtime/saturating_dot.h), so
 * that signed weights of 8 bits with unsigned activations may give less than they should. Here
 * pairs of weights are found that could do so, and mended with the least loss: each such pair is
 * clipped, or the scale becomes larger, up to where 7 bits are left, whichever costs less.
 */
#ifndef C2S_PASSES_QUANT_SATURATION_H
#define C2S_PASSES_QUANT_SATURATION_H

#include "passes/quant/encode.h"
#include "passes/quant/pair_order.h"

typedef struct c2s_saturation_result {
    size_t pairs;         /* that could saturate */
    size_t clipped;       /* weights that were moved towards 0 */
    size_t rescaled;      /* scales that became larger */
    double before, after; /* squared error of the weights, weighed by coding->importance */
} c2s_saturation_result;

/* Changes `codes`, and `affines` with zero 0, until no pair can saturate, in either order.
 * `weights`: what the codes stand for; NULL: the codes as they are, and scales stay. Scales also
 * stay where they are not by column. */
c2s_status c2s_saturation_mend(const c2s_pair_order *order, const c2s_code_limits *limits,
                               const c2s_type *type, const c2s_coding *coding, const float *weights,
                               float *codes, c2s_affine *affines, c2s_saturation_result *result);

#endif
