/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: linear attention and what stands around it: LinearAttention and
 * CausalConvWithState in the form that ai.onnx has, LinearAttentionGate, GatedRMSNorm.
 */
#include <inttypes.h>

#include "ops/composite.h"
#include "ops/ties_rules.h"

/* ---- as ai.onnx has them ---- */

/* The operator of ai.onnx with the same inputs and attributes; others must be as it has them. */
static void forward(c2s_composite *c, const char *type, unsigned inputs, const char *const *names,
                    const int64_t *values, size_t count) {
    const c2s_node *written = c2s_composite_node(c);
    c2s_value *in[6];
    for (unsigned k = 0; k < inputs; k++)
        in[k] = c2s_composite_in(c, k);
    for (size_t k = 0; k < count; k++) {
        const int64_t given = c2s_attr_int(written, names[k], values[k]);
        if (given != values[k])
            c2s_composite_fail(c,
                               c2s_fail(C2S_ERR_UNSUPPORTED, "%s is %" PRId64 ", expected %" PRId64,
                                        names[k], given, values[k]));
    }
    c2s_node *node = c2s_composite_start(c, type, in, inputs, 2);
    c2s_composite_attributes(c, node);
    if (!c2s_composite_finish(c, node))
        return;
    c2s_composite_out(c, 0, node->outputs[0]);
    c2s_composite_out(c, 1, node->outputs[1]);
}

static void linear_attention(c2s_composite *c) {
    static const char *const names[] = {"state_window"};
    static const int64_t values[] = {0};
    forward(c, "LinearAttention", 6, names, values, 1);
}

static void causal_conv(c2s_composite *c) {
    static const char *const names[] = {"ndim", "dilation", "channels_last", "state_window"};
    static const int64_t values[] = {1, 1, 0, 0};
    forward(c, "CausalConvWithState", 4, names, values, 4);
}

static int64_t linear_attention_macs(const c2s_node *node) {
    return c2s_op_linear_attention.macs(node);
}

static int64_t causal_conv_macs(const c2s_node *node) {
    return c2s_op_causal_conv_with_state.macs(node);
}

static const c2s_attr_spec linear_attention_attrs[] = {
    {"chunk_size", C2S_ATTR_INT, false},
    {"kv_num_heads", C2S_ATTR_INT, true},
    {"q_num_heads", C2S_ATTR_INT, true},
    {"scale", C2S_ATTR_FLOAT, false},
    {"state_window", C2S_ATTR_INT, false},
    {"update_rule", C2S_ATTR_STRING, false},
    {0},
};
const c2s_op c2s_op_ms_linear_attention = {
    .type = "LinearAttention",
    .domain = "com.microsoft",
    .inputs = {3, 6},
    .outputs = {2, 2},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2), 1u),
    .attrs = linear_attention_attrs,
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(linear_attention),
    .macs = linear_attention_macs,
};

static const c2s_attr_spec causal_conv_attrs[] = {
    {"activation", C2S_ATTR_STRING, false}, {"channels_last", C2S_ATTR_INT, false},
    {"dilation", C2S_ATTR_INT, false},      {"ndim", C2S_ATTR_INT, false},
    {"state_window", C2S_ATTR_INT, false},  {0},
};
const c2s_op c2s_op_ms_causal_conv_with_state = {
    .type = "CausalConvWithState",
    .domain = "com.microsoft",
    .inputs = {2, 4},
    .outputs = {2, 2},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), 0, C2S_QUANT_NO_AXIS, 0),
    .attrs = causal_conv_attrs,
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(causal_conv),
    .macs = causal_conv_macs,
};

/* ---- LinearAttentionGate: scale * Softplus(a + bias), Sigmoid(b) ---- */

static void gate(c2s_composite *c) {
    c2s_value *a = c2s_composite_in(c, 0), *b = c2s_composite_in(c, 3);
    c2s_value *sum =
        C2S_APPLY(c, "Add", c2s_composite_cast(c, a, C2S_FLOAT), c2s_composite_in(c, 1));
    c2s_value *decay = C2S_APPLY(c, "Mul", C2S_APPLY(c, "Softplus", sum), c2s_composite_in(c, 2));
    c2s_composite_out(c, 0, c2s_composite_cast(c, decay, a->type.dtype));
    if (b)
        c2s_composite_out(c, 1, C2S_APPLY(c, "Sigmoid", b));
    else if (c2s_composite_wants(c, 1))
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID, "the output beta needs the input b"));
}

const c2s_op c2s_op_ms_linear_attention_gate = {
    .type = "LinearAttentionGate",
    .domain = "com.microsoft",
    .inputs = {3, 4},
    .outputs = {1, 2},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(gate),
};

/* ---- GatedRMSNorm: groups as long as the scale, times gate * Sigmoid(gate) ---- */

static void gated_norm(c2s_composite *c) {
    c2s_value *x = c2s_composite_in(c, 0), *scale = c2s_composite_in(c, 1);
    c2s_value *wide = c2s_composite_cast(c, x, C2S_FLOAT);
    c2s_value *gate = c2s_composite_cast(c, c2s_composite_in(c, 2), C2S_FLOAT);
    if (!c2s_composite_known(scale) || !c2s_composite_known(x))
        return;
    const int64_t front = -1;
    c2s_value *groups = C2S_APPLY(
        c, "Reshape", wide,
        c2s_composite_concat(
            c, (c2s_value *[]){c2s_composite_ints(c, &front, 1), c2s_composite_extent(c, scale, 0)},
            2, 0));
    c2s_node *norm =
        C2S_START(c, "RMSNormalization", groups, c2s_composite_cast(c, scale, C2S_FLOAT));
    if (norm)
        c2s_attr_set_float(norm, "epsilon",
                           c2s_attr_float(c2s_composite_node(c), "epsilon", 1e-5f));
    c2s_value *y = C2S_APPLY(c, "Reshape", c2s_composite_finish(c, norm), C2S_APPLY(c, "Shape", x));
    c2s_value *factor = C2S_APPLY(c, "Mul", gate, C2S_APPLY(c, "Sigmoid", gate));
    c2s_composite_out(c, 0, c2s_composite_cast(c, C2S_APPLY(c, "Mul", y, factor), x->type.dtype));
}

static const c2s_attr_spec gated_norm_attrs[] = {{"epsilon", C2S_ATTR_FLOAT, false}, {0}};
const c2s_op c2s_op_ms_gated_rms_norm = {
    .type = "GatedRMSNorm",
    .domain = "com.microsoft",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = gated_norm_attrs,
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(gated_norm),
};
