/* SPDX-License-Identifier: Apache-2.0
 *
 * What convolutions and products of matrices on integers have in common: packed weights, and what
 * becomes of the sums.
 */
#ifndef C2S_RUNTIME_QUANTIZED_SUMS_H
#define C2S_RUNTIME_QUANTIZED_SUMS_H

#include "runtime/integer_conv.h"
#include "runtime/kernel.h"

typedef struct c2s_quantized_sums {
    c2s_integer_conv *conv;
    c2s_requantize requantize;
    int32_t *bias;
    float *factor, *offset;
    unsigned input; /* operand with the integers */
    bool is_signed;
    int zero;
    unsigned zero_input; /* the operand that has the zero point instead; 0: there is none */
} c2s_quantized_sums;

/* Operands that this serves: inputs 0 and 1 are integers, of which 1 is constant with one scale or
 * one per index of `axis`; input 2, if there is one, is a constant vector of `outputs` numbers. */
bool c2s_quantized_sums_accepts(const c2s_step *step, int axis, int64_t outputs);
/* `w`: all but codes, is_signed and zero. `scale`: factor of the products. The state of the step is
 * set on success. */
c2s_status c2s_quantized_sums_create(c2s_step *step, const c2s_integer_shape *shape,
                                     c2s_integer_weights w, double scale);
c2s_status c2s_quantized_sums_run(c2s_step *step);
void c2s_quantized_sums_release(c2s_step *step);

#endif
