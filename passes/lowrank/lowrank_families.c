/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers that read the same rows: which they are, and what they could become as one. All stages but
 * the last serve all of them then, so that more of what is left goes to the rank.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "passes/lowrank/lowrank_job.h"

enum { MOST_MEMBERS = 8 };

/* ---- which ---- */

/* Starts a family, or puts the item into that of an earlier one that reads the same rows.
 * `of_value`: 1 + the latest family by value id. */
static void add_item(c2s_lowrank_plan *plan, size_t index, size_t *of_value) {
    const c2s_lowrank_layer *layer = &plan->items.at[index].layer;
    size_t *latest = &of_value[layer->site.input->id];
    if (*latest > 0) {
        c2s_lowrank_family *family = &plan->families.at[*latest - 1];
        const c2s_lowrank_layer both[] = {plan->items.at[family->items.at[0]].layer, *layer};
        c2s_lowrank_layer joint;
        if (family->items.count < MOST_MEMBERS && c2s_lowrank_layer_join(both, 2, &joint)) {
            c2s_vec_push(&family->items, index);
            return;
        }
    }
    c2s_lowrank_family family = {.joint.chosen = C2S_RANK_AS_IS};
    c2s_vec_push(&family.items, index);
    c2s_vec_push(&plan->families, family);
    *latest = plan->families.count;
}

static void drop_single(c2s_lowrank_plan *plan) {
    size_t kept = 0;
    for (size_t f = 0; f < plan->families.count; f++) {
        if (plan->families.at[f].items.count > 1)
            plan->families.at[kept++] = plan->families.at[f];
        else
            c2s_vec_free(&plan->families.at[f].items);
    }
    plan->families.count = kept;
}

static void open_joint(c2s_lowrank_plan *plan, c2s_lowrank_family *family) {
    const size_t count = family->items.count;
    const c2s_lowrank_item *first = &plan->items.at[family->items.at[0]];
    c2s_lowrank_item *joint = &family->joint;
    family->members = c2s_alloc_array(count, sizeof *family->members);
    for (size_t m = 0; m < count; m++)
        family->members[m] = plan->items.at[family->items.at[m]].layer;
    c2s_lowrank_layer_join(family->members, count, &joint->layer);
    joint->counted = first->counted;
    joint->counted.n = joint->layer.site.n;
    joint->input = first->input;
    joint->rows = first->rows;
    joint->weight = joint->readers = 1;
    for (size_t m = 0; m < count; m++) {
        joint->parameters += plan->items.at[family->items.at[m]].parameters;
        joint->macs += plan->items.at[family->items.at[m]].macs;
    }
}

void c2s_lowrank_find_families(c2s_lowrank_job *j) {
    c2s_lowrank_plan *plan = &j->plan;
    size_t *of_value = c2s_zalloc((j->model->values.count + 1) * sizeof *of_value);
    for (size_t i = 0; i < plan->items.count; i++)
        add_item(plan, i, of_value);
    free(of_value);
    drop_single(plan);
    for (size_t f = 0; f < plan->families.count; f++) {
        open_joint(plan, &plan->families.at[f]);
        for (size_t m = 0; m < plan->families.at[f].items.count; m++)
            plan->items.at[plan->families.at[f].items.at[m]].in_family = true;
    }
}

/* ---- what they could be ---- */

c2s_status c2s_lowrank_family_outer(const c2s_lowrank_plan *plan, const c2s_lowrank_family *family,
                                    double **out) {
    const size_t n = family->joint.layer.site.n;
    C2S_TRY(c2s_scratch(n, n * sizeof **out, out));
    memset(*out, 0, n * n * sizeof **out);
    for (size_t m = 0, first = 0; m < family->items.count; m++) {
        const c2s_lowrank_item *item = &plan->items.at[family->items.at[m]];
        const size_t own = item->layer.site.n;
        const double scale = item->energy > 0 ? sqrt(item->weight / item->energy) : 0;
        for (size_t i = first; i < first + own; i++) /* at least next to nothing */
            (*out)[i * (n + 1)] = fmax(scale, 1e-12);
        first += own;
    }
    return C2S_OK;
}

static c2s_status find_joint_ways(const c2s_lowrank_job *j, c2s_lowrank_family *family) {
    const c2s_lowrank_item *first = &j->plan.items.at[family->items.at[0]];
    c2s_lowrank_item *joint = &family->joint;
    c2s_lowrank_target target;
    double *outer;
    c2s_vec_clear(&joint->ways);
    for (size_t m = 0; m < family->items.count; m++) /* numbers that are not finite */
        if (j->plan.items.at[family->items.at[m]].ways.count == 0)
            return C2S_OK;
    C2S_TRY(c2s_lowrank_family_outer(&j->plan, family, &outer));
    c2s_status status =
        c2s_lowrank_target_open(&joint->layer, first->gram, NULL, j->how.damping, &target);
    target.outer = outer;
    if (status == C2S_OK)
        status = c2s_lowrank_plan_ways(&j->plan, &target, 0, joint);
    joint->weight = joint->energy;
    c2s_lowrank_target_close(&target);
    free(outer);
    return status;
}

c2s_status c2s_lowrank_join_ways(c2s_lowrank_job *j) {
    c2s_status status = C2S_OK;
    for (size_t f = 0; f < j->plan.families.count; f++) {
        c2s_lowrank_family *family = &j->plan.families.at[f];
        if (status == C2S_OK)
            status = find_joint_ways(j, family);
        if (status != C2S_OK)
            c2s_note("%s", c2s_node_text(family->joint.layer.node));
    }
    return status;
}

void c2s_lowrank_forget_moments(c2s_lowrank_job *j) {
    for (size_t i = 0; i < j->plan.items.count; i++) {
        c2s_lowrank_item *item = &j->plan.items.at[i];
        if (!item->in_family)
            continue;
        c2s_gram_unref(item->gram);
        item->gram = NULL;
    }
}
