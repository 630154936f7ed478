/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/code_judge.h"

#include <stdlib.h>

#include "passes/quant/code_checks.h"
#include "passes/quant/code_flow.h"

typedef c2s_code_judge judge;

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
    c2s_judged found = c2s_check_result(j, result, row, row->activates || add != NULL);
    for (unsigned k = 0; k < node->formal_count && found.integer; k++)
        if (node->inputs[k].value && c2s_quant_has(rule->operands, k))
            found = c2s_check_operand(j, node, rule, row, k);
    for (unsigned k = 0; k < node->formal_count && found.integer; k++)
        if (node->inputs[k].value && rule->kind == C2S_QUANT_LINEAR &&
            !c2s_quant_has(rule->operands, k))
            found =
                c2s_check_bias(j, node, node->inputs[k].value, row, k, j->sink[result->id] != NULL);
    if (add && found.integer)
        found = c2s_check_bias(j, node, add->inputs[slot].value, row, slot,
                               j->sink[result->id] != NULL);
    if (found.integer)
        found = c2s_check_types(j, node, j->sink[result->id], rule);
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
            return c2s_code_faulty(C2S_FAULT_OPERAND, k, "an operand comes as floats");
        if (dq && first && !c2s_code_same_scale(first, dq))
            return c2s_code_faulty(C2S_FAULT_DIFFERENT, k, "operands have different scales");
        first = dq ? dq : first;
    }
    for (unsigned k = 0; k < node->output_count; k++) {
        const c2s_value *value = node->outputs[k];
        if (!value || !value->use_count || !c2s_quant_has(rule->results, k))
            continue;
        const c2s_node *sink = j->sink[value->id];
        any_sink |= sink != NULL;
        if (!sink && !(moves && first))
            return c2s_code_faulty(C2S_FAULT_RESULT, 0, "nobody quantizes the result");
        if (sink && first && !c2s_code_same_scale(first, sink))
            return c2s_code_faulty(C2S_FAULT_DIFFERENT, 0,
                                   "scale or zero point differ in front and behind");
        first = first ? first : sink;
    }
    if (!first || (!any_sink && !moves))
        return c2s_code_faulty(C2S_FAULT_OPERAND, 0, "an operand comes as floats");
    if (j->target->explicit_zero && !c2s_code_has_zero(first))
        return c2s_code_faulty(C2S_FAULT_ZERO, 0, "there is no zero point");
    return c2s_check_activation(j, row, 0, first);
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
        return c2s_code_faulty(C2S_FAULT_OPERATOR, 0, "the target does not compute it on integers");
    const char *refused = row->refuse ? row->refuse(node) : NULL;
    if (refused)
        return c2s_code_faulty(C2S_FAULT_OPERATOR, 0, refused);
    if (row->opset && j->opset < row->opset)
        return c2s_code_faulty(C2S_FAULT_OPERATOR, 0, "the opset is too old for it");
    switch ((c2s_target_way)row->way) {
    case C2S_WAY_COMPUTES:
        return judge_computing(j, node, &rule, row);
    case C2S_WAY_PASSES:
        return judge_passing(j, node, &rule, row);
    case C2S_WAY_VANISHES: {
        const c2s_node *sink = j->sink[node->outputs[0]->id];
        const c2s_node *maker = node->inputs[0].value->def;
        if (!sink || !c2s_code_absorbs(node, sink))
            return c2s_code_faulty(C2S_FAULT_CLAMP, 0,
                                   "no quantizer behind it saturates where it clamps");
        const c2s_node *source = j->source[node->inputs[0].value->id];
        return (maker && j->nodes[maker->id].integer && !c2s_code_lets_through(j, maker)) ||
                       (source && c2s_code_same_scale(source, sink))
                   ? c2s_code_good
                   : c2s_code_faulty(C2S_FAULT_OPERAND, 0, "what it clamps is computed in float");
    }
    default: /* fuses with sums in front of it, or adds to them, in floats */
        return c2s_code_good;
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
