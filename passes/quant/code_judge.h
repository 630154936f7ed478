/* SPDX-License-Identifier: Apache-2.0
 *
 * Which nodes of a graph with QuantizeLinear and DequantizeLinear a target will run on integers,
 * and why others not: the target's table read the other way round. For any model, whoever quantized
 * it.
 */
#ifndef C2S_PASSES_QUANT_CODE_JUDGE_H
#define C2S_PASSES_QUANT_CODE_JUDGE_H

#include "passes/quant/target.h"

/* What is wrong, so that it can be mended. */
typedef enum c2s_code_fault {
    C2S_FAULT_NONE = 0,
    C2S_FAULT_OPERATOR,  /* nothing helps: the target computes it in float */
    C2S_FAULT_OPERAND,   /* an operand comes as floats */
    C2S_FAULT_DTYPE,     /* codes of a type that the target does not compute with */
    C2S_FAULT_SIGNED,    /* int8 where uint8 would do */
    C2S_FAULT_SCALE,     /* computed, per channel where it may not be, or along another axis */
    C2S_FAULT_ZERO,      /* no zero point, or one that is not 0 */
    C2S_FAULT_BIAS,      /* not int32 codes with the scale x * w */
    C2S_FAULT_RESULT,    /* nobody quantizes the result */
    C2S_FAULT_READERS,   /* others than QuantizeLinear read it */
    C2S_FAULT_CLAMP,     /* a clamp in front of the quantizer that does something */
    C2S_FAULT_DIFFERENT, /* scale or zero point differ in front and behind */
    C2S_FAULT_COUNT
} c2s_code_fault;

typedef struct c2s_judged {
    bool integer;
    bool weights_alone; /* it multiplies floats with constant codes; integer is false */
    c2s_code_fault fault;
    const char *reason; /* static text; NULL if integer, or it has nothing to do with codes */
    unsigned slot;      /* of the operand that is at fault */
} c2s_judged;

typedef struct c2s_code_judge {
    const c2s_target *target;
    const c2s_graph *graph;
    int64_t opset;           /* of ai.onnx in the file */
    c2s_judged *nodes;       /* by node id */
    const c2s_node **source; /* by value id: the DequantizeLinear whose floats it has, be it that
                                the target moves it to there */
    const c2s_node **sink;   /* by value id: the QuantizeLinear that reads it, likewise */
    bool *clamped;           /* by value id: a clamp is between it and its sink */
} c2s_code_judge;

/* Of a normalised graph with inferred types, in topological order; linear. */
void c2s_code_judge_open(const c2s_target *target, const c2s_graph *graph, int64_t opset,
                         c2s_code_judge *out);
void c2s_code_judge_close(c2s_code_judge *judge);

/* Of any domain. */
bool c2s_is_quantizer(const c2s_node *node);
bool c2s_is_dequantizer(const c2s_node *node);
/* Does this QuantizeLinear become part of what makes its input, this reader of a DequantizeLinear
 * part of what runs on integers? */
bool c2s_judge_fuses_maker(const c2s_code_judge *judge, const c2s_node *quantizer);
bool c2s_judge_fuses_reader(const c2s_code_judge *judge, const c2s_use *use);
/* How to mend it, in words for the user. */
const char *c2s_fault_mend(c2s_code_fault fault);

#endif
