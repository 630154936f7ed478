/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: QLinearConv, QLinearMatMul, and those of com.microsoft
 * After:  DequantizeLinear of the operands, the operator on floats, QuantizeLinear
 * Refuses when channels are last, scales are of a shape that DequantizeLinear has not, or the
 * scales that a bias hangs on are computed.
 */
#include <stdio.h>
#include <string.h>

#include "passes/quant/form_rules.h"
#include "passes/quant/qoperator.h"

/* ---- reasons against ---- */

static bool is_single(const c2s_value *value) {
    size_t count;
    return !value || (c2s_type_is_static(&value->type) && c2s_type_elements(&value->type, &count) &&
                      count == 1);
}

/* The operator on floats is not there yet: what of its attributes counts is the same. */
static int axis_of(const c2s_qoperator *q, const c2s_node *node, unsigned k) {
    const c2s_value *codes = c2s_node_in(node, q->codes[k]);
    const c2s_node floats = {.op = q->floats, .attrs = node->attrs, .attr_count = node->attr_count};
    return q->weight ? c2s_qoperator_axis(&floats, k, codes->type.rank) : -1;
}

static const char *refuse_operand(const c2s_qoperator *q, const c2s_node *node, unsigned slot,
                                  unsigned k) {
    const c2s_value *codes = c2s_node_in(node, slot), *scale = c2s_node_in(node, slot + 1),
                    *zero = c2s_node_in(node, slot + 2);
    if (!codes || !scale)
        return "an operand has no scale";
    if (is_single(scale) && is_single(zero))
        return NULL;
    const int axis = k < C2S_QOPERANDS ? axis_of(q, node, k) : -1;
    if (scale->type.rank != 1 || axis < 0)
        return "DequantizeLinear has no scales of this shape";
    return c2s_form_zero_fits(scale, zero) ? NULL : "there are not as many zero points as scales";
}

static const char *refuse_bias(const c2s_qoperator *q, const c2s_node *node) {
    const c2s_value *bias = q->bias ? c2s_node_in(node, q->bias - 1u) : NULL;
    const c2s_value *scale = c2s_node_in(node, q->codes[1] + 1u);
    if (!bias)
        return NULL;
    if (!is_single(scale) &&
        (bias->type.rank < 1 || bias->type.dim[bias->type.rank - 1] != scale->type.dim[0]))
        return "its bias is no vector of channels";
    for (unsigned k = 0; k < 2; k++)
        if (!c2s_node_in(node, q->codes[k] + 1u)->constant)
            return "the scale of its bias is computed";
    return c2s_attr_float(node, "alpha", 1) == 1 ? NULL : "its sums are multiplied by alpha";
}

static const char *refuse(const c2s_match *m) {
    const c2s_node *node = m->root;
    const c2s_qoperator *q = c2s_qoperator_of(node->op);
    const unsigned count = c2s_qoperator_operands(q, node);
    const c2s_value *x = c2s_node_in(node, q->codes[0]);
    if (count == 0 || count > (C2S_FORM_INPUTS - 2) / 3)
        return "it has no operands, or too many";
    if (c2s_attr_int(node, "channels_last", 0))
        return "its channels are the last axis";
    if (q->floats == &c2s_op_softmax && c2s_attr_int(node, "opset", 13) < 13 && x &&
        c2s_attr_int(node, "axis", -1) != -1 && c2s_attr_int(node, "axis", -1) != x->type.rank - 1)
        return "it runs over several axes";
    for (unsigned k = 0; k < count; k++) {
        const unsigned slot = k < q->operands ? q->codes[k] : q->codes[0] + 3 * k;
        const char *reason = refuse_operand(q, node, slot, k);
        if (reason)
            return reason;
    }
    if (!q->float_result && !c2s_node_in(node, q->result))
        return "its result has no scale";
    return refuse_bias(q, node);
}

/* ---- building ---- */

