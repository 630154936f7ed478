/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known before a run: types of all values, and what depends on types and constants alone.
 */
#include "ops/infer.h"
#include "runtime/block_matmul.h"
#include "runtime/plan.h"
#include "runtime/quantized.h"

/* What is mostly repetition (a few bytes become many) is computed at every run if it is larger than
 * this, and all of it in one plan larger than the second figure. */
#define LARGE_CONSTANT  ((size_t)64 << 10)
#define LARGE_CONSTANTS ((size_t)1 << 30)

static const c2s_type unknown_type = {.kind = C2S_KIND_UNKNOWN, .rank = -1};

static bool is_open(const c2s_type *type) {
    return !c2s_type_is_tensor(type) || !c2s_type_is_static(type);
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

static void set_constant(c2s_slot *slot, c2s_tensor *tensor) {
    slot->constant = tensor;
    slot->tensor = c2s_tensor_ref(tensor);
    slot->type = tensor->type;
    slot->ready = true;
    slot->made = slot;
}

static bool is_foldable(c2s_plan *plan, const c2s_step *step) {
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
    if (out_size <= LARGE_CONSTANT || out_size / 4 <= in_size)
        return true;
    if (out_size > LARGE_CONSTANTS - plan->repetition)
        return false;
    plan->repetition += out_size;
    return true;
}

/* Computes a step whose inputs never change. */
bool c2s_step_fold(c2s_plan *plan, c2s_step *step) {
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

static void type_step(c2s_plan *plan, c2s_step *step) {
    if (plan->all_late || !inputs_known(step)) {
        step->late = true;
        return;
    }
    bool complete = c2s_step_infer(plan, step, false);
    if (complete && fold_shape(plan, step))
        return;
    if (complete && (c2s_quantized_defers(step) || c2s_block_matmul_defers(step)))
        return;
    if ((is_foldable(plan, step) && c2s_step_fold(plan, step)) || complete)
        return;
    step->late = true; /* and with it all that reads its outputs */
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k])
            step->out[k]->type = unknown_type;
}

void c2s_plan_types(c2s_plan *plan) {
    for (unsigned i = 0; i < plan->step_count; i++)
        type_step(plan, &plan->steps[i]);
}
