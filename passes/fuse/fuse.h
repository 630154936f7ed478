/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the fuse pass, one topic per file; fuse.c lists them in the order of trial.
 */
#ifndef C2S_PASSES_FUSE_H
#define C2S_PASSES_FUSE_H

#include "rewrite/pattern.h"

extern const c2s_rule c2s_rule_linear_batch_norm, c2s_rule_linear_affine, c2s_rule_affine_linear,
    c2s_rule_matmul_add;
extern const c2s_rule c2s_rule_pad_conv, c2s_rule_pad_average_pool, c2s_rule_pad_max_pool;
extern const c2s_rule c2s_rule_transpose_gemm_a, c2s_rule_transpose_gemm_b,
    c2s_rule_transpose_matmul_a, c2s_rule_transpose_matmul_b;
extern const c2s_rule c2s_rule_transpose_transpose, c2s_rule_transpose_view,
    c2s_rule_transpose_reshape, c2s_rule_transpose_join;
extern const c2s_rule c2s_rule_reshape_reshape, c2s_rule_squeeze_squeeze,
    c2s_rule_unsqueeze_unsqueeze;
extern const c2s_rule c2s_rule_cast_cast;
extern const c2s_rule c2s_rule_clip_clip;
extern const c2s_rule c2s_rule_concat_concat;
extern const c2s_rule c2s_rule_slice_slice, c2s_rule_split_concat, c2s_rule_slice_of_concat,
    c2s_rule_gather_of_concat, c2s_rule_concat_of_slices, c2s_rule_slices_split,
    c2s_rule_split_one_part, c2s_rule_gather_part;
extern const c2s_rule c2s_rule_shape_of, c2s_rule_arg_softmax;
extern const c2s_rule c2s_rule_einsum, c2s_rule_merge_products;
extern const c2s_rule c2s_rule_affine_affine, c2s_rule_expand_broadcast, c2s_rule_reduce_squeeze,
    c2s_rule_scale_through;
extern const c2s_rule c2s_rule_where_not, c2s_rule_reciprocal_mul, c2s_rule_quotient_mul;
extern const c2s_rule c2s_rule_quantize_dequantized, c2s_rule_quantize_moved,
    c2s_rule_quantize_before_move, c2s_rule_dequantize_after_move, c2s_rule_quantize_clamped;
extern const c2s_rule c2s_rule_depth_space, c2s_rule_slices_to_depth, c2s_rule_slices_conv;
extern const c2s_rule c2s_rule_matmul_reshaped, c2s_rule_gemm_sum, c2s_rule_cast_filled,
    c2s_rule_scatter_all;

#endif
