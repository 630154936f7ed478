/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "passes/lowrank/table_moment.h"

typedef struct learning {
    c2s_lowrank_item **item; /* by node id */
    bool *taken;
    c2s_status (*take)(void *user, c2s_lowrank_item *item, c2s_gram *gram);
    void *user;
} learning;

static c2s_status learn_table(void *user, c2s_lowrank_item *item, c2s_gram *gram) {
    const learning *l = user;
    l->taken[item->layer.node->id] = true;
    return l->take(l->user, item, gram);
}

static c2s_status learn_item(void *user, const c2s_linear_site *site, c2s_gram *gram,
                             const c2s_cross *cross) {
    const learning *l = user;
    (void)cross;
    l->taken[site->node->id] = true;
    return l->take(l->user, l->item[site->node->id], gram);
}

c2s_status c2s_lowrank_learn(const c2s_graph *graph, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             c2s_status (*take)(void *user, c2s_lowrank_item *item, c2s_gram *gram),
                             void *user) {
    const size_t nodes = graph->model->nodes.count + 1;
    learning l = {.take = take, .user = user};
    C2S_VEC(c2s_gram_request) requests = {0};
    const c2s_gram_options o = {.evaluator = how->context->evaluator,
                                .eval = how->context->eval,
                                .cache = how->context->gram_cache,
                                .feed = how->context->feed,
                                .rows = C2S_LOWRANK_ROWS,
                                .memory = how->memory,
                                .take = learn_item,
                                .user = &l};
    l.item = c2s_zalloc(nodes * sizeof *l.item);
    l.taken = c2s_zalloc(nodes * sizeof *l.taken);
    for (size_t i = 0; i < plan->items.count; i++) {
        c2s_lowrank_item *item = &plan->items.at[i];
        l.item[item->layer.node->id] = item;
        c2s_vec_push(&requests, ((c2s_gram_request){.node = item->layer.node}));
    }
    c2s_status status =
        how->whitened ? c2s_gram_collect(graph, requests.at, requests.count, &o) : C2S_OK;
    if (how->whitened && status == C2S_OK)
        status = c2s_table_moments(graph, plan, how, learn_table, &l);
    for (size_t i = 0; i < plan->items.count && status == C2S_OK; i++)
        if (!l.taken[plan->items.at[i].layer.node->id])
            status = take(user, &plan->items.at[i], NULL);
    c2s_vec_free(&requests);
    free(l.item);
    free(l.taken);
    return status;
}
