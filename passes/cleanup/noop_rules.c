/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/cleanup/cleanup.h"

const c2s_rule *const c2s_noop_rules[] = {
    &c2s_rule_identity,       &c2s_rule_dropout,           &c2s_rule_cast_same,
    &c2s_rule_same_shape,     &c2s_rule_transpose_nothing, &c2s_rule_slice_all,
    &c2s_rule_pad_nothing,    &c2s_rule_tile_once,         &c2s_rule_resize_by_one,
    &c2s_rule_only_operand,   &c2s_rule_split_to_one,      &c2s_rule_neutral_operand,
    &c2s_rule_idempotent,     &c2s_rule_involution,        &c2s_rule_relu_of_positive,
    &c2s_rule_clip_unbounded, &c2s_rule_reduce_nothing,    &c2s_rule_where_constant,
    &c2s_rule_reshape_target, &c2s_rule_resize_target,     &c2s_rule_zero_bias,
    NULL,
};
