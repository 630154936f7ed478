/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/describe_group.h"

#include <math.h>

#include "base/map.h"
#include "passes/measure/linear_site.h"

/* ---- what a group governs ---- */

static double share(const c2s_unit_map *map) {
    size_t mine = 0;
    for (size_t i = 0; i < map->count; i++)
        mine += map->unit_of[i] != C2S_NO_UNIT;
    return (double)mine / (double)map->extent;
}

/* What stays of constants and nodes when all units go: axes and spaces of one multiply. */
typedef struct left {
    c2s_map at; /* from key to number of a factor, from 1 */
    C2S_VEC(double) factor;
} left;

static double *left_of(left *l, uint64_t key) {
    size_t at = (size_t)(uintptr_t)c2s_map_get_u64(&l->at, key);
    if (!at) {
        c2s_vec_push(&l->factor, 1);
        at = l->factor.count;
        c2s_map_put_u64(&l->at, key, (void *)(uintptr_t)at);
    }
    return &l->factor.at[at - 1];
}

static void left_free(left *l) {
    c2s_map_free(&l->at);
    c2s_vec_free(&l->factor);
}

static void count_parameters(c2s_prune_group *g) {
    left l = {0};
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < g->axes.count; k++) {
            const c2s_group_axis *a = &g->axes.at[k];
            if (!a->value->constant)
                continue;
            double *factor = left_of(&l, c2s_axis_key(a->value, a->use, 0)); /* axes as one */
            if (pass == 0) {
                *factor *= 1 - share(&a->map);
            } else {
                g->parameters +=
                    (uint64_t)((double)a->value->constant->count * (1 - *factor) + 0.5);
                *factor = 1; /* counted */
            }
        }
    left_free(&l);
}

static void count_nodes(c2s_prune_group *g) {
    c2s_map seen = {0};
    for (size_t k = 0; k < g->spaces.count; k++) {
        const c2s_node *node = g->spaces.at[k].node;
        g->nodes += c2s_map_get(&seen, node) == NULL;
        c2s_map_put(&seen, node, (void *)(uintptr_t)1);
    }
    c2s_map_free(&seen);
}

static void count_macs(const c2s_tie_index *index, const c2s_node_works *works,
                       c2s_prune_group *g) {
    left l = {0};
    double macs = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < g->spaces.count; k++) {
            const c2s_group_space *s = &g->spaces.at[k];
            size_t count;
            const c2s_work_part *parts = c2s_node_work(works, s->node, &count);
            for (size_t i = 0; i < count; i++) {
                double *factor = left_of(&l, (uint64_t)s->node->id * C2S_WORK_PARTS + i);
                if (pass == 0) {
                    *factor *= pow(1 - share(&s->map),
                                   c2s_work_power(&index->of[s->node->id], s->space, &parts[i]));
                } else {
                    macs += parts[i].macs * (1 - *factor);
                    *factor = 1;
                }
            }
        }
    g->macs = (uint64_t)(macs + 0.5);
    left_free(&l);
}

/* ---- the node it is named by ---- */

/* Indices that belong to the first unit. */
static size_t first_unit(const c2s_unit_map *map) {
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++)
        count += map->unit_of[i] == 0;
    return count;
}

static size_t first_unit_of_axis(const c2s_prune_group *g, const c2s_value *value, int axis) {
    for (size_t k = 0; k < g->axes.count; k++)
        if (g->axes.at[k].value == value && g->axes.at[k].axis == axis)
            return first_unit(&g->axes.at[k].map);
    return 0;
}

/* The output that a space ties, if it ties a constant, too; else NULL. */
static const c2s_tie *made_by_constants(const c2s_node_ties *n, const c2s_group_space *s) {
    const c2s_tie_range ties = c2s_ties_of_space(n, s->space);
    const c2s_tie *output = NULL;
    bool constant = false;
    for (size_t i = 0; i < ties.count; i++) {
        const c2s_tie *tie = &n->ties.ties.at[ties.at[i]];
        output = tie->output && !output ? tie : output;
        constant |= !tie->output && s->node->inputs[tie->slot].value->constant;
    }
    return constant ? output : NULL;
}

/* The first node that makes channels of the group out of other ones by constants, one that
 * multiplies and adds if there is one; else the first. */
static void find_maker(const c2s_tie_index *index, c2s_prune_group *g) {
    g->maker = g->spaces.at[0].node;
    g->granularity = first_unit(&g->spaces.at[0].map);
    for (int weighty = 1; weighty >= 0; weighty--)
        for (size_t k = 0; k < g->spaces.count; k++) {
            const c2s_group_space *s = &g->spaces.at[k];
            const c2s_tie *output = made_by_constants(&index->of[s->node->id], s);
            if (s->role == C2S_TIE_SUM || (weighty && !s->node->op->macs) || !output)
                continue;
            g->maker = s->node;
            g->granularity = first_unit_of_axis(g, s->node->outputs[output->slot], output->axis);
            return;
        }
}

/* ---- mixing ---- */

/* Of a recurrence, a hidden unit whose constants are zero is zero, and does not change others. */
static void find_mixing(c2s_prune_group *g) {
    for (size_t k = 0; k < g->spaces.count && !g->mixed_by; k++)
        if (g->spaces.at[k].role == C2S_TIE_MIX && !c2s_node_is_recurrent(g->spaces.at[k].node))
            g->mixed_by = g->spaces.at[k].node;
}

void c2s_describe_group(const c2s_tie_index *index, const c2s_node_works *works,
                        c2s_prune_group *g) {
    count_parameters(g);
    count_nodes(g);
    count_macs(index, works, g);
    find_maker(index, g);
    find_mixing(g);
}
