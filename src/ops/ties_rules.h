/* SPDX-License-Identifier: Apache-2.0
 *
 * The ties and refits of operators (ops/ties.h), by family. Each file ties_TOPIC.c says which space
 * is what.
 */
#ifndef C2S_OPS_TIES_RULES_H
#define C2S_OPS_TIES_RULES_H

#include "ops/ties.h"

/* ---- ties_conv.c: batch, groups, output and input channels ---- */
void c2s_ties_conv(c2s_ties *t);      /* also with a summand behind the bias (FusedConv) */
void c2s_ties_nhwc_conv(c2s_ties *t); /* X, Y and the summand [batch, ..., channels] */
void c2s_ties_conv_transpose(c2s_ties *t);
void c2s_ties_conv_integer(c2s_ties *t);
void c2s_ties_qlinear_conv(c2s_ties *t);
void c2s_ties_deform_conv(c2s_ties *t);
void c2s_ties_causal_conv(c2s_ties *t);
c2s_status c2s_refit_conv(const c2s_refit *r);

/* ---- ties_pool.c: batch and channels of what works on spatial axes ---- */
void c2s_ties_pool(c2s_ties *t);        /* X, Y [batch, channels, ...] */
void c2s_ties_max_pool(c2s_ties *t);    /* with indices into the whole tensor */
void c2s_ties_nhwc_pool(c2s_ties *t);   /* [batch, ..., channels] */
void c2s_ties_pool_either(c2s_ties *t); /* attribute channels_last */
void c2s_ties_roi(c2s_ties *t);
void c2s_ties_grid_sample(c2s_ties *t);
void c2s_ties_col2im(c2s_ties *t);
void c2s_ties_resize(c2s_ties *t);
c2s_status c2s_refit_resize(const c2s_refit *r);

/* ---- ties_matmul.c: rows, columns, inner axis ---- */
void c2s_ties_matmul(c2s_ties *t);
void c2s_ties_matmul_integer(c2s_ties *t);
void c2s_ties_qlinear_matmul(c2s_ties *t);
void c2s_ties_fused_matmul(c2s_ties *t);
void c2s_ties_integer_to_float(c2s_ties *t);
void c2s_ties_dynamic_matmul(c2s_ties *t);
void c2s_ties_gemm(c2s_ties *t);
void c2s_ties_qgemm(c2s_ties *t);
void c2s_ties_matmul_nbits(c2s_ties *t);
c2s_status c2s_refit_matmul_nbits(const c2s_refit *r);
void c2s_ties_einsum(c2s_ties *t);

/* ---- ties_quant.c: scales per tensor, axis, block ---- */
void c2s_ties_quantize(c2s_ties *t); /* QuantizeLinear, DequantizeLinear */
void c2s_ties_dynamic_quantize(c2s_ties *t);
void c2s_ties_qlinear_unary(c2s_ties *t); /* x, scale, zero point, y's scale and zero point */
void c2s_ties_qlinear_binary(c2s_ties *t);
void c2s_ties_qlinear_where(c2s_ties *t);
void c2s_ties_mul_integer(c2s_ties *t); /* A, zero point, B, zero point */
void c2s_ties_qlinear_softmax(c2s_ties *t);

/* ---- ties_view.c: the same elements under another shape ---- */
void c2s_ties_view(c2s_ties *t);
void c2s_ties_reshape(c2s_ties *t);
c2s_status c2s_refit_reshape(const c2s_refit *r);
c2s_status c2s_refit_squeeze(const c2s_refit *r);

/* ---- ties_parts.c: axes that are cut, joined, extended ---- */
void c2s_ties_concat(c2s_ties *t);
void c2s_ties_qlinear_concat(c2s_ties *t);
void c2s_ties_split(c2s_ties *t);
c2s_status c2s_refit_split(const c2s_refit *r);
void c2s_ties_pad(c2s_ties *t);
c2s_status c2s_refit_pad(const c2s_refit *r);

/* ---- ties_slice.c ---- */
void c2s_ties_slice(c2s_ties *t);
c2s_status c2s_refit_slice(const c2s_refit *r);

