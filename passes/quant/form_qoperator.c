/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: DequantizeLinear of all operands, an operator on floats, perhaps clamps that the codes
 *         make superfluous, QuantizeLinear
 * After:  one operator on codes: QLinearConv, QLinearMatMul, or those of com.microsoft
 * Refuses when an operand comes as floats, types do not go together, scales are computed or of a
 * shape that the operator does not know, a bias does not fit, or attributes have no counterpart.
 */
#include <math.h>

#include "passes/constants.h"
#include "passes/quant/code_flow.h"
#include "passes/quant/form_rules.h"
#include "passes/quant/qoperator.h"

static const c2s_pattern_row quantize[] = {{.op = &c2s_op_quantize_linear}};

/* ---- finding ---- */

/* The operator, clamps behind it, the QuantizeLinear. */
static bool find(c2s_node *root, c2s_match *m, bool contrib) {
    c2s_node *chain[C2S_PATTERN_ROWS], *node = c2s_form_maker(c2s_node_in(root, 0));
    unsigned count = 0;
    while (node && count + 2 < C2S_PATTERN_ROWS &&
           (node->op == &c2s_op_relu || node->op == &c2s_op_clip)) {
        chain[count++] = node;
        node = c2s_form_maker(c2s_node_in(node, 0));
    }
    const c2s_qoperator *q = node ? c2s_qoperator_for(node->op, contrib) : NULL;
    if (!q || !c2s_form_dequantizer(c2s_node_in(node, q->place[0])))
        return false;
    m->node[0] = node;
    for (unsigned i = 0; i < count; i++)
        m->node[i + 1] = chain[count - 1 - i];
    m->node[count + 1] = root;
    m->node_count = count + 2;
    return true;
}

static bool find_standard(c2s_node *root, c2s_match *m) {
    return find(root, m, false);
}

static bool find_ort(c2s_node *root, c2s_match *m) {
    return find(root, m, true);
}

/* ---- reasons against ---- */

static const char *refuse_operand(const c2s_qoperator *q, const c2s_node *node, unsigned k) {
    const c2s_value *value = c2s_node_in(node, k < q->operands ? q->place[k] : k);
    const c2s_node *dq = c2s_form_dequantizer(value);
    if (!dq)
        return "an operand comes as floats";
    if (!c2s_form_is_byte(c2s_code_dtype(dq)))
        return "an operand has codes of another type than int8 and uint8";
    if (c2s_code_is_plain(dq))
        return NULL;
    const c2s_tensor *scale = c2s_code_scale_of(dq);
    const c2s_value *zero = c2s_node_in(dq, 2);
    const int rank = value->type.rank, axis = c2s_qoperator_axis(node, k, rank);
    const int64_t along = c2s_attr_int(dq, "axis", 1);
    if (!scale || (zero && !zero->constant))
        return "a scale or zero point is computed";
    if (q->floats == &c2s_op_matmul && rank > 2)
        return "several matrices have scales per column"; /* ONNX Runtime 1.30 fails on these */
    if (!q->weight || k != 1 || axis < 0 || scale->type.rank != 1 ||
        (along < 0 ? along + rank : along) != axis || c2s_attr_int(dq, "block_size", 0))
        return "an operand has scales that the operator does not know";
    return NULL;
}

static const char *refuse_types(const c2s_qoperator *q, const c2s_node *node,
                                const c2s_node *root) {
    const c2s_dtype x = c2s_code_dtype(c2s_form_dequantizer(c2s_node_in(node, q->place[0]))),
                    y = c2s_code_dtype(root);
    if (x != y)
        return "operand and result have codes of different types";
    const unsigned count = c2s_qoperator_operands(q, node);
    for (unsigned k = 1; k < count; k++) {
        const c2s_value *value = c2s_node_in(node, k < q->operands ? q->place[k] : k);
        const c2s_dtype other = c2s_code_dtype(c2s_form_dequantizer(value));
        if (other != x && !(q->weight && x == C2S_UINT8))
            return "the operands have codes of different types";
    }
    return NULL;
}

static const char *refuse_attributes(const c2s_qoperator *q, const c2s_node *node) {
    c2s_ints dilations;
    if (q->floats == &c2s_op_gemm &&
        (c2s_attr_float(node, "alpha", 1) != 1 || c2s_attr_float(node, "beta", 1) != 1))
        return "its sums are scaled";
    if (q->floats == &c2s_op_average_pool && c2s_attr_has(node, "dilations")) {
        if (!c2s_attr_int_list(node, "dilations", &dilations))
            return "its windows have holes";
        for (unsigned i = 0; i < dilations.count; i++)
            if (dilations.at[i] != 1)
                return "its windows have holes";
    }
    return NULL;
}

