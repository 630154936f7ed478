/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan_members.h"

#include <string.h>

#include "runtime/plan.h"

/* How far behind a step members are looked for. */
enum { MOST_MEMBERS = 31, WINDOW = 64 };

static bool makes(const c2s_step *step, const c2s_slot *slot) {
    return step->out_count == 1 && step->out[0] && step->out[0]->base == slot->base;
}

static bool is_made_inside(const c2s_step *step, const c2s_slot *slot) {
    bool inside = makes(step, slot);
    for (unsigned k = 0; k < step->member_count && !inside; k++)
        inside = makes(step->members[k], slot);
    return inside;
}

/* True if the step can be computed right behind the members: it reads a result of theirs, and all
 * else that it reads is there. */
static bool can_join(const c2s_step *step, const c2s_step *next) {
    bool reads = false;
    if (next->late || next->folded || next->inside || next->group || next->out_count != 1 ||
        !next->out[0])
        return false;
    for (unsigned k = 0; k < next->in_count; k++) {
        const c2s_slot *slot = next->in[k];
        if (slot && is_made_inside(step, slot))
            reads = true;
        else if (slot && (!slot->base->made || slot->dequantizer))
            return false;
    }
    return reads;
}

/* True if the step would get the kernel if it came alone. */
static bool is_for(const c2s_step *step, const c2s_kernel_family *kernel) {
    size_t row = 0;
    return c2s_kernel_next(step, &row) == kernel;
}

void c2s_members_find(c2s_step *step, const c2s_kernel_family *kernel) {
    const c2s_plan *plan = step->plan;
    const c2s_step *end = plan->steps + plan->step_count;
    step->members = c2s_arena_array(plan->arena, MOST_MEMBERS, sizeof *step->members);
    for (c2s_step *next = step + 1; next < end && next <= step + WINDOW; next++)
        if (step->member_count < MOST_MEMBERS && can_join(step, next) && is_for(next, kernel) &&
            kernel->joins(step, next))
            step->members[step->member_count++] = next;
}

static unsigned count_reads(const c2s_step *step, const c2s_slot *slot) {
    unsigned count = 0;
    for (unsigned k = 0; k < step->member_count; k++)
        for (unsigned j = 0; j < step->members[k]->in_count; j++)
            count += step->members[k]->in[j] == slot;
    return count;
}

static bool is_needed(const c2s_slot *slot) {
    return slot && (slot->kept || slot->observed || slot->reader_count > 0);
}

static bool is_needed_outside(const c2s_step *step, const c2s_slot *slot) {
    return slot->kept || slot->observed || count_reads(step, slot) < slot->reader_count ||
           is_needed(slot->narrow) || is_needed(slot->wide);
}

void c2s_members_set_operands(c2s_step *step) {
    c2s_arena *arena = step->plan->arena;
    unsigned count = step->in_count;
    for (unsigned k = 0; k < step->member_count; k++)
        count += step->members[k]->in_count;
    c2s_slot **in = c2s_arena_array(arena, count, sizeof *in);
    c2s_slot **out = c2s_arena_array(arena, step->member_count + 1u, sizeof *out);
    memcpy(in, step->in, step->in_count * sizeof *in);
    for (unsigned k = 0; k < step->member_count; k++)
        for (unsigned j = 0; j < step->members[k]->in_count; j++) {
            c2s_slot *slot = step->members[k]->in[j];
            bool known = !slot || is_made_inside(step, slot);
            for (unsigned i = 0; i < step->in_count && !known; i++)
                known = in[i] == slot;
            if (!known)
                in[step->in_count++] = slot;
        }
    unsigned written = 0;
    for (unsigned k = 0; k <= step->member_count; k++) {
        c2s_slot *slot = k ? step->members[k - 1]->out[0] : step->out[0];
        if (is_needed_outside(step, slot))
            out[written++] = slot;
    }
    step->in = in;
    step->out = out;
    step->out_count = written;
}
