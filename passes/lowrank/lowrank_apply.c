/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static c2s_status collect(const c2s_graph *graph, const c2s_graph *reference,
                          const c2s_lowrank_how *how, const c2s_gram_request *requests,
                          size_t count, c2s_gram_options *o) {
    o->evaluator = how->context->evaluator;
    o->eval = how->context->eval;
    o->feed = how->context->feed;
    o->reference = reference;
    o->memory = how->memory;
    return c2s_gram_collect(graph, requests, count, o);
}

/* ---- learning ---- */

typedef struct learning {
    c2s_lowrank_item **item; /* by node id */
    bool *taken;
    c2s_status (*take)(void *user, c2s_lowrank_item *item, c2s_gram *gram);
    void *user;
} learning;

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
    c2s_gram_options o = {.take = learn_item, .user = &l};
    l.item = c2s_zalloc(nodes * sizeof *l.item);
    l.taken = c2s_zalloc(nodes * sizeof *l.taken);
    for (size_t i = 0; i < plan->items.count; i++) {
        c2s_lowrank_item *item = &plan->items.at[i];
        l.item[item->layer.node->id] = item;
        c2s_vec_push(&requests, ((c2s_gram_request){.node = item->layer.node}));
    }
    c2s_status status =
        how->whitened ? collect(graph, NULL, how, requests.at, requests.count, &o) : C2S_OK;
    for (size_t i = 0; i < plan->items.count && status == C2S_OK; i++)
        if (!l.taken[plan->items.at[i].layer.node->id])
            status = take(user, &plan->items.at[i], NULL);
    c2s_vec_free(&requests);
    free(l.item);
    free(l.taken);
    return status;
}

/* ---- writing ---- */

typedef struct job {
    const c2s_lowrank_item *item;
    c2s_lowrank_layer layer; /* in the model that is changed */
    const c2s_value *target; /* of the reference */
    c2s_lowrank_result result;
} job;

typedef struct writing {
    const c2s_lowrank_how *how;
    c2s_model *model, *reference; /* reference: NULL with one stage */
    C2S_VEC(job) jobs;
    size_t *of_node; /* index of the job + 1, by node id */
    bool (*before)(void *user, const c2s_lowrank_item *item);
    void *user;
} writing;

static c2s_status solve(const writing *w, job *j, const c2s_gram *gram, const c2s_cross *cross) {
    const c2s_lowrank_way *way = &j->item->ways.at[j->item->chosen];
    c2s_lowrank_target target;
    c2s_status status = c2s_lowrank_target_open(&j->layer, gram, cross, w->how->damping, &target);
    if (status == C2S_OK)
        status = c2s_lowrank_target_solve(&target, way->form, way->rank, &j->result);
    c2s_lowrank_target_close(&target);
    if (status != C2S_OK)
        c2s_note("%s", c2s_node_text(j->layer.node));
    return status;
}

static c2s_status take(void *user, const c2s_linear_site *site, c2s_gram *gram,
                       const c2s_cross *cross) {
    const writing *w = user;
    return solve(w, &w->jobs.at[w->of_node[site->node->id] - 1], gram, cross);
}

static c2s_status write_job(const writing *w, job *j) {
    if (w->before && !w->before(w->user, j->item))
        return C2S_OK;
    return c2s_lowrank_layer_write(&j->layer, &j->result.chain, j->result.weights, j->result.shift);
}

/* Layers that read one value are a family: they are solved together. */
static size_t count_families(const writing *w) {
    size_t count = 0;
    for (size_t i = 0; i < w->jobs.count; i++)
        count += i == 0 || w->jobs.at[i].layer.site.input != w->jobs.at[i - 1].layer.site.input;
    return count;
}

/* Solves and writes `families` from job *next on. */
static c2s_status run_stage(writing *w, size_t families, size_t *next) {
    C2S_VEC(c2s_gram_request) requests = {0};
    c2s_gram_options o = {.take = take, .user = w};
    const size_t first = *next;
    const c2s_value *last = NULL;
    for (size_t begun = 0; *next < w->jobs.count; ++*next) {
        const job *j = &w->jobs.at[*next];
        begun += j->layer.site.input != last;
        if (begun > families)
            break;
        last = j->layer.site.input;
        c2s_vec_push(&requests, ((c2s_gram_request){.node = j->layer.node, .target = j->target}));
    }
    c2s_status status = C2S_OK;
    if (w->how->whitened)
        status = collect(w->model->graph, w->reference ? w->reference->graph : NULL, w->how,
                         requests.at, requests.count, &o);
    for (size_t i = first; i < *next && status == C2S_OK; i++) {
        job *j = &w->jobs.at[i];
        if (!j->result.chain.count)
            status = solve(w, j, NULL, NULL);
        if (status == C2S_OK)
            status = write_job(w, j);
        c2s_lowrank_result_free(&j->result);
    }
    c2s_vec_free(&requests);
    return status == C2S_OK ? c2s_graph_infer(w->model->graph) : status;
}

/* The plan's graph, the one to change, and the reference have the same nodes in the same order. */
static c2s_status list_jobs(writing *w, const c2s_lowrank_plan *plan) {
    c2s_graph *graph = w->model->graph;
    const c2s_graph *planned = plan->items.at[0].layer.node->graph;
    const c2s_node *own = planned->first;
    const c2s_node *other = w->reference ? w->reference->graph->first : NULL;
    size_t next = 0;
    for (c2s_node *node = graph->first; node && next < plan->items.count; node = node->next) {
        const c2s_lowrank_item *item = &plan->items.at[next];
        if (own == item->layer.node) {
            next++;
            if (item->chosen != C2S_RANK_AS_IS) {
                job j = {.item = item, .target = other ? other->outputs[0] : NULL};
                const char *reason = c2s_lowrank_layer_of(node, &j.layer);
                if (reason)
                    return c2s_fail(C2S_ERR_INVALID, "%s: %s", c2s_node_text(node), reason);
                c2s_vec_push(&w->jobs, j);
                w->of_node[node->id] = w->jobs.count;
            }
        }
        own = own->next;
        other = other ? other->next : NULL;
    }
    return C2S_OK;
}

static c2s_status run_stages(writing *w) {
    const size_t families = count_families(w), most = w->reference ? w->how->stages : 1;
    const size_t stages = families < most ? families : most;
    c2s_status status = C2S_OK;
    for (size_t stage = 0, next = 0; stage < stages && status == C2S_OK; stage++) {
        c2s_progress("factorising", (double)stage / (double)stages);
        status = run_stage(w, (families + stages - 1) / stages, &next);
    }
    return status;
}

c2s_status c2s_lowrank_apply(c2s_model *model, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             bool (*before)(void *user, const c2s_lowrank_item *item), void *user) {
    writing w = {.how = how, .model = model, .before = before, .user = user};
    if (plan->items.count == 0)
        return C2S_OK;
    w.of_node = c2s_zalloc((model->nodes.count + 1) * sizeof *w.of_node);
    if (how->whitened && how->stages > 1)
        w.reference = c2s_model_copy(model);
    c2s_status status = list_jobs(&w, plan);
    if (status == C2S_OK)
        status = run_stages(&w);
    for (size_t i = 0; i < w.jobs.count; i++)
        c2s_lowrank_result_free(&w.jobs.at[i].result);
    c2s_vec_free(&w.jobs);
    free(w.of_node);
    c2s_model_destroy(w.reference);
    return status;
}
