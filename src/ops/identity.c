/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity and Dropout.
 */

#include "ops/contents.h"
#include "ops/infer_tensor.h"
#include "ops/random_source.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static c2s_status identity_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 1));
    i->out[0] = *c2s_infer_type(i, 0);
    if (i->out[0].kind == C2S_KIND_TENSOR)
        c2s_contents_keep(i);
    return C2S_OK;
}

static c2s_status identity_eval(c2s_eval *e) {
    c2s_eval_set(e, 0, c2s_tensor_ref(e->in[0]));
    return C2S_OK;
}

const c2s_op c2s_op_identity = {
    .type = "Identity",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_ELEMENTWISE | C2S_OP_MOVES_DATA | C2S_OP_KEEPS_ORDER | C2S_OP_SIZES_OUTPUTS,
    .infer = identity_infer,
    .eval = identity_eval,
};

static c2s_status dropout_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, x->rank, x->dim));
    return c2s_infer_output(i, 1, C2S_BOOL, x->rank, x->dim);
}

/* Drops elements with probability `ratio` and scales the others by 1 / (1 - ratio). */
static c2s_status dropout_train(c2s_eval *e, double ratio, c2s_tensor *y, unsigned char *mask) {
    c2s_random random = c2s_random_of(e->node);
    const double scale = ratio < 1 ? 1 / (1 - ratio) : 0;
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, e->in[0]);
    double *to = c2s_workspace_out_f64(&ws, y);
    for (size_t k = 0; ws.status == C2S_OK && k < y->count; k++) {
        bool keep = c2s_random_uniform(&random) >= ratio;
        to[k] = keep ? from[k] * scale : 0;
        if (mask)
            mask[k] = keep;
    }
    return c2s_workspace_end(&ws);
}

static c2s_status dropout_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    const c2s_tensor *ratio_in = e->in_count > 1 ? e->in[1] : NULL;
    const c2s_tensor *mode = e->in_count > 2 ? e->in[2] : NULL;
    int64_t training = 0;
    if (mode && (mode->count != 1 || !c2s_tensor_i64_at(mode, 0, &training)))
        return c2s_fail(C2S_ERR_INVALID, "training_mode is not a single bool");
    if (ratio_in && ratio_in->count != 1)
        return c2s_fail(C2S_ERR_INVALID, "ratio has %zu elements, expected 1", ratio_in->count);
    double ratio = ratio_in ? c2s_tensor_f64_at(ratio_in, 0) : 0.5;
    if (training && !(ratio >= 0 && ratio <= 1))
        return c2s_fail(C2S_ERR_INVALID, "ratio is %g, expected 0 to 1", ratio);
    unsigned char *mask = NULL;
    if (c2s_eval_wants(e, 1)) {
        C2S_TRY(c2s_eval_new(e, 1, C2S_BOOL, x->type.rank, x->type.dim));
        mask = c2s_tensor_mutable(e->out[1]);
        for (size_t k = 0; k < x->count; k++)
            mask[k] = 1;
    }
    if (!training || ratio == 0) {
        c2s_eval_set(e, 0, c2s_tensor_ref(x));
        return C2S_OK;
    }
    if (!c2s_dtype_is_float(x->type.dtype))
        return c2s_fail(C2S_ERR_INVALID, "data is of type %s, expected floats",
                        c2s_dtype_name(x->type.dtype));
    C2S_TRY(c2s_eval_new(e, 0, x->type.dtype, x->type.rank, x->type.dim));
    return dropout_train(e, ratio, e->out[0], mask);
}

/* Only training drops anything. */
static bool dropout_is_random(const c2s_node *node) {
    const c2s_value *mode = c2s_node_in(node, 2);
    int64_t training;
    return mode &&
           !(mode->constant && c2s_tensor_i64_at(mode->constant, 0, &training) && training == 0);
}

static const c2s_attr_spec dropout_attrs[] = {{"seed", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_dropout = {
    .type = "Dropout",
    .domain = "",
    .inputs = {1, 3},
    .outputs = {1, 2},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_RANDOM | C2S_OP_SIZES_OUTPUTS,
    .attrs = dropout_attrs,
    .ties = c2s_ties_first_input,
    .infer = dropout_infer,
    .eval = dropout_eval,
    .is_random = dropout_is_random,
};
