/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: QuantizeLinear, then DequantizeLinear with the same scale and zero point
 * After:  the floats; where the codes begin at 0, and the floats may not, Relu, and where they end
 *         at 6, Clip: whoever quantized the model left that to the codes
 * Before: DequantizeLinear of a constant
 * After:  a constant of floats
 * Before: DequantizeLinear of codes that Reshape, MaxPool, Concat, ... have moved
 * After:  the floats are moved
 * Refuses when scales differ or are computed, and what a caller decides.
 */
#include <math.h>
#include <string.h>

#include "ops/quant_range.h"
#include "passes/constants.h"
#include "passes/quant/code_flow.h"
#include "passes/quant/code_scale.h"
#include "passes/quant/form_rules.h"

static const c2s_op *const quantizers[] = {&c2s_op_quantize_linear, &c2s_op_ms_quantize_linear,
                                           NULL};
static const c2s_op *const dequantizers[] = {&c2s_op_dequantize_linear,
                                             &c2s_op_ms_dequantize_linear, NULL};

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

static c2s_value *clamp(c2s_builder *b, const c2s_node *quantizer, c2s_value *x) {
    float low, high;
    const bool given = x->def == x->graph->entry; /* from outside, which nobody clamps */
    if (!begins_at_0(quantizer) || given || is_positive(x, DEPTH))
        return x;
    limits_of(quantizer, &low, &high);
    if (fabsf(high - 6) > 0.03f)
        return c2s_build(b, "Relu", &x, 1);
    c2s_value *in[] = {x, c2s_build_scalar(b, "zero", x->type.dtype, 0),
                       c2s_build_scalar(b, "six", x->type.dtype, 6)};
    return c2s_build(b, "Clip", in, 3);
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

static const char *refuse_pair(const c2s_match *m) {
    const c2s_node *q = m->node[0], *dq = m->root;
    if (q->inputs[0].value->type.dtype != dq->outputs[0]->type.dtype)
        return "the floats have other types in front and behind";
    if (!same_parameter(c2s_node_in(q, 1), c2s_node_in(dq, 1)) ||
        !same_parameter(c2s_node_in(q, 2), c2s_node_in(dq, 2)) ||
        c2s_attr_int(q, "axis", 1) != c2s_attr_int(dq, "axis", 1) ||
        c2s_attr_int(q, "block_size", 0) != c2s_attr_int(dq, "block_size", 0))
        return "scale or zero point differ in front and behind";
    return NULL;
}

static c2s_value *build_pair(c2s_builder *b, const c2s_match *m) {
    return clamp(b, m->node[0], m->value[C2S_LETTER_A]);
}

enum { X = C2S_LETTER_A, Y };
static const c2s_pattern_row pair_rows[] = {
    {.any_of = quantizers, .out = Y, .in = {X}},
    {.any_of = dequantizers, .in = {Y}},
};
const c2s_rule c2s_rule_pair_float = {
    .name = "pair-float",
    .summary = "QuantizeLinear and DequantizeLinear with the same parameters -> the floats, and a "
               "clamp that the codes stood for",
    C2S_ROWS(pair_rows),
    .shared = C2S_BIT(Y),
    .refuse = refuse_pair,
    .build = build_pair};

/* ---- constants ---- */

static const char *refuse_codes(const c2s_match *m) {
    for (unsigned k = 0; k < m->root->formal_count; k++)
        if (m->root->inputs[k].value && !m->root->inputs[k].value->constant)
            return k == 0 ? c2s_no_match : "its scale or zero point is computed";
    return NULL;
}

/* Without what quantizers append to it. */
static char *name_of(const char *codes) {
    static const char suffix[] = "_quantized";
    const size_t length = strlen(codes), tail = sizeof suffix - 1;
    const bool ends = length > tail && strcmp(codes + length - tail, suffix) == 0;
    const size_t kept = ends ? length - tail : length;
    char *name = c2s_alloc(kept + 1);
    memcpy(name, codes, kept);
    name[kept] = '\0';
    return name;
}

static c2s_value *build_constant(c2s_builder *b, const c2s_match *m) {
    const c2s_tensor *in[3] = {0};
    c2s_tensor *out = NULL;
    for (unsigned k = 0; k < m->root->formal_count && k < 3; k++)
        in[k] = m->root->inputs[k].value ? m->root->inputs[k].value->constant : NULL;
    if (!c2s_build_ok(b, c2s_node_eval(m->root, in, &out, NULL, 0)))
        return NULL;
    char *name = name_of(m->root->inputs[0].value->name);
    c2s_value *value = c2s_build_constant(b, name, out);
    free(name);
    return value;
}

static const c2s_pattern_row codes_rows[] = {{.any_of = dequantizers}};
const c2s_rule c2s_rule_codes_float = {.name = "codes-float",
                                       .summary =
                                           "DequantizeLinear of a constant -> a constant of floats",
                                       C2S_ROWS(codes_rows),
                                       .refuse = refuse_codes,
                                       .build = build_constant};

/* ---- movers ---- */

static bool find_mover(c2s_node *root, c2s_match *m) {
    const c2s_value *codes = c2s_node_in(root, 0);
    const c2s_node *mover = c2s_form_maker(codes);
    if (!mover || !c2s_form_moves(mover) || (codes->def_slot > 0 && mover->op == &c2s_op_max_pool))
        return false;
    m->node[0] = root;
    m->node_count = 1;
    return true;
}

static const char *refuse_moved(const c2s_match *m) {
    return c2s_code_is_plain(m->root) ? NULL : "there is a scale per channel, or it is computed";
}

static c2s_value *build_moved(c2s_builder *b, const c2s_match *m) {
    const c2s_node *dq = m->root;
    const c2s_value *codes = dq->inputs[0].value;
    const c2s_node *mover = codes->def;
    c2s_value *in[C2S_FORM_INPUTS] = {0};
    for (unsigned k = 0; k < mover->formal_count; k++)
        in[k] = mover->inputs[k].value && c2s_quant_has(mover->op->quant.operands, k)
                    ? c2s_form_dequantize(b, mover->inputs[k].value, c2s_node_in(dq, 1),
                                          c2s_node_in(dq, 2), -1)
                    : mover->inputs[k].value;
    c2s_node *built = c2s_build_like(b, mover, in, mover->formal_count);
    while (built && built->output_count < mover->output_count)
        c2s_node_add_output(built, codes->name);
    if (!c2s_build_finish(b, built))
        return NULL;
    return built->outputs[codes->def_slot];
}

const c2s_rule c2s_rule_codes_moved = {
    .name = "codes-moved",
    .summary = "operators that move codes, then DequantizeLinear -> they move the floats",
    C2S_ROWS(codes_rows),
    .find = find_mover,
    .refuse = refuse_moved,
    .build = build_moved};
