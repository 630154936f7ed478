/* SPDX-License-Identifier: Apache-2.0
 *
 * ConvInteger and QLinearConv: convolutions of 8-bit integers, summed in 32 bits. Padding has the
 * value of the input's zero point, which is 0 once the zero point is subtracted.
 */
#include <math.h>

#include "ir/convert.h"
#include "ops/conv.h"
#include "ops/quant_range.h"
#include "ops/ties_rules.h"

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

static c2s_status check_scalar(const c2s_tensor *t, const char *what) {
    if (t && t->count != 1)
        return c2s_fail(C2S_ERR_INVALID, "the %s has %zu elements, expected 1", what, t->count);
    return C2S_OK;
}

static const c2s_attr_spec conv_attrs[] = {C2S_CONV_ATTRS, {0}};

/* Sums for every output position; the caller has checked the shapes. */
static void convolve(c2s_workspace *ws, const c2s_conv_shape *shape, const c2s_tensor *x,
                     const c2s_tensor *x_zero, const c2s_tensor *w, const c2s_tensor *w_zero,
                     const uint32_t *bias, uint32_t *sums) {
    size_t channels = (size_t)w->type.dim[0];
    const uint32_t *from = c2s_quant_less_zero(ws, x, x_zero, 1, 1, x->count);
    const uint32_t *weight =
        c2s_quant_less_zero(ws, w, w_zero, 1, channels, channels ? w->count / channels : 0);
    if (ws->status == C2S_OK)
        c2s_conv_u32(shape, from, weight, bias, sums);
}

/* ---- ConvInteger ---- */

static c2s_status conv_integer_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 2));
    return c2s_conv_infer(i, false, 0, 1, C2S_INT32);
}

static c2s_status conv_integer_eval(c2s_eval *e) {
    const c2s_tensor *x_zero = input(e, 2);
    c2s_conv_shape shape;
    C2S_TRY(c2s_conv_shape_of(e->node, false, &e->in[0]->type, &e->in[1]->type, &shape));
    C2S_TRY(check_scalar(x_zero, "zero point of the input"));
    c2s_workspace ws = {0};
    convolve(&ws, &shape, e->in[0], x_zero, e->in[1], input(e, 3), NULL,
             c2s_tensor_mutable(e->out[0]));
    return c2s_workspace_end(&ws);
}

static int64_t conv_integer_macs(const c2s_node *node) {
    return c2s_conv_macs(node, false, 0, 1);
}

const c2s_op c2s_op_conv_integer = {
    .type = "ConvInteger",
    .domain = "",
    .inputs = {2, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = conv_attrs,
    .ties = c2s_ties_conv_integer,
    .refit = c2s_refit_conv,
    .infer = conv_integer_infer,
    .eval = conv_integer_eval,
    .macs = conv_integer_macs,
};

/* ---- QLinearConv ---- */

enum { X, X_SCALE, X_ZERO, W, W_SCALE, W_ZERO, Y_SCALE, Y_ZERO, BIAS };

static c2s_status qlinear_conv_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 8));
    return c2s_conv_infer(i, false, X, W, c2s_infer_type(i, Y_ZERO)->dtype);
}

static c2s_status check_qlinear_conv(const c2s_eval *e, const c2s_conv_shape *shape) {
    C2S_TRY(c2s_quant_check(e->out[0]->type.dtype));
    C2S_TRY(check_scalar(e->in[X_SCALE], "scale of the input"));
    C2S_TRY(check_scalar(e->in[X_ZERO], "zero point of the input"));
    C2S_TRY(check_scalar(e->in[Y_SCALE], "scale of the output"));
    C2S_TRY(check_scalar(e->in[Y_ZERO], "zero point of the output"));
    size_t scales = e->in[W_SCALE]->count, channels = (size_t)(shape->groups * shape->out);
    if (scales != 1 && scales != channels)
        return c2s_fail(C2S_ERR_INVALID, "the weight's scale has %zu elements, expected 1 or %zu",
                        scales, channels);
    return c2s_conv_check_bias(shape, input(e, BIAS));
}

static c2s_status qlinear_conv_eval(c2s_eval *e) {
    c2s_conv_shape shape;
    C2S_TRY(c2s_conv_shape_of(e->node, false, &e->in[X]->type, &e->in[W]->type, &shape));
    C2S_TRY(check_qlinear_conv(e, &shape));
    c2s_tensor *y = e->out[0];
    c2s_workspace ws = {0};
    const float *x_scale = c2s_workspace_f32(&ws, e->in[X_SCALE]);
    const float *w_scale = c2s_workspace_f32(&ws, e->in[W_SCALE]);
    const float *y_scale = c2s_workspace_f32(&ws, e->in[Y_SCALE]);
    const float *y_zero = c2s_workspace_f32(&ws, e->in[Y_ZERO]);
    const c2s_tensor *bias = input(e, BIAS);
    const uint32_t *offset = bias ? c2s_quant_less_zero(&ws, bias, NULL, 1, 1, bias->count) : NULL;
    uint32_t *sums = c2s_workspace_array(&ws, y->count, sizeof *sums);
    float *out = c2s_workspace_out_f32(&ws, y);
    convolve(&ws, &shape, e->in[X], e->in[X_ZERO], e->in[W], e->in[W_ZERO], offset, sums);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    size_t plane = (size_t)c2s_window_out_size(&shape.window);
    size_t channels = (size_t)(shape.groups * shape.out), scales = e->in[W_SCALE]->count;
    for (size_t p = 0; plane > 0 && p < y->count / plane; p++) {
        float factor = *x_scale * w_scale[scales > 1 ? p % channels : 0] / *y_scale;
        for (size_t i = p * plane; i < (p + 1) * plane; i++)
            out[i] = rintf((float)(int32_t)sums[i] * factor) + *y_zero;
    }
    c2s_quant_saturate(y->type.dtype, out, y->count);
    return c2s_workspace_end(&ws);
}

static int64_t qlinear_conv_macs(const c2s_node *node) {
    return c2s_conv_macs(node, false, X, W);
}

const c2s_op c2s_op_qlinear_conv = {
    .type = "QLinearConv",
    .domain = "",
    .inputs = {8, 9},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = conv_attrs,
    .ties = c2s_ties_qlinear_conv,
    .refit = c2s_refit_conv,
    .infer = qlinear_conv_infer,
    .eval = qlinear_conv_eval,
    .macs = qlinear_conv_macs,
};
