/* SPDX-License-Identifier: Apache-2.0
 *
 * A QuantizeLinear and the DequantizeLinear behind it: what goes if both go.
 */
#ifndef C2S_PASSES_QUANT_CODE_PAIR_H
#define C2S_PASSES_QUANT_CODE_PAIR_H

#include "passes/quant/code_scale.h"

/* NULL, or why the second does not give back what went into the first, but for rounding and range.
 */
const char *c2s_code_pair_refuse(const c2s_node *quantizer, const c2s_node *dequantizer);

/* Whoever quantized the model has left a clamp to the codes: they begin at 0, and what is quantized
 * may be less. *high is 6 where they end there, else infinite. */
bool c2s_code_pair_clamps(const c2s_node *quantizer, float *high);

#endif
