/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/code_checks.h"

#include <math.h>

#include "passes/quant/code_flow.h"

typedef c2s_code_judge judge;

const c2s_judged c2s_code_good = {.integer = true};

c2s_judged c2s_code_faulty(c2s_code_fault code, unsigned slot, const char *reason) {
    return (c2s_judged){.fault = code, .slot = slot, .reason = reason};
}

static unsigned readers_of(const c2s_node *quantizer) {
    unsigned readers = 0;
    c2s_value_each_use(use, quantizer->outputs[0]) {
        const bool read = use->user->output_count == 1 && c2s_is_dequantizer(use->user);
        readers += read ? use->user->outputs[0]->use_count : 2;
    }
    return readers;
}

/* int8 codes that are read once become uint8. */
static c2s_dtype effective_dtype(const judge *j, const c2s_node *codec) {
    const c2s_dtype dtype = c2s_code_dtype(codec);
    const c2s_node *quantizer = c2s_is_quantizer(codec) ? codec : codec->inputs[0].value->def;
    const bool shifts = j->target->signed_once && dtype == C2S_INT8 && quantizer &&
                        quantizer != j->graph->entry && c2s_is_quantizer(quantizer) &&
                        readers_of(quantizer) == 1;
    return shifts ? C2S_UINT8 : dtype;
}

static c2s_judged check_weight(const judge *j, const c2s_node *node, const c2s_quant_rule *rule,
                               const c2s_target_row *row, unsigned slot, const c2s_node *dq) {
    const c2s_tensor *scale = c2s_code_scale_of(dq);
    int64_t axis = c2s_attr_int(dq, "axis", 1);
    const int rank = node->inputs[slot].value->type.rank;
    const int wanted = row->weight_axis ? row->weight_axis - 1 : rule->weight_axis;
    axis += axis < 0 ? rank : 0;
    if (!scale)
        return c2s_code_faulty(C2S_FAULT_SCALE, slot, "the scale of a weight is computed");
    if (c2s_attr_int(dq, "block_size", 0) > 0)
        return c2s_code_faulty(C2S_FAULT_SCALE, slot, "a weight has a scale per block");
    if (scale->count > 1 && row->whole_weight)
        return c2s_code_faulty(C2S_FAULT_SCALE, slot,
                               "the target takes one scale for the whole weight");
    if (scale->count > 1 && row->one_matrix && rank > 2)
        return c2s_code_faulty(C2S_FAULT_SCALE, slot,
                               "the target takes one scale for several matrices");
    if (scale->count > 1 && axis != wanted)
        return c2s_code_faulty(C2S_FAULT_SCALE, slot, "a weight has scales along another axis");
    if (!c2s_target_takes(j->target->weights | j->target->activations, c2s_code_dtype(dq)))
        return c2s_code_faulty(C2S_FAULT_DTYPE, slot,
                               "weights of a type that the target does not compute with");
    const c2s_value *zero = c2s_node_in(dq, 2);
    for (size_t k = 0; j->target->symmetric && zero && zero->constant && k < zero->constant->count;
         k++)
        if (c2s_tensor_f64_at(zero->constant, k) != 0)
            return c2s_code_faulty(C2S_FAULT_ZERO, slot, "a zero point is not 0");
    return c2s_code_good;
}

c2s_judged c2s_check_activation(const judge *j, const c2s_target_row *row, unsigned slot,
                                const c2s_node *codec) {
    if (!c2s_code_is_plain(codec))
        return c2s_code_faulty(C2S_FAULT_SCALE, slot,
                               "an activation's scale is computed or per channel");
    if (!c2s_target_takes(j->target->activations, c2s_code_dtype(codec)) &&
        !(row->wide && c2s_dtype_bits(c2s_code_dtype(codec)) == 16))
        return c2s_code_faulty(C2S_FAULT_DTYPE, slot,
                               "codes of a type that the target does not compute with");
    if (c2s_dtype_bits(c2s_code_dtype(codec)) > 8 && !row->wide)
        return c2s_code_faulty(C2S_FAULT_DTYPE, slot, "the target takes codes of 8 bits only");
    if (j->target->symmetric && c2s_code_zero_of(codec) != 0)
        return c2s_code_faulty(C2S_FAULT_ZERO, slot, "a zero point is not 0");
    return c2s_code_good;
}

c2s_judged c2s_check_operand(const judge *j, const c2s_node *node, const c2s_quant_rule *rule,
                             const c2s_target_row *row, unsigned slot) {
    const c2s_value *value = node->inputs[slot].value;
    const c2s_node *dq = j->source[value->id];
    const bool weight = rule->kind == C2S_QUANT_LINEAR && c2s_quant_has(rule->weights, slot);
    if (!dq && value->constant && weight && row->codes_weights)
        return c2s_code_good;
    if (!dq)
        return c2s_code_faulty(C2S_FAULT_OPERAND, slot,
                               value->constant ? "a constant comes as floats"
                                               : "an operand comes as floats");
    if (weight && dq->inputs[0].value->constant)
        return check_weight(j, node, rule, row, slot, dq);
    /* A weight that is quantized in the graph, from floats. */
    const c2s_node *maker = dq->inputs[0].value->def;
    if (weight && maker && c2s_is_quantizer(maker) && maker->inputs[0].value->constant)
        return check_weight(j, node, rule, row, slot, dq);
    const c2s_judged found = c2s_check_activation(j, row, slot, dq);
    if (found.integer && rule->kind == C2S_QUANT_LINEAR && !weight && j->target->signed_once &&
        effective_dtype(j, dq) == C2S_INT8)
        return c2s_code_faulty(C2S_FAULT_SIGNED, slot, "int8 codes have more than one reader");
    return found;
}

