/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a plan, step by step.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "runtime/plan.h"

enum { FEW = 16 };

/* ---- bodies of control flow ---- */

typedef struct body_runner {
    c2s_body_runner base;
    c2s_plan_context *context;
    const c2s_step *owner;
} body_runner;

static c2s_status run_body(const c2s_body_runner *self, const c2s_graph *body,
                           const c2s_tensor *const *in, unsigned in_count, c2s_tensor **out,
                           unsigned out_count) {
    const body_runner *runner = (const body_runner *)self;
    if (in_count != body->formal_inputs || out_count != c2s_graph_output_count(body))
        return c2s_fail(C2S_ERR_INVALID,
                        "body \"%s\" has %u inputs and %u outputs, expected %u and %u", body->name,
                        body->formal_inputs, c2s_graph_output_count(body), in_count, out_count);
    unsigned entries = body->entry->output_count, hidden = c2s_graph_hidden_slot(body);
    const c2s_tensor *few[FEW];
    const c2s_tensor **entry = entries <= FEW ? few : c2s_alloc_array(entries, sizeof *entry);
    for (unsigned k = 0; k < entries; k++)
        entry[k] = k < in_count ? in[k] : runner->owner->in[hidden + k - in_count]->tensor;
    c2s_status status = runner->context->run_body(runner->context, body, entry, out);
    if (entry != few)
        free(entry);
    return status;
}

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
                C2S_TRY(c2s_memory_tensor(plan->context->memory, &step->out[k]->type,
                                          &step->out[k]->tensor));
    return step->kernel->run(step);
}

static c2s_status run_eval(c2s_plan *plan, c2s_step *step) {
    const c2s_node *node = step->node;
    const c2s_tensor *few_in[FEW];
    c2s_tensor *few_out[FEW];
    const c2s_tensor **in =
        step->in_count <= FEW ? few_in : c2s_alloc_array(step->in_count, sizeof *in);
    c2s_tensor **out =
        step->out_count <= FEW ? few_out : c2s_alloc_array(step->out_count, sizeof *out);
    for (unsigned k = 0; k < step->in_count; k++)
        in[k] = step->in[k] ? step->in[k]->tensor : NULL;
    body_runner runner = {{run_body}, plan->context, step};
    c2s_status status =
        c2s_node_eval(node, in, out, &runner.base, plan->context->options.memory_limit);
    for (unsigned k = 0; k < step->out_count && status == C2S_OK; k++)
        if (step->out[k])
            step->out[k]->tensor = out[k];
        else
            c2s_tensor_unref(out[k]);
    if (in != few_in)
        free(in);
    if (out != few_out)
        free(out);
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
}

/* A value came out with another type than planned: from here on, look before each step. */
static void distrust(c2s_plan *plan, const c2s_step *after) {
    for (c2s_step *step = plan->steps + (after - plan->steps) + 1;
         step < plan->steps + plan->step_count; step++)
        if (!step->folded && !step->late) {
            c2s_step_unprepare(step);
            step->late = true;
        }
}

static c2s_status observe(const c2s_plan *plan, const c2s_slot *slot) {
    if (!slot || !slot->observed)
        return C2S_OK;
    const c2s_eval_options *options = &plan->context->options;
    return options->observe(options->observe_user, slot->value, slot->tensor);
}

/* All exponent bits set: NaN or infinity. */
static bool is_finite(const c2s_tensor *tensor) {
    if (tensor->type.kind != C2S_KIND_TENSOR || tensor->type.dtype != C2S_FLOAT)
        return true;
    enum { BLOCK = 4096 }; /* looks up now and then: most tensors are read to the end anyway */
    const uint32_t *bits = c2s_tensor_data(tensor);
    for (size_t start = 0; start < tensor->count; start += BLOCK) {
        size_t end = tensor->count - start < BLOCK ? tensor->count : start + BLOCK;
        uint32_t found = 0;
        for (size_t k = start; k < end; k++)
            found |= (bits[k] & 0x7f800000u) == 0x7f800000u;
        if (found)
            return false;
    }
    return true;
}

/* Constants are left out: reading all weights again in every run would cost more than it is worth. */
static bool inputs_are_finite(const c2s_step *step) {
    for (unsigned k = 0; k < step->node->formal_count; k++)
        if (step->in[k] && !step->in[k]->constant && !is_finite(step->in[k]->tensor))
            return false;
    return true;
}

static c2s_status compute(c2s_plan *plan, c2s_step *step) {
    if (step->late)
        resolve(plan, step);
    if (!step->kernel)
        return run_eval(plan, step);
    if (step->kernel->finite_only && step->kernel->finite_only(step) && !inputs_are_finite(step))
        return run_eval(plan, step);
    if (run_kernel(plan, step) == C2S_OK)
        return C2S_OK;
    c2s_log(1, "%s: %s failed, the plain code runs instead: %s", c2s_node_text(step->node),
            step->kernel->name, c2s_error());
    c2s_error_clear();
    c2s_step_unprepare(step);
    step->failed = true;
    drop_outputs(plan, step);
    return run_eval(plan, step);
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

static c2s_status run_step(c2s_plan *plan, c2s_step *step) {
    if (!step->folded)
        C2S_TRY(plan->context->profile ? profile(plan, step) : compute(plan, step));
    for (unsigned k = 0; k < step->out_count; k++) {
        c2s_slot *slot = step->out[k];
        C2S_TRY(observe(plan, slot));
        if (!slot || step->folded || c2s_type_equal(&slot->type, &slot->tensor->type))
            continue;
        slot->type = slot->tensor->type;
        if (!step->late)
            distrust(plan, step);
    }
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
        if (!slot->constant && in[k])
            slot->tensor = c2s_tensor_ref(in[k]);
        if (slot->tensor)
            C2S_TRY(observe(plan, slot));
    }
    return C2S_OK;
}

static void leave(c2s_plan *plan) {
    for (unsigned k = 0; k < plan->slot_count; k++)
        if (!plan->slots[k].constant && plan->slots[k].tensor)
            drop(plan, &plan->slots[k]);
}

c2s_status c2s_plan_run(c2s_plan *plan, const c2s_tensor *const *in, c2s_tensor **out) {
    unsigned outputs = c2s_graph_output_count(plan->graph);
    memset(out, 0, outputs * sizeof *out);
    c2s_status status = enter(plan, in);
    for (unsigned i = 0; i < plan->step_count && status == C2S_OK; i++)
        status = run_step(plan, &plan->steps[i]);
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
