/* SPDX-License-Identifier: Apache-2.0
 *
 * What a runtime requires of a graph with QuantizeLinear and DequantizeLinear before it computes on
 * integers: plain data, one table per runtime. What scales an operator can have at all is its
 * quantization rule (ops/quant_rule.h); a row here says what this runtime makes of it.
 * docs/targets.md says where each claim comes from.
 */
#ifndef C2S_PASSES_QUANT_TARGET_H
#define C2S_PASSES_QUANT_TARGET_H

#include "ops/op.h"

typedef enum c2s_target_way {
    C2S_WAY_FLOAT = 0, /* the runtime has no code on integers for it */
    C2S_WAY_COMPUTES,  /* on integers; operands and result have scales of their own */
    C2S_WAY_PASSES,    /* runs on the codes as they stand: one scale and zero point in front of it
                          and behind */
    C2S_WAY_VANISHES,  /* a clamp that goes if the quantizer behind it saturates at its bounds */
    C2S_WAY_FUSES,     /* is done with the sums in front of it, whatever the scale */
    C2S_WAY_RESIDUAL   /* adds to the sums in front of it: one operand comes as codes, not both */
} c2s_target_way;

typedef enum c2s_target_result {
    C2S_RESULT_EITHER = 0, /* codes if a reader wants them, else floats */
    C2S_RESULT_CODES       /* without a quantized result it is not computed on integers */
} c2s_target_result;

typedef struct c2s_target_row {
    const c2s_op *op;
    uint8_t way;       /* c2s_target_way */
    uint8_t result;    /* c2s_target_result; of a sum of products that of what fuses with it, too */
    bool wide;         /* takes codes of 16 bits, too */
    bool whole_weight; /* no scale per channel */
    bool one_matrix;   /* a scale per channel only where the weight is one matrix, not several */
    bool commutes;     /* of PASSES: the runtime moves quantizers to its other side by itself */
    bool weights_alone; /* multiplies floats with constant codes, too */
    bool activates; /* takes an activation behind it along, in floats, before it looks for codes */
    bool adds_vector;   /* an Add of a constant vector behind it is its bias */
    bool codes_weights; /* constant floats as weights or biases become codes when it loads them */
    uint8_t opset;      /* of ai.onnx, the least with which the runtime does so; 0: any */
    int8_t weight_axis; /* of per-channel scales, where the runtime wants another than the rule;
                           counted as C2S_TARGET_AXIS(axis); 0: the rule's */
    /* Nanoseconds per element of the result or of the operand, whichever has more; 0: the target's.
     * Of no account for sums of products. */
    float on_floats, on_codes;
    /* Why this node is an exception, else NULL. */
    const char *(*refuse)(const c2s_node *node);
} c2s_target_row;

#define C2S_TARGET_AXIS(axis) ((axis) + 1)

/* What sums of products take, in nanoseconds. Of the channels of a convolution the last block is as
 * good as full. */
typedef struct c2s_sum_cost {
    float product, result, weight; /* per product; per element of the result; per weight */
    float matrix_result;           /* more per element of the result of MatMul and Gemm */
    float window; /* per element of a window at each of its places, for all channels of a group */
    /* More where channels are no whole blocks: per row of a window at each place, and of windows of
     * one element per place. */
    float loose_row, loose_place;
    /* Of groups of one channel, more per product: always, and where channels are no whole blocks;
     * per element of a window at each place, for all channels. */
    float single, loose_single, single_window;
    uint8_t block_in, block_out, block_single; /* channels; 0: any number is whole */
    uint8_t few_in; /* so many inputs have a kernel of their own, without blocks */
} c2s_sum_cost;

/* What takes how long, in nanoseconds on one core. Relations count. */
typedef struct c2s_costs {
    c2s_sum_cost on_floats, on_codes; /* sums of products */
    float others;  /* what rows and the target say of other operators, times this */
    float convert; /* per element of a QuantizeLinear or DequantizeLinear that stays */
    float start;   /* per node that stays */
} c2s_costs;

typedef struct c2s_target {
    const char *name, *summary;
    const c2s_target_row *rows; /* ends with a NULL op */
    /* Every operator whose rule has scales runs on integers, rows or not; then nothing is left in
     * float because it does not pay. */
    bool everything;
    bool saturates;               /* on processors without VNNI (saturation.h) */
    uint32_t activations;         /* dtypes, as bits */
    uint32_t weights;             /* likewise */
    c2s_dtype activation, weight; /* the usual choice */
    bool symmetric;               /* zero points of activations are 0 */
    bool symmetric_weights;
    bool narrow;        /* codes of weights leave out the least one */
    bool float_bias;    /* else int32 codes with scale x * w[channel] and zero point 0 */
    bool fixed_ranges;  /* results with a known range (Sigmoid, Softmax) have its scale */
    bool lone_reader;   /* where a result becomes codes, QuantizeLinear is all that reads it */
    bool signed_once;   /* int8 activations are computed if they are read once (as uint8) */
    bool explicit_zero; /* codes are passed on only where zero points are given */
    bool contrib_16;    /* below opset 21 codes of 16 bits are known in com.microsoft */
    bool mixes_widths;  /* operands and results of an operator may have 8 and 16 bits */
    double least_range; /* of an activation's codes, from the least to the greatest; 0: none */
    c2s_costs costs, costs_vnni; /* on a processor without VNNI, and with; no products: the same */
    float on_floats, on_codes;   /* of other operators, per element */
    bool channels_last; /* convolutions on codes have channels last: a Transpose from there to
                           them is none */
    float margin;       /* of the time on floats: gains that are less are none */
} c2s_target;

/* "ort-cpu", ...; NULL: there is none. */
const c2s_target *c2s_target_find(const char *name);
/* All of them; ends with NULL. */
const c2s_target *const *c2s_target_all(void);
/* The row of an operator; NULL: there is none. */
const c2s_target_row *c2s_target_row_of(const c2s_target *target, const c2s_op *op);
bool c2s_target_takes(uint32_t dtypes, c2s_dtype dtype);
/* Fails with C2S_ERR_USAGE and the names there are. */
c2s_status c2s_target_read(const char *name, const c2s_target **out);

#define C2S_DTYPE_BIT(dtype) (UINT32_C(1) << (dtype))

/* ---- exceptions that tables share ---- */

/* Any mode but "nearest" rounds. */
const char *c2s_target_refuse_interpolation(const c2s_node *node);
/* Sums that are scaled or added to in another way than the integers can be. */
const char *c2s_target_refuse_scaled_gemm(const c2s_node *node);

/* Is this an activation that a row with `activates` takes along? */
bool c2s_target_is_activation(const c2s_node *node);

extern const c2s_target c2s_target_generic, c2s_target_openvino, c2s_target_ort_cpu, c2s_target_qnn,
    c2s_target_tensorrt;

#endif
