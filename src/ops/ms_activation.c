/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: activations that ONNX Runtime's optimizers write.
 */
#include "ops/composite.h"

/* x + bias, or x if there is no bias. */
static c2s_value *biased(c2s_composite *c) {
    c2s_value *x = c2s_composite_in(c, 0), *bias = c2s_composite_in(c, 1);
    return bias ? C2S_APPLY(c, "Add", x, bias) : x;
}

static void gelu(c2s_composite *c) {
    c2s_composite_out(c, 0, C2S_APPLY(c, "Gelu", biased(c)));
}

static void fast_gelu(c2s_composite *c) {
    c2s_node *node = C2S_START(c, "Gelu", biased(c));
    if (node)
        c2s_attr_set_string(node, "approximate", "tanh");
    c2s_composite_out(c, 0, c2s_composite_finish(c, node));
}

/* x * sigmoid(alpha * x) */
static void quick_gelu(c2s_composite *c) {
    c2s_value *x = c2s_composite_in(c, 0);
    const double alpha = (double)c2s_attr_float(c2s_composite_node(c), "alpha", 1.702f);
    c2s_value *scaled = C2S_APPLY(c, "Mul", x, c2s_composite_scalar(c, x->type.dtype, alpha));
    c2s_composite_out(c, 0, C2S_APPLY(c, "Mul", x, C2S_APPLY(c, "Sigmoid", scaled)));
}

const c2s_op c2s_op_ms_gelu = {
    .type = "Gelu",
    .domain = "com.microsoft",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(OWN),
    .flags = C2S_OP_ELEMENTWISE,
    C2S_DEFINED_BY(gelu),
};

const c2s_op c2s_op_ms_bias_gelu = {
    .type = "BiasGelu",
    .domain = "com.microsoft",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_BINARY(OWN),
    .flags = C2S_OP_ELEMENTWISE,
    C2S_DEFINED_BY(gelu),
};

const c2s_op c2s_op_ms_fast_gelu = {
    .type = "FastGelu",
    .domain = "com.microsoft",
    .inputs = {1, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_BINARY(OWN),
    .flags = C2S_OP_ELEMENTWISE,
    C2S_DEFINED_BY(fast_gelu),
};

static const c2s_attr_spec quick_gelu_attrs[] = {{"alpha", C2S_ATTR_FLOAT, false}, {0}};
const c2s_op c2s_op_ms_quick_gelu = {
    .type = "QuickGelu",
    .domain = "com.microsoft",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(OWN),
    .flags = C2S_OP_ELEMENTWISE,
    .attrs = quick_gelu_attrs,
    C2S_DEFINED_BY(quick_gelu),
};
