/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/code_judge.h"

#include <math.h>
#include <stdlib.h>

#include "passes/quant/code_flow.h"

typedef c2s_code_judge judge;

/* ---- verdicts ---- */

static c2s_judged fault(c2s_code_fault code, unsigned slot, const char *reason) {
    return (c2s_judged){.fault = code, .slot = slot, .reason = reason};
}
static const c2s_judged good = {.integer = true};

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
        return fault(C2S_FAULT_SCALE, slot, "the scale of a weight is computed");
    if (c2s_attr_int(dq, "block_size", 0) > 0)
        return fault(C2S_FAULT_SCALE, slot, "a weight has a scale per block");
    if (scale->count > 1 && row->whole_weight)
        return fault(C2S_FAULT_SCALE, slot, "the target takes one scale for the whole weight");
    if (scale->count > 1 && axis != wanted)
        return fault(C2S_FAULT_SCALE, slot, "a weight has scales along another axis");
    if (!c2s_target_takes(j->target->weights | j->target->activations, c2s_code_dtype(dq)))
        return fault(C2S_FAULT_DTYPE, slot,
                     "weights of a type that the target does not compute with");
    const c2s_value *zero = c2s_node_in(dq, 2);
    for (size_t k = 0; j->target->symmetric && zero && zero->constant && k < zero->constant->count;
         k++)
        if (c2s_tensor_f64_at(zero->constant, k) != 0)
            return fault(C2S_FAULT_ZERO, slot, "a zero point is not 0");
    return good;
}

static c2s_judged check_activation(const judge *j, const c2s_target_row *row, unsigned slot,
                                   const c2s_node *codec) {
    if (!c2s_code_is_plain(codec))
        return fault(C2S_FAULT_SCALE, slot, "an activation's scale is computed or per channel");
    if (!c2s_target_takes(j->target->activations, c2s_code_dtype(codec)) &&
        !(row->wide && c2s_dtype_bits(c2s_code_dtype(codec)) == 16))
        return fault(C2S_FAULT_DTYPE, slot,
                     "codes of a type that the target does not compute with");
    if (c2s_dtype_bits(c2s_code_dtype(codec)) > 8 && !row->wide)
        return fault(C2S_FAULT_DTYPE, slot, "the target takes codes of 8 bits only");
    if (j->target->symmetric && c2s_code_zero_of(codec) != 0)
        return fault(C2S_FAULT_ZERO, slot, "a zero point is not 0");
    return good;
}

