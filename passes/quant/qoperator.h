/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators on quantized codes, and the operators on floats that they stand for: one table for both
 * directions. Where a scale is, the next input is its zero point.
 */
#ifndef C2S_PASSES_QUANT_QOPERATOR_H
#define C2S_PASSES_QUANT_QOPERATOR_H

#include "ops/op.h"

enum { C2S_QOPERANDS = 2 };

typedef struct c2s_qoperator {
    const c2s_op *op, *floats;
    /* Operands: where the codes are, followed by scale and zero point, and which formal input of
     * `floats` that is. Of Concat the first is given, and further ones follow it. */
    uint8_t operands, codes[C2S_QOPERANDS], place[C2S_QOPERANDS];
    uint8_t result;    /* the scale of the result */
    uint8_t bias;      /* 1 + int32 sums, with the product of the operands' scales; 0: none */
    bool condition;    /* input 0 is no codes, and the same on floats */
    bool weight;       /* operand 1 may have a scale per output channel */
    bool float_result; /* without a scale of the result that is floats */
    bool read_only;    /* no runtime computes it: it is not written */
} c2s_qoperator;

/* By the operator on codes (any domain), NULL: it is none of these. */
const c2s_qoperator *c2s_qoperator_of(const c2s_op *op);
/* What `floats` becomes; `contrib`: operators of com.microsoft may be used. NULL: nothing. */
const c2s_qoperator *c2s_qoperator_for(const c2s_op *floats, bool contrib);
/* All operators on codes, for rules: ends with NULL. */
extern const c2s_op *const c2s_qoperators[];

/* How many operands a node has: of Concat as many as there are. */
unsigned c2s_qoperator_operands(const c2s_qoperator *q, const c2s_node *node);
/* Attributes of `from` that the operator of `to` knows, too. */
void c2s_qoperator_attributes(const c2s_node *from, c2s_node *to);
/* The axis along which operand `k` of an operator on floats has its scales, if there are several;
 * -1: it can have but one. `rank` is the operand's. */
int c2s_qoperator_axis(const c2s_node *floats, unsigned k, int rank);

#endif
