/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/conv.h"

#include <inttypes.h>

#include "ops/macs.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static c2s_status read_group(const c2s_node *node, int64_t *group) {
    *group = c2s_attr_int(node, "group", 1);
    if (*group < 1)
        return c2s_fail(C2S_ERR_INVALID, "group is %" PRId64 ", expected at least 1", *group);
    return C2S_OK;
}

/* Channels as the weight has them; symbolic ones are taken as right. */
static c2s_status check_channels(c2s_dim x_channels, const c2s_type *w, int64_t group,
                                 bool transposed) {
    c2s_dim of_group = transposed ? w->dim[0] : w->dim[1];
    if (c2s_dim_is_known(w->dim[0]) && w->dim[0] % group != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "the weight's first extent %" PRId64 " is not a multiple of group %" PRId64,
                        w->dim[0], group);
    int64_t wanted = of_group;
    if (!c2s_dim_is_known(x_channels) || !c2s_dim_is_known(of_group))
        return C2S_OK;
    if (!transposed && !c2s_mul_i64(of_group, group, &wanted))
        wanted = -1;
    if (x_channels != wanted)
        return c2s_fail(C2S_ERR_INVALID,
                        "the input has %" PRId64 " channels, but the weight with "
                        "group %" PRId64 " expects %" PRId64,
                        x_channels, group, wanted);
    return C2S_OK;
}

c2s_status c2s_conv_infer(c2s_infer *i, bool transposed, unsigned x, unsigned w, c2s_dtype dtype) {
    const c2s_type *xt = c2s_infer_type(i, x), *wt = c2s_infer_type(i, w);
    i->out[0] = c2s_type_tensor(dtype, -1, NULL);
    if (!c2s_type_is_tensor(xt) || xt->rank < 0)
        return C2S_OK;
    if (xt->rank < 3)
        return c2s_fail(C2S_ERR_INVALID, "the input has rank %d, expected at least 3", xt->rank);
    bool weight_known = c2s_type_is_tensor(wt) && wt->rank >= 0;
    int64_t group;
    C2S_TRY(read_group(i->node, &group));
    c2s_dim dim[C2S_MAX_RANK] = {xt->dim[0]};
    if (weight_known) {
        if (wt->rank != xt->rank)
            return c2s_fail(C2S_ERR_INVALID, "the weight has rank %d, expected %d as the input",
                            wt->rank, xt->rank);
        C2S_TRY(check_channels(xt->dim[1], wt, group, transposed));
        dim[1] = transposed ? c2s_dim_mul(i->dims, wt->dim[1], group) : wt->dim[0];
    } else {
        dim[1] = c2s_dim_fresh(i->dims);
        if (!c2s_attr_has(i->node, "kernel_shape")) {
            for (int a = 2; a < xt->rank; a++)
                dim[a] = c2s_dim_fresh(i->dims);
            i->out[0] = c2s_type_tensor(dtype, xt->rank, dim);
            return C2S_OK;
        }
    }
    c2s_window window;
    C2S_TRY(c2s_window_read(i->node, transposed, xt->rank - 2, weight_known ? wt->dim + 2 : NULL,
                            &window));
    C2S_TRY(c2s_window_infer(i->dims, &window, xt->dim + 2, dim + 2));
    i->out[0] = c2s_type_tensor(dtype, xt->rank, dim);
    return C2S_OK;
}

c2s_status c2s_conv_shape_of(const c2s_node *node, bool transposed, const c2s_type *x,
                             const c2s_type *w, c2s_conv_shape *shape) {
    C2S_TRY(c2s_window_of(node, transposed, x, w, &shape->window));
    C2S_TRY(read_group(node, &shape->groups));
    C2S_TRY(check_channels(x->dim[1], w, shape->groups, transposed));
    shape->batch = x->dim[0];
    shape->in = x->dim[1] / shape->groups;
    shape->out = transposed ? w->dim[1] : w->dim[0] / shape->groups;
    return C2S_OK;
}

