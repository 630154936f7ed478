/* SPDX-License-Identifier: Apache-2.0
 *
 * Who computes what, and in which layout. In the order of the graph each step gets a kernel, which
 * takes its inputs in the layouts that it likes and may carry out what follows behind it.
 */
#include "base/log.h"
#include "base/threads.h"
#include "runtime/block_matmul.h"
#include "runtime/groups.h"
#include "runtime/half.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/plan_members.h"
#include "runtime/post_ops.h"
#include "runtime/quantized.h"
#include "runtime/range.h"
#include "runtime/work.h"

/* ---- readers ---- */

static void count_reader(c2s_slot *slot, c2s_step *step) {
    if (slot->reader_count < 2)
        slot->reader[slot->reader_count] = step;
    slot->reader_count++;
}

/* Who reads a half reads its float form, too, if there is one. */
static void count_readers(c2s_plan *plan) {
    for (unsigned i = 0; i < plan->step_count; i++) {
        c2s_step *step = &plan->steps[i];
        for (unsigned k = 0; k < step->in_count && !step->folded && !step->inside; k++) {
            if (step->in[k])
                count_reader(step->in[k], step);
            if (step->in[k] && step->in[k]->wide)
                count_reader(step->in[k]->wide, step);
        }
    }
    for (unsigned k = 0; k < c2s_graph_output_count(plan->graph); k++) {
        c2s_slot *slot = c2s_plan_slot(plan, c2s_graph_output(plan->graph, k));
        slot->kept = true;
        if (slot->wide)
            slot->wide->kept = true;
    }
}

static void forget_readers(c2s_plan *plan) {
    for (unsigned k = 0; k < plan->slot_count; k++) {
        plan->slots[k].reader_count = 0;
        if (plan->slots[k].wide)
            plan->slots[k].wide->reader_count = 0;
    }
}

/* ---- what a kernel may do for others ---- */

/* It is there, or is a deferred value whose integers are: those of a later step are not yet. */
static bool is_there(const c2s_slot *base) {
    if (base->made || !base->dequantizer)
        return base->made;
    for (unsigned k = 0; k < base->dequantizer->in_count; k++) {
        const c2s_slot *in = base->dequantizer->in[k];
        if (in && !in->constant && !in->base->made)
            return false;
    }
    return true;
}

/* The step that makes of `value` what `post` says; NULL: there is none. Its operand must be there
 * already. */
static c2s_step *find_post(const c2s_slot *value, c2s_post *post) {
    if (value->kept || value->observed || value->reader_count == 0 || value->reader_count > 2)
        return NULL;
    c2s_step *first = value->reader[0];
    if (first->late || first->inside)
        return NULL;
    if (value->reader_count == 2) {
        c2s_step *second = value->reader[1];
        return !second->late && !second->inside && c2s_post_swish_of(first, second, value, post)
                   ? second
                   : NULL;
    }
    if (!c2s_post_of(first, value, post) ||
        (post->binary && !is_there(post->operand)))
        return NULL;
    return first;
}

typedef struct chain {
    c2s_post post[C2S_MOST_POSTS];
    c2s_step *first[C2S_MOST_POSTS], *last[C2S_MOST_POSTS]; /* the steps of a post: one or two */
    unsigned count;
} chain;

static void find_chain(const c2s_step *step, chain *c) {
    c->count = 0;
    if (step->out_count != 1 || !step->out[0])
        return;
    for (const c2s_slot *value = step->out[0]; c->count < C2S_MOST_POSTS;) {
        c2s_step *user = find_post(value, &c->post[c->count]);
        if (!user)
            return;
        c->first[c->count] = value->reader[0];
        c->last[c->count++] = user;
        value = user->out[0];
    }
}

/* ---- preparing ---- */

void c2s_step_unprepare(c2s_step *step) {
    if (step->kernel && step->kernel->release)
        step->kernel->release(step);
    step->kernel = NULL;
    step->state = NULL;
}

/* Back to the row-major forms of the node's own inputs and outputs. */
void c2s_step_reset(c2s_step *step) {
    for (unsigned k = 0; k < step->own_count; k++)
        step->in[k] = step->in[k] ? step->in[k]->base : NULL;
    if (step->member_count) {
        step->out = c2s_arena_array(step->plan->arena, 1, sizeof *step->out);
        step->out_count = 1;
        step->out[0] = c2s_half_output(step->plan, step, 0);
    }
    for (unsigned k = 0; k < step->out_count; k++)
        step->out[k] = step->out[k] ? c2s_half_output(step->plan, step, k) : NULL;
    step->in_count = step->own_count;
    step->post_count = step->folded_posts = step->member_count = 0;
}

