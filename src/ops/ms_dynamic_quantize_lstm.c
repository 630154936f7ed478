/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: DynamicQuantizeLSTM, as LSTM with the weights as numbers and the input rounded as
 * its quantization does. The hidden states, which ONNX Runtime quantizes at every step as well,
 * stay as they are: results differ by what 8 bits cost.
 */
#include "ops/composite.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"

enum { X, W, R, B, LENGTHS, H, C, P, W_SCALE, W_ZERO, R_SCALE, R_ZERO };

/* [directions, inputs, 4 * hidden] with a scale per direction or column, as LSTM wants it. */
static c2s_value *weights(c2s_composite *c, unsigned at, unsigned scale_at) {
    const int64_t shape[3] = {0, 1, -1}, order[3] = {0, 2, 1};
    c2s_value *scale = c2s_composite_in(c, scale_at), *zero = c2s_composite_in(c, scale_at + 1);
    c2s_value *w = c2s_composite_cast(c, c2s_composite_in(c, at), C2S_FLOAT);
    zero = c2s_composite_reshape(c, c2s_composite_cast(c, zero, C2S_FLOAT), shape, 3);
    w = C2S_APPLY(c, "Sub", w, zero);
    w = C2S_APPLY(c, "Mul", w, c2s_composite_reshape(c, scale, shape, 3));
    return c2s_composite_transpose(c, w, order, 3);
}

static void dynamic_lstm(c2s_composite *c) {
    c2s_node *codes =
        c2s_composite_start(c, "DynamicQuantizeLinear", C2S_OPERANDS(c2s_composite_in(c, X)), 3);
    if (!c2s_composite_finish(c, codes))
        return;
    c2s_value *x =
        C2S_APPLY(c, "DequantizeLinear", codes->outputs[0], codes->outputs[1], codes->outputs[2]);
    c2s_node *node = c2s_composite_start(
        c, "LSTM",
        C2S_OPERANDS(x, weights(c, W, W_SCALE), weights(c, R, R_SCALE), c2s_composite_in(c, B),
                     c2s_composite_in(c, LENGTHS), c2s_composite_in(c, H), c2s_composite_in(c, C),
                     c2s_composite_in(c, P)),
        3);
    c2s_composite_attributes(c, node);
    if (c2s_composite_finish(c, node))
        for (unsigned k = 0; k < 3; k++)
            c2s_composite_out(c, k, node->outputs[k]);
}

/* length * batch * both weights */
static int64_t macs(const c2s_node *node) {
    int64_t sum;
    if (!c2s_add_i64(c2s_macs_input(node, W, 0, -1), c2s_macs_input(node, R, 0, -1), &sum))
        sum = INT64_MAX;
    return c2s_macs_mul(c2s_macs_input(node, X, 0, 2), sum);
}

static const c2s_attr_spec attrs[] = {
    {"activation_alpha", C2S_ATTR_FLOATS, false}, {"activation_beta", C2S_ATTR_FLOATS, false},
    {"activations", C2S_ATTR_STRINGS, false},     {"clip", C2S_ATTR_FLOAT, false},
    {"direction", C2S_ATTR_STRING, false},        {"hidden_size", C2S_ATTR_INT, false},
    {"input_forget", C2S_ATTR_INT, false},        {0}};
const c2s_op c2s_op_ms_dynamic_quantize_lstm = {
    .type = "DynamicQuantizeLSTM",
    .domain = "com.microsoft",
    .inputs = {1, 12}, /* bias, lengths, states and peepholes may be left out */
    .outputs = {0, 3},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = attrs,
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(dynamic_lstm),
    .macs = macs,
};
