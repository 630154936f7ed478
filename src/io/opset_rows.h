/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of the table of opset changes, and its functions by file. A function brings one node
 * across one change; it keeps the node, as the last one of what it becomes, and builds what else is
 * needed before or behind it with the means of raise.h, in forms of the opset that the conversion
 * started from: they are converted in their turn. Nodes that a pass wrote in the other form already
 * stay as they are.
 */
#ifndef C2S_IO_OPSET_ROWS_H
#define C2S_IO_OPSET_ROWS_H

#include "io/raise_rows.h"

typedef struct c2s_opset_row {
    const char *type; /* of ai.onnx */
    int since;        /* the opset that brought the newer form */
    /* To that opset from the one before, and back; NULL: nothing to do. */
    c2s_raise_function *raise, *lower;
    const char *name;
} c2s_opset_row;

/* Sorted by type, then opset. */
const c2s_opset_row *c2s_opset_rows(size_t *count);

/* The element type of an input; C2S_ERR_UNSUPPORTED if it is not known. */
c2s_status c2s_opset_dtype(const c2s_node *node, unsigned slot, c2s_dtype *dtype);
/* `value` as another element type; itself if it is known to have it. */
c2s_value *c2s_opset_cast(c2s_raise *r, c2s_node *before, c2s_value *value, c2s_dtype dtype);

/* opset_inputs.c: inputs that were attributes */
c2s_raise_function c2s_lower_axes, c2s_lower_reduce_axes, c2s_lower_split_lengths, c2s_lower_slice,
    c2s_lower_pad, c2s_lower_pad_axes, c2s_lower_clip, c2s_lower_topk, c2s_lower_dropout_inputs,
    c2s_lower_dft, c2s_raise_dft_axis, c2s_raise_split_count, c2s_lower_split_count;

/* opset_axes.c: axes counted from the last one, softmax along an inner axis */
c2s_raise_function c2s_lower_axis, c2s_lower_axes_list, c2s_lower_slice_axes, c2s_lower_scan_axes,
    c2s_lower_softmax;

/* opset_modes.c: values of attributes that came later or changed their name */
c2s_raise_function c2s_raise_grid_modes, c2s_lower_grid_modes, c2s_lower_pad_wrap,
    c2s_lower_resize_symmetric, c2s_lower_scatter_extremes, c2s_lower_scatter_reduction,
    c2s_lower_roi_align, c2s_lower_reshape_zero, c2s_lower_topk_order, c2s_lower_pool_ceil,
    c2s_lower_cast_saturate;

/* opset_operands.c: operands that came later, broadcasting, element types */
c2s_raise_function c2s_lower_gemm, c2s_lower_one_hot, c2s_lower_broadcast, c2s_lower_sum,
    c2s_lower_mean, c2s_lower_shape, c2s_lower_constant, c2s_lower_constant_type,
    c2s_lower_scatter_elements, c2s_lower_optional_test, c2s_lower_optional_element;

/* opset_resize.c */
c2s_raise_function c2s_lower_resize_axes, c2s_lower_resize_operands, c2s_lower_resize_rule,
    c2s_lower_resize_upsample, c2s_lower_upsample_scales;

/* normalise_inference.c */
c2s_raise_function c2s_lower_dropout_mask;

/* opset_quantize.c */
c2s_raise_function c2s_lower_quantize_precision, c2s_lower_quantize_output, c2s_lower_quantize_axis,
    c2s_lower_dequantize_output;

/* opset_norm.c: normalisations as what they are made of */
c2s_raise_function c2s_raise_group_norm, c2s_lower_group_norm, c2s_lower_layer_norm,
    c2s_lower_rms_norm, c2s_lower_mvn;

/* opset_define.c: elementwise operators as what they are made of */
c2s_raise_function c2s_lower_gelu, c2s_lower_hard_swish, c2s_lower_mish, c2s_lower_swish,
    c2s_lower_swiglu, c2s_lower_celu, c2s_lower_celu_type, c2s_lower_or_equal, c2s_lower_cast_like;

#endif