/* ---- ties_move.c: elements that change places ---- */
void c2s_ties_transpose(c2s_ties *t);
void c2s_ties_expand(c2s_ties *t);
c2s_status c2s_refit_expand(const c2s_refit *r);
void c2s_ties_tile(c2s_ties *t);
void c2s_ties_depth_to_space(c2s_ties *t);
void c2s_ties_space_to_depth(c2s_ties *t);
void c2s_ties_trilu(c2s_ties *t); /* also Det: all axes but the last two */
void c2s_ties_reverse_sequence(c2s_ties *t);
void c2s_ties_center_crop_pad(c2s_ties *t);
void c2s_ties_shape(c2s_ties *t);

/* ---- ties_gather.c: elements chosen by indices ---- */
void c2s_ties_gather(c2s_ties *t);
void c2s_ties_gather_elements(c2s_ties *t);
void c2s_ties_gather_nd(c2s_ties *t);
void c2s_ties_scatter_elements(c2s_ties *t);
void c2s_ties_scatter_nd(c2s_ties *t);
void c2s_ties_tensor_scatter(c2s_ties *t);
void c2s_ties_gather_blocks(c2s_ties *t);
void c2s_ties_compress(c2s_ties *t);
void c2s_ties_one_hot(c2s_ties *t);

/* ---- ties_reduce.c: along some axes ---- */
void c2s_ties_reduce_sum(c2s_ties *t); /* zeros do not count: ReduceSum, L1, L2, ... */
void c2s_ties_reduce(c2s_ties *t);     /* they do: ReduceMean, Max, ... */
void c2s_ties_arg_reduce(c2s_ties *t);
void c2s_ties_top_k(c2s_ties *t);
void c2s_ties_softmax(c2s_ties *t);      /* results along `axis` (-1) depend on one another */
void c2s_ties_bias_softmax(c2s_ties *t); /* over all axes from `axis` (1) on */
void c2s_ties_cumulative(c2s_ties *t);
void c2s_ties_dft(c2s_ties *t);
void c2s_ties_first_input(c2s_ties *t); /* elementwise in input 0; the others say how */
void c2s_ties_batch(c2s_ties *t);       /* rows of input 0, of rank 2 at least, and of outputs */
void c2s_ties_all_batches(c2s_ties *t); /* rows of all inputs and outputs */
void c2s_ties_new_last(c2s_ties *t);    /* all axes of input 0; outputs have one more */
void c2s_ties_but_last(c2s_ties *t);    /* all axes of input 0 but the last */

/* ---- ties_norm.c ---- */
void c2s_ties_batch_norm(c2s_ties *t);
void c2s_ties_instance_norm(c2s_ties *t);
void c2s_ties_group_norm(c2s_ties *t);
c2s_status c2s_refit_group_norm(const c2s_refit *r);
void c2s_ties_ms_group_norm(c2s_ties *t);
c2s_status c2s_refit_ms_group_norm(const c2s_refit *r);
void c2s_ties_layer_norm(c2s_ties *t); /* from `axis` (-1) on, all inputs broadcast */
void c2s_ties_mean_variance_norm(c2s_ties *t);
void c2s_ties_lrn(c2s_ties *t);
void c2s_ties_embed_norm(c2s_ties *t);

/* ---- ties_rnn.c: batch, hidden units, input channels ---- */
void c2s_ties_rnn(c2s_ties *t);
c2s_status c2s_refit_rnn(const c2s_refit *r);

/* ---- ties_attention.c: batch, heads, channels of a head ---- */
void c2s_ties_attention(c2s_ties *t);
c2s_status c2s_refit_attention(const c2s_refit *r);
void c2s_ties_flex_attention(c2s_ties *t);
void c2s_ties_linear_attention(c2s_ties *t);
c2s_status c2s_refit_linear_attention(const c2s_refit *r);

/* ---- ties_ms_attention.c ---- */
void c2s_ties_multi_head(c2s_ties *t);
void c2s_ties_decoder_multi_head(c2s_ties *t);
c2s_status c2s_refit_multi_head(const c2s_refit *r);
void c2s_ties_group_query(c2s_ties *t);
c2s_status c2s_refit_group_query(const c2s_refit *r);
void c2s_ties_projected_attention(c2s_ties *t);
c2s_status c2s_refit_projected_attention(const c2s_refit *r);
void c2s_ties_qattention(c2s_ties *t);

/* ---- ties_rotary.c: heads and the pairs that are rotated ---- */
void c2s_ties_rotary(c2s_ties *t);
c2s_status c2s_refit_rotary(const c2s_refit *r);
void c2s_ties_ms_rotary(c2s_ties *t);

#endif
