/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX Runtime's CPU provider. Each row was confirmed with version 1.30: what its optimizer makes
 * of the operator between DequantizeLinear and QuantizeLinear.
 */
#include "passes/quant/target.h"

static const char *refuse_gemm(const c2s_node *node) {
    return c2s_attr_int(node, "transA", 0) ? "transA is set" : c2s_target_refuse_scaled_gemm(node);
}

static const c2s_target_row rows[] = {
    /* QLinearConv, QGemm, QLinearMatMul or MatMulIntegerToFloat */
    {.op = &c2s_op_conv, .way = C2S_WAY_COMPUTES, .result = C2S_RESULT_CODES},
    {.op = &c2s_op_gemm, .way = C2S_WAY_COMPUTES, .refuse = refuse_gemm},
    {.op = &c2s_op_matmul, .way = C2S_WAY_COMPUTES},
    /* QLinearAdd, ... */
    {.op = &c2s_op_add,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.29f,
     .on_codes = 0.36f},
    {.op = &c2s_op_average_pool,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.4f,
     .on_codes = 6.5f},
    {.op = &c2s_op_concat,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.3f,
     .on_codes = 0.3f},
    {.op = &c2s_op_global_average_pool,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.3f,
     .on_codes = 0.3f},
    {.op = &c2s_op_leaky_relu,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.3f,
     .on_codes = 0.5f},
    {.op = &c2s_op_mul,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.28f,
     .on_codes = 0.46f},
    {.op = &c2s_op_sigmoid,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.5f,
     .on_codes = 0.5f},
    {.op = &c2s_op_softmax,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.9f,
     .on_codes = 3.4f},
    {.op = &c2s_op_where,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .on_floats = 0.4f,
     .on_codes = 0.5f},
    /* QuantizeLinear and DequantizeLinear around them are dropped */
    {.op = &c2s_op_depth_to_space, .way = C2S_WAY_PASSES},
    {.op = &c2s_op_expand, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_flatten, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_gather, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_gather_elements, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_max_pool,
     .way = C2S_WAY_PASSES,
     .opset = 12,
     .on_floats = 0.4f,
     .on_codes = 0.4f},
    {.op = &c2s_op_reduce_max, .way = C2S_WAY_PASSES},
    {.op = &c2s_op_reduce_min, .way = C2S_WAY_PASSES},
    {.op = &c2s_op_reshape, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_resize, .way = C2S_WAY_PASSES, .refuse = c2s_target_refuse_interpolation},
    {.op = &c2s_op_slice, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_split, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_squeeze, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_tile, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_transpose,
     .way = C2S_WAY_PASSES,
     .wide = true,
     .on_floats = 0.2f,
     .on_codes = 0.35f},
    {.op = &c2s_op_unsqueeze, .way = C2S_WAY_PASSES, .wide = true},
    /* dropped before a QuantizeLinear that saturates there */
    {.op = &c2s_op_clip, .way = C2S_WAY_VANISHES},
    {.op = &c2s_op_relu, .way = C2S_WAY_VANISHES},
    {0}};

const c2s_target c2s_target_ort_cpu = {
    .name = "ort-cpu",
    .summary = "ONNX Runtime on CPUs: unsigned activations, signed weights, QLinear operators",
    .rows = rows,
    .saturates = true,
    .activations = C2S_DTYPE_BIT(C2S_UINT8) | C2S_DTYPE_BIT(C2S_INT8),
    .weights = C2S_DTYPE_BIT(C2S_INT8) | C2S_DTYPE_BIT(C2S_UINT8),
    .activation = C2S_UINT8,
    .weight = C2S_INT8,
    .symmetric_weights = true,
    /* Measured on an AVX2 processor without VNNI, where integers gain least. Converting includes
     * the Transpose that a convolution on codes needs where its layout ends. */
    .sums_on_floats =
        {.product = 0.022f, .window = 1.8f, .single = 0.03f, .result = 0.1f, .weight = 0.1f},
    .sums_on_codes =
        {.product = 0.0102f, .window = 2.6f, .single = 0.08f, .result = 0.25f, .weight = 0.02f},
    .on_floats = 0.2f,
    .on_codes = 0.2f,
    .convert = 0.7f,
    .start = 2500,
    .margin = 0.05f,
};