static void add_posts(c2s_step *step, const chain *c, unsigned count) {
    step->posts = c2s_arena_array(step->plan->arena, count, sizeof *step->posts);
    step->post_count = count;
    for (unsigned k = 0; k < count; k++) {
        step->posts[k] = c->post[k];
        if (c->post[k].binary)
            step->in[step->in_count++] = c->post[k].operand;
    }
    if (count)
        step->out[0] = c->last[count - 1]->out[0];
}

/* Inputs that the kernel has not taken are read row-major. */
static c2s_status take_rest(c2s_step *step) {
    for (unsigned k = 0; k < step->in_count; k++)
        if (step->in[k] && !step->in[k]->ready)
            C2S_TRY(c2s_step_take(step, k, NULL));
    return C2S_OK;
}

c2s_status c2s_step_prepare_kernel(c2s_step *step, const c2s_kernel_family *kernel) {
    c2s_step_choose_threads(step, kernel);
    if (!kernel->prepare)
        return C2S_OK;
    unsigned threads = c2s_step_threads(step);
    c2s_status status = kernel->prepare(step);
    c2s_threads_restore(threads);
    return status;
}

c2s_status c2s_step_try(c2s_step *step, const c2s_kernel_family *kernel) {
    if (!(kernel->flags & C2S_KERNEL_LAYOUTS) && !step->plan->closed)
        C2S_TRY(take_rest(step));
    C2S_TRY(c2s_step_prepare_kernel(step, kernel));
    step->kernel = kernel;
    c2s_status status = step->plan->closed ? C2S_OK : take_rest(step);
    if (status != C2S_OK)
        c2s_step_unprepare(step);
    return status;
}

/* Drops the forms, and deferred values, that a failed attempt has asked for. */
void c2s_plan_drop(c2s_plan *plan, size_t from) {
    while (plan->order.count > from) {
        c2s_step *step = c2s_vec_pop(&plan->order);
        c2s_slot *made = step->out[0];
        made->ready = false;
        if (made->base->made == made)
            made->base->made = NULL;
        c2s_step_unprepare(step);
        if (!step->is_reorder)
            c2s_step_reset(step);
    }
}

/* True if the kernel can be used for the step and the posts that it has now. */
static bool attempt(c2s_step *step, const c2s_kernel_family *kernel, int log_level) {
    size_t before = step->plan->order.count;
    if (c2s_step_try(step, kernel) == C2S_OK)
        return true;
    c2s_log(log_level, "%s: %s cannot be used: %s", c2s_node_text(step->node), kernel->name,
            c2s_error());
    c2s_error_clear();
    step->state = NULL;
    if (!step->plan->closed)
        c2s_plan_drop(step->plan, before);
    return false;
}

static bool attempt_with(c2s_step *step, const c2s_kernel_family *kernel, const chain *c,
                         unsigned count) {
    add_posts(step, c, count);
    if (!attempt(step, kernel, 2)) {
        c2s_step_reset(step);
        return false;
    }
    for (unsigned k = 0; k < count; k++)
        c->first[k]->inside = c->last[k]->inside = step;
    return true;
}

/* Kernels on floats look at constants before they take them. */
static void fold_deferred(c2s_step *step) {
    for (unsigned k = 0; k < step->in_count; k++) {
        c2s_slot *slot = step->in[k];
        if (slot && !slot->constant && slot->dequantizer && slot->dequantizer->in[0]->constant &&
            c2s_plan_make(step->plan, slot) != C2S_OK)
            c2s_error_clear(); /* it is made at run time */
    }
}

/* As many as possible. */
static bool attempt_with_members(c2s_step *step, const c2s_kernel_family *kernel) {
    c2s_members_find(step, kernel);
    for (unsigned count = step->member_count; count > 0; count--) {
        step->member_count = count;
        c2s_members_set_operands(step);
        if (step->out_count && attempt(step, kernel, 2)) {
            for (unsigned k = 0; k < count; k++)
                step->members[k]->inside = step;
            return true;
        }
        c2s_step_reset(step);
    }
    return false;
}