/* Sums have the product of the scales, computed as float as runtimes do. */
static c2s_value *dequantize_bias(c2s_builder *b, const c2s_qoperator *q, const c2s_node *node) {
    c2s_value *bias = c2s_node_in(node, q->bias - 1u);
    const c2s_tensor *x = c2s_node_in(node, q->codes[0] + 1u)->constant,
                     *w = c2s_node_in(node, q->codes[1] + 1u)->constant;
    const size_t count = w->count;
    const int64_t dim = (int64_t)count;
    double *scale = c2s_alloc_array(count, sizeof *scale);
    for (size_t i = 0; i < count; i++)
        scale[i] = (double)((float)c2s_tensor_f64_at(x, 0) * (float)c2s_tensor_f64_at(w, i));
    c2s_tensor *tensor = NULL;
    c2s_build_ok(b, c2s_tensor_from_f64(C2S_FLOAT, count > 1, &dim, scale, &tensor));
    free(scale);
    if (!tensor)
        return NULL;
    return c2s_form_dequantize(b, bias, c2s_build_constant(b, "bias_scale", tensor), NULL,
                               bias->type.rank - 1);
}

/* An input since opset 18; before that the attribute, which was copied. */
static bool has_axes_input(const c2s_node *node) {
    return c2s_model_opset(node->graph->model, "") >= 18;
}

static c2s_value *axes_of(c2s_builder *b, const c2s_node *node) {
    size_t count;
    const int64_t *axes = c2s_attr_ints(node, "axes", &count);
    return count ? c2s_build_ints(b, "axes", axes, count) : NULL;
}

static c2s_value *compute(c2s_builder *b, const c2s_qoperator *q, const c2s_node *node) {
    c2s_value *in[C2S_FORM_INPUTS] = {0};
    unsigned count = c2s_qoperator_operands(q, node);
    for (unsigned k = 0; k < count; k++) {
        const unsigned slot = k < q->operands ? q->codes[k] : q->codes[0] + 3 * k;
        in[k < q->operands ? q->place[k] : k] = c2s_form_dequantize(
            b, c2s_node_in(node, slot), c2s_node_in(node, slot + 1), c2s_node_in(node, slot + 2),
            k < C2S_QOPERANDS ? axis_of(q, node, k) : -1);
    }
    if (q->condition) {
        in[0] = c2s_node_in(node, 0);
        count++;
    }
    if (q->bias && c2s_node_in(node, q->bias - 1u))
        in[count++] = dequantize_bias(b, q, node);
    const bool axes = q->floats == &c2s_op_reduce_mean && has_axes_input(node);
    if (axes)
        in[count++] = axes_of(b, node);
    c2s_node *floats = c2s_build_start(b, q->floats->type, in, count);
    if (!floats)
        return NULL;
    c2s_qoperator_attributes(node, floats);
    if (axes)
        c2s_attr_remove(floats, "axes");
    if (q->floats == &c2s_op_softmax)
        c2s_attr_set_int(floats, "axis", c2s_attr_int(node, "axis", -1));
    floats->name = node->name;
    return c2s_build_finish(b, floats);
}

/* Without a zero point the result has the type of the operand, and 0. */
static c2s_value *zero_of(c2s_builder *b, const c2s_qoperator *q, const c2s_node *node) {
    c2s_value *zero = c2s_node_in(node, q->result + 1u);
    return zero ? c2s_form_scalar(b, zero)
                : c2s_build_scalar(b, "zero_point", node->outputs[0]->type.dtype, 0);
}

static void name_quantizer(c2s_node *quantizer, const c2s_node *node) {
    char *text = c2s_alloc(strlen(node->name) + sizeof "_quantize");
    sprintf(text, "%s_quantize", node->name);
    if (*node->name)
        quantizer->name = c2s_name_intern(node->graph->model->names, text);
    free(text);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    const c2s_node *node = m->root;
    const c2s_qoperator *q = c2s_qoperator_of(node->op);
    c2s_value *y = compute(b, q, node);
    if (!c2s_node_in(node, q->result))
        return y;
    c2s_value *in[] = {y, c2s_form_scalar(b, c2s_node_in(node, q->result)), zero_of(b, q, node)};
    c2s_node *quantizer = c2s_build_start(b, "QuantizeLinear", in, 3);
    if (!quantizer)
        return NULL;
    name_quantizer(quantizer, node);
    return c2s_build_finish(b, quantizer);
}

static const c2s_pattern_row rows[] = {{.any_of = c2s_qoperators}};
const c2s_rule c2s_rule_qoperator_qdq = {
    .name = "qoperator-qdq",
    .summary = "QLinearConv, QLinearMatMul, QLinearAdd, ... -> the operator on floats between "
               "DequantizeLinear and QuantizeLinear",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
