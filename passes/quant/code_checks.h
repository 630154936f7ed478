/* SPDX-License-Identifier: Apache-2.0
 *
 * What a target wants of single operands, biases and results of an operator on codes. For
 * code_judge.c.
 */
#ifndef C2S_PASSES_QUANT_CODE_CHECKS_H
#define C2S_PASSES_QUANT_CODE_CHECKS_H

#include "passes/quant/code_judge.h"

extern const c2s_judged c2s_code_good;
c2s_judged c2s_code_faulty(c2s_code_fault code, unsigned slot, const char *reason);

/* The codes that `codec` makes or reads. */
c2s_judged c2s_check_activation(const c2s_code_judge *j, const c2s_target_row *row, unsigned slot,
                                const c2s_node *codec);
/* What the rule calls an operand: an activation or a weight. */
c2s_judged c2s_check_operand(const c2s_code_judge *j, const c2s_node *node,
                             const c2s_quant_rule *rule, const c2s_target_row *row, unsigned slot);
/* `value` is added to the sums of the node. */
c2s_judged c2s_check_bias(const c2s_code_judge *j, const c2s_node *node, const c2s_value *value,
                          const c2s_target_row *row, unsigned slot, bool quantized_result);
/* `activates`: an activation behind it would be taken along, in floats. */
c2s_judged c2s_check_result(const c2s_code_judge *j, const c2s_value *result,
                            const c2s_target_row *row, bool activates);
/* Operands and result, which `sink` quantizes, are of one type. */
c2s_judged c2s_check_types(const c2s_code_judge *j, const c2s_node *node, const c2s_node *sink,
                           const c2s_quant_rule *rule);

#endif