static c2s_judged check_operand(const judge *j, const c2s_node *node, const c2s_quant_rule *rule,
                                const c2s_target_row *row, unsigned slot) {
    const c2s_value *value = node->inputs[slot].value;
    const c2s_node *dq = j->source[value->id];
    const bool weight = rule->kind == C2S_QUANT_LINEAR && c2s_quant_has(rule->weights, slot);
    if (!dq && value->constant && weight && row->codes_weights)
        return good;
    if (!dq)
        return fault(C2S_FAULT_OPERAND, slot,
                     value->constant ? "a constant comes as floats" : "an operand comes as floats");
    if (weight && dq->inputs[0].value->constant)
        return check_weight(j, node, rule, row, slot, dq);
    /* A weight that is quantized in the graph, from floats. */
    const c2s_node *maker = dq->inputs[0].value->def;
    if (weight && maker && c2s_is_quantizer(maker) && maker->inputs[0].value->constant)
        return check_weight(j, node, rule, row, slot, dq);
    const c2s_judged found = check_activation(j, row, slot, dq);
    if (found.integer && rule->kind == C2S_QUANT_LINEAR && !weight && j->target->signed_once &&
        effective_dtype(j, dq) == C2S_INT8)
        return fault(C2S_FAULT_SIGNED, slot, "int8 codes have more than one reader");
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

static c2s_judged check_bias(const judge *j, const c2s_node *node, const c2s_value *value,
                             const c2s_target_row *row, unsigned slot, bool quantized_result) {
    if (j->target->float_bias)
        return good;
    const c2s_node *dq = j->source[value->id];
    if (!dq && value->constant && j->target->signed_once &&
        (row->codes_weights || quantized_result))
        return good; /* ONNX Runtime makes codes of it where the result is quantized */
    if (!dq)
        return fault(C2S_FAULT_BIAS, slot, "the bias comes as floats");
    if (c2s_code_dtype(dq) != C2S_INT32)
        return fault(C2S_FAULT_BIAS, slot, "the bias is no int32");
    if (!is_scale_of_sums(j, node, dq))
        return fault(C2S_FAULT_BIAS, slot, "the scale of the bias is not x * w");
    return good;
}

static c2s_judged check_result(const judge *j, const c2s_value *result, const c2s_target_row *row,
                               bool activates) {
    const c2s_node *sink = j->sink[result->id];
    if (sink)
        return check_activation(j, row, UINT32_MAX, sink);
    bool quantized = false, clamped = false;
    c2s_value_each_use(use, result) {
        const bool inner = use->user != j->graph->exit;
        const c2s_target_row *next = inner ? c2s_judge_row(j, use->user) : NULL;
        quantized |= inner && use->slot == 0 && c2s_is_quantizer(use->user);
        clamped |= next && next->way == C2S_WAY_VANISHES && c2s_code_only_use(result) &&
                   j->sink[use->user->outputs[0]->id];
    }
    if (quantized && j->target->lone_reader)
        return fault(C2S_FAULT_READERS, 0, "others than QuantizeLinear read the result");
    const c2s_use *only = c2s_code_only_use(result);
    if (row->result == C2S_RESULT_EITHER && activates && only &&
        c2s_target_is_activation(only->user))
        return fault(C2S_FAULT_RESULT, 0, "it takes an activation along, in floats");
    if (row->result == C2S_RESULT_EITHER)
        return good;
    if (clamped)
        return fault(C2S_FAULT_CLAMP, 0, "a clamp behind it reaches into the range of the codes");
    return fault(C2S_FAULT_RESULT, 0,
                 c2s_value_is_output(result) ? "the result is an output of the graph in floats"
                                             : "nobody quantizes the result");
}

/* Operands and result on integers are of one type. */
static c2s_judged check_types(const judge *j, const c2s_node *node, const c2s_node *sink,
                              const c2s_quant_rule *rule) {
    if (!j->target->signed_once || !sink || rule->kind == C2S_QUANT_UNIFY)
        return good;
    const c2s_dtype out = effective_dtype(j, sink);
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_node *dq = node->inputs[k].value ? j->source[node->inputs[k].value->id] : NULL;
        if (dq && (rule->kind != C2S_QUANT_LINEAR || k == 0) && c2s_quant_has(rule->operands, k) &&
            effective_dtype(j, dq) != out)
            return fault(C2S_FAULT_SIGNED, k, "operands and result are of different types");
    }
    return good;
}

/* The Add of a vector behind a product of matrices, and in which slot the vector is. */
static const c2s_node *vector_add(const judge *j, const c2s_node *node, const c2s_target_row *row,
                                  unsigned *slot) {
    const c2s_use *use = row->adds_vector ? c2s_code_only_use(node->outputs[0]) : NULL;
    if (!use || use->user->op != &c2s_op_add)
        return NULL;
    *slot = 1 - use->slot;
    const c2s_value *vector = use->user->inputs[*slot].value, *w = c2s_node_in(node, 1);
    const c2s_value *x = c2s_node_in(node, 0);
    if (!x || (x->type.rank != 2 && !c2s_type_is_static(&x->type)))
        return NULL;
    const c2s_node *dq = vector ? j->source[vector->id] : NULL;
    const bool constant = vector && (vector->constant || (dq && c2s_code_dtype(dq) == C2S_INT32 &&
                                                          dq->inputs[0].value->constant));
    return constant && vector->type.rank == 1 && w->type.rank == 2 &&
                   vector->type.dim[0] == w->type.dim[1]
               ? use->user
               : NULL;
}

/* Floats times constant codes of 8 bits, with one scale or one per column. */
static bool is_weights_alone(const judge *j, const c2s_node *node, const c2s_target_row *row) {
    const c2s_value *x = c2s_node_in(node, 0), *w = c2s_node_in(node, 1);
    const c2s_node *dq = w && row->weights_alone ? j->source[w->id] : NULL;
    if (!dq || !x || j->source[x->id] || !dq->inputs[0].value->constant || !c2s_code_scale_of(dq) ||
        w->type.rank != 2 || c2s_attr_int(node, "transB", 0) || w->use_count != 1)
        return false;
    const c2s_dtype dtype = c2s_code_dtype(dq);
    const int64_t axis = c2s_attr_int(dq, "axis", 1), block = c2s_attr_int(dq, "block_size", 0);
    if (block > 0)
        return axis == 0 || axis == -2;
    return (dtype == C2S_INT8 || dtype == C2S_UINT8 || c2s_dtype_bits(dtype) == 4) &&
           (c2s_code_scale_of(dq)->count == 1 || axis == 1 || axis == -1);
}

