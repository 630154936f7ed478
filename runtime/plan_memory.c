/* SPDX-License-Identifier: Apache-2.0
 *
 * Lifetimes, and one block of memory for the activations: each gets an offset such that no two that
 * are needed at the same time overlap, the largest first.
 */
#include <stdlib.h>

#include "runtime/concat_pieces.h"
#include "runtime/layout.h"
#include "runtime/plan.h"

#define ALIGNMENT ((size_t)64)

/* ---- lifetimes ---- */

static void touch(c2s_slot *slot, c2s_step *step) {
    if (slot)
        slot->last = step;
}

static void find_last(c2s_plan *plan) {
    for (unsigned i = 0; i < plan->order.count; i++) {
        c2s_step *step = plan->order.at[i];
        step->index = i;
        for (unsigned k = 0; k < step->in_count; k++)
            touch(step->in[k], step);
        for (unsigned k = 0; k < step->out_count; k++) {
            touch(step->out[k], step);
            if (step->out[k])
                step->out[k]->maker = step;
        }
    }
}

#define EACH_FORM(plan, form)                                                                      \
    for (unsigned k_ = 0; k_ < (plan)->slot_count; k_++)                                           \
        for (c2s_slot *form = &(plan)->slots[k_]; form; form = form->next_form)

/* Given to the caller when the run ends. */
static bool leaves(const c2s_slot *form) {
    return form->kept && !form->layout && !form->narrow;
}

static bool dies(const c2s_slot *form) {
    return form->last && !form->constant && !leaves(form);
}

static void list_dying(c2s_plan *plan) {
    EACH_FORM(plan, form) {
        if (dies(form))
            form->last->dying_count++;
    }
    for (size_t i = 0; i < plan->order.count; i++) {
        c2s_step *step = plan->order.at[i];
        step->dying = c2s_arena_array(plan->arena, step->dying_count, sizeof *step->dying);
        step->dying_count = 0;
    }
    EACH_FORM(plan, form) {
        if (dies(form))
            form->last->dying[form->last->dying_count++] = form;
    }
}

/* ---- what can have a place ---- */

static bool is_view(const c2s_step *step) {
    return step->kernel && step->kernel->flags & C2S_KERNEL_MAKES_OUTPUTS;
}

/* Steps that may pass on a reference to an input, or keep it inside a container. */
static bool may_keep_inputs(const c2s_step *step) {
    return step->late ||
           (!step->kernel && step->node->op->flags & (C2S_OP_SIZES_OUTPUTS | C2S_OP_HAS_BODY));
}

/* A view lies where its source lies, which must then last as long. */
static void join_view(const c2s_step *step, c2s_slot *out) {
    c2s_slot *store = step->in[0]->store;
    out->store = store;
    out->part = step->in[0]->part || step->kernel->flags & C2S_KERNEL_PARTS;
    store->escapes |= leaves(out);
    if (out->last->index > store->end)
        store->end = out->last->index;
}

static void join_views(c2s_plan *plan) {
    EACH_FORM(plan, form) {
        form->end = form->last ? form->last->index : 0;
    }
    for (size_t i = 0; i < plan->order.count; i++) {
        c2s_step *step = plan->order.at[i];
        for (unsigned k = 0; k < step->in_count; k++)
            if (step->in[k] && may_keep_inputs(step))
                step->in[k]->store->escapes = true;
        for (unsigned k = 0; k < step->out_count; k++)
            if (is_view(step) && step->in[0] && step->out[k])
                join_view(step, step->out[k]);
    }
}

static bool can_have_place(const c2s_plan *plan, const c2s_slot *form, size_t *size) {
    uint64_t limit = plan->context->options.memory_limit;
    return form->store == form && form->maker && !may_keep_inputs(form->maker) && !form->constant &&
           !form->escapes && !leaves(form) && c2s_type_is_tensor(&form->type) &&
           c2s_type_is_static(&form->type) && form->type.dtype != C2S_STRING &&
           c2s_slot_size(form, size) && *size > 0 && (!limit || *size <= limit);
}

/* ---- inputs of Concat ---- */

/* Later ones first: their outputs may hold the outputs of earlier ones. The host of a store has
 * itself none. */
