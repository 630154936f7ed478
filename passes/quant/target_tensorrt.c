/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorRT, explicit quantization: symmetric scales on the inputs of products, none on their
 * results; of a residual sum one operand is quantized, so that convolution, sum and activation
 * fuse. Read from its documentation, not run.
 */
#include "passes/quant/target.h"

/* A matrix times a vector is bound by memory and faster in half precision. */
static const char *refuse_vector(const c2s_node *node) {
    const c2s_value *x = c2s_node_in(node, 0), *w = c2s_node_in(node, 1);
    for (unsigned k = 0; k < 2; k++) {
        const c2s_type *type = k ? (w ? &w->type : NULL) : x ? &x->type : NULL;
        const int axis = type ? type->rank - (k ? 1 : 2) : -1;
        if (axis >= 0 && type->rank >= 2 && type->dim[axis] == 1)
            return "a matrix times a vector is not computed on integers";
    }
    return node->op == &c2s_op_gemm ? c2s_target_refuse_scaled_gemm(node) : NULL;
}

static const c2s_target_row rows[] = {
    {.op = &c2s_op_conv, .way = C2S_WAY_COMPUTES},
    {.op = &c2s_op_conv_transpose, .way = C2S_WAY_COMPUTES, .weight_axis = C2S_TARGET_AXIS(0)},
    {.op = &c2s_op_gemm, .way = C2S_WAY_COMPUTES, .refuse = refuse_vector},
    {.op = &c2s_op_matmul, .way = C2S_WAY_COMPUTES, .refuse = refuse_vector},
    {.op = &c2s_op_add, .way = C2S_WAY_RESIDUAL},
    /* done with the sums in front of them */
    {.op = &c2s_op_clip, .way = C2S_WAY_FUSES},
    {.op = &c2s_op_leaky_relu, .way = C2S_WAY_FUSES},
    {.op = &c2s_op_relu, .way = C2S_WAY_FUSES},
    {.op = &c2s_op_sigmoid, .way = C2S_WAY_FUSES},
    {.op = &c2s_op_tanh, .way = C2S_WAY_FUSES},
    /* commute with QuantizeLinear */
    {.op = &c2s_op_flatten, .way = C2S_WAY_PASSES, .commutes = true},
    {.op = &c2s_op_max_pool, .way = C2S_WAY_PASSES, .commutes = true},
    {.op = &c2s_op_reshape, .way = C2S_WAY_PASSES, .commutes = true},
    {.op = &c2s_op_slice, .way = C2S_WAY_PASSES, .commutes = true},
    {.op = &c2s_op_squeeze, .way = C2S_WAY_PASSES, .commutes = true},
    {.op = &c2s_op_transpose, .way = C2S_WAY_PASSES, .commutes = true},
    {.op = &c2s_op_unsqueeze, .way = C2S_WAY_PASSES, .commutes = true},
    {0}};

const c2s_target c2s_target_tensorrt = {
    .name = "tensorrt",
    .summary = "TensorRT: symmetric, float biases, no scales on results",
    .rows = rows,
    .activations = C2S_DTYPE_BIT(C2S_INT8) | C2S_DTYPE_BIT(C2S_FLOAT8E4M3FN),
    .weights = C2S_DTYPE_BIT(C2S_INT8) | C2S_DTYPE_BIT(C2S_FLOAT8E4M3FN),
    .activation = C2S_INT8,
    .weight = C2S_INT8,
    .symmetric = true,
    .symmetric_weights = true,
    .float_bias = true,
    .costs = {.on_floats = {.product = 0.002f},
              .on_codes = {.product = 0.001f},
              .others = 1,
              .convert = 0.02f,
              .start = 200},
    .on_floats = 0.02f,
    .on_codes = 0.01f,
};
