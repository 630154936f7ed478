/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights for inputs that have changed: those with which a linear operator comes closest to what it
 * gave before.
 */
#ifndef C2S_PASSES_MEASURE_RECONSTRUCT_H
#define C2S_PASSES_MEASURE_RECONSTRUCT_H

#include "passes/measure/gram.h"

/* The v that minimises |x v + bias - y|^2 + d |v - w|^2: x and y as collected, `weights` w and
 * `out` v in the order of the weight's elements (they may be one array), the bias that of the node,
 * d `damping` times the mean of G's diagonal. C2S_ERR_UNSUPPORTED: the node adds something that is
 * no constant vector of output channels, or scales what it computes. C2S_ERR_INVALID: moments that
 * are not finite. */
c2s_status c2s_reconstruct(const c2s_linear_site *site, const c2s_gram *gram,
                           const c2s_cross *cross, double damping, const float *weights,
                           float *out);

#endif
