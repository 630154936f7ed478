/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the recompose pass: what exporters wrote out in simple operators becomes the
 * standard operator that it is. One topic per file; recompose.c lists them in the order of trial.
 */
#ifndef C2S_PASSES_RECOMPOSE_H
#define C2S_PASSES_RECOMPOSE_H

#include "passes/constants.h"
#include "rewrite/builder.h"

extern const c2s_rule c2s_rule_activation;
extern const c2s_rule c2s_rule_log_softmax, c2s_rule_global_pool;
extern const c2s_rule c2s_rule_layer_norm_divided, c2s_rule_layer_norm_multiplied,
    c2s_rule_layer_norm_as_affine;
extern const c2s_rule c2s_rule_rms_norm_divided, c2s_rule_rms_norm_multiplied,
    c2s_rule_rms_norm_quotient;
extern const c2s_rule c2s_rule_lp_norm;
extern const c2s_rule c2s_rule_norm_scale, c2s_rule_norm_shift;
extern const c2s_rule c2s_rule_attention, c2s_rule_attention_groups, c2s_rule_attention_cache,
    c2s_rule_attention_heads;
extern const c2s_rule c2s_rule_rotary;
extern const c2s_rule c2s_rule_instance_norm_divided, c2s_rule_instance_norm_multiplied,
    c2s_rule_channel_norm_affine, c2s_rule_group_norm;

/* The node squares `value`: Mul of it with itself, or Pow with exponent 2. */
bool c2s_is_square(const c2s_node *node, const c2s_value *value);

#endif
