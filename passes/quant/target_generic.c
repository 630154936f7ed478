/* SPDX-License-Identifier: Apache-2.0
 *
 * No runtime in particular: what most of them compute on integers, in the form that all of them
 * can read.
 */
#include "passes/quant/target.h"

static const c2s_target_row rows[] = {
    {.op = &c2s_op_conv, .way = C2S_WAY_COMPUTES, .wide = true},
    {.op = &c2s_op_conv_transpose, .way = C2S_WAY_COMPUTES, .wide = true},
    {.op = &c2s_op_gemm,
     .way = C2S_WAY_COMPUTES,
     .wide = true,
     .refuse = c2s_target_refuse_scaled_gemm},
    {.op = &c2s_op_matmul, .way = C2S_WAY_COMPUTES, .wide = true, .one_matrix = true},
    {.op = &c2s_op_add, .way = C2S_WAY_COMPUTES, .wide = true},
    {.op = &c2s_op_average_pool, .way = C2S_WAY_COMPUTES, .wide = true},
    {.op = &c2s_op_global_average_pool, .way = C2S_WAY_COMPUTES, .wide = true},
    {.op = &c2s_op_mul, .way = C2S_WAY_COMPUTES, .wide = true},
    {.op = &c2s_op_clip, .way = C2S_WAY_VANISHES, .wide = true},
    {.op = &c2s_op_relu, .way = C2S_WAY_VANISHES, .wide = true},
    {.op = &c2s_op_concat, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_flatten, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_max_pool, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_reshape, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_slice, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_split, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_squeeze, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_transpose, .way = C2S_WAY_PASSES, .wide = true},
    {.op = &c2s_op_unsqueeze, .way = C2S_WAY_PASSES, .wide = true},
    {0}};

const c2s_target c2s_target_generic = {
    .name = "generic",
    .summary = "no runtime in particular: sums of products and what surrounds them",
    .rows = rows,
    .saturates = true,
    .activations = C2S_DTYPE_BIT(C2S_UINT8) | C2S_DTYPE_BIT(C2S_INT8) | C2S_DTYPE_BIT(C2S_UINT16) |
                   C2S_DTYPE_BIT(C2S_INT16) | C2S_DTYPE_BIT(C2S_FLOAT8E4M3FN) |
                   C2S_DTYPE_BIT(C2S_FLOAT8E5M2),
    .weights = C2S_DTYPE_BIT(C2S_INT8) | C2S_DTYPE_BIT(C2S_UINT8) |
               C2S_DTYPE_BIT(C2S_FLOAT8E4M3FN) | C2S_DTYPE_BIT(C2S_FLOAT8E5M2),
    .activation = C2S_UINT8,
    .weight = C2S_INT8,
    .symmetric_weights = true,
    .mixes_widths = true,
    .costs = {.on_floats = {.product = 0.03f},
              .on_codes = {.product = 0.012f},
              .others = 1,
              .convert = 0.3f,
              .start = 500},
    .on_floats = 0.4f,
    .on_codes = 0.2f,
};
