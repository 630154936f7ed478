/* SPDX-License-Identifier: Apache-2.0
 *
 * Gates on integers. What a function of x and x itself meet in, as in x * sigmoid(x), is a function
 * of x, too: one table stands for all of it, from the integers of x to those of the result.
 */
#ifndef C2S_RUNTIME_QUANTIZED_GATE_H
#define C2S_RUNTIME_QUANTIZED_GATE_H

#include "runtime/combine_codes.h"
#include "runtime/quantized_operands.h"

/* DequantizeLinear, the gate and its QuantizeLinear are the last posts of a function with one. */
enum { C2S_GATE_POSTS = 3 };

/* Makes the gate behind the function that `step` computes, if there is one, a part of the step. */
void c2s_gate_find(c2s_step *step);
/* From the table of the function's results to that of the gate's. */
void c2s_gate_apply(const c2s_step *step, uint8_t *table);

/* How `node` (Add, Sub, Mul) combines the operands `x`, of which the result of `step` is made; the
 * first of the combination is the second operand if `second`. */
c2s_combination c2s_combination_of(const c2s_step *step, const c2s_node *node, const c2s_codes x[2],
                                   bool second);

#endif
