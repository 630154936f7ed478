/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/code_pair.h"

#include <math.h>

#include "ops/quant_range.h"
#include "passes/constants.h"
#include "passes/quant/code_flow.h"

/* ---- clamps that codes stand for ---- */

/* Of the codes of one scale: what they begin and end with. */
static void limits_of(const c2s_node *codec, float *low, float *high) {
    float least, most;
    const float scale = (float)c2s_tensor_f64_at(c2s_code_scale_of(codec), 0),
                zero = (float)c2s_code_zero_of(codec);
    c2s_quant_range(c2s_code_dtype(codec), &least, &most);
    *low = (least - zero) * scale;
    *high = (most - zero) * scale;
}

static bool begins_at_0(const c2s_node *codec) {
    float low, high;
    if (!c2s_code_is_plain(codec) || !c2s_dtype_is_integer(c2s_code_dtype(codec)))
        return false;
    limits_of(codec, &low, &high);
    return low == 0;
}

static bool is_positive_op(const c2s_op *op) {
    static const c2s_op *const ops[] = {&c2s_op_relu, &c2s_op_sigmoid,      &c2s_op_softmax,
                                        &c2s_op_exp,  &c2s_op_hard_sigmoid, &c2s_op_softplus,
                                        &c2s_op_sqrt, &c2s_op_abs};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (op == ops[i])
            return true;
    return false;
}

enum { DEPTH = 8 };

/* Known to be nowhere below 0. */
static bool is_positive(const c2s_value *value, unsigned depth) {
    double low;
    if (value->constant)
        return c2s_span_of(value->constant).low >= 0;
    if (!value->def || value->def == value->graph->entry)
        return false;
    const c2s_node *node = value->def;
    if (is_positive_op(node->op))
        return true;
    if (node->op == &c2s_op_clip)
        return c2s_node_in(node, 1) && c2s_constant_scalar(node->inputs[1].value, &low) && low >= 0;
    if (c2s_is_dequantizer(node))
        return begins_at_0(node);
    const c2s_quant_rule *rule = &node->op->quant;
    const bool keeps = rule->kind == C2S_QUANT_SAME || rule->kind == C2S_QUANT_WITHIN ||
                       rule->kind == C2S_QUANT_UNIFY;
    if ((!keeps && node->op != &c2s_op_add && node->op != &c2s_op_mul) || depth == 0)
        return false;
    for (unsigned k = 0; k < node->formal_count; k++)
        if (node->inputs[k].value && c2s_quant_has(rule->operands, k) &&
            !is_positive(node->inputs[k].value, depth - 1))
            return false;
    return true;
}

bool c2s_code_pair_clamps(const c2s_node *quantizer, float *high) {
    const c2s_value *x = quantizer->inputs[0].value;
    float low;
    const bool given = x->def == x->graph->entry; /* from outside, which nobody clamps */
    if (!begins_at_0(quantizer) || given || is_positive(x, DEPTH))
        return false;
    limits_of(quantizer, &low, high);
    *high = fabsf(*high - 6) > 0.03f ? INFINITY : 6;
    return true;
}

/* ---- pairs ---- */

static bool same_parameter(const c2s_value *a, const c2s_value *b) {
    if (a == b)
        return true;
    if (!a || !b)
        return c2s_constant_is_all(a ? a : b, 0); /* a zero point that is left out is 0 */
    return a->constant && b->constant && a->constant->count == 1 && b->constant->count == 1 &&
           c2s_tensor_f64_at(a->constant, 0) == c2s_tensor_f64_at(b->constant, 0);
}

const char *c2s_code_pair_refuse(const c2s_node *q, const c2s_node *dq) {
    if (q->inputs[0].value->type.dtype != dq->outputs[0]->type.dtype)
        return "the floats have other types in front and behind";
    if (!same_parameter(c2s_node_in(q, 1), c2s_node_in(dq, 1)) ||
        !same_parameter(c2s_node_in(q, 2), c2s_node_in(dq, 2)) ||
        c2s_attr_int(q, "axis", 1) != c2s_attr_int(dq, "axis", 1) ||
        c2s_attr_int(q, "block_size", 0) != c2s_attr_int(dq, "block_size", 0))
        return "scale or zero point differ in front and behind";
    return NULL;
}
