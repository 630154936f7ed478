/* SPDX-License-Identifier: Apache-2.0
 *
 * What quantization may do with an operator, whatever the target: plain data, one rule in every
 * c2s_op. A rule says which scales an operator can have, not which operators a target computes in
 * integers: that is in the tables of the targets.
 *
 * Slots are bits: bit k is formal input (or output) k, the last bit stands for all further ones of
 * variadic operators.
 */
#ifndef C2S_OPS_QUANT_RULE_H
#define C2S_OPS_QUANT_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "ir/graph.h"

typedef enum c2s_quant_kind {
    C2S_QUANT_UNSTATED = 0,
    C2S_QUANT_NONE,   /* no floats go in or come out */
    C2S_QUANT_CODES,  /* made for quantized codes: its floats are scales, or what is coded */
    C2S_QUANT_FLOAT,  /* stays in floating point, since range or precision would suffer; operands
                         are those that a target which knows only integers would quantize, each
                         with a scale of its own; none: whatever the target */
    C2S_QUANT_LINEAR, /* sums of products of two operands, in int32 accumulators; each operand and
                         the output have scales of their own */
    C2S_QUANT_OWN,    /* each operand and the output have scales of their own (Add, Gelu) */
    C2S_QUANT_WITHIN, /* outputs lie between the least and the greatest element of the operand or 0:
                         the output may keep the operand's scale, or have its own (AveragePool) */
    C2S_QUANT_SAME,   /* outputs are elements of the operand or 0: the output has the operand's
                         scale and zero point, nothing is rounded (Reshape, MaxPool) */
    C2S_QUANT_UNIFY,  /* the same of several operands: all share scale and zero point (Concat) */
    C2S_QUANT_CLAMP,  /* the operand clamped to [low, high]: if the output's range lies in there,
                         the quantizer's saturation does the same, and the operator vanishes */
    C2S_QUANT_RANGE   /* outputs lie in [low, high], whatever the operand: that gives the scale */
} c2s_quant_kind;

enum { C2S_QUANT_NO_AXIS = 127 };

typedef struct c2s_quant_rule {
    uint8_t kind;      /* c2s_quant_kind */
    uint16_t operands; /* inputs that are quantized; others stay as they are */
    uint16_t results;  /* outputs that the kind speaks of; none with SAME and UNIFY: the outputs are
                          no floats and do not depend on the scale (Shape, ArgMax, Less) */
    uint16_t weights;  /* those operands that are weights if they are constant */
    int8_t weight_axis; /* of weights: the output channels, each may have a scale of its own;
                           negative counts from the end; C2S_QUANT_NO_AXIS: one scale for all */
    int8_t sum_axis;    /* of weights: along it the products are summed; blocks of scales lie along
                           it; C2S_QUANT_NO_AXIS: not along an axis of its own */
    uint8_t bias;       /* 1 + the input that is added to the sums, in int32 with the scale
                           x * w[channel] and zero point 0; 0: none */
    float low, high;    /* of C2S_QUANT_CLAMP and C2S_QUANT_RANGE */
} c2s_quant_rule;

/* Is slot k among these? */
bool c2s_quant_has(uint16_t slots, unsigned k);
/* "linear", "same", ... */
const char *c2s_quant_kind_name(c2s_quant_kind kind);
/* The rule of a node: its operator's, narrowed by attributes, constants and types. transB moves the
 * axes of Gemm's weight, the mode of Resize decides between SAME, WITHIN and OWN; constant bounds
 * of Clip are its range; a bias that is no vector of output channels or is scaled is none; weights
 * of one axis have no channels; a node whose operands are no floats is NONE. Negative axes are left
 * as they are if the rank is not known. */
c2s_quant_rule c2s_node_quant_rule(const c2s_node *node);

/* ---- for operators: what stands behind `.quant =` ---- */

#define C2S_SLOT(k)   (1u << (k))
#define C2S_ALL_SLOTS 0xffffu

/* No operand: NONE, CODES, FLOAT. */
#define C2S_QUANT_ONLY(kind_)                                                                      \
    { .kind = C2S_QUANT_##kind_ }
#define C2S_QUANT_SLOTS(kind_, operands_, results_)                                                \
    { .kind = C2S_QUANT_##kind_, .operands = operands_, .results = results_ }
/* Of the first input, the first two, all inputs to output 0. */
#define C2S_QUANT_UNARY(kind_)    C2S_QUANT_SLOTS(kind_, 1u, 1u)
#define C2S_QUANT_BINARY(kind_)   C2S_QUANT_SLOTS(kind_, 3u, 1u)
#define C2S_QUANT_VARIADIC(kind_) C2S_QUANT_SLOTS(kind_, C2S_ALL_SLOTS, 1u)
/* Of input 0 to output 0, with numbers: CLAMP, RANGE. */
#define C2S_QUANT_BOUNDED(kind_, low_, high_)                                                      \
    { .kind = C2S_QUANT_##kind_, .operands = 1u, .results = 1u, .low = low_, .high = high_ }
/* Of input 0 and weights to output 0. */
#define C2S_QUANT_WEIGHTS(kind_, weights_, weight_axis_, sum_axis_, bias_)                         \
    {                                                                                              \
        .kind = C2S_QUANT_##kind_, .operands = 1u | (weights_), .results = 1u,                     \
        .weights = weights_, .weight_axis = weight_axis_, .sum_axis = sum_axis_, .bias = bias_     \
    }
/* A rule as the argument of a macro stands in parentheses; this takes them off. */
#define C2S_QUANT_ARGUMENT(...) __VA_ARGS__

#endif
