/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/weight_importance.h"

#include <stdlib.h>

#include "base/log.h"
#include "passes/measure/gram.h"

typedef struct learning {
    float **importance;
    size_t *of_node; /* index into the plan, by node id */
} learning;

/* Rows of an operator that are taken, about (c2s_gram_options). */
enum { ROWS = 20000 };

static c2s_status take_moment(void *user, const c2s_linear_site *site, c2s_gram *gram,
                              const c2s_cross *cross) {
    const learning *l = user;
    float *importance;
    (void)cross;
    if (gram->rows == 0)
        return C2S_OK;
    C2S_TRY(c2s_scratch(site->weight->constant->count, sizeof *importance, &importance));
    for (size_t g = 0; g < site->groups; g++)
        for (size_t k = 0; k < site->k; k++)
            for (size_t n = 0; n < site->n; n++)
                importance[g * site->group_step + k * site->k_step + n * site->n_step] =
                    (float)(gram->moment[(g * site->k + k) * site->k + k] / (double)gram->rows);
    l->importance[l->of_node[site->node->id]] = importance;
    return C2S_OK;
}

static void no_moment(void *user, const c2s_node *node, const char *reason) {
    (void)user;
    c2s_log(2, "%s: clustered without samples: %s", c2s_node_text(node), reason);
}

c2s_status c2s_weight_importance(const c2s_graph *graph, const c2s_weight_plan *plan,
                                 const c2s_pass_context *context, uint64_t memory,
                                 float **importance) {
    C2S_VEC(c2s_gram_request) requests = {0};
    learning l = {.importance = importance};
    const c2s_gram_options o = {.evaluator = context->evaluator,
                                .eval = context->eval,
                                .cache = context->gram_cache,
                                .feed = context->feed,
                                .rows = ROWS,
                                .memory = memory,
                                .take = take_moment,
                                .refuse = no_moment,
                                .user = &l};
    if (!context->feed || context->feed->count == 0)
        return C2S_OK;
    l.of_node = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *l.of_node);
    for (size_t i = 0; i < plan->count; i++) {
        const c2s_node *node = plan->at[i].node;
        if (plan->at[i].slot != 1)
            continue;
        l.of_node[node->id] = i;
        c2s_vec_push(&requests, ((c2s_gram_request){.node = node}));
    }
    const c2s_status status = c2s_gram_collect(graph, requests.at, requests.count, &o);
    c2s_vec_free(&requests);
    free(l.of_node);
    return status;
}
