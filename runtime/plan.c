/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan.h"

#include <string.h>

#include "base/log.h"
#include "ops/infer.h"

/* Constants above this size are computed at every run if they are mostly repetition. */
#define LARGE_CONSTANT ((size_t)16 << 20)

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
    slot->type = unknown_type;
    const c2s_eval_options *options = &plan->context->options;
    slot->observed = options->observe && plan->graph == plan->context->main &&
                     (!options->observe_value || options->observe_value[value->id]);
    if (value->constant) {
        slot->constant = c2s_tensor_ref(value->constant);
        slot->tensor = c2s_tensor_ref(value->constant);
        slot->type = value->constant->type;
    }
    return slot;
}

static void set_constant(c2s_slot *slot, c2s_tensor *tensor) {
    slot->constant = tensor;
    slot->tensor = c2s_tensor_ref(tensor);
    slot->type = tensor->type;
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
                       .dnnl = plan->context->dnnl,
                       .in_count = node->input_count,
                       .out_count = node->output_count};
    step->out = c2s_arena_array(plan->arena, node->output_count, sizeof(c2s_slot *));
    for (unsigned k = 0; k < node->output_count; k++)
        if (is_wanted(plan, node->outputs[k])) {
            step->out[k] = c2s_plan_slot(plan, node->outputs[k]);
            wanted = true;
        }
    if (!wanted)
        return false;
    step->in = c2s_arena_array(plan->arena, node->input_count, sizeof(c2s_slot *));
    for (unsigned k = 0; k < node->input_count; k++)
        step->in[k] = c2s_plan_slot(plan, node->inputs[k].value);
    return true;
}

/* ---- inference ---- */

bool c2s_step_infer(c2s_plan *plan, c2s_step *step, bool concrete) {
    const c2s_node *node = step->node;
    c2s_arena *arena = c2s_arena_create();
    c2s_fact *in = c2s_arena_array(arena, node->formal_count, sizeof *in);
    for (unsigned k = 0; k < node->formal_count; k++)
        if (step->in[k])
            in[k] = (c2s_fact){.type = &step->in[k]->type,
                               .constant = concrete ? step->in[k]->tensor : step->in[k]->constant};
    c2s_inferred inferred;
    c2s_status status =
        c2s_infer_run(node, plan->graph->model->dims, arena, in, concrete, &inferred);
    bool complete = status == C2S_OK;
    for (unsigned k = 0; k < step->out_count && status == C2S_OK; k++) {
        c2s_slot *slot = step->out[k];
        if (!slot)
            continue;
        slot->type = is_open(&inferred.type[k]) ? unknown_type : inferred.type[k];
        complete = complete && slot->type.kind != C2S_KIND_UNKNOWN;
    }
    c2s_arena_destroy(arena);
    if (status != C2S_OK)
        c2s_error_clear(); /* the run meets the same failure, and reports it */
    return complete;
}

static bool inputs_known(const c2s_step *step) {
    for (unsigned k = 0; k < step->node->formal_count; k++)
        if (step->in[k] && is_open(&step->in[k]->type))
            return false;
    return true;
}

/* ---- folding ---- */

static bool is_foldable(const c2s_step *step) {
    const c2s_op *op = step->node->op;
    if (!op->eval || c2s_node_is_random(step->node) || op->flags & C2S_OP_HAS_BODY)
        return false;
    size_t in_size = 0, out_size = 0, count, size;
    for (unsigned k = 0; k < step->node->formal_count; k++) {
        if (step->in[k] && !step->in[k]->constant)
            return false;
        if (step->in[k])
            in_size += c2s_tensor_size(step->in[k]->constant);
    }
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && c2s_type_is_static(&step->out[k]->type) &&
            c2s_type_elements(&step->out[k]->type, &count) &&
            c2s_dtype_size(step->out[k]->type.dtype, count, &size))
            out_size += size;
    return out_size <= LARGE_CONSTANT || out_size / 4 <= in_size;
}

/* Computes a step whose inputs never change. */
static bool fold(c2s_plan *plan, c2s_step *step) {
    const c2s_node *node = step->node;
    const c2s_tensor **in = c2s_arena_array(plan->arena, node->input_count, sizeof *in);
    c2s_tensor **out = c2s_arena_array(plan->arena, node->output_count, sizeof *out);
    for (unsigned k = 0; k < node->formal_count; k++)
        in[k] = step->in[k] ? step->in[k]->constant : NULL;
    if (c2s_node_eval(node, in, out, NULL, plan->context->options.memory_limit) != C2S_OK) {
        c2s_error_clear(); /* the run reports it */
        return false;
    }
    for (unsigned k = 0; k < node->output_count; k++)
        if (step->out[k])
            set_constant(step->out[k], out[k]);
        else
            c2s_tensor_unref(out[k]);
    return step->folded = true;
}

