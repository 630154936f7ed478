/* SPDX-License-Identifier: Apache-2.0 */
#include "io/raise_rows.h"

#include <string.h>

static bool is_linear(const c2s_node *node) {
    const char *mode = c2s_attr_string(node, "mode", "nearest");
    return strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0 ||
           strcmp(mode, "trilinear") == 0;
}

static c2s_status check_mode(const c2s_node *node) {
    const char *mode = c2s_attr_string(node, "mode", "nearest");
    if (is_linear(node) || strcmp(mode, "nearest") == 0)
        return C2S_OK;
    return c2s_fail(C2S_ERR_INVALID, "mode is \"%s\", expected \"nearest\" or \"linear\"", mode);
}

/* Before opset 11: output position p reads input position p / scale. */
static void set_old_rule(c2s_node *resize, bool linear, const char *nearest) {
    c2s_attr_set_string(resize, "coordinate_transformation_mode", "asymmetric");
    c2s_attr_set_string(resize, "mode", linear ? "linear" : "nearest");
    if (!linear)
        c2s_attr_set_string(resize, "nearest_mode", nearest);
}

static void become_resize(c2s_node *node, c2s_value *x, c2s_value *scales, const char *nearest) {
    bool linear = is_linear(node);
    c2s_raise_become(node, "Resize", (c2s_value *[]){x, NULL, scales}, 3);
    set_old_rule(node, linear, nearest);
}

static c2s_status upsample(c2s_raise *r, c2s_node *node, const float *values, size_t count) {
    C2S_TRY(check_mode(node));
    C2S_TRY(c2s_raise_need(node, 1));
    double wide[C2S_MAX_RANK];
    if (count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_INVALID, "%zu scales, expected at most %d", count, C2S_MAX_RANK);
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)values[i];
    c2s_tensor *scales;
    C2S_TRY(c2s_tensor_from_f64(C2S_FLOAT, 1, &(int64_t){(int64_t)count}, wide, &scales));
    become_resize(node, c2s_node_in(node, 0), c2s_raise_constant(r, node, "scales", scales),
                  "floor");
    return C2S_OK;
}

/* The experimental form: one scale for the height and one for the width of an image. */
c2s_status c2s_raise_upsample_attributes(c2s_raise *r, c2s_node *node) {
    if (!c2s_attr_has(node, "height_scale") && !c2s_attr_has(node, "width_scale"))
        return c2s_raise_upsample_scales(r, node);
    C2S_TRY(c2s_raise_no_references(node));
    float scales[] = {1, 1, c2s_attr_float(node, "height_scale", 1),
                      c2s_attr_float(node, "width_scale", 1)};
    return upsample(r, node, scales, 4);
}

c2s_status c2s_raise_upsample_scales(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    size_t count;
    const float *scales = c2s_attr_floats(node, "scales", &count);
    if (!scales)
        return c2s_fail(C2S_ERR_INVALID, "attribute \"scales\" is missing");
    return upsample(r, node, scales, count);
}

c2s_status c2s_raise_upsample_input(c2s_raise *r, c2s_node *node) {
    if (node->formal_count < 2 && c2s_attr_has(node, "scales"))
        return c2s_raise_upsample_scales(r, node);
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(check_mode(node));
    C2S_TRY(c2s_raise_need(node, 2));
    become_resize(node, c2s_node_in(node, 0), c2s_node_in(node, 1), "floor");
    return C2S_OK;
}

/* Which of the scales are known to be above or below 1. */
static void scale_range(const c2s_value *scales, bool *up, bool *down) {
    *up = *down = true;
    if (!scales->constant || scales->constant->type.kind != C2S_KIND_TENSOR)
        return;
    *up = *down = false;
    for (size_t i = 0; i < scales->constant->count; i++) {
        double scale = c2s_tensor_f64_at(scales->constant, i);
        *up = *up || scale > 1;
        *down = *down || scale < 1;
    }
}

/* Opset 10, nearest: where an axis grows the position is rounded down, where it shrinks it is
 * rounded up. Axes are independent, so where both can happen the growing axes go first, then the
 * shrinking ones. */
c2s_status c2s_raise_resize(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(check_mode(node));
    C2S_TRY(c2s_raise_need(node, 2));
    c2s_value *x = c2s_node_in(node, 0), *scales = c2s_node_in(node, 1);
    bool up, down;
    scale_range(scales, &up, &down);
    if (up && down && !is_linear(node)) {
        c2s_value *one;
        C2S_TRY(c2s_raise_scalar(r, node, "one", C2S_FLOAT, 1, &one));
        c2s_value *growing = c2s_raise_node(r, node, "Max", (c2s_value *[]){scales, one}, 2);
        x = c2s_raise_node(r, node, "Resize", (c2s_value *[]){x, NULL, growing}, 3);
        set_old_rule(x->def, false, "floor");
        scales = c2s_raise_node(r, node, "Min", (c2s_value *[]){scales, one}, 2);
    }
    become_resize(node, x, scales, down ? "ceil" : "floor");
    return C2S_OK;
}
