/* SPDX-License-Identifier: Apache-2.0
 *
 * CausalConvWithState: a depthwise convolution over the present and past positions, which carries
 * the last k - 1 positions from call to call.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/macs.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum { X, WEIGHT, BIAS, PAST };

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

static c2s_status causal_conv_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 2));
    const c2s_type *x = c2s_infer_type(i, X), *w = c2s_infer_type(i, WEIGHT);
    i->out[0] = *x;
    if (i->out_count < 2)
        return C2S_OK;
    i->out[1] = c2s_type_tensor(x->dtype, -1, NULL);
    if (!c2s_type_is_tensor(x) || x->rank != 3)
        return C2S_OK;
    c2s_dim length = w->rank == 3 ? c2s_dim_sub(i->dims, w->dim[2], 1) : c2s_dim_fresh(i->dims);
    c2s_dim dim[3] = {x->dim[0], x->dim[1], length};
    if (c2s_dim_is_known(length) && length < 0)
        return c2s_fail(C2S_ERR_INVALID, "the weight has no kernel positions");
    i->out[1] = c2s_type_tensor(x->dtype, 3, dim);
    return C2S_OK;
}

static c2s_status check(const c2s_eval *e, bool *silu) {
    const c2s_type *x = &e->in[X]->type, *w = &e->in[WEIGHT]->type;
    const c2s_tensor *bias = input(e, BIAS), *past = input(e, PAST);
    if (x->rank != 3 || w->rank != 3 || w->dim[0] != x->dim[1] || w->dim[1] != 1 || w->dim[2] < 1)
        return c2s_fail(C2S_ERR_INVALID, "the input must be [batch, channels, length] and the "
                                         "weight [channels, 1, kernel]");
    if (bias && (int64_t)bias->count != x->dim[1])
        return c2s_fail(C2S_ERR_INVALID, "the bias has %zu elements, expected %" PRId64,
                        bias->count, x->dim[1]);
    if (past && (past->type.rank != 3 || past->type.dim[0] != x->dim[0] ||
                 past->type.dim[1] != x->dim[1] || past->type.dim[2] != w->dim[2] - 1))
        return c2s_fail(C2S_ERR_INVALID,
                        "the past state must be [%" PRId64 ", %" PRId64 ", %" PRId64 "]", x->dim[0],
                        x->dim[1], w->dim[2] - 1);
    const char *activation = c2s_attr_string(e->node, "activation", "none");
    *silu = strcmp(activation, "silu") == 0 || strcmp(activation, "swish") == 0;
    if (!*silu && strcmp(activation, "none") != 0)
        return c2s_fail(C2S_ERR_INVALID, "activation is \"%s\", expected none, silu or swish",
                        activation);
    return C2S_OK;
}

static c2s_status causal_conv_eval(c2s_eval *e) {
    bool silu;
    C2S_TRY(check(e, &silu));
    const c2s_type *x = &e->in[X]->type;
    int64_t channels = x->dim[1], length = x->dim[2], kernel = e->in[WEIGHT]->type.dim[2];
    size_t kept = (size_t)(kernel - 1);
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, e->in[X]);
    const double *weight = c2s_workspace_f64(&ws, e->in[WEIGHT]);
    const double *bias = c2s_workspace_f64(&ws, input(e, BIAS));
    const double *past = c2s_workspace_f64(&ws, input(e, PAST));
    double *y = e->out[0] ? c2s_workspace_out_f64(&ws, e->out[0])
                          : c2s_workspace_array(&ws, e->in[X]->count, sizeof *y);
    double *present = e->out_count > 1 ? c2s_workspace_out_f64(&ws, e->out[1]) : NULL;
    double *line = c2s_workspace_array(&ws, kept + (size_t)length, sizeof *line);
    for (int64_t p = 0; ws.status == C2S_OK && p < x->dim[0] * channels; p++) {
        if (past)
            memcpy(line, past + p * (kernel - 1), kept * sizeof *line);
        else
            memset(line, 0, kept * sizeof *line);
        memcpy(line + kept, from + p * length, (size_t)length * sizeof *line);
        double *to = y + p * length;
        for (int64_t t = 0; t < length; t++)
            to[t] = bias ? bias[p % channels] : 0.0;
        for (int64_t k = 0; k < kernel; k++)
            for (int64_t t = 0; t < length; t++)
                to[t] += weight[p % channels * kernel + k] * line[t + k];
        for (int64_t t = 0; silu && t < length; t++)
            to[t] /= 1.0 + exp(-to[t]);
        if (present)
            memcpy(present + p * (kernel - 1), line + length, kept * sizeof *line);
    }
    return c2s_workspace_end(&ws);
}

/* batch * channels * length * kernel. */
static int64_t causal_conv_macs(const c2s_node *node) {
    return c2s_macs_mul(c2s_macs_input(node, X, 0, -1), c2s_macs_input(node, WEIGHT, 2, 3));
}

static const c2s_attr_spec causal_conv_attrs[] = {{"activation", C2S_ATTR_STRING, false}, {0}};

const c2s_op c2s_op_causal_conv_with_state = {
    .type = "CausalConvWithState",
    .domain = "",
    .inputs = {2, 4},
    .outputs = {1, 2},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), 0, C2S_QUANT_NO_AXIS, 0),
    .attrs = causal_conv_attrs,
    .ties = c2s_ties_causal_conv,
    .infer = causal_conv_infer,
    .eval = causal_conv_eval,
    .macs = causal_conv_macs,
};
