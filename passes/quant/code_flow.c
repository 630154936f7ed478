/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/code_flow.h"

#include "ops/quant_range.h"

typedef c2s_code_judge judge;

bool c2s_is_quantizer(const c2s_node *node) {
    return node->op == &c2s_op_quantize_linear || node->op == &c2s_op_ms_quantize_linear;
}

bool c2s_is_dequantizer(const c2s_node *node) {
    return node->op == &c2s_op_dequantize_linear || node->op == &c2s_op_ms_dequantize_linear;
}

/* ---- scales ---- */

c2s_dtype c2s_code_dtype(const c2s_node *codec) {
    const c2s_value *codes = c2s_is_quantizer(codec) ? codec->outputs[0] : codec->inputs[0].value;
    return codes->type.dtype;
}

const c2s_tensor *c2s_code_scale_of(const c2s_node *codec) {
    const c2s_value *scale = c2s_node_in(codec, 1);
    return scale ? scale->constant : NULL;
}

bool c2s_code_has_zero(const c2s_node *codec) {
    return c2s_node_in(codec, 2) != NULL;
}

int64_t c2s_code_zero_of(const c2s_node *codec) {
    int64_t zero = 0;
    const c2s_value *value = c2s_node_in(codec, 2);
    if (value && value->constant && value->constant->count > 0)
        c2s_tensor_i64_at(value->constant, 0, &zero);
    return zero;
}

bool c2s_code_is_plain(const c2s_node *codec) {
    const c2s_value *zero = c2s_node_in(codec, 2);
    return c2s_code_scale_of(codec) && c2s_code_scale_of(codec)->count == 1 &&
           (!zero || zero->constant);
}

bool c2s_code_same_scale(const c2s_node *a, const c2s_node *b) {
    return c2s_code_is_plain(a) && c2s_code_is_plain(b) && c2s_code_dtype(a) == c2s_code_dtype(b) &&
           c2s_code_zero_of(a) == c2s_code_zero_of(b) &&
           c2s_tensor_f64_at(c2s_code_scale_of(a), 0) == c2s_tensor_f64_at(c2s_code_scale_of(b), 0);
}

bool c2s_code_absorbs(const c2s_node *clamp, const c2s_node *quantizer) {
    const c2s_quant_rule rule = c2s_node_quant_rule(clamp);
    float least, most;
    if (rule.kind != C2S_QUANT_CLAMP || !c2s_code_is_plain(quantizer))
        return false;
    c2s_quant_range(c2s_code_dtype(quantizer), &least, &most);
    const float scale = (float)c2s_tensor_f64_at(c2s_code_scale_of(quantizer), 0),
                zero = (float)c2s_code_zero_of(quantizer);
    return (least - zero) * scale >= rule.low && (most - zero) * scale <= rule.high;
}

/* ---- where floats come from and go to ---- */

const c2s_target_row *c2s_judge_row(const judge *j, const c2s_node *node) {
    return c2s_target_row_of(j->target, node->op);
}

bool c2s_code_lets_through(const judge *j, const c2s_node *node) {
    const c2s_target_row *row = c2s_judge_row(j, node);
    if (node->op == &c2s_op_identity || node->op == &c2s_op_dropout)
        return true;
    return row && row->way == C2S_WAY_PASSES && row->commutes &&
           (!row->refuse || !row->refuse(node));
}

static void find_sources(judge *j) {
    for (const c2s_node *node = j->graph->first; node; node = node->next) {
        const c2s_value *x = c2s_node_in(node, 0);
        if (c2s_is_dequantizer(node))
            j->source[node->outputs[0]->id] = node;
        else if (x && c2s_code_lets_through(j, node) && j->source[x->id] &&
                 c2s_code_is_plain(j->source[x->id]))
            j->source[node->outputs[0]->id] = j->source[x->id];
    }
}

const c2s_use *c2s_code_only_use(const c2s_value *value) {
    return value->use_count == 1 && !c2s_value_is_output(value) ? value->uses : NULL;
}

static const c2s_use *quantizing_use(const judge *j, const c2s_value *value) {
    if (j->target->lone_reader)
        return c2s_code_only_use(value);
    c2s_value_each_use(use, value) {
        if (use->user != j->graph->exit && c2s_is_quantizer(use->user) && use->slot == 0)
            return use;
    }
    return c2s_code_only_use(value);
}

static const c2s_node *sink_of(const judge *j, const c2s_value *value) {
    const c2s_use *use = quantizing_use(j, value);
    if (!use || use->slot != 0 || use->user == j->graph->exit)
        return NULL;
    const c2s_node *user = use->user;
    const c2s_target_row *row = c2s_judge_row(j, user);
    if (c2s_is_quantizer(user))
        return user;
    const c2s_value *result = user->outputs[0];
    const c2s_node *behind = result ? j->sink[result->id] : NULL;
    if (!behind)
        return NULL;
    if (row && row->way == C2S_WAY_VANISHES && c2s_code_absorbs(user, behind)) {
        j->clamped[value->id] = true;
        return behind;
    }
    if (row && row->way == C2S_WAY_FUSES)
        return behind;
    /* Clamps vanish after quantizers were moved. */
    return c2s_code_lets_through(j, user) && c2s_code_is_plain(behind) && !j->clamped[result->id]
               ? behind
               : NULL;
}

static void find_sinks(judge *j) {
    for (const c2s_node *node = j->graph->last; node; node = node->prev)
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k])
                j->sink[node->outputs[k]->id] = sink_of(j, node->outputs[k]);
}

void c2s_code_flow_find(c2s_code_judge *j) {
    find_sources(j);
    find_sinks(j);
}
