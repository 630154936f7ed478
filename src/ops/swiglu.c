/* SPDX-License-Identifier: Apache-2.0
 *
 * SwiGLU: a gate times a value, a * sigmoid(alpha * a) * b (Shazeer, arXiv:2002.05202).
 */
#include <math.h>

#include "ops/workspace.h"

static c2s_status swiglu_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 2));
    c2s_type type = *c2s_infer_type(i, 0);
    if (c2s_type_is_tensor(&type) && !c2s_type_merge(&type, c2s_infer_type(i, 1)))
        return c2s_fail(C2S_ERR_INVALID, "the two inputs differ in type or shape");
    i->out[0] = type;
    return C2S_OK;
}

static c2s_status swiglu_eval(c2s_eval *e) {
    double alpha = (double)c2s_attr_float(e->node, "alpha", 1.0f);
    if (e->in[0]->count != e->in[1]->count)
        return c2s_fail(C2S_ERR_INVALID, "the inputs have %zu and %zu elements", e->in[0]->count,
                        e->in[1]->count);
    c2s_workspace ws = {0};
    const double *a = c2s_workspace_f64(&ws, e->in[0]), *b = c2s_workspace_f64(&ws, e->in[1]);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    for (size_t i = 0; ws.status == C2S_OK && i < e->out[0]->count; i++)
        y[i] = a[i] / (1.0 + exp(-alpha * a[i])) * b[i];
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec swiglu_attrs[] = {{"alpha", C2S_ATTR_FLOAT, false}, {0}};

const c2s_op c2s_op_swiglu = {
    .type = "SwiGLU",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_BINARY(OWN),
    .flags = C2S_OP_ELEMENTWISE,
    .attrs = swiglu_attrs,
    .infer = swiglu_infer,
    .eval = swiglu_eval,
};
