/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows a convolution or a normalization and does no more than scale and shift each channel
 * by constants goes into its weights and its bias.
 */
#ifndef C2S_RUNTIME_FOLDED_WEIGHTS_H
#define C2S_RUNTIME_FOLDED_WEIGHTS_H

#include "runtime/kernel.h"

/* BatchNormalization with constants, as a post: alpha is its largest factor, beta its largest
 * shift. */
bool c2s_affine_post(const c2s_step *user, const c2s_slot *value, c2s_post *out);

/* How many of the first posts of a Conv, or of a normalization, can go into its numbers: inputs 1
 * and 2, which are constants then. */
unsigned c2s_posts_foldable(const c2s_step *step);

/* What happens to the values of one channel: value * factor + shift. */
typedef struct c2s_affine {
    double factor, shift;
} c2s_affine;
/* What the first step->folded_posts posts do to each channel; the caller frees it. */
c2s_affine *c2s_posts_affine(const c2s_step *step, size_t channels);

/* Weights and bias with the first step->folded_posts posts in them; computed in double, rounded
 * once. References. */
c2s_status c2s_weights_fold(const c2s_step *step, c2s_tensor **weights, c2s_tensor **bias);

#endif
