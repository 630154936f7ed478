/* SPDX-License-Identifier: Apache-2.0
 *
 * What is chosen of the ways of a plan.
 */
#include <math.h>
#include <stdlib.h>

#include "passes/lowrank/lowrank_plan.h"

/* Costs at which the members of a family are looked at, each by itself. */
enum { COMBINATIONS = 32 };

/* ---- each by itself ---- */

/* Is `way` what the goal asks of a layer by itself, and better than `best`? */
static bool is_better(const c2s_lowrank_plan *plan, const c2s_lowrank_item *item,
                      c2s_lowrank_goal goal, double value, const c2s_lowrank_way *way,
                      const c2s_lowrank_way *best) {
    const double cost = c2s_lowrank_cost(plan, item, way);
    if (goal == C2S_LOWRANK_ENERGY)
        return 1 - way->error >= value && (!best || cost < c2s_lowrank_cost(plan, item, best));
    if (goal == C2S_LOWRANK_RATIO && cost > value * c2s_lowrank_cost(plan, item, NULL))
        return false;
    return !best || way->error < best->error ||
           (way->error <= best->error && cost < c2s_lowrank_cost(plan, item, best));
}

static void choose_alone(c2s_lowrank_plan *plan, c2s_lowrank_goal goal, double value) {
    for (size_t i = 0; i < plan->items.count; i++) {
        c2s_lowrank_item *item = &plan->items.at[i];
        const c2s_lowrank_way *best = NULL;
        item->chosen = C2S_RANK_AS_IS;
        for (size_t w = 0; w < item->ways.count; w++) {
            const c2s_lowrank_way *way = &item->ways.at[w];
            if (way->slower || !is_better(plan, item, goal, value, way, best))
                continue;
            best = way;
            item->chosen = w;
        }
    }
}

/* ---- all together ---- */

static c2s_rank_point *points_of(const c2s_lowrank_plan *plan, const c2s_lowrank_item *item) {
    c2s_rank_point *points = c2s_alloc_array(item->ways.count + 1, sizeof *points);
    for (size_t w = 0; w < item->ways.count; w++) {
        const c2s_lowrank_way *way = &item->ways.at[w];
        points[w] = (c2s_rank_point){
            way->slower ? (double)INFINITY : c2s_lowrank_cost(plan, item, way), way->error};
    }
    return points;
}

static c2s_rank_item rank_item(const c2s_lowrank_plan *plan, const c2s_lowrank_item *item) {
    return (c2s_rank_item){.cost = c2s_lowrank_cost(plan, item, NULL),
                           .weight = item->weight,
                           .at = points_of(plan, item),
                           .count = item->ways.count};
}

static void free_points(c2s_rank_item *item) {
    free((void *)(uintptr_t)item->at);
}

/* A family in the knapsack: its points are what the members can be at some costs, each by itself,
 * and then the ways of all together. */
typedef struct choice {
    c2s_rank_item item;
    size_t *apart; /* [COMBINATIONS, members]: what each is then */
} choice;

static c2s_rank_point apart_at(const c2s_rank_item *members, size_t count, double cost,
                               size_t *chosen) {
    c2s_rank_point at = {c2s_rank_choose(members, count, cost, chosen), 0};
    for (size_t m = 0; m < count; m++)
        if (chosen[m] != C2S_RANK_AS_IS)
            at.error += members[m].weight * members[m].at[chosen[m]].error;
    return at;
}

static choice family_choice(const c2s_lowrank_plan *plan, const c2s_lowrank_family *family) {
    const size_t count = family->items.count, ways = family->joint.ways.count;
    c2s_rank_item *members = c2s_zalloc((count + 1) * sizeof *members);
    c2s_rank_point *points = c2s_alloc_array(COMBINATIONS + ways + 1, sizeof *points);
    c2s_rank_point *joint = points_of(plan, &family->joint);
    choice c = {.apart = c2s_alloc_array(COMBINATIONS * (count + 1), sizeof *c.apart)};
    for (size_t m = 0; m < count; m++) {
        members[m] = rank_item(plan, &plan->items.at[family->items.at[m]]);
        c.item.cost += members[m].cost;
    }
    for (size_t q = 0; q < COMBINATIONS; q++)
        points[q] =
            apart_at(members, count, c.item.cost * (double)q / COMBINATIONS, c.apart + q * count);
    for (size_t w = 0; w < ways; w++)
        points[COMBINATIONS + w] =
            (c2s_rank_point){joint[w].cost, joint[w].error * family->joint.weight};
    for (size_t m = 0; m < count; m++)
        free_points(&members[m]);
    free(members);
    free(joint);
    c.item.weight = 1;
    c.item.at = points;
    c.item.count = COMBINATIONS + ways;
    return c;
}