/* The floats of a bias: constant, or int32 codes of a constant. */
static const c2s_value *bias_of(const c2s_node *node, const c2s_node **dq) {
    const c2s_value *bias = c2s_node_in(node, 2);
    *dq = bias && !bias->constant ? c2s_form_dequantizer(bias) : NULL;
    return bias;
}

static float bias_scale(const c2s_node *node, size_t channel) {
    const c2s_tensor *x = c2s_code_scale_of(c2s_form_dequantizer(c2s_node_in(node, 0))),
                     *w = c2s_code_scale_of(c2s_form_dequantizer(c2s_node_in(node, 1)));
    return (float)c2s_tensor_f64_at(x, 0) * (float)c2s_tensor_f64_at(w, channel % w->count);
}

/* Its int32 codes, rounded anew where they had another scale. False: one does not fit. */
static bool code_of_bias(const c2s_node *node, size_t i, int64_t *code) {
    const c2s_node *dq;
    const c2s_value *bias = bias_of(node, &dq);
    const float scale = bias_scale(node, i);
    double number = bias->constant ? c2s_tensor_f64_at(bias->constant, i) : 0;
    if (dq) {
        const c2s_tensor *codes = dq->inputs[0].value->constant, *from = c2s_code_scale_of(dq);
        const float own = (float)c2s_tensor_f64_at(from, i % from->count);
        c2s_tensor_i64_at(codes, i, code);
        if (fabsf(own - scale) <= 1e-6f * scale)
            return true;
        number = (double)*code * (double)own;
    }
    const double whole = rint(number / (double)scale);
    *code = fabs(whole) < 0x1p31 ? (int64_t)whole : 0;
    return fabs(whole) < 0x1p31;
}

static const char *refuse_bias(const c2s_qoperator *q, const c2s_node *node) {
    const c2s_node *dq;
    const c2s_value *bias = bias_of(node, &dq);
    if (!q->bias || !bias)
        return NULL;
    const c2s_tensor *content = dq ? dq->inputs[0].value->constant : bias->constant;
    const c2s_tensor *w = c2s_code_scale_of(c2s_form_dequantizer(c2s_node_in(node, 1)));
    if (!content || content->type.rank != 1 || (w->count > 1 && content->count != w->count))
        return "its bias is no constant vector of channels";
    if (dq &&
        (content->type.dtype != C2S_INT32 || c2s_code_zero_of(dq) != 0 || !c2s_code_scale_of(dq)))
        return "its bias is no int32 with the zero point 0";
    for (size_t i = 0; i < content->count; i++) {
        int64_t code;
        if (!code_of_bias(node, i, &code))
            return "its bias does not fit into 32 bits";
    }
    return NULL;
}

static const char *refuse(const c2s_match *m, bool contrib) {
    const c2s_node *node = m->node[0];
    const c2s_qoperator *q = c2s_qoperator_for(node->op, contrib);
    const unsigned count = c2s_qoperator_operands(q, node);
    const char *reason = NULL;
    if (count > (C2S_FORM_INPUTS - 2) / 3)
        return "it has too many operands";
    if (!c2s_code_is_plain(m->root) || !c2s_form_is_byte(c2s_code_dtype(m->root)))
        return "the result has several scales, computed ones, or codes that are not of 8 bits";
    for (unsigned k = 0; k < count && !reason; k++)
        reason = refuse_operand(q, node, k);
    if (!reason)
        reason = refuse_types(q, node, m->root);
    if (!reason)
        reason = refuse_attributes(q, node);
    if (!reason)
        reason = refuse_bias(q, node);
    for (unsigned i = 1; i + 1 < m->node_count && !reason; i++)
        if (!c2s_code_absorbs(m->node[i], m->root))
            reason = "a clamp in front of the codes does something";
    return reason;
}

static const char *refuse_standard(const c2s_match *m) {
    return refuse(m, false);
}

static const char *refuse_ort(const c2s_match *m) {
    return refuse(m, true);
}

/* ---- building ---- */

