/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: DequantizeLinear of all operands, an operator that moves elements (Concat and MaxPool,
 *         too), QuantizeLinear with the same parameters
 * After:  it moves the codes
 * Refuses when an operand comes as floats, or scale, zero point or type differ.
 */
#include "passes/quant/code_flow.h"
#include "passes/quant/form_rules.h"

static const c2s_pattern_row quantize[] = {{.op = &c2s_op_quantize_linear}};

static bool find_mover(c2s_node *root, c2s_match *m) {
    c2s_node *node = c2s_form_maker(c2s_node_in(root, 0));
    if (!node || node->output_count != 1 || !c2s_form_moves(node) ||
        !c2s_form_dequantizer(c2s_node_in(node, 0)))
        return false;
    m->node[0] = node;
    m->node[1] = root;
    m->node_count = 2;
    return true;
}

static const char *refuse_mover(const c2s_match *m) {
    const c2s_node *node = m->node[0];
    for (unsigned k = 0; k < node->formal_count; k++) {
        if (!node->inputs[k].value || !c2s_quant_has(node->op->quant.operands, k))
            continue;
        const c2s_node *dq = c2s_form_dequantizer(node->inputs[k].value);
        if (!dq)
            return "an operand comes as floats";
        if (!c2s_form_is_byte(c2s_code_dtype(dq)))
            return "an operand has codes of another type than int8 and uint8";
        if (!c2s_code_same_scale(dq, m->root))
            return "scale, zero point or type differ";
    }
    return NULL;
}

static c2s_value *build_mover(c2s_builder *b, const c2s_match *m) {
    const c2s_node *node = m->node[0];
    c2s_value *in[C2S_FORM_INPUTS] = {0};
    for (unsigned k = 0; k < node->formal_count; k++) {
        c2s_value *value = node->inputs[k].value;
        const bool coded = value && c2s_quant_has(node->op->quant.operands, k);
        in[k] = coded ? c2s_form_dequantizer(value)->inputs[0].value : value;
    }
    return c2s_build_finish(b, c2s_build_like(b, node, in, node->formal_count));
}

const c2s_rule c2s_rule_qdq_codes = {
    .name = "qdq-codes",
    .summary = "an operator that moves elements between DequantizeLinear and QuantizeLinear with "
               "the same parameters -> it moves the codes",
    C2S_ROWS(quantize),
    .find = find_mover,
    .refuse = refuse_mover,
    .build = build_mover};
