/* SPDX-License-Identifier: Apache-2.0
 *
 * Which operators ONNX defines on float16, and what to beware of there.
 */
#ifndef C2S_PASSES_QUANT_HALF_OPERATORS_H
#define C2S_PASSES_QUANT_HALF_OPERATORS_H

#include "ops/op.h"

typedef struct c2s_half_operator {
    const c2s_op *op;
    uint8_t keep;  /* bits: inputs that stay float */
    bool sums;     /* adds up many numbers, see c2s_half_terms */
    bool squares;  /* and squares them first */
    bool clamps;   /* constants that are too large may become the largest number: masks, bounds */
    bool follows;  /* computes nothing: the type of what it reads is as good as any */
    uint8_t opset; /* of ai.onnx, the least that lets it take float16; 0: any from 13 on */
} c2s_half_operator;

/* NULL: float16 is not for this node. */
const c2s_half_operator *c2s_half_operator_of(const c2s_node *node);

/* How many numbers come together in one; 0: not known. */
size_t c2s_half_terms(const c2s_node *node);

#endif
