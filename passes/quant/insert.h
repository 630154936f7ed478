/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a placement into the graph: QuantizeLinear and DequantizeLinear around activations,
 * weights and biases as codes with a DequantizeLinear. Zero points are always given.
 */
#ifndef C2S_PASSES_QUANT_INSERT_H
#define C2S_PASSES_QUANT_INSERT_H

#include "passes/measure/ranges.h"
#include "passes/quant/code_scale.h"
#include "passes/quant/rounded_weight.h"

/* What is added to the bias of each output channel of a node. */
typedef struct c2s_bias_shift {
    size_t count; /* of channels; 0: nothing */
    double *at;
} c2s_bias_shift;

typedef struct c2s_insert_options {
    const c2s_span *spans; /* by value id: what activations with scales hold; groups join them */
    const c2s_span *wide_spans;  /* of those with codes of 16 bits; NULL: `spans` */
    bool symmetric;              /* activations, beside what the target wants */
    c2s_rounded_weight *rounded; /* by value id: taken from there, kept there; NULL: nowhere */
    c2s_scale_method method;     /* of weights */
    bool portable;               /* weights of 8 bits whose sums do not saturate (saturation.h) */
    const c2s_bias_shift *correction; /* by node id; NULL: none */
    const c2s_ranges *means;  /* of inputs by channel: biases make up for what rounding takes from
                                 weights (rounding_shift.h); NULL: they do not */
    const c2s_ranges *ranges; /* on activations as these had them; NULL: on any */
} c2s_insert_options;

typedef struct c2s_insert_result {
    unsigned pairs;             /* of QuantizeLinear and DequantizeLinear */
    unsigned weights;           /* constants that are codes now, biases not counted */
    unsigned clipped, rescaled; /* weights and scales, for sums not to saturate */
    unsigned repaired; /* channels whose scale was enlarged for the bias to fit into int32 */
} c2s_insert_result;

/* Names are derived from those of the values ("x_scale", "x_quantized"). Imports the opset that
 * the codes need. The types of what is built are inferred. C2S_ERR_UNSUPPORTED: weights that
 * cannot be coded (NaN). After a failure the model is fit for destruction only. */
c2s_status c2s_insert_quantizers(c2s_model *model, const c2s_placement *placement,
                                 const c2s_insert_options *options, c2s_insert_result *result);

#endif
