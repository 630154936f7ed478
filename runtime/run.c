/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a plan, step by step.
 */
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/threads.h"
#include "runtime/half.h"
#include "runtime/plan.h"
#include "runtime/range.h"
#include "runtime/work.h"

/* ---- one step ---- */

static void drop(c2s_plan *plan, c2s_slot *slot) {
    c2s_tensor *tensor = slot->tensor;
    slot->tensor = NULL;
    c2s_memory_release(plan->context->memory, tensor);
}

static void drop_outputs(c2s_plan *plan, c2s_step *step) {
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k])
            drop(plan, step->out[k]);
}

static c2s_status run_kernel(c2s_plan *plan, c2s_step *step) {
    if (!(step->kernel->flags & C2S_KERNEL_MAKES_OUTPUTS))
        for (unsigned k = 0; k < step->out_count; k++)
            if (step->out[k])
                C2S_TRY(c2s_slot_allocate(plan, step->out[k]));
    unsigned threads = c2s_step_threads(step);
    c2s_status status = step->kernel->run(step);
    c2s_threads_restore(threads);
    return status;
}

/* Brings a late step up to date with the types that its inputs have now. */
static void resolve(c2s_plan *plan, c2s_step *step) {
    if (step->failed || !c2s_kernel_serves(step->node))
        return;
    unsigned formal = step->node->formal_count, count = formal + step->out_count;
    bool complete = true;
    for (unsigned k = 0; k < formal; k++)
        if (step->in[k] && step->in[k]->tensor)
            step->in[k]->type = step->in[k]->tensor->type;
        else if (step->in[k]) /* an optional graph input that was left out */
            complete = false;
    if (!complete || !c2s_step_infer(plan, step, true)) {
        c2s_step_unprepare(step);
        return;
    }
    bool same = step->seen != NULL;
    if (!same)
        step->seen = c2s_arena_array(plan->arena, count, sizeof *step->seen);
    for (unsigned k = 0; k < count; k++) {
        const c2s_slot *slot = k < formal ? step->in[k] : step->out[k - formal];
        if (!slot || c2s_type_equal(&step->seen[k], &slot->type))
            continue;
        same = false;
        step->seen[k] = slot->type;
    }
    if (same)
        return;
    c2s_step_unprepare(step);
    c2s_step_prepare(step);
    c2s_range_plan(step);
}

static c2s_status observe(const c2s_plan *plan, const c2s_slot *slot) {
    if (!slot || !slot->observed || !slot->tensor)
        return C2S_OK;
    const c2s_eval_options *options = &plan->context->options;
    return options->observe(options->observe_user, slot->value, slot->tensor);
}

static c2s_status compute(c2s_plan *plan, c2s_step *step) {
    if (step->late)
        resolve(plan, step);
    if (!step->kernel || step->failed || !c2s_range_allows(step))
        return c2s_step_eval(plan, step);
    c2s_status status = run_kernel(plan, step);
    if (status == C2S_OK && !c2s_half_holds(step)) {
        drop_outputs(plan, step);
        return c2s_step_eval(plan, step);
    }
    if (status == C2S_OK || step->is_reorder)
        return status;
    c2s_log(1, "%s: %s failed, the plain code runs instead: %s", c2s_node_text(step->node),
            step->kernel->name, c2s_error());
    c2s_error_clear();
    drop_outputs(plan, step);
    step->failed = true;
    return c2s_step_eval(plan, step);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t bytes_of(c2s_slot *const *slots, unsigned count) {
    uint64_t bytes = 0;
    for (unsigned k = 0; k < count; k++)
        if (slots[k] && slots[k]->tensor && slots[k]->tensor->type.kind == C2S_KIND_TENSOR)
            bytes += c2s_tensor_size(slots[k]->tensor);
    return bytes;
}

static c2s_status profile(c2s_plan *plan, c2s_step *step) {
    uint64_t start = now();
    C2S_TRY(compute(plan, step));
    step->nanoseconds += now() - start;
    step->runs++;
    step->bytes = bytes_of(step->in, step->in_count) + bytes_of(step->out, step->out_count);
    return C2S_OK;
}

/* A value came out with another type than planned: what was prepared for it is worthless. */
static c2s_status check_types(c2s_plan *plan, c2s_step *step) {
    for (unsigned k = 0; k < step->out_count; k++) {
        c2s_slot *slot = step->out[k];
        if (!slot || c2s_type_equal(&slot->type, &slot->tensor->type))
            continue;
        slot->type = slot->tensor->type;
        if (step->late)
            continue;
        plan->refuted = true;
        return c2s_fail(C2S_ERR_INVALID, "%s: output %u is not what its inputs make expect",
                        c2s_node_text(step->node), k);
    }
    return C2S_OK;
}

static c2s_status run_step(c2s_plan *plan, c2s_step *step) {
    C2S_TRY(plan->context->profile ? profile(plan, step) : compute(plan, step));
    C2S_TRY(check_types(plan, step));
    c2s_range_follow(step);
    c2s_half_follow(step);
    for (unsigned k = 0; k < step->out_count; k++)
        C2S_TRY(observe(plan, step->out[k]));
    for (unsigned k = 0; k < step->dying_count; k++)
        drop(plan, step->dying[k]);
    return C2S_OK;
}

/* ---- the plan ---- */

static c2s_status enter(c2s_plan *plan, const c2s_tensor *const *in) {
    for (unsigned k = 0; k < plan->graph->entry->output_count; k++) {
        c2s_slot *slot = c2s_plan_slot(plan, plan->graph->entry->outputs[k]);
        if (!slot)
            continue;
        if (!slot->constant && in[k]) {
            slot->tensor = c2s_tensor_ref(in[k]);
            slot->most = C2S_RANGE_UNKNOWN;
        }
        if (slot->tensor)
            C2S_TRY(observe(plan, slot));
    }
    for (unsigned i = 0; i < plan->step_count && plan->context->options.observe; i++)
        for (unsigned k = 0; k < plan->steps[i].out_count && plan->steps[i].folded; k++)
            C2S_TRY(observe(plan, plan->steps[i].out[k]));
    return C2S_OK;
}

static void leave(c2s_plan *plan) {
    for (unsigned k = 0; k < plan->slot_count; k++)
        for (c2s_slot *form = &plan->slots[k]; form; form = form->next_form)
            if (!form->constant && form->tensor)
                drop(plan, form);
}

c2s_status c2s_plan_run(c2s_plan *plan, const c2s_tensor *const *in, c2s_tensor **out) {
    unsigned outputs = c2s_graph_output_count(plan->graph);
    memset(out, 0, outputs * sizeof *out);
    c2s_status status = c2s_plan_wake(plan);
    if (status == C2S_OK)
        status = enter(plan, in);
    for (size_t i = 0; i < plan->order.count && status == C2S_OK; i++)
        status = run_step(plan, plan->order.at[i]);
    for (unsigned k = 0; k < outputs && status == C2S_OK; k++) {
        const c2s_slot *slot = c2s_plan_slot(plan, c2s_graph_output(plan->graph, k));
        if (slot->tensor)
            out[k] = c2s_tensor_ref(slot->tensor);
        else
            status = c2s_fail(C2S_ERR_INVALID, "output \"%s\" is an input that was left out",
                              c2s_graph_output_name(plan->graph, k));
    }
    if (status != C2S_OK)
        for (unsigned k = 0; k < outputs; k++) {
            c2s_tensor_unref(out[k]);
            out[k] = NULL;
        }
    leave(plan);
    return status;
}
