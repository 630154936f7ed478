/* SPDX-License-Identifier: Apache-2.0
 *
 * Scales and zero points of QuantizeLinear and DequantizeLinear nodes, and how far their codes
 * reach: over what a target moves quantizers, and through clamps that vanish. For code_judge.c.
 */
#ifndef C2S_PASSES_QUANT_CODE_FLOW_H
#define C2S_PASSES_QUANT_CODE_FLOW_H

#include "passes/quant/code_judge.h"

/* ---- of a QuantizeLinear or DequantizeLinear ---- */
c2s_dtype c2s_code_dtype(const c2s_node *codec);
const c2s_tensor *c2s_code_scale_of(const c2s_node *codec); /* NULL: computed */
bool c2s_code_has_zero(const c2s_node *codec);
int64_t c2s_code_zero_of(const c2s_node *codec); /* the first */
/* One constant scale and zero point. */
bool c2s_code_is_plain(const c2s_node *codec);
/* Both plain, and of the same type, scale and zero point. */
bool c2s_code_same_scale(const c2s_node *a, const c2s_node *b);
/* The quantizer saturates where the clamp does, or before: computed as runtimes do. */
bool c2s_code_absorbs(const c2s_node *clamp, const c2s_node *quantizer);

/* ---- of the graph ---- */
const c2s_target_row *c2s_judge_row(const c2s_code_judge *judge, const c2s_node *node);
/* The target moves quantizers to the node's other side, or the node is not there at all. */
bool c2s_code_lets_through(const c2s_code_judge *judge, const c2s_node *node);
/* NULL: there are more, or the value is an output of the graph. */
const c2s_use *c2s_code_only_use(const c2s_value *value);
/* Fills source, sink and clamped. */
void c2s_code_flow_find(c2s_code_judge *judge);

#endif