static c2s_judged judge_computing(const judge *j, const c2s_node *node, const c2s_quant_rule *rule,
                                  const c2s_target_row *row) {
    unsigned slot = 0;
    const c2s_node *add = vector_add(j, node, row, &slot);
    const c2s_value *result = add ? add->outputs[0] : node->outputs[0];
    c2s_judged found = check_result(j, result, row, row->activates || add != NULL);
    for (unsigned k = 0; k < node->formal_count && found.integer; k++)
        if (node->inputs[k].value && c2s_quant_has(rule->operands, k))
            found = check_operand(j, node, rule, row, k);
    for (unsigned k = 0; k < node->formal_count && found.integer; k++)
        if (node->inputs[k].value && rule->kind == C2S_QUANT_LINEAR &&
            !c2s_quant_has(rule->operands, k))
            found = check_bias(j, node, node->inputs[k].value, row, k, j->sink[result->id] != NULL);
    if (add && found.integer)
        found =
            check_bias(j, node, add->inputs[slot].value, row, slot, j->sink[result->id] != NULL);
    if (found.integer)
        found = check_types(j, node, j->sink[result->id], rule);
    if (!found.integer)
        found.weights_alone = is_weights_alone(j, node, row);
    return found;
}

static c2s_judged judge_passing(const judge *j, const c2s_node *node, const c2s_quant_rule *rule,
                                const c2s_target_row *row) {
    const c2s_node *first = NULL;
    const bool moves = row->commutes;
    bool any_sink = false;
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (!value || !c2s_quant_has(rule->operands, k))
            continue;
        const c2s_node *dq = j->source[value->id];
        if (!dq && !(moves && c2s_code_only_use(value)))
            return fault(C2S_FAULT_OPERAND, k, "an operand comes as floats");
        if (dq && first && !c2s_code_same_scale(first, dq))
            return fault(C2S_FAULT_DIFFERENT, k, "operands have different scales");
        first = dq ? dq : first;
    }
    for (unsigned k = 0; k < node->output_count; k++) {
        const c2s_value *value = node->outputs[k];
        if (!value || !value->use_count || !c2s_quant_has(rule->results, k))
            continue;
        const c2s_node *sink = j->sink[value->id];
        any_sink |= sink != NULL;
        if (!sink && !(moves && first))
            return fault(C2S_FAULT_RESULT, 0, "nobody quantizes the result");
        if (sink && first && !c2s_code_same_scale(first, sink))
            return fault(C2S_FAULT_DIFFERENT, 0, "scale or zero point differ in front and behind");
        first = first ? first : sink;
    }
    if (!first || (!any_sink && !moves))
        return fault(C2S_FAULT_OPERAND, 0, "an operand comes as floats");
    if (j->target->explicit_zero && !c2s_code_has_zero(first))
        return fault(C2S_FAULT_ZERO, 0, "there is no zero point");
    return check_activation(j, row, 0, first);
}

