/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "passes/lowrank/lowrank_fit.h"
#include "passes/lowrank/table_moment.h"

typedef struct learning {
    const c2s_lowrank_plan *plan;
    size_t *item;    /* by node id: number of the item, from 1 */
    bool *taken;     /* by item */
    c2s_gram **sums; /* by item: of all readers of a weight, so far */
    c2s_status (*take)(void *user, c2s_lowrank_item *item, c2s_gram *gram);
    void *user;
} learning;

/* Of one reader; the last one tells. */
static c2s_status learn(learning *l, const c2s_node *node, c2s_gram *gram) {
    const size_t index = l->item[node->id] - 1;
    c2s_lowrank_item *item = &l->plan->items.at[index];
    c2s_gram *sum;
    if (item->layer.tied_count == 0) {
        l->taken[index] = true;
        return l->take(l->user, item, gram);
    }
    C2S_TRY(c2s_lowrank_add_grams(l->sums[index], gram, &sum));
    c2s_gram_unref(l->sums[index]);
    l->sums[index] = sum;
    return C2S_OK;
}

static c2s_status learn_table(void *user, const c2s_node *node, c2s_gram *gram) {
    return learn(user, node, gram);
}

static c2s_status learn_item(void *user, const c2s_linear_site *site, c2s_gram *gram,
                             const c2s_cross *cross) {
    (void)cross;
    return learn(user, site->node, gram);
}

/* Those of which nothing is known, and those that several operators read. */
static c2s_status take_rest(learning *l) {
    for (size_t i = 0; i < l->plan->items.count; i++)
        if (!l->taken[i])
            C2S_TRY(l->take(l->user, &l->plan->items.at[i], l->sums[i]));
    return C2S_OK;
}

c2s_status c2s_lowrank_learn(const c2s_graph *graph, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             c2s_status (*take)(void *user, c2s_lowrank_item *item, c2s_gram *gram),
                             void *user) {
    const size_t count = plan->items.count;
    learning l = {.plan = plan, .take = take, .user = user};
    C2S_VEC(c2s_gram_request) requests = {0};
    const c2s_gram_options o = {.evaluator = how->context->evaluator,
                                .eval = how->context->eval,
                                .cache = how->context->gram_cache,
                                .feed = how->context->feed,
                                .rows = C2S_LOWRANK_ROWS,
                                .memory = how->memory,
                                .take = learn_item,
                                .user = &l};
    l.item = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *l.item);
    l.taken = c2s_zalloc(count + 1);
    l.sums = c2s_zalloc((count + 1) * sizeof *l.sums);
    for (size_t i = 0; i < count; i++) {
        const c2s_lowrank_layer *layer = &plan->items.at[i].layer;
        for (size_t t = 0; t <= layer->tied_count; t++) {
            const c2s_node *node = t == 0 ? layer->node : layer->tied[t - 1].node;
            l.item[node->id] = i + 1;
            c2s_vec_push(&requests, ((c2s_gram_request){.node = node}));
        }
    }
    c2s_status status =
        how->whitened ? c2s_gram_collect(graph, requests.at, requests.count, &o) : C2S_OK;
    if (how->whitened && status == C2S_OK)
        status = c2s_table_moments(graph, plan, how, learn_table, &l);
    if (status == C2S_OK)
        status = take_rest(&l);
    for (size_t i = 0; i < count; i++)
        c2s_gram_unref(l.sums[i]);
    c2s_vec_free(&requests);
    free(l.item);
    free(l.taken);
    free(l.sums);
    return status;
}
