/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of the normalisation table, by file. Each raises one old form of one operator; see
 * the table for the opsets.
 */
#ifndef C2S_IO_RAISE_ROWS_H
#define C2S_IO_RAISE_ROWS_H

#include "io/raise.h"

typedef c2s_status c2s_raise_function(c2s_raise *r, c2s_node *node);

/* normalise_inputs.c: attributes that became inputs */
c2s_raise_function c2s_raise_axes, c2s_raise_reduce_axes, c2s_raise_split_lengths,
    c2s_raise_split_input, c2s_raise_slice, c2s_raise_pad, c2s_raise_clip, c2s_raise_topk,
    c2s_raise_reshape, c2s_raise_tile;

/* normalise_broadcast.c: broadcasting by attribute */
c2s_raise_function c2s_raise_broadcast, c2s_raise_prelu, c2s_raise_gemm;

/* normalise_softmax.c: softmax over a matrix */
c2s_raise_function c2s_raise_softmax;

/* normalise_resize.c: what became Resize */
c2s_raise_function c2s_raise_upsample_attributes, c2s_raise_upsample_scales,
    c2s_raise_upsample_input, c2s_raise_resize;

/* normalise_inference.c: training switches */
c2s_raise_function c2s_raise_dropout_switch, c2s_raise_dropout_mask, c2s_raise_dropout_ratio,
    c2s_raise_batchnorm_switch, c2s_raise_batchnorm_spatial, c2s_raise_batchnorm_outputs;

/* normalise_attributes.c: attributes renamed, dropped, of another kind, with another default */
c2s_raise_function c2s_raise_cast, c2s_raise_concat, c2s_raise_selu, c2s_raise_lp_order,
    c2s_raise_rnn, c2s_raise_scatter, c2s_raise_roi_align, c2s_raise_dft, c2s_raise_mvn;

/* normalise_scan.c: Scan with a batch axis */
c2s_raise_function c2s_raise_scan;

/* normalise_experimental.c: operators that ONNX dropped with version 1.4 */
c2s_raise_function c2s_raise_affine, c2s_raise_constant_fill, c2s_raise_crop,
    c2s_raise_dynamic_slice, c2s_raise_given_tensor_fill, c2s_raise_image_scaler,
    c2s_raise_parametric_softplus, c2s_raise_scale, c2s_raise_scaled_tanh;

#endif