static void join_concats(c2s_plan *plan) {
    for (size_t i = plan->order.count; i-- > 0;) {
        c2s_step *step = plan->order.at[i];
        size_t size, offset;
        if (!step->kernel || !c2s_concat_offset(step, 0, &offset) ||
            !can_have_place(plan, step->out[0], &size))
            continue;
        for (unsigned k = 0; k < step->in_count; k++) {
            c2s_slot *in = step->in[k];
            if (in->host || !can_have_place(plan, in, &size))
                continue;
            c2s_slot *out = step->out[0];
            c2s_concat_offset(step, k, &in->host_offset);
            in->host = out->host ? out->host : out;
            in->host_offset += out->host ? out->host_offset : 0;
        }
    }
}

/* ---- results written over inputs ---- */

/* The store whose memory a slot lies in, behind views and overwritten inputs; NULL: it is a part of
 * something else. */
static c2s_slot *root_of(const c2s_slot *slot) {
    c2s_slot *store = slot->store;
    if (slot->part)
        return NULL;
    if (!store->host)
        return store;
    return store->overwrites ? store->host : NULL;
}

/* True if nothing of the root's memory is needed after the step, and no other operand lies in it
 * but in the same way. */
static bool is_free_behind(const c2s_step *step, unsigned input, const c2s_slot *root,
                           unsigned output) {
    if (root->end != step->index)
        return false;
    for (unsigned k = 0; k < step->in_count; k++) {
        const c2s_slot *other = step->in[k];
        if (!other || other == step->in[input])
            continue;
        const c2s_slot *store = other->store;
        bool inside = store == root || store->host == root;
        if (inside && (other->part || !step->kernel->overwrites(step, k, output)))
            return false;
    }
    return true;
}

static void join_output(c2s_step *step, unsigned output, bool taken[]) {
    c2s_slot *out = step->out[output];
    size_t size, have;
    if (!out || !out->placed || out->host || !c2s_slot_size(out, &size))
        return;
    for (unsigned k = 0; k < step->in_count; k++) {
        c2s_slot *root = step->in[k] ? root_of(step->in[k]) : NULL;
        if (!root || taken[k] || !root->placed || root == out || !c2s_slot_size(root, &have) ||
            size > have || !step->kernel->overwrites(step, k, output) ||
            !is_free_behind(step, k, root, output))
            continue;
        out->host = root;
        out->host_offset = 0;
        out->overwrites = true;
        root->end = out->end > root->end ? out->end : root->end;
        for (unsigned j = 0; j < step->in_count; j++)
            taken[j] |= step->in[j] && root_of(step->in[j]) == root;
        return;
    }
}

/* In the order of execution: what is written over an input may be overwritten itself. */
static void join_overwritten(c2s_plan *plan) {
    enum { MOST_INPUTS = 64 };
    for (size_t i = 0; i < plan->order.count; i++) {
        c2s_step *step = plan->order.at[i];
        bool taken[MOST_INPUTS] = {false};
        if (!step->kernel || !step->kernel->overwrites || step->late ||
            step->in_count > MOST_INPUTS)
            continue;
        for (unsigned k = 0; k < step->out_count; k++)
            join_output(step, k, taken);
    }
}

/* ---- places ---- */

typedef struct interval {
    c2s_slot *slot;
    size_t size, offset;
    unsigned start, end; /* both inclusive */
} interval;

typedef C2S_VEC(interval) intervals;

/* With more than these, places are reused by equal size only: the search would take too long. */
enum { MOST_SEARCHED = 3000 };

static int larger(const void *a, const void *b) {
    const interval *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return (x->start > y->start) - (x->start < y->start);
}