static void take_choice(c2s_lowrank_plan *plan, size_t family, const choice *c, size_t chosen) {
    c2s_lowrank_family *f = &plan->families.at[family];
    const bool together = chosen != C2S_RANK_AS_IS && chosen >= COMBINATIONS;
    f->joint.chosen = together ? chosen - COMBINATIONS : C2S_RANK_AS_IS;
    for (size_t m = 0; m < f->items.count; m++) {
        c2s_lowrank_item *item = &plan->items.at[f->items.at[m]];
        item->joined = together ? family + 1 : 0;
        item->chosen = together || chosen == C2S_RANK_AS_IS ? C2S_RANK_AS_IS
                                                            : c->apart[chosen * f->items.count + m];
    }
}

static bool *list_members(const c2s_lowrank_plan *plan) {
    bool *is_member = c2s_zalloc(plan->items.count + 1);
    for (size_t f = 0; f < plan->families.count; f++)
        for (size_t m = 0; m < plan->families.at[f].items.count; m++)
            is_member[plan->families.at[f].items.at[m]] = true;
    return is_member;
}

static void choose_together(c2s_lowrank_plan *plan, double part) {
    const size_t families = plan->families.count, most = plan->items.count + families;
    c2s_rank_item *items = c2s_zalloc((most + 1) * sizeof *items);
    choice *choices = c2s_zalloc((families + 1) * sizeof *choices);
    size_t *chosen = c2s_alloc_array(most + 1, sizeof *chosen), count = 0;
    bool *is_member = list_members(plan);
    double budget = part * plan->tied_before - plan->tied_after;
    for (size_t f = 0; f < families; f++) {
        choices[f] = family_choice(plan, &plan->families.at[f]);
        items[count++] = choices[f].item;
    }
    for (size_t i = 0; i < plan->items.count; i++)
        if (!is_member[i])
            items[count++] = rank_item(plan, &plan->items.at[i]);
    for (size_t i = 0; i < count; i++)
        budget += part * items[i].cost;
    c2s_rank_choose(items, count, budget, chosen);
    for (size_t f = 0; f < families; f++) {
        take_choice(plan, f, &choices[f], chosen[f]);
        free(choices[f].apart);
    }
    for (size_t i = 0, next = families; i < plan->items.count; i++)
        if (!is_member[i])
            plan->items.at[i].chosen = chosen[next++];
    for (size_t i = 0; i < count; i++)
        free_points(&items[i]);
    free(items);
    free(choices);
    free(chosen);
    free(is_member);
}

/* ---- either ---- */

void c2s_lowrank_plan_choose(c2s_lowrank_plan *plan, c2s_lowrank_goal goal, double value) {
    if (goal == C2S_LOWRANK_TOTAL)
        choose_together(plan, value);
    else
        choose_alone(plan, goal, value);
}

void c2s_lowrank_plan_costs(const c2s_lowrank_plan *plan, double *before, double *after) {
    *before = plan->tied_before;
    *after = plan->tied_after;
    for (size_t i = 0; i < c2s_lowrank_plan_count(plan); i++) {
        const c2s_lowrank_item *item = c2s_lowrank_plan_item(plan, i);
        const bool is_one = i < plan->items.count;
        if (is_one)
            *before += c2s_lowrank_cost(plan, item, NULL);
        if (item->chosen != C2S_RANK_AS_IS)
            *after += c2s_lowrank_cost(plan, item, &item->ways.at[item->chosen]);
        else if (is_one && !item->joined)
            *after += c2s_lowrank_cost(plan, item, NULL);
    }
}
