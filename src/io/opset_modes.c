/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of attributes that came later, changed their name, or are not needed for the result.
 */
#include <string.h>

#include "io/opset_rows.h"

static bool says(const c2s_node *node, const char *attr, const char *value) {
    return strcmp(c2s_attr_string(node, attr, ""), value) == 0;
}

static c2s_status refuse_value(const c2s_node *node, const char *attr, const char *value,
                               int since) {
    if (!says(node, attr, value))
        return C2S_OK;
    return c2s_fail(C2S_ERR_UNSUPPORTED, "%s is \"%s\", which came with opset %d", attr, value,
                    since);
}

/* ---- GridSample ---- */

c2s_status c2s_raise_grid_modes(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (says(node, "mode", "bilinear"))
        c2s_attr_set_string(node, "mode", "linear");
    else if (says(node, "mode", "bicubic"))
        c2s_attr_set_string(node, "mode", "cubic");
    return C2S_OK;
}

c2s_status c2s_lower_grid_modes(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_type *type = &node->inputs[0].value->type;
    if (!c2s_type_is_tensor(type) || type->rank != 4)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the data are not known to have rank 4, the only one before opset 20");
    if (says(node, "mode", "linear"))
        c2s_attr_set_string(node, "mode", "bilinear");
    else if (says(node, "mode", "cubic"))
        c2s_attr_set_string(node, "mode", "bicubic");
    return C2S_OK;
}

/* ---- values that came later ---- */

c2s_status c2s_lower_pad_wrap(c2s_raise *r, c2s_node *node) {
    (void)r;
    return refuse_value(node, "mode", "wrap", 19);
}

c2s_status c2s_lower_resize_symmetric(c2s_raise *r, c2s_node *node) {
    (void)r;
    return refuse_value(node, "coordinate_transformation_mode", "half_pixel_symmetric", 19);
}

c2s_status c2s_lower_scatter_extremes(c2s_raise *r, c2s_node *node) {
    (void)r;
    C2S_TRY(refuse_value(node, "reduction", "max", 18));
    return refuse_value(node, "reduction", "min", 18);
}

c2s_status c2s_lower_scatter_reduction(c2s_raise *r, c2s_node *node) {
    (void)r;
    const char *reduction = c2s_attr_string(node, "reduction", "none");
    if (strcmp(reduction, "none") != 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "reduction is \"%s\", which came with opset 16",
                        reduction);
    c2s_attr_remove(node, "reduction");
    return C2S_OK;
}

/* Before opset 16 the grid was not shifted by half a pixel. */
c2s_status c2s_lower_roi_align(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (!says(node, "coordinate_transformation_mode", "output_half_pixel"))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "coordinate_transformation_mode is half_pixel, and before opset 16 there "
                        "is only output_half_pixel");
    c2s_attr_remove(node, "coordinate_transformation_mode");
    return C2S_OK;
}

/* With ceil_mode a window may start in the padding behind the data. Since opset 22 there is no such
 * window; before, the formula of the extents has it, if not the runtimes. */
c2s_status c2s_lower_pool_ceil(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_type *in = &node->inputs[0].value->type;
    size_t count, stride_count, pad_count, dilation_count;
    const int64_t *kernel = c2s_attr_ints(node, "kernel_shape", &count),
                  *strides = c2s_attr_ints(node, "strides", &stride_count),
                  *pads = c2s_attr_ints(node, "pads", &pad_count),
                  *dilations = c2s_attr_ints(node, "dilations", &dilation_count);
    if (!c2s_attr_int(node, "ceil_mode", 0) || in->rank != (int)count + 2)
        return C2S_OK;
    for (size_t i = 0; i < count; i++) {
        const int64_t extent = in->dim[i + 2], stride = i < stride_count ? strides[i] : 1,
                      front = i < pad_count ? pads[i] : 0,
                      back = i + count < pad_count ? pads[i + count] : 0,
                      dilation = i < dilation_count ? dilations[i] : 1;
        if (!c2s_dim_is_known(extent) || stride < 1)
            continue;
        const int64_t room = extent + front + back - ((kernel[i] - 1) * dilation + 1);
        const int64_t last = room > 0 ? (room + stride - 1) / stride * stride : 0;
        if (last >= extent + front)
            return c2s_fail(C2S_ERR_UNSUPPORTED,
                            "a window along axis %zu would start in the padding, which only opset "
                            "22 leaves out",
                            i + 2);
    }
    return C2S_OK;
}

/* Saturation is for the 8-bit floats alone. */
c2s_status c2s_lower_cast_saturate(c2s_raise *r, c2s_node *node) {
    (void)r;
    const int64_t to = c2s_attr_int(node, "to", 0);
    const bool small = (to >= C2S_FLOAT8E4M3FN && to <= C2S_FLOAT8E5M2FNUZ) || to == C2S_FLOAT8E8M0;
    if (!small)
        c2s_attr_remove(node, "saturate");
    return C2S_OK;
}

/* ---- what may be said without changing the result ---- */

/* Where no extent of the shape is 0, it makes no difference what 0 means. */
c2s_status c2s_lower_reshape_zero(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_value *shape = c2s_node_in(node, 1);
    if (!c2s_attr_int(node, "allowzero", 0) || !shape || !shape->constant)
        return C2S_OK; /* the attribute decides */
    for (size_t i = 0; i < shape->constant->count; i++)
        if (c2s_tensor_f64_at(shape->constant, i) == 0)
            return C2S_OK;
    c2s_attr_remove(node, "allowzero");
    return C2S_OK;
}

/* Before opset 11 elements are always sorted, which an undefined order may be, too. */
c2s_status c2s_lower_topk_order(c2s_raise *r, c2s_node *node) {
    c2s_attr_remove(node, "sorted");
    return c2s_lower_axis(r, node);
}
