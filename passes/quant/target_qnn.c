/* SPDX-License-Identifier: Apache-2.0
 *
 * QNN's HTP, through ONNX Runtime's provider: everything on integers, all operands and results.
 * Read from the provider's sources, not run.
 */
#include "passes/quant/target.h"

static const c2s_target_row rows[] = {
    {.op = &c2s_op_conv, .way = C2S_WAY_COMPUTES, .result = C2S_RESULT_CODES, .wide = true},
    {.op = &c2s_op_conv_transpose,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .wide = true},
    {.op = &c2s_op_gemm, .way = C2S_WAY_COMPUTES, .result = C2S_RESULT_CODES, .wide = true},
    {.op = &c2s_op_matmul,
     .way = C2S_WAY_COMPUTES,
     .result = C2S_RESULT_CODES,
     .wide = true,
     .whole_weight = true},
    {.op = &c2s_op_clip, .way = C2S_WAY_VANISHES, .wide = true},
    {.op = &c2s_op_relu, .way = C2S_WAY_VANISHES, .wide = true},
    {0}};

const c2s_target c2s_target_qnn = {
    .name = "qnn",
    .summary = "QNN HTP: every operator quantized, 8 or 16 bits",
    .rows = rows,
    .everything = true,
    .activations = C2S_DTYPE_BIT(C2S_UINT8) | C2S_DTYPE_BIT(C2S_UINT16),
    .weights = C2S_DTYPE_BIT(C2S_INT8) | C2S_DTYPE_BIT(C2S_UINT8),
    .activation = C2S_UINT8,
    .weight = C2S_INT8,
    .symmetric_weights = true,
    .lone_reader = true,
    .fixed_ranges = true,
    .contrib_16 = true,
    .least_range = 1e-4,
};
