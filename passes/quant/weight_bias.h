/* SPDX-License-Identifier: Apache-2.0
 *
 * Biases that make up for what rounded weights take from the mean of a layer's sums. With them
 * rounding need not keep means, so that all of it goes into what varies.
 */
#ifndef C2S_PASSES_QUANT_WEIGHT_BIAS_H
#define C2S_PASSES_QUANT_WEIGHT_BIAS_H

#include "passes/measure/gram.h"
#include "passes/quant/weight_plan.h"

/* Where a vector is added that is the bias of a layer's sums: operand `slot` of `adder`. */
typedef struct c2s_weight_bias {
    c2s_node *adder;
    unsigned slot;
    c2s_value *value; /* NULL: there is none yet, and the node takes one */
} c2s_weight_bias;

/* Of Conv and Gemm their own, of MatMul that of an Add behind it which alone reads the product.
 * False: there is none, it is no constant vector, it is scaled, or it may not be changed: in
 * bodies, and where others read the weight, too. */
bool c2s_weight_bias_of(const c2s_planned_weight *p, c2s_weight_bias *out);

/* The moments about the means of rows. Free with c2s_centred_free. */
typedef struct c2s_centred {
    c2s_gram gram;
    c2s_cross cross;
} c2s_centred;

c2s_status c2s_centred_create(const c2s_linear_site *site, const c2s_gram *gram,
                              const c2s_cross *cross, c2s_centred *out);
void c2s_centred_free(c2s_centred *centred);

/* Sets p->shift, for the codes that p has: what the mean of each output channel lacks; with `cross`
 * of its target, else of the sums with the weights as they were. */
c2s_status c2s_weight_bias_measure(c2s_planned_weight *p, const c2s_linear_site *site,
                                   const c2s_gram *gram, const c2s_cross *cross);
/* Adds p->shift to the bias, or makes one. The weight is not written yet. */
c2s_status c2s_weight_bias_write(const c2s_planned_weight *p);

#endif
