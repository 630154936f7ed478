/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/table_moment.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 2048 };
#define UNREAD 0.5

typedef struct counter {
    c2s_lowrank_item **item; /* by id of the value with the indices; NULL: nobody's */
    double **counts;         /* likewise, [k] */
} counter;

static bool is_counted(const c2s_lowrank_item *item) {
    return item->layer.node->op == &c2s_op_gather && item->layer.site.k <= MOST_ROWS;
}

static c2s_status observe(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    const counter *c = user;
    const size_t k = c->item[value->id]->layer.site.k;
    for (size_t i = 0; i < tensor->count; i++) {
        int64_t row;
        if (!c2s_tensor_i64_at(tensor, i, &row))
            continue;
        row += row < 0 ? (int64_t)k : 0;
        if (row >= 0 && row < (int64_t)k)
            c->counts[value->id][row]++;
    }
    return C2S_OK;
}

static c2s_status run_samples(const c2s_graph *graph, const c2s_lowrank_how *how,
                              c2s_session *session) {
    const c2s_feed *feed = how->context->feed;
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_tensor **in = c2s_zalloc((inputs + outputs + 1u) * sizeof(c2s_tensor *));
    c2s_status status = C2S_OK;
    for (size_t s = 0; s < feed->count && status == C2S_OK; s++) {
        status = feed->get(feed, graph, s, in);
        if (status == C2S_OK)
            status =
                how->context->evaluator->run(session, (const c2s_tensor *const *)in, in + inputs);
        for (unsigned k = 0; k < inputs + outputs; k++)
            c2s_tensor_unref(in[k]);
        memset(in, 0, (inputs + outputs) * sizeof *in);
    }
    free(in);
    return status;
}

static c2s_status count_rows(const c2s_graph *graph, const c2s_lowrank_how *how, counter *c) {
    bool *wanted = c2s_zalloc(graph->model->values.count + 1);
    c2s_eval_options eval = how->context->eval;
    c2s_session *session = NULL;
    for (size_t v = 0; v < graph->model->values.count; v++)
        wanted[v] = c->item[v] != NULL;
    eval.observe = observe;
    eval.observe_user = c;
    eval.observe_value = wanted;
    c2s_status status = how->context->evaluator->open(graph, &eval, &session);
    if (status == C2S_OK)
        status = run_samples(graph, how, session);
    if (session)
        how->context->evaluator->close(session);
    free(wanted);
    return status;
}

static c2s_status gram_of(const double *counts, size_t k, c2s_gram **out) {
    c2s_gram *g = c2s_zalloc(sizeof *g);
    double total = 0;
    atomic_init(&g->refs, 1);
    g->groups = 1;
    g->k = k;
    *out = g;
    C2S_TRY(c2s_scratch(k, k * sizeof(double), &g->moment));
    C2S_TRY(c2s_scratch(k, sizeof(double), &g->sum));
    memset(g->moment, 0, k * k * sizeof(double));
    for (size_t i = 0; i < k; i++) {
        g->moment[i * (k + 1)] = g->sum[i] = counts[i] > 0 ? counts[i] : UNREAD;
        total += counts[i];
    }
    g->rows = (uint64_t)total;
    return C2S_OK;
}

c2s_status c2s_table_moments(const c2s_graph *graph, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             c2s_status (*take)(void *user, c2s_lowrank_item *item, c2s_gram *gram),
                             void *user) {
    const size_t values = graph->model->values.count + 1;
    counter c = {.item = c2s_zalloc(values * sizeof *c.item),
                 .counts = c2s_zalloc(values * sizeof *c.counts)};
    bool any = false;
    for (size_t i = 0; i < plan->items.count; i++) {
        c2s_lowrank_item *item = &plan->items.at[i];
        const size_t id = item->layer.site.input->id;
        if (!is_counted(item) || c.item[id] || item->layer.site.input->constant)
            continue;
        c.item[id] = item;
        c.counts[id] = c2s_zalloc(item->layer.site.k * sizeof(double));
        any = true;
    }
    c2s_status status = any ? count_rows(graph, how, &c) : C2S_OK;
    for (size_t v = 0; v + 1 < values; v++) {
        c2s_gram *gram = NULL;
        if (c.item[v] && status == C2S_OK)
            status = gram_of(c.counts[v], c.item[v]->layer.site.k, &gram);
        if (c.item[v] && status == C2S_OK && gram->rows > 0)
            status = take(user, c.item[v], gram);
        c2s_gram_unref(gram);
        free(c.counts[v]);
    }
    free(c.item);
    free(c.counts);
    return status;
}