/* Zero points are always there, of the scales' shape: that is what runtimes take. */
static c2s_value *zero_of(c2s_builder *b, const c2s_node *codec) {
    c2s_value *zero = c2s_node_in(codec, 2);
    const c2s_tensor *scale = c2s_code_scale_of(codec);
    if (zero || scale->count == 1)
        return zero ? scale->count == 1 ? c2s_form_scalar(b, zero) : zero
                    : c2s_build_scalar(b, "zero_point", c2s_code_dtype(codec), 0);
    int64_t *none = c2s_zalloc(scale->count * sizeof *none);
    c2s_tensor *tensor = NULL;
    c2s_build_ok(b, c2s_tensor_from_i64(c2s_code_dtype(codec), scale->type.rank, scale->type.dim,
                                        none, &tensor));
    free(none);
    return c2s_build_constant(b, "zero_point", tensor);
}

static void put(c2s_builder *b, const c2s_node *codec, c2s_value **at) {
    at[0] = c2s_form_scalar(b, c2s_node_in(codec, 1));
    at[1] = zero_of(b, codec);
}

static c2s_value *bias_codes(c2s_builder *b, const c2s_node *node) {
    const c2s_node *dq;
    const c2s_value *bias = bias_of(node, &dq);
    const c2s_tensor *content = dq ? dq->inputs[0].value->constant : bias->constant;
    const int64_t count = (int64_t)content->count;
    int64_t *code = c2s_alloc_array(content->count, sizeof *code);
    bool same = dq != NULL;
    for (size_t i = 0; i < content->count; i++) {
        int64_t old = 0;
        code_of_bias(node, i, &code[i]);
        same = same && c2s_tensor_i64_at(content, i, &old) && old == code[i];
    }
    c2s_tensor *tensor = NULL;
    if (!same)
        c2s_build_ok(b, c2s_tensor_from_i64(C2S_INT32, 1, &count, code, &tensor));
    free(code);
    return same ? dq->inputs[0].value : c2s_build_constant(b, bias->name, tensor);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m, bool contrib) {
    const c2s_node *node = m->node[0];
    const c2s_qoperator *q = c2s_qoperator_for(node->op, contrib);
    const unsigned operands = c2s_qoperator_operands(q, node);
    c2s_value *in[C2S_FORM_INPUTS] = {0};
    unsigned count = q->result + 2u;
    if (q->condition)
        in[0] = c2s_node_in(node, 0);
    for (unsigned k = 0; k < operands; k++) {
        const unsigned slot = k < q->operands ? q->codes[k] : q->codes[0] + 3 * k;
        const c2s_node *dq =
            c2s_form_dequantizer(c2s_node_in(node, k < q->operands ? q->place[k] : k));
        in[slot] = dq->inputs[0].value;
        put(b, dq, &in[slot + 1]);
        count = slot + 3 > count ? slot + 3 : count;
    }
    put(b, m->root, &in[q->result]);
    if (q->bias && c2s_node_in(node, 2)) {
        in[q->bias - 1] = bias_codes(b, node);
        count = q->bias > count ? q->bias : count;
    }
    c2s_node *built = c2s_build_start(b, q->op->type, in, count);
    if (!built)
        return NULL;
    c2s_node_set_type(built, q->op->domain, q->op->type);
    c2s_qoperator_attributes(node, built);
    if (q->floats == &c2s_op_gemm)
        c2s_attr_remove(built, "beta");
    if (q->floats == &c2s_op_softmax) {
        c2s_attr_set_int(built, "axis", c2s_attr_int(node, "axis", -1));
        c2s_attr_set_int(built, "opset", 13);
    }
    built->name = node->name;
    if (contrib && q->op->domain[0] && c2s_model_opset(b->graph->model, q->op->domain) == 0)
        c2s_model_set_opset(b->graph->model, q->op->domain, 1);
    return c2s_build_finish(b, built);
}

static c2s_value *build_standard(c2s_builder *b, const c2s_match *m) {
    return build(b, m, false);
}

static c2s_value *build_ort(c2s_builder *b, const c2s_match *m) {
    return build(b, m, true);
}

const c2s_rule c2s_rule_qdq_qoperator = {
    .name = "qdq-qoperator",
    .summary = "Conv or MatMul between DequantizeLinear and QuantizeLinear -> QLinearConv, "
               "QLinearMatMul",
    C2S_ROWS(quantize),
    .find = find_standard,
    .refuse = refuse_standard,
    .build = build_standard};

const c2s_rule c2s_rule_qdq_qoperator_ort = {
    .name = "qdq-qoperator-ort",
    .summary = "operators between DequantizeLinear and QuantizeLinear -> QLinearConv, QGemm, "
               "QLinearAdd, ... of com.microsoft",
    C2S_ROWS(quantize),
    .find = find_ort,
    .refuse = refuse_ort,
    .build = build_ort};
