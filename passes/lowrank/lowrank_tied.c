/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights that several operators read: layers of the same weight become one.
 */
#include <stdlib.h>

#include "passes/lowrank/lowrank_job.h"

typedef struct readers {
    size_t first, count; /* items */
} readers;

/* Gives the first item of the weight all others. */
static const char *tie(c2s_lowrank_plan *plan, const size_t *next, readers group) {
    c2s_lowrank_item *item = &plan->items.at[group.first];
    item->tied = c2s_alloc_array(group.count, sizeof *item->tied);
    size_t at = next[group.first];
    for (size_t k = 0; k + 1 < group.count; k++, at = next[at])
        item->tied[k] = plan->items.at[at].layer;
    return c2s_lowrank_layer_tie(&item->layer, item->tied, group.count - 1);
}

void c2s_lowrank_tie_layers(c2s_lowrank_job *j) {
    c2s_lowrank_plan *plan = &j->plan;
    const size_t count = plan->items.count;
    readers *of_value = c2s_zalloc((j->model->values.count + 1) * sizeof *of_value);
    size_t *next = c2s_zalloc((count + 1) * sizeof *next); /* of the same weight */
    size_t *last = c2s_zalloc((j->model->values.count + 1) * sizeof *last);
    bool *goes = c2s_zalloc(count + 1);
    for (size_t i = 0; i < count; i++) {
        const size_t id = plan->items.at[i].layer.site.weight->id;
        if (of_value[id].count++ == 0)
            of_value[id].first = i;
        else
            next[last[id]] = i;
        last[id] = i;
    }
    for (size_t i = 0; i < count; i++) {
        const c2s_node *node = plan->items.at[i].layer.node;
        const c2s_value *weight = plan->items.at[i].layer.site.weight;
        const readers group = of_value[weight->id];
        goes[i] = group.first != i;
        if (goes[i] || weight->use_count == 1)
            continue;
        const char *reason = tie(plan, next, group);
        goes[i] = reason != NULL;
        if (reason && node->op != &c2s_op_gather)
            c2s_stats_refuse(j->stats, C2S_LOWRANK_KIND, c2s_node_text(node), reason);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (goes[i])
            free(plan->items.at[i].tied);
        else
            plan->items.at[kept++] = plan->items.at[i];
    plan->items.count = kept;
    free(of_value);
    free(next);
    free(last);
    free(goes);
}