/* Scales of int32 codes must be those of the sums. */
static bool is_scale_of_sums(const judge *j, const c2s_node *node, const c2s_node *bias) {
    const c2s_tensor *scales[2] = {NULL, NULL}, *b = c2s_code_scale_of(bias);
    for (unsigned k = 0; k < 2; k++) {
        const c2s_node *dq = node->inputs[k].value ? j->source[node->inputs[k].value->id] : NULL;
        scales[k] = dq ? c2s_code_scale_of(dq) : NULL;
    }
    if (!scales[0] || !scales[1] || !b || scales[0]->count != 1 || scales[1]->count == 0)
        return true; /* cannot be told, or is somebody else's fault */
    const size_t count = b->count > scales[1]->count ? b->count : scales[1]->count;
    for (size_t k = 0; k < count; k++) {
        const double wanted =
            c2s_tensor_f64_at(scales[0], 0) * c2s_tensor_f64_at(scales[1], k % scales[1]->count);
        const double found = c2s_tensor_f64_at(b, k % b->count);
        if (scales[1]->count > 1 && b->count == 1 && k > 0)
            break; /* one number cannot fit all: ONNX Runtime looks at the first */
        if (fabs(found - wanted) > 1e-3 * wanted)
            return false;
    }
    return true;
}

c2s_judged c2s_check_bias(const judge *j, const c2s_node *node, const c2s_value *value,
                          const c2s_target_row *row, unsigned slot, bool quantized_result) {
    if (j->target->float_bias)
        return c2s_code_good;
    const c2s_node *dq = j->source[value->id];
    if (!dq && value->constant && j->target->signed_once &&
        (row->codes_weights || quantized_result))
        return c2s_code_good; /* ONNX Runtime makes codes of it where the result is quantized */
    if (!dq)
        return c2s_code_faulty(C2S_FAULT_BIAS, slot, "the bias comes as floats");
    if (c2s_code_dtype(dq) != C2S_INT32)
        return c2s_code_faulty(C2S_FAULT_BIAS, slot, "the bias is no int32");
    if (!is_scale_of_sums(j, node, dq))
        return c2s_code_faulty(C2S_FAULT_BIAS, slot, "the scale of the bias is not x * w");
    return c2s_code_good;
}

c2s_judged c2s_check_result(const judge *j, const c2s_value *result, const c2s_target_row *row,
                            bool activates) {
    const c2s_node *sink = j->sink[result->id];
    if (sink)
        return c2s_check_activation(j, row, UINT32_MAX, sink);
    bool quantized = false, clamped = false;
    c2s_value_each_use(use, result) {
        const bool inner = use->user != j->graph->exit;
        const c2s_target_row *next = inner ? c2s_judge_row(j, use->user) : NULL;
        quantized |= inner && use->slot == 0 && c2s_is_quantizer(use->user);
        clamped |= next && next->way == C2S_WAY_VANISHES && c2s_code_only_use(result) &&
                   j->sink[use->user->outputs[0]->id];
    }
    if (quantized && j->target->lone_reader)
        return c2s_code_faulty(C2S_FAULT_READERS, 0, "others than QuantizeLinear read the result");
    const c2s_use *only = c2s_code_only_use(result);
    if (row->result == C2S_RESULT_EITHER && activates && only &&
        c2s_target_is_activation(only->user))
        return c2s_code_faulty(C2S_FAULT_RESULT, 0, "it takes an activation along, in floats");
    if (row->result == C2S_RESULT_EITHER)
        return c2s_code_good;
    if (clamped)
        return c2s_code_faulty(C2S_FAULT_CLAMP, 0,
                               "a clamp behind it reaches into the range of the codes");
    return c2s_code_faulty(C2S_FAULT_RESULT, 0,
                           c2s_value_is_output(result)
                               ? "the result is an output of the graph in floats"
                               : "nobody quantizes the result");
}

/* Operands and result on integers are of one type. */
c2s_judged c2s_check_types(const judge *j, const c2s_node *node, const c2s_node *sink,
                           const c2s_quant_rule *rule) {
    if (!j->target->signed_once || !sink || rule->kind == C2S_QUANT_UNIFY)
        return c2s_code_good;
    const c2s_dtype out = effective_dtype(j, sink);
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_node *dq = node->inputs[k].value ? j->source[node->inputs[k].value->id] : NULL;
        if (dq && (rule->kind != C2S_QUANT_LINEAR || k == 0) && c2s_quant_has(rule->operands, k) &&
            effective_dtype(j, dq) != out)
            return c2s_code_faulty(C2S_FAULT_SIGNED, k,
                                   "operands and result are of different types");
    }
    return c2s_code_good;
}