int64_t c2s_conv_macs(const c2s_node *node, bool transposed, unsigned x, unsigned w) {
    int64_t positions =
        transposed ? c2s_macs_input(node, x, 0, -1) : c2s_macs_output(node, 0, 0, -1);
    return c2s_macs_mul(positions, c2s_macs_input(node, w, 1, -1));
}

c2s_status c2s_conv_check_bias(const c2s_conv_shape *shape, const c2s_tensor *bias) {
    if (bias && (bias->type.rank != 1 || bias->type.dim[0] != shape->groups * shape->out))
        return c2s_fail(C2S_ERR_INVALID,
                        "the bias has %zu elements and rank %d, expected one for "
                        "each of %" PRId64 " output channels",
                        bias->count, bias->type.rank, shape->groups * shape->out);
    return C2S_OK;
}

/* ---- Conv, ConvTranspose ---- */

static c2s_status conv_infer_either(c2s_infer *i, bool transposed) {
    C2S_TRY(c2s_infer_need(i, 2));
    return c2s_conv_infer(i, transposed, 0, 1, c2s_infer_type(i, 0)->dtype);
}

static c2s_status conv_eval_either(c2s_eval *e, bool transposed) {
    const c2s_tensor *bias = e->in_count > 2 ? e->in[2] : NULL;
    c2s_conv_shape shape;
    C2S_TRY(c2s_conv_shape_of(e->node, transposed, &e->in[0]->type, &e->in[1]->type, &shape));
    C2S_TRY(c2s_conv_check_bias(&shape, bias));
    c2s_workspace ws = {0};
    if (e->in[0]->type.dtype == C2S_DOUBLE) {
        const double *x = c2s_workspace_f64(&ws, e->in[0]), *w = c2s_workspace_f64(&ws, e->in[1]);
        const double *b = c2s_workspace_f64(&ws, bias);
        double *y = c2s_workspace_out_f64(&ws, e->out[0]);
        if (ws.status == C2S_OK)
            c2s_conv_f64(&shape, x, w, b, y);
        return c2s_workspace_end(&ws);
    }
    const float *x = c2s_workspace_f32(&ws, e->in[0]), *w = c2s_workspace_f32(&ws, e->in[1]);
    const float *b = c2s_workspace_f32(&ws, bias);
    float *y = c2s_workspace_out_f32(&ws, e->out[0]);
    if (ws.status == C2S_OK)
        c2s_conv_f32(&shape, x, w, b, y);
    return c2s_workspace_end(&ws);
}

static c2s_status conv_infer(c2s_infer *i) {
    return conv_infer_either(i, false);
}

static c2s_status conv_eval(c2s_eval *e) {
    return conv_eval_either(e, false);
}

static int64_t conv_macs(const c2s_node *node) {
    return c2s_conv_macs(node, false, 0, 1);
}

static const c2s_attr_spec conv_attrs[] = {C2S_CONV_ATTRS, {0}};

const c2s_op c2s_op_conv = {
    .type = "Conv",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), 0, 1, 3),
    .attrs = conv_attrs,
    .ties = c2s_ties_conv,
    .refit = c2s_refit_conv,
    .infer = conv_infer,
    .eval = conv_eval,
    .macs = conv_macs,
};

static c2s_status conv_transpose_infer(c2s_infer *i) {
    return conv_infer_either(i, true);
}

static c2s_status conv_transpose_eval(c2s_eval *e) {
    return conv_eval_either(e, true);
}

static int64_t conv_transpose_macs(const c2s_node *node) {
    return c2s_conv_macs(node, true, 0, 1);
}

static const c2s_attr_spec conv_transpose_attrs[] = {
    C2S_CONV_ATTRS,
    {"output_padding", C2S_ATTR_INTS, false},
    {"output_shape", C2S_ATTR_INTS, false},
    {0},
};

const c2s_op c2s_op_conv_transpose = {
    .type = "ConvTranspose",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), 1, 0, 3),
    .attrs = conv_transpose_attrs,
    .ties = c2s_ties_conv_transpose,
    .refit = c2s_refit_conv,
    .infer = conv_transpose_infer,
    .eval = conv_transpose_eval,
    .macs = conv_transpose_macs,
};
