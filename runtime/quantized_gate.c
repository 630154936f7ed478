/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/quantized_gate.h"

#include <string.h>

#include "runtime/byte_table.h"
#include "runtime/plan.h"

/* The integers behind operand `input` of a step that still takes floats. */
static bool codes_behind(const c2s_step *step, unsigned input, c2s_codes *out) {
    *out = (c2s_codes){0};
    return step->in[input] && step->in[input]->base->dequantizer &&
           c2s_codes_of_dequantizer(step->in[input]->base->dequantizer, out) && out->count == 1 &&
           (out->slot->type.dtype == C2S_UINT8 || out->slot->type.dtype == C2S_INT8);
}

static bool combines(const c2s_node *node) {
    return node->op == &c2s_op_add || node->op == &c2s_op_sub || node->op == &c2s_op_mul;
}

/* One operand of the gate is `value`, the other one what the step reads. */
static bool meets_own_operand(const c2s_step *step, const c2s_step *gate, const c2s_slot *value) {
    const c2s_codes *own = &step->quantized->x[0];
    c2s_codes x[2];
    if (gate->in_count != 2 || !codes_behind(gate, 0, &x[0]) || !codes_behind(gate, 1, &x[1]))
        return false;
    const c2s_codes *other = &x[gate->in[0]->base == value];
    return other->slot == own->slot && other->scale[0] == own->scale[0] &&
           c2s_codes_zero(other, 0) == c2s_codes_zero(own, 0);
}

void c2s_gate_find(c2s_step *step) {
    if (!step->quantized->requantizes || step->post_count == 0 ||
        step->post_count + C2S_GATE_POSTS > C2S_MOST_POSTS)
        return;
    c2s_step *floats = c2s_only_first_reader(step->out[0]);
    if (!floats || !c2s_step_dequantizes(floats) || !floats->out[0]->dequantizer)
        return;
    c2s_step *gate = c2s_only_reader(floats->out[0]);
    if (!gate || !combines(gate->node) || !meets_own_operand(step, gate, floats->out[0]))
        return;
    c2s_quantized found = *step->quantized;
    c2s_step *codes = c2s_only_first_reader(gate->out[0]);
    if (!codes || !c2s_quantizer_read(codes, &found))
        return;
    const c2s_step *behind[C2S_GATE_POSTS] = {floats, gate, codes};
    for (unsigned k = 0; k < C2S_GATE_POSTS; k++)
        step->posts[step->post_count++] =
            (c2s_post){.kind = -1, .node = {behind[k]->node}, .node_count = 1};
    found.gate = gate;
    *step->quantized = found;
    step->out[0] = codes->out[0];
}

void c2s_gate_apply(const c2s_step *step, uint8_t *table) {
    const c2s_step *gate = step->quantized->gate;
    uint8_t own[C2S_BYTES], result[C2S_BYTES];
    const uint8_t *operand[2];
    c2s_codes x[2] = {{0}};
    for (unsigned k = 0; k < C2S_BYTES; k++)
        own[k] = (uint8_t)k;
    for (unsigned k = 0; k < 2; k++) {
        codes_behind(gate, k, &x[k]);
        operand[k] = x[k].slot == step->quantized->x[0].slot ? own : table;
    }
    const c2s_combination c = c2s_combination_of(step, gate->node, x, false);
    c2s_combine_codes(&c, operand[0], operand[1], C2S_BYTES, result);
    memcpy(table, result, C2S_BYTES);
}