static c2s_judged judge_node(const judge *j, const c2s_node *node) {
    const c2s_target_row *row = c2s_judge_row(j, node);
    const c2s_quant_rule rule = c2s_node_quant_rule(node);
    bool near_codes = false;
    for (unsigned k = 0; k < node->formal_count; k++)
        near_codes |= node->inputs[k].value && j->source[node->inputs[k].value->id];
    for (unsigned k = 0; k < node->output_count; k++)
        near_codes |= node->outputs[k] && j->sink[node->outputs[k]->id];
    if (!near_codes || c2s_is_quantizer(node) || c2s_is_dequantizer(node))
        return (c2s_judged){0};
    static const c2s_target_row any = {
        .way = C2S_WAY_COMPUTES, .result = C2S_RESULT_CODES, .wide = true};
    if (!row && j->target->everything && rule.operands)
        row = &any;
    if (!row || !rule.operands)
        return fault(C2S_FAULT_OPERATOR, 0, "the target does not compute it on integers");
    const char *refused = row->refuse ? row->refuse(node) : NULL;
    if (refused)
        return fault(C2S_FAULT_OPERATOR, 0, refused);
    if (row->opset && j->opset < row->opset)
        return fault(C2S_FAULT_OPERATOR, 0, "the opset is too old for it");
    switch ((c2s_target_way)row->way) {
    case C2S_WAY_COMPUTES:
        return judge_computing(j, node, &rule, row);
    case C2S_WAY_PASSES:
        return judge_passing(j, node, &rule, row);
    case C2S_WAY_VANISHES: {
        const c2s_node *sink = j->sink[node->outputs[0]->id];
        const c2s_node *maker = node->inputs[0].value->def;
        if (!sink || !c2s_code_absorbs(node, sink))
            return fault(C2S_FAULT_CLAMP, 0, "no quantizer behind it saturates where it clamps");
        const c2s_node *source = j->source[node->inputs[0].value->id];
        return (maker && j->nodes[maker->id].integer && !c2s_code_lets_through(j, maker)) ||
                       (source && c2s_code_same_scale(source, sink))
                   ? good
                   : fault(C2S_FAULT_OPERAND, 0, "what it clamps is computed in float");
    }
    default: /* fuses with sums in front of it, or adds to them, in floats */
        return good;
    }
}

void c2s_code_judge_open(const c2s_target *target, const c2s_graph *graph, int64_t opset,
                         c2s_code_judge *out) {
    const size_t nodes = graph->model->nodes.count + 1, values = graph->model->values.count + 1;
    *out = (c2s_code_judge){.target = target,
                            .graph = graph,
                            .opset = opset,
                            .nodes = c2s_zalloc(nodes * sizeof *out->nodes),
                            .source = c2s_zalloc(values * sizeof *out->source),
                            .sink = c2s_zalloc(values * sizeof *out->sink),
                            .clamped = c2s_zalloc(values * sizeof *out->clamped)};
    c2s_code_flow_find(out);
    for (const c2s_node *node = graph->first; node; node = node->next)
        out->nodes[node->id] = judge_node(out, node);
    for (const c2s_node *node = graph->first; node; node = node->next) {
        const c2s_target_row *row = c2s_judge_row(out, node);
        unsigned slot;
        const c2s_node *add = row ? vector_add(out, node, row, &slot) : NULL;
        if (add && (out->nodes[node->id].integer || out->nodes[node->id].reason))
            out->nodes[add->id] = out->nodes[node->id];
    }
}

void c2s_code_judge_close(c2s_code_judge *j) {
    free(j->nodes);
    free(j->source);
    free(j->sink);
    free(j->clamped);
    *j = (c2s_code_judge){0};
}

bool c2s_judge_fuses_maker(const c2s_code_judge *j, const c2s_node *quantizer) {
    const c2s_value *x = quantizer->inputs[0].value;
    if (x->constant)
        return true; /* folded when the model is loaded */
    const c2s_node *maker = x->def && x->def != j->graph->entry ? x->def : NULL;
    return maker && j->nodes[maker->id].integer && j->sink[x->id] == quantizer;
}

bool c2s_judge_fuses_reader(const c2s_code_judge *j, const c2s_use *use) {
    const c2s_judged *reader = &j->nodes[use->user->id];
    return use->user != j->graph->exit &&
           (reader->integer || (reader->weights_alone && use->slot == 1));
}

const char *c2s_fault_mend(c2s_code_fault code) {
    static const char *const mends[C2S_FAULT_COUNT] = {
        [C2S_FAULT_OPERATOR] = "remove the quantizers around it",
        [C2S_FAULT_OPERAND] = "quantize that operand, or remove the quantizers around it",
        [C2S_FAULT_DTYPE] = "use a type that the target computes with",
        [C2S_FAULT_SIGNED] = "use uint8, with the zero point 128 higher",
        [C2S_FAULT_SCALE] = "use one constant scale, or per output channel of a weight",
        [C2S_FAULT_ZERO] = "give a zero point that the target takes",
        [C2S_FAULT_BIAS] = "store the bias as int32 with the scale x * w and zero point 0",
        [C2S_FAULT_RESULT] = "quantize the result, or remove the quantizers around it",
        [C2S_FAULT_READERS] = "let the others read what DequantizeLinear gives",
        [C2S_FAULT_CLAMP] = "choose a range that ends where the clamp does",
        [C2S_FAULT_DIFFERENT] = "use the same scale and zero point in front and behind",
    };
    return mends[code];
}
