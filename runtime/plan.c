/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan.h"

#include <string.h>

#include "runtime/layout.h"
#include "runtime/range.h"

static const c2s_type unknown_type = {.kind = C2S_KIND_UNKNOWN, .rank = -1};

static bool is_open(const c2s_type *type) {
    return !c2s_type_is_tensor(type) || !c2s_type_is_static(type);
}

/* ---- slots and steps ---- */

c2s_slot *c2s_plan_slot(c2s_plan *plan, const c2s_value *value) {
    if (!value)
        return NULL;
    c2s_slot *slot = &plan->slots[plan->context->slot_of[value->id]];
    if (slot->value)
        return slot;
    slot->value = value;
    slot->base = slot->store = slot;
    slot->type = unknown_type;
    slot->most = C2S_RANGE_UNKNOWN;
    const c2s_eval_options *options = &plan->context->options;
    slot->observed =
        options->observe && (options->observe_value ? options->observe_value[value->id]
                                                    : plan->graph == plan->context->main);
    if (value->constant) {
        slot->constant = c2s_tensor_ref(value->constant);
        slot->tensor = c2s_tensor_ref(value->constant);
        slot->type = value->constant->type;
        slot->ready = true;
        slot->made = slot;
    }
    return slot;
}

static bool is_constant_node(const c2s_node *node) {
    return node->output_count == 1 && node->outputs[0] && node->outputs[0]->constant;
}

static bool is_wanted(c2s_plan *plan, const c2s_value *value) {
    return value && (value->use_count > 0 || c2s_plan_slot(plan, value)->observed);
}

/* Fills in the step of a node; false if nobody wants its outputs. */
static bool add_step(c2s_plan *plan, c2s_step *step, const c2s_node *node) {
    bool wanted = false;
    *step = (c2s_step){.node = node,
                       .plan = plan,
                       .dnnl = plan->context->dnnl,
                       .in_count = node->input_count,
                       .own_count = node->input_count,
                       .out_count = node->output_count};
    step->out = c2s_arena_array(plan->arena, node->output_count, sizeof(c2s_slot *));
    for (unsigned k = 0; k < node->output_count; k++)
        if (is_wanted(plan, node->outputs[k])) {
            step->out[k] = c2s_plan_slot(plan, node->outputs[k]);
            wanted = true;
        }
    if (!wanted)
        return false;
    step->in = c2s_arena_array(plan->arena, node->input_count + C2S_MOST_POSTS, sizeof(c2s_slot *));
    for (unsigned k = 0; k < node->input_count; k++)
        step->in[k] = c2s_plan_slot(plan, node->inputs[k].value);
    return true;
}

/* ---- plans ---- */

c2s_plan *c2s_plan_create(c2s_plan_context *context, const c2s_graph *graph, unsigned slot_count,
                          const c2s_tensor *const *in, bool all_late) {
    c2s_arena *arena = c2s_arena_create();
    c2s_plan *plan = c2s_arena_alloc(arena, sizeof *plan);
    plan->context = context;
    plan->graph = graph;
    plan->arena = arena;
    plan->all_late = all_late;
    plan->slot_count = slot_count;
    plan->slots = c2s_arena_array(arena, slot_count, sizeof *plan->slots);
    plan->steps = c2s_arena_array(arena, graph->node_count, sizeof *plan->steps);
    unsigned entries = graph->entry->output_count;
    plan->signature = c2s_arena_array(arena, entries, sizeof *plan->signature);
    for (unsigned k = 0; k < entries; k++) {
        c2s_slot *slot = c2s_plan_slot(plan, graph->entry->outputs[k]);
        plan->signature[k] = in[k] ? in[k]->type : unknown_type;
        if (!slot || slot->constant)
            continue;
        slot->type = is_open(&plan->signature[k]) ? unknown_type : plan->signature[k];
        slot->ready = true;
        slot->made = slot;
    }
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (!is_constant_node(node) && add_step(plan, &plan->steps[plan->step_count], node))
            plan->step_count++;
    c2s_plan_types(plan);
    c2s_plan_kernels(plan);
    c2s_plan_memory(plan);
    plan->closed = true;
    return plan;
}

void c2s_plan_destroy(c2s_plan *plan) {
    if (!plan)
        return;
    for (size_t i = 0; i < plan->order.count; i++)
        c2s_step_unprepare(plan->order.at[i]);
    for (unsigned i = 0; i < plan->step_count; i++)
        c2s_kept_free(&plan->steps[i].kept);
    c2s_plan_rest(plan);
    for (unsigned k = 0; k < plan->slot_count; k++)
        for (c2s_slot *form = &plan->slots[k]; form; form = form->next_form) {
            c2s_tensor_unref(form->tensor);
            c2s_tensor_unref(form->constant);
            c2s_layout_free(form);
        }
    c2s_vec_free(&plan->order);
    c2s_arena_destroy(plan->arena);
}

bool c2s_plan_fits(const c2s_plan *plan, const c2s_tensor *const *in) {
    for (unsigned k = 0; k < plan->graph->entry->output_count; k++)
        if (!c2s_type_equal(&plan->signature[k], in[k] ? &in[k]->type : &unknown_type))
            return false;
    return true;
}
