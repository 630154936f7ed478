/* SPDX-License-Identifier: Apache-2.0
 *
 * What quantization may do with an operator, whatever the target: plain data, one rule in every
 * c2s_op. What a target can do with it is in the tables of the targets.
 */
#ifndef C2S_OPS_QUANT_RULE_H
#define C2S_OPS_QUANT_RULE_H

#include <stdint.h>

typedef enum c2s_quant_kind {
    C2S_QUANT_UNSTATED = 0,
    C2S_QUANT_NONE,   /* no float to quantize: integers, strings, control flow, containers, random
                         draws, or operands that are quantized codes already */
    C2S_QUANT_FLOAT,  /* stays in floating point: range or precision would suffer too much */
    C2S_QUANT_LINEAR, /* sums of products of activations and weights, or of two activations, with
                         int32 accumulators; each operand has a scale of its own */
    C2S_QUANT_OWN,    /* every operand and the output have scales of their own (Add, AveragePool) */
    C2S_QUANT_SAME,   /* output elements are elements of input 0 or the zero point: the output has
                         the input's scale and zero point, nothing is rounded (Reshape, MaxPool) */
    C2S_QUANT_UNIFY,  /* the same for several inputs: all share one scale and zero point (Concat) */
    C2S_QUANT_RANGE   /* the output lies in a known range, whatever the input (Sigmoid, Softmax) */
} c2s_quant_kind;

typedef struct c2s_quant_rule {
    uint8_t kind;       /* c2s_quant_kind */
    uint16_t operands;  /* bit k: formal input k is data that is quantized; the last bit stands for
                           all further ones of variadic operators */
    uint8_t weight;     /* 1 + the formal input that is per-channel if constant; 0: none */
    int8_t weight_axis; /* its output channels; negative counts from the end */
    uint8_t bias;       /* 1 + the formal input that is an int32 bias of scale x * w; 0: none */
    float low, high;    /* of C2S_QUANT_RANGE */
} c2s_quant_rule;

#endif
