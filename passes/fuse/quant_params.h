/* SPDX-License-Identifier: Apache-2.0
 *
 * Scale and zero point of QuantizeLinear and DequantizeLinear nodes, read for rules that must not
 * change what is quantized how.
 */
#ifndef C2S_PASSES_QUANT_PARAMS_H
#define C2S_PASSES_QUANT_PARAMS_H

#include "passes/constants.h"

typedef struct c2s_quant_params {
    c2s_dtype dtype;                /* of the integers: 4, 8 or 16 bits */
    const c2s_tensor *scale, *zero; /* scale: float, positive; zero: NULL is 0 */
    int64_t axis, block;            /* as given; mean nothing where per_tensor */
    bool per_tensor;
} c2s_quant_params;

/* Of a node of either operator that converts between float and such integers, with constants of
 * which float arithmetic loses no integer. NULL, or why they are not. */
const char *c2s_quant_params_read(const c2s_node *node, c2s_quant_params *out);
/* Integers dequantized with `a` and quantized with `b` are what they were. */
bool c2s_quant_params_equal(const c2s_quant_params *a, const c2s_quant_params *b);
/* The integer, as float, that a number is quantized to; for per_tensor. */
float c2s_quant_params_code(const c2s_quant_params *params, float number);

#endif
