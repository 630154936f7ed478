/* SPDX-License-Identifier: Apache-2.0
 *
 * Which products of weights and activations x86 processors without VNNI add in 16 bits, with
 * saturation (runtime/saturating_dot.h): neighbours in the order in which runtimes bring the terms
 * of a sum together.
 */
#ifndef C2S_PASSES_QUANT_PAIR_ORDER_H
#define C2S_PASSES_QUANT_PAIR_ORDER_H

#include "ops/op.h"
#include "passes/measure/channel_stats.h"

/* How the weights of an operator come together in sums: term k of a window is channel k % channels
 * at position k / channels. Neighbours are terms 2j and 2j + 1: of the window, as in ONNX Runtime,
 * and of each position, as in oneDNN; with an even number of channels that is the same. */
typedef struct c2s_pair_order {
    size_t columns, channels, positions;
    size_t group;                      /* columns that read the same channels */
    size_t inner;                      /* columns side by side, see c2s_pair_place */
    size_t stride_outer, stride_inner; /* of columns */
    size_t stride_channel, stride_position;
} c2s_pair_order;

/* Where a term's weight lies in the row-major tensor. */
size_t c2s_pair_place(const c2s_pair_order *order, size_t column, size_t term);

/* Of Conv, MatMul or Gemm with these weights as its second operand. False if its products are never
 * added in 16 bits (depthwise convolutions), or the operator is none of these. */
bool c2s_pair_order_of(const c2s_node *node, const c2s_type *weights, c2s_pair_order *out);

/* The codes that an unsigned activation takes, by input channel (of all groups), that of the
 * padding included. NULL: 0 and 255. */
typedef struct c2s_code_limits {
    const uint8_t *least, *most;
} c2s_code_limits;

/* Room for data not seen yet: numbers may be so much larger than those that were. */
#define C2S_PAIR_MARGIN 1.25
/* Those of an activation with codes of uint8 or int8, which runtimes make unsigned: what its
 * channels held, the margin on top, and 0. False: its statistics do not have these channels. */
bool c2s_pair_limits(const c2s_pair_order *order, const c2s_channel_stats *channels, double scale,
                     int64_t zero, c2s_dtype dtype, uint8_t *least, uint8_t *most);
/* How many input channels there are, of all groups. */
size_t c2s_pair_channels(const c2s_pair_order *order);

/* How many pairs could saturate. `codes`: whole numbers from -128 to 127. */
size_t c2s_saturation_count(const c2s_pair_order *order, const c2s_code_limits *limits,
                            const float *codes);

/* The codes between which the activation of a term is. */
typedef struct c2s_code_span {
    float least, most;
} c2s_code_span;

c2s_code_span c2s_pair_span(const c2s_pair_order *order, const c2s_code_limits *limits,
                            size_t column, size_t term);
/* True if a * x + b * y has 16 bits for all x and y. One product always has. */
bool c2s_pair_fits(float a, c2s_code_span x, float b, c2s_code_span y);

typedef void (*c2s_pair_user)(void *context, size_t first, size_t second);
/* Calls `use` with the terms of each pair of a column: those of ONNX Runtime, then those that only
 * oneDNN has. */
void c2s_pair_each(const c2s_pair_order *order, c2s_pair_user use, void *context);

#endif
