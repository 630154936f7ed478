/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/groups.h"

#include <math.h>
#include <string.h>

#include "runtime/dnnl_processor.h"
#include "runtime/plan.h"

/* ---- for those who look for groups ---- */

static bool has(const c2s_draft *draft, const c2s_step *step) {
    for (unsigned i = 0; i < draft->count; i++)
        if (draft->step[i] == step)
            return true;
    return false;
}

c2s_step *c2s_draft_take(c2s_draft *draft, const c2s_slot *value, const c2s_op *op) {
    c2s_step *step = value ? value->definer : NULL;
    if (!step || step->node->op != op || step->late || step->folded || step->inside ||
        step->group || step->widened || step->node->domain[0] != '\0')
        return NULL;
    if (!has(draft, step)) {
        if (draft->count == C2S_MOST_GROUPED)
            return NULL;
        draft->step[draft->count++] = step;
    }
    return step;
}

c2s_slot *c2s_other_operand(const c2s_step *step, const c2s_slot *one) {
    if (step->in_count != 2 || !step->in[0] || !step->in[1])
        return NULL;
    return step->in[0] == one ? step->in[1] : step->in[1] == one ? step->in[0] : NULL;
}

bool c2s_slot_number(const c2s_slot *slot, float *out) {
    if (!slot || !slot->constant || slot->constant->type.dtype != C2S_FLOAT ||
        slot->constant->count != 1)
        return false;
    memcpy(out, c2s_tensor_data(slot->constant), sizeof *out);
    return true;
}

bool c2s_is_about(float found, double expected) {
    return fabs((double)found - expected) <= 1e-6 * fabs(expected);
}

void c2s_draft_input(c2s_draft *draft, c2s_slot *slot) {
    draft->group.input[draft->group.input_count++] = slot;
}

/* ---- making groups ---- */

static unsigned count_uses(const c2s_draft *draft, const c2s_slot *value) {
    unsigned uses = 0;
    for (unsigned i = 0; i < draft->count; i++)
        for (unsigned k = 0; k < draft->step[i]->in_count; k++)
            uses += draft->step[i]->in[k] == value;
    return uses;
}

/* Nobody outside sees what the inner steps make. */
static bool is_closed(const c2s_draft *draft) {
    for (unsigned i = 1; i < draft->count; i++) {
        const c2s_step *step = draft->step[i];
        const c2s_slot *value = step->out_count == 1 ? step->out[0] : NULL;
        if (!value || value->kept || value->observed ||
            value->reader_count != count_uses(draft, value))
            return false;
    }
    return draft->step[0]->out_count == 1 && draft->step[0]->out[0];
}

static void make(c2s_plan *plan, c2s_draft *draft) {
    c2s_step *root = draft->step[0];
    c2s_group *group = c2s_arena_alloc(plan->arena, sizeof *group);
    for (unsigned i = 1; i < draft->count; i++) /* steps lie in the order of the graph */
        for (unsigned k = i; k > 0 && draft->step[k] < draft->step[k - 1]; k--) {
            c2s_step *later = draft->step[k - 1];
            draft->step[k - 1] = draft->step[k];
            draft->step[k] = later;
        }
    *group = draft->group;
    for (unsigned i = 0; i < draft->count; i++) {
        group->node[group->node_count++] = draft->step[i]->node;
        if (draft->step[i] != root)
            draft->step[i]->inside = root;
    }
    root->group = group;
    root->terms = group->terms;
    root->own_count = root->in_count = group->input_count;
    root->in =
        c2s_arena_array(plan->arena, group->input_count + C2S_MOST_POSTS, sizeof(c2s_slot *));
    memcpy(root->in, group->input, group->input_count * sizeof *root->in);
    group->post.group = group;
}

static bool is_candidate(const c2s_step *step) {
    return !step->late && !step->folded && !step->inside && !step->group && !step->widened &&
           step->out_count == 1 && step->out[0] && step->node->domain[0] == '\0';
}

bool c2s_plan_groups(c2s_plan *plan) {
    static bool (*const match[])(c2s_step *, c2s_draft *) = {
        c2s_match_norm, c2s_match_gelu, c2s_match_attention, c2s_match_shuffle};
    bool found = false;
    if (!c2s_processor_has_fma())
        return false;
    for (unsigned i = 0; i < plan->step_count; i++)
        for (unsigned k = 0; k < plan->steps[i].out_count && !plan->steps[i].folded; k++)
            if (plan->steps[i].out[k])
                plan->steps[i].out[k]->definer = &plan->steps[i];
    for (unsigned i = plan->step_count; i-- > 0;)
        for (size_t m = 0; m < sizeof match / sizeof *match && is_candidate(&plan->steps[i]); m++) {
            c2s_draft draft = {.step = {&plan->steps[i]}, .count = 1};
            if (!match[m](&plan->steps[i], &draft) || !is_closed(&draft) ||
                !draft.group.kernel->accepts(&plan->steps[i]))
                continue;
            make(plan, &draft);
            found = true;
        }
    return found;
}