/* Shape and Size look at types only: their results are constants of the plan. */
static bool fold_shape(c2s_plan *plan, c2s_step *step) {
    const c2s_node *node = step->node;
    if (!c2s_node_is(node, "Shape") && !c2s_node_is(node, "Size"))
        return false;
    const c2s_type *type = &step->in[0]->type;
    c2s_bytes *none = c2s_bytes_alloc(0);
    c2s_tensor stand_in = {.type = *type, .bytes = none, .refs = 1};
    const c2s_tensor *in[1] = {&stand_in};
    c2s_tensor *out[1];
    bool good = none && node->formal_count == 1 && node->output_count == 1 &&
                c2s_type_elements(type, &stand_in.count) &&
                c2s_node_eval(node, in, out, NULL, plan->context->options.memory_limit) == C2S_OK;
    c2s_bytes_unref(none);
    if (!good) {
        c2s_error_clear();
        return false;
    }
    set_constant(step->out[0], out[0]);
    return step->folded = true;
}

/* ---- kernels ---- */

void c2s_step_prepare(c2s_step *step) {
    if (step->failed)
        return;
    const c2s_kernel_family *kernel = c2s_kernel_select(step);
    if (!kernel)
        return;
    if (kernel->prepare && kernel->prepare(step) != C2S_OK) {
        c2s_log(1, "%s: %s cannot be used, the plain code runs instead: %s",
                c2s_node_text(step->node), kernel->name, c2s_error());
        c2s_error_clear();
        step->state = NULL;
        return;
    }
    step->kernel = kernel;
}

void c2s_step_unprepare(c2s_step *step) {
    if (step->kernel && step->kernel->release)
        step->kernel->release(step);
    step->kernel = NULL;
    step->state = NULL;
}

static void plan_step(c2s_plan *plan, c2s_step *step) {
    if (!inputs_known(step)) {
        step->late = true;
        return;
    }
    bool complete = c2s_step_infer(plan, step, false);
    if (complete && fold_shape(plan, step))
        return;
    if (is_foldable(step) && fold(plan, step))
        return;
    if (complete) {
        c2s_step_prepare(step);
        return;
    }
    step->late = true; /* and with it all that reads its outputs */
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k])
            step->out[k]->type = unknown_type;
}

/* ---- lifetimes ---- */

static void plan_lifetimes(c2s_plan *plan) {
    for (unsigned i = 0; i < plan->step_count; i++) {
        c2s_step *step = &plan->steps[i];
        for (unsigned k = 0; k < step->in_count; k++)
            if (step->in[k])
                step->in[k]->last = step;
        for (unsigned k = 0; k < step->out_count; k++)
            if (step->out[k])
                step->out[k]->last = step;
    }
    for (unsigned k = 0; k < c2s_graph_output_count(plan->graph); k++)
        c2s_plan_slot(plan, c2s_graph_output(plan->graph, k))->kept = true;
    for (int filling = 0; filling < 2; filling++) {
        for (unsigned i = 0; i < plan->step_count && filling; i++) {
            c2s_step *step = &plan->steps[i];
            step->dying = c2s_arena_array(plan->arena, step->dying_count, sizeof *step->dying);
            step->dying_count = 0;
        }
        for (unsigned k = 0; k < plan->slot_count; k++) {
            c2s_slot *slot = &plan->slots[k];
            if (!slot->last || slot->kept || slot->constant)
                continue;
            if (filling)
                slot->last->dying[slot->last->dying_count] = slot;
            slot->last->dying_count++;
        }
    }
}

/* ---- plans ---- */

c2s_plan *c2s_plan_create(c2s_plan_context *context, const c2s_graph *graph, unsigned slot_count,
                          const c2s_tensor *const *in) {
    c2s_arena *arena = c2s_arena_create();
    c2s_plan *plan = c2s_arena_alloc(arena, sizeof *plan);
    plan->context = context;
    plan->graph = graph;
    plan->arena = arena;
    plan->slot_count = slot_count;
    plan->slots = c2s_arena_array(arena, slot_count, sizeof *plan->slots);
    plan->steps = c2s_arena_array(arena, graph->node_count, sizeof *plan->steps);
    unsigned entries = graph->entry->output_count;
    plan->signature = c2s_arena_array(arena, entries, sizeof *plan->signature);
    for (unsigned k = 0; k < entries; k++) {
        c2s_slot *slot = c2s_plan_slot(plan, graph->entry->outputs[k]);
        plan->signature[k] = in[k] ? in[k]->type : unknown_type;
        if (slot && !slot->constant)
            slot->type = is_open(&plan->signature[k]) ? unknown_type : plan->signature[k];
    }
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (!is_constant_node(node) && add_step(plan, &plan->steps[plan->step_count], node))
            plan_step(plan, &plan->steps[plan->step_count++]);
    plan_lifetimes(plan);
    return plan;
}

void c2s_plan_destroy(c2s_plan *plan) {
    if (!plan)
        return;
    for (unsigned i = 0; i < plan->step_count; i++)
        c2s_step_unprepare(&plan->steps[i]);
    for (unsigned k = 0; k < plan->slot_count; k++) {
        c2s_tensor_unref(plan->slots[k].tensor);
        c2s_tensor_unref(plan->slots[k].constant);
    }
    c2s_arena_destroy(plan->arena);
}

bool c2s_plan_fits(const c2s_plan *plan, const c2s_tensor *const *in) {
    for (unsigned k = 0; k < plan->graph->entry->output_count; k++)
        if (!c2s_type_equal(&plan->signature[k], in[k] ? &in[k]->type : &unknown_type))
            return false;
    return true;
}
