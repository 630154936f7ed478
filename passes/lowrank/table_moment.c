/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/table_moment.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 2048 };
#define UNREAD 0.5

typedef struct counter {
    const c2s_lowrank_layer **layer; /* by id of the value with the indices; NULL: nobody's */
    double **counts;                 /* likewise, [k] */
    bool any;
} counter;

static bool is_counted(const c2s_lowrank_layer *layer) {
    return layer->node->op == &c2s_op_gather && layer->site.k <= MOST_ROWS &&
           !layer->site.input->constant;
}

static void add_layer(counter *c, const c2s_lowrank_layer *layer) {
    const size_t id = layer->site.input->id;
    if (!is_counted(layer) || c->layer[id])
        return;
    c->layer[id] = layer;
    c->counts[id] = c2s_zalloc(layer->site.k * sizeof(double));
    c->any = true;
}

static c2s_status observe(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    const counter *c = user;
    const size_t k = c->layer[value->id]->site.k;
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
        wanted[v] = c->layer[v] != NULL;
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
                             c2s_status (*take)(void *user, const c2s_node *node, c2s_gram *gram),
                             void *user) {
    const size_t values = graph->model->values.count + 1;
    counter c = {.layer = c2s_zalloc(values * sizeof *c.layer),
                 .counts = c2s_zalloc(values * sizeof *c.counts)};
    for (size_t i = 0; i < plan->items.count; i++) {
        const c2s_lowrank_layer *layer = &plan->items.at[i].layer;
        add_layer(&c, layer);
        for (size_t t = 0; t < layer->tied_count; t++)
            add_layer(&c, &layer->tied[t]);
    }
    c2s_status status = c.any ? count_rows(graph, how, &c) : C2S_OK;
    for (size_t v = 0; v + 1 < values; v++) {
        c2s_gram *gram = NULL;
        if (c.layer[v] && status == C2S_OK)
            status = gram_of(c.counts[v], c.layer[v]->site.k, &gram);
        if (c.layer[v] && status == C2S_OK && gram->rows > 0)
            status = take(user, c.layer[v]->node, gram);
        c2s_gram_unref(gram);
        free(c.counts[v]);
    }
    free(c.layer);
    free(c.counts);
    return status;
}
