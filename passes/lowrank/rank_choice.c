/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/rank_choice.h"

#include <stdlib.h>

#include "base/vec.h"

/* From one point of an item's hull to the next. */
typedef struct step {
    size_t item, to;
    double saved, error; /* differences */
    size_t order;        /* on its hull */
} step;
typedef C2S_VEC(step) step_list;

typedef struct corner {
    double cost, error;
    size_t index;
} corner;

static int by_cost(const void *a, const void *b) {
    const corner *x = a, *y = b;
    if (x->cost != y->cost)
        return x->cost > y->cost ? -1 : 1;
    if (x->error != y->error)
        return x->error < y->error ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* `b` lies on or above the line from a to c. */
static bool is_above(const corner *a, const corner *b, const corner *c) {
    return (b->error - a->error) * (a->cost - c->cost) >=
           (c->error - a->error) * (a->cost - b->cost);
}

/* From the item as it is down: corners that cost less than all before, with growing slopes. */
static void add_hull(const c2s_rank_item *item, size_t index, step_list *steps) {
    C2S_VEC(corner) all = {0};
    C2S_VEC(corner) hull = {0};
    for (size_t i = 0; i < item->count; i++)
        if (item->at[i].cost < item->cost)
            c2s_vec_push(&all, ((corner){item->at[i].cost, item->at[i].error * item->weight, i}));
    if (all.count > 0)
        qsort(all.at, all.count, sizeof *all.at, by_cost);
    c2s_vec_push(&hull, ((corner){item->cost, 0, C2S_RANK_AS_IS}));
    for (size_t i = 0; i < all.count; i++) {
        if (all.at[i].cost >= hull.at[hull.count - 1].cost)
            continue;
        while (hull.count > 1 &&
               is_above(&hull.at[hull.count - 2], &hull.at[hull.count - 1], &all.at[i]))
            hull.count--;
        c2s_vec_push(&hull, all.at[i]);
    }
    for (size_t i = 1; i < hull.count; i++)
        c2s_vec_push(steps, ((step){index, hull.at[i].index, hull.at[i - 1].cost - hull.at[i].cost,
                                    hull.at[i].error - hull.at[i - 1].error, i}));
    c2s_vec_free(&all);
    c2s_vec_free(&hull);
}

/* Least error per saved unit first. */
static int by_slope(const void *a, const void *b) {
    const step *x = a, *y = b;
    const double p = x->error * y->saved, q = y->error * x->saved;
    if (p != q)
        return p < q ? -1 : 1;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static double cost_of(const c2s_rank_item *item, size_t chosen) {
    return chosen == C2S_RANK_AS_IS ? item->cost : item->at[chosen].cost;
}

static double error_of(const c2s_rank_item *item, size_t chosen) {
    return chosen == C2S_RANK_AS_IS ? 0 : item->weight * item->at[chosen].error;
}

/* The choice of least error that costs at most `allowed`. */
static size_t best_within(const c2s_rank_item *item, double allowed) {
    size_t best = C2S_RANK_AS_IS;
    if (item->cost <= allowed)
        return best;
    for (size_t i = 0; i < item->count; i++)
        if (item->at[i].cost <= allowed &&
            (best == C2S_RANK_AS_IS || item->at[i].error < item->at[best].error))
            best = i;
    return best;
}

typedef struct loss {
    double error;
    size_t item;
} loss;

static int by_loss(const void *a, const void *b) {
    const loss *x = a, *y = b;
    if (x->error != y->error)
        return x->error > y->error ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* The last step may have saved far more than was asked for: what is left goes to those that lose
 * most. Returns the sum. */
static double spend_rest(const c2s_rank_item *items, size_t count, double budget, double total,
                         size_t *chosen) {
    loss *losses = c2s_alloc_array(count + 1, sizeof *losses);
    for (size_t i = 0; i < count; i++)
        losses[i] = (loss){error_of(&items[i], chosen[i]), i};
    qsort(losses, count, sizeof *losses, by_loss);
    for (size_t k = 0; k < count && total <= budget; k++) {
        const size_t i = losses[k].item;
        const double own = cost_of(&items[i], chosen[i]);
        const size_t better = best_within(&items[i], own + budget - total);
        if (error_of(&items[i], better) >= losses[k].error)
            continue;
        chosen[i] = better;
        total += cost_of(&items[i], better) - own;
    }
    free(losses);
    return total;
}

double c2s_rank_choose(const c2s_rank_item *items, size_t count, double budget, size_t *chosen) {
    step_list steps = {0};
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        chosen[i] = C2S_RANK_AS_IS;
        total += items[i].cost;
        add_hull(&items[i], i, &steps);
    }
    if (steps.count > 0)
        qsort(steps.at, steps.count, sizeof *steps.at, by_slope);
    for (size_t s = 0; s < steps.count && total > budget; s++) {
        chosen[steps.at[s].item] = steps.at[s].to;
        total -= steps.at[s].saved;
    }
    c2s_vec_free(&steps);
    return spend_rest(items, count, budget, total, chosen);
}
