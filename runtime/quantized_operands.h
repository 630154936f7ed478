/* SPDX-License-Identifier: Apache-2.0
 *
 * Which operators have kernels on integers, and where these find the integers, their scales and
 * zero points.
 */
#ifndef C2S_RUNTIME_QUANTIZED_OPERANDS_H
#define C2S_RUNTIME_QUANTIZED_OPERANDS_H

#include "runtime/quantized.h"

typedef enum c2s_quantized_form {
    C2S_FORM_CODED,  /* QLinear: elements, scale and zero point of every operand side by side */
    C2S_FORM_FLOATS, /* the operator on floats, some of which stand for integers */
    C2S_FORM_SUMS    /* two operands, then their zero points; the result is sums of 32 bits */
} c2s_quantized_form;

typedef struct c2s_quantized_operator {
    const char *type, *domain;
    const c2s_kernel_family *family[2]; /* in the order in which they are tried */
    c2s_quantized_form form;
    /* CODED: the first operand's elements; how many operands (0: all that are given); where the
     * bias is (0: there is none), which is integers alone; where the result's scale is */
    unsigned first, count, bias, y;
} c2s_quantized_operator;

/* NULL: it has none but, perhaps, a table or its own on integers. */
const c2s_quantized_operator *c2s_quantized_operator_of(const c2s_node *node);

/* The constant behind input `input`; false if it is given and no constant. */
bool c2s_step_constant_or_none(const c2s_step *step, unsigned input, const c2s_tensor **out);
/* What the step (DequantizeLinear) makes floats of; false if that is not what kernels know. */
bool c2s_codes_of_dequantizer(const c2s_step *step, c2s_codes *out);
/* The result becomes integers of `type` with these parameters; false: not with one scale. */
bool c2s_quantized_set_result(c2s_quantized *q, const c2s_type *type, const c2s_tensor *scale,
                              const c2s_tensor *zero);
/* Fills in the operands of step->quantized, and the result if the operator says what it is. `op`:
 * NULL: floats. False if there is something that kernels do not know. */
bool c2s_quantized_take(c2s_step *step, const c2s_quantized_operator *op);

bool c2s_step_quantizes(const c2s_step *step);
bool c2s_step_dequantizes(const c2s_step *step);
/* What a QuantizeLinear makes of the result of `q`; false: it is none, or not one that is known. */
bool c2s_quantizer_read(const c2s_step *step, c2s_quantized *q);
/* The step that alone sees the value, and computes one value that can be a part of another's;
 * NULL: there is none. The second: as its first operand. */
c2s_step *c2s_only_reader(const c2s_slot *value);
c2s_step *c2s_only_first_reader(const c2s_slot *value);

#endif
