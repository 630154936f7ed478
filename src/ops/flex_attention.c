/* SPDX-License-Identifier: Apache-2.0
 *
 * FlexAttention: attention whose scores and probabilities pass through bodies of the model.
 */
#include <inttypes.h>
#include <math.h>

#include "ir/convert.h"
#include "ops/attention_core.h"
#include "ops/body.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"

enum { Q, K, V };

c2s_dtype c2s_flex_precision(const c2s_node *node, c2s_dtype dtype) {
    const int64_t wide = dtype == C2S_DOUBLE ? C2S_DOUBLE : C2S_FLOAT;
    const int64_t given = c2s_attr_int(node, "softmax_precision", wide);
    return given > 0 && given < C2S_DTYPE_COUNT ? (c2s_dtype)given : C2S_UNDEFINED;
}

static c2s_status infer_bodies(c2s_infer *i) {
    c2s_graph *body = c2s_node_body(i->node, 0);
    if (body)
        c2s_body_enter(body->owner);
    for (unsigned k = 0; (body = c2s_node_body(i->node, k)) != NULL; k++)
        C2S_TRY(c2s_graph_infer(body));
    return C2S_OK;
}

static c2s_status flex_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 3));
    if (!i->concrete)
        C2S_TRY(infer_bodies(i));
    const c2s_type *q = c2s_infer_type(i, Q), *v = c2s_infer_type(i, V);
    i->out[0] = c2s_type_tensor(v->dtype, -1, NULL);
    if (!c2s_type_is_tensor(q) || !c2s_type_is_tensor(v) || q->rank < 0 || v->rank < 0)
        return C2S_OK;
    if (q->rank != 4 || v->rank != 4)
        return c2s_fail(C2S_ERR_INVALID, "Q and V have ranks %d and %d, expected 4", q->rank,
                        v->rank);
    c2s_dim dim[4] = {q->dim[0], q->dim[1], q->dim[2], v->dim[3]};
    i->out[0] = c2s_type_tensor(v->dtype, 4, dim);
    return C2S_OK;
}

/* Sends [batch, heads, queries, keys] through a body (NULL: nothing to do) of the given type. */
static c2s_status modify(const c2s_eval *e, const char *attr, c2s_dtype dtype, const int64_t *dim,
                         double *values) {
    c2s_graph *body = c2s_attr_graph(e->node, attr);
    if (!body)
        return C2S_OK;
    if (!e->runner)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s cannot be run here", attr);
    if (c2s_graph_input_count(body) != 1 || c2s_graph_output_count(body) != 1)
        return c2s_fail(C2S_ERR_INVALID, "%s must have one input and one output", attr);
    c2s_tensor *in, *out = NULL;
    C2S_TRY(c2s_tensor_create(dtype, 4, dim, &in));
    if (in->count)
        c2s_store_f64(dtype, c2s_tensor_mutable(in), 0, in->count, values);
    const c2s_tensor *given = in;
    c2s_status status = e->runner->run(e->runner, body, &given, 1, &out, 1);
    if (status == C2S_OK && !c2s_type_equal(&out->type, &in->type))
        status = c2s_fail(C2S_ERR_INVALID, "%s changes the type or shape", attr);
    if (status == C2S_OK && in->count)
        c2s_load_f64(dtype, c2s_tensor_data(out), 0, out->count, values);
    else if (status != C2S_OK)
        c2s_note("%s", attr);
    c2s_tensor_unref(in);
    c2s_tensor_unref(out);
    return status;
}

static c2s_status flex_eval(c2s_eval *e) {
    c2s_heads q, k, v, y;
    C2S_TRY(c2s_heads_of(&e->in[Q]->type, 0, "Q", &q));
    C2S_TRY(c2s_heads_of(&e->in[K]->type, 0, "K", &k));
    C2S_TRY(c2s_heads_of(&e->in[V]->type, 0, "V", &v));
    C2S_TRY(c2s_attention_check(&q, &k, &v));
    c2s_dtype precision = c2s_flex_precision(e->node, e->in[Q]->type.dtype);
    if (precision != C2S_FLOAT && precision != C2S_DOUBLE && precision != C2S_FLOAT16 &&
        precision != C2S_BFLOAT16)
        return c2s_fail(C2S_ERR_INVALID, "softmax_precision is no float type");
    C2S_TRY(c2s_heads_of(&e->out[0]->type, 0, "the output", &y));
    double scale = c2s_attr_has(e->node, "scale") ? (double)c2s_attr_float(e->node, "scale", 0.0f)
                                                  : 1.0 / sqrt((double)q.width);
    int64_t dim[4] = {q.batch, q.heads, q.length, k.length};
    size_t rows = (size_t)(q.batch * q.heads * q.length);
    c2s_workspace ws = {0};
    const double *q_at = c2s_workspace_f64(&ws, e->in[Q]), *k_at = c2s_workspace_f64(&ws, e->in[K]);
    const double *v_at = c2s_workspace_f64(&ws, e->in[V]);
    double *turned = ws.status == C2S_OK ? c2s_attention_turn(&ws, &k, k_at) : NULL;
    double *scores = c2s_workspace_array(&ws, rows, (size_t)k.length * sizeof *scores);
    double *to = c2s_workspace_out_f64(&ws, e->out[0]);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    int64_t size = q.heads * q.length * k.length;
    for (int64_t b = 0; b < q.batch; b++)
        c2s_attention_scores(&q, q_at, &k, turned, b, scale, scores + b * size);
    ws.status = modify(e, "score_mod", precision, dim, scores);
    for (size_t r = 0; ws.status == C2S_OK && r < rows; r++)
        c2s_attention_softmax(scores + (int64_t)r * k.length, k.length);
    if (ws.status == C2S_OK)
        ws.status = modify(e, "prob_mod", precision, dim, scores);
    for (int64_t b = 0; ws.status == C2S_OK && b < q.batch; b++)
        c2s_attention_mix(&v, v_at, scores + b * size, b, &y, to);
    return c2s_workspace_end(&ws);
}

/* batch * query heads * queries * keys * (key width + value width); bodies count on their own. */
static int64_t flex_macs(const c2s_node *node) {
    int64_t queries = c2s_macs_input(node, Q, 0, -1), values = c2s_macs_output(node, 0, 0, -1), sum;
    return c2s_macs_mul(c2s_add_i64(queries, values, &sum) ? sum : INT64_MAX,
                        c2s_macs_input(node, K, 2, 3));
}

static const c2s_attr_spec flex_attrs[] = {
    {"prob_mod", C2S_ATTR_GRAPH, false},
    {"scale", C2S_ATTR_FLOAT, false},
    {"score_mod", C2S_ATTR_GRAPH, false},
    {"softmax_precision", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_flex_attention = {
    .type = "FlexAttention",
    .domain = "ai.onnx.preview",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2), 1u),
    .flags = C2S_OP_HAS_BODY,
    .attrs = flex_attrs,
    .ties = c2s_ties_flex_attention,
    .refit = c2s_refit_attention,
    .infer = flex_infer,
    .eval = flex_eval,
    .macs = flex_macs,
};