static int lower(const void *a, const void *b) {
    const interval *x = *(const interval *const *)a, *y = *(const interval *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The lowest gap between those that live at the same time. */
static size_t find_gap(const interval *placed, size_t count, const interval *one,
                       const interval **others) {
    size_t found = 0, offset = 0;
    for (size_t i = 0; i < count; i++)
        if (placed[i].start <= one->end && one->start <= placed[i].end)
            others[found++] = &placed[i];
    if (found)
        qsort(others, found, sizeof *others, lower);
    for (size_t i = 0; i < found; i++) {
        if (others[i]->offset >= offset + one->size)
            break;
        if (others[i]->offset + others[i]->size > offset)
            offset = others[i]->offset + others[i]->size;
    }
    return offset;
}

static void place_by_size(intervals *all) {
    qsort(all->at, all->count, sizeof *all->at, larger);
    const interval **others = c2s_alloc_array(all->count, sizeof *others);
    for (size_t i = 0; i < all->count; i++)
        all->at[i].offset = find_gap(all->at, i, &all->at[i], others);
    free(others);
}

/* Within a group of equal size, the place that was free first is taken again: two walks, over
 * starts and over ends, both in order. */
static void place_by_group(intervals *all) {
    qsort(all->at, all->count, sizeof *all->at, larger);
    size_t top = 0;
    for (size_t from = 0, to; from < all->count; from = to) {
        for (to = from; to < all->count && all->at[to].size == all->at[from].size;)
            to++;
        size_t oldest = from; /* whose place is looked at for reuse, in order of start */
        for (size_t i = from; i < to; i++) {
            if (oldest < i && all->at[oldest].end < all->at[i].start) {
                all->at[i].offset = all->at[oldest++].offset;
                continue;
            }
            all->at[i].offset = top;
            top += all->at[i].size;
        }
    }
}

static void place_all(c2s_plan *plan) {
    intervals all = {0};
    size_t size;
    EACH_FORM(plan, form) {
        if (!can_have_place(plan, form, &size) || size > SIZE_MAX / 4)
            continue;
        form->start = form->maker->index;
        form->placed = true;
    }
    EACH_FORM(plan, form) {
        if (!form->placed || !form->host)
            continue;
        form->host->start = form->start < form->host->start ? form->start : form->host->start;
        form->host->end = form->end > form->host->end ? form->end : form->host->end;
    }
    join_overwritten(plan);
    EACH_FORM(plan, form) {
        if (!form->placed || form->host || !c2s_slot_size(form, &size))
            continue;
        size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        c2s_vec_push(&all, (interval){form, size, 0, form->start, form->end});
    }
    if (all.count == 0)
        return;
    all.count > MOST_SEARCHED ? place_by_group(&all) : place_by_size(&all);
    for (size_t i = 0; i < all.count; i++) {
        all.at[i].slot->offset = all.at[i].offset;
        size_t end = all.at[i].offset + all.at[i].size;
        plan->block_size = end > plan->block_size ? end : plan->block_size;
    }
    c2s_vec_free(&all);
    EACH_FORM(plan, form) {
        if (form->placed && form->host)
            form->offset = form->host->offset + form->host_offset;
    }
}

void c2s_plan_memory(c2s_plan *plan) {
    find_last(plan);
    list_dying(plan);
    join_views(plan);
    join_concats(plan);
    place_all(plan);
}

/* ---- the block ---- */

c2s_status c2s_plan_wake(c2s_plan *plan) {
    if (plan->block || plan->block_size == 0)
        return C2S_OK;
    plan->block = c2s_bytes_alloc(plan->block_size);
    if (!plan->block)
        return c2s_fail_alloc(1, plan->block_size);
    EACH_FORM(plan, form) {
        if (form->placed)
            C2S_TRY(c2s_tensor_view(form->type.dtype, form->type.rank, form->type.dim, plan->block,
                                    form->offset, &form->place));
    }
    return C2S_OK;
}

void c2s_plan_rest(c2s_plan *plan) {
    EACH_FORM(plan, form) {
        c2s_tensor_unref(form->place);
        form->place = NULL;
    }
    c2s_bytes_unref(plan->block);
    plan->block = NULL;
}

static c2s_status layout_tensor(const c2s_slot *slot, c2s_tensor **out) {
    size_t size;
    c2s_bytes *bytes = c2s_slot_size(slot, &size) ? c2s_bytes_alloc(size) : NULL;
    if (!bytes)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for an output");
    c2s_status status =
        c2s_tensor_view(slot->type.dtype, slot->type.rank, slot->type.dim, bytes, 0, out);
    c2s_bytes_unref(bytes);
    return status;
}

c2s_status c2s_slot_allocate(c2s_plan *plan, c2s_slot *slot) {
    size_t size, limit = plan->context->options.memory_limit;
    if (slot->place) {
        slot->tensor = c2s_tensor_ref(slot->place);
        return C2S_OK;
    }
    if (slot->layout && limit && c2s_slot_size(slot, &size) && size > limit)
        return c2s_fail(C2S_ERR_MEMORY, "an output would take %zu bytes, the limit is %zu", size,
                        limit);
    return slot->layout ? layout_tensor(slot, &slot->tensor)
                        : c2s_memory_tensor(plan->context->memory, &slot->type, &slot->tensor);
}