/* ---- all together ---- */

enum { MOST_KERNELS = 4 }; /* rows of one operator */

/* The longest chain that some kernel can carry out goes with the step. */
void c2s_step_prepare(c2s_step *step) {
    const c2s_kernel_family *kernel[MOST_KERNELS];
    size_t row = 0;
    unsigned kernels = 0;
    chain c = {.count = 0};
    if (step->failed || c2s_quantized_prepare(step) || c2s_block_matmul_prepare(step))
        return;
    if (!step->plan->closed)
        fold_deferred(step);
    while (kernels < MOST_KERNELS && (kernel[kernels] = c2s_kernel_next(step, &row)))
        kernels++;
    if (!step->plan->closed)
        find_chain(step, &c);
    for (unsigned count = c.count; count > 0; count--)
        for (unsigned k = 0; k < kernels; k++)
            if (kernel[k]->flags & C2S_KERNEL_POSTS && attempt_with(step, kernel[k], &c, count))
                return;
    for (unsigned k = 0; k < kernels; k++) {
        bool joins = kernel[k]->flags & C2S_KERNEL_MEMBERS && !step->plan->closed;
        if ((joins && attempt_with_members(step, kernel[k])) || attempt(step, kernel[k], 1))
            return;
        if (!step->plan->closed)
            c2s_step_reset(step);
    }
}

/* ---- the plan ---- */

/* Row-major forms where nothing else will do. */
static void want_plain(c2s_step *step, c2s_slot *slot) {
    if (slot->ready || !slot->made)
        return;
    c2s_slot *in[1] = {slot};
    c2s_step reader = *step;
    reader.in = in;
    reader.in_count = 1;
    if (c2s_step_take(&reader, 0, NULL) != C2S_OK)
        c2s_error_clear(); /* the run reports that the value is not there */
}

static void finish(c2s_plan *plan, c2s_step *step) {
    c2s_range_plan(step);
    c2s_vec_push(&plan->order, step);
    for (unsigned k = 0; k < step->out_count; k++) {
        c2s_slot *slot = step->out[k];
        if (!slot)
            continue;
        slot->ready = true;
        if (!slot->base->made)
            slot->base->made = slot;
        if (slot->base->kept || slot->base->observed)
            want_plain(step, slot->base);
        c2s_half_finish(step, slot->base);
    }
}

static void plan_now(c2s_plan *plan, c2s_step *step) {
    if (!step->late)
        c2s_step_prepare(step);
    if (!step->kernel && take_rest(step) != C2S_OK)
        c2s_error_clear();
    finish(plan, step);
}

static bool is_deferred(const c2s_step *step) {
    const c2s_slot *out = step->out_count == 1 ? step->out[0] : NULL;
    return out && out->dequantizer == step && !out->kept && !out->observed;
}

static void plan_step(c2s_plan *plan, c2s_step *step) {
    if (!step->folded && !step->inside && !is_deferred(step))
        plan_now(plan, step);
}

c2s_status c2s_plan_make(c2s_plan *plan, c2s_slot *base) {
    c2s_step *step = base->dequantizer;
    if (!is_there(base))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the integers of an operand are not there yet");
    if (!step->in[0]->constant || !c2s_step_fold(plan, step))
        plan_now(plan, step);
    return base->made ? C2S_OK
                      : c2s_fail(C2S_ERR_UNSUPPORTED, "the value cannot be made of its integers");
}

/* Graph inputs in both types; the first step stands for their conversions. */
static void finish_inputs(c2s_plan *plan) {
    for (unsigned k = 0; k < plan->graph->entry->output_count; k++) {
        c2s_slot *slot = c2s_plan_slot(plan, plan->graph->entry->outputs[k]);
        if (slot && slot->ready && slot->wide && slot->wide->reader_count > 0)
            c2s_half_finish(&plan->steps[0], slot);
    }
}

void c2s_plan_kernels(c2s_plan *plan) {
    c2s_plan_halves(plan);
    count_readers(plan);
    if (c2s_plan_groups(plan)) {
        forget_readers(plan);
        count_readers(plan);
    }
    finish_inputs(plan);
    for (unsigned i = 0; i < plan->step_count; i++)
        plan_step(plan, &plan->steps[i]);
}
