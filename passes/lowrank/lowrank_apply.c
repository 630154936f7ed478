/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_apply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "passes/lowrank/form_as_is.h"
#include "passes/lowrank/lowrank_tasks.h"
#include "passes/measure/sample_split.h"

/* Work of factorizations, up to which several dampings are tried. */
#define MOST_TRIALS 1e11

typedef struct writing {
    const c2s_lowrank_how *how;
    c2s_lowrank_tasks tasks;
    c2s_sample_split split;
    bool judges;     /* samples are split */
    bool now_judges; /* moments that come are for that */
    bool (*before)(void *user, const c2s_lowrank_item *item);
    void *user;
} writing;

/* ---- solving ---- */

static c2s_status solve(const writing *w, c2s_lowrank_task *t) {
    double *outer = NULL; /* a family's is made when it is needed */
    c2s_status status =
        t->family ? c2s_lowrank_family_outer(w->tasks.plan, t->family, &outer) : C2S_OK;
    const c2s_lowrank_fit fit = {.layer = &t->layer,
                                 .form = t->way ? t->way->form : &c2s_lowrank_form_as_is,
                                 .rank = t->way ? t->way->rank : 0,
                                 .outer = outer,
                                 .added = t->added,
                                 .damping = w->how->damping};
    if (status == C2S_OK)
        status =
            c2s_lowrank_fit_solve(&fit, &t->learnt, w->judges ? &t->judging : NULL, &t->result);
    free(outer);
    c2s_lowrank_moments_free(&t->learnt);
    c2s_lowrank_moments_free(&t->judging);
    if (status != C2S_OK)
        c2s_note("%s", c2s_node_text(t->layer.node));
    return status;
}

static c2s_status take(void *user, const c2s_linear_site *site, c2s_gram *gram,
                       const c2s_cross *cross) {
    const writing *w = user;
    c2s_lowrank_task *t = &w->tasks.at.at[w->tasks.of_node[site->node->id] - 1];
    c2s_lowrank_moments *m = w->now_judges ? &t->judging : &t->learnt;
    size_t before = 0;
    for (size_t p = 0; p < t->parts.count; p++)
        if (t->parts.at[p].layer.node == site->node)
            before = t->parts.at[p].before;
    C2S_TRY(c2s_lowrank_moments_take(m, &t->layer, site, before, gram, cross));
    return m->taken == t->parts.count && w->judges == w->now_judges ? solve(w, t) : C2S_OK;
}

static c2s_status write_task(const writing *w, c2s_lowrank_task *t) {
    if (!t->result.chain.count || (t->way && w->before && !w->before(w->user, t->item)))
        return C2S_OK;
    return c2s_lowrank_layer_write(&t->layer, &t->result.chain, t->result.weights, t->result.shift);
}

/* ---- stages ---- */

/* Layers that read one value are solved together. */
static size_t count_inputs(const writing *w) {
    size_t count = 0;
    for (size_t i = 0; i < w->tasks.at.count; i++)
        count +=
            i == 0 || w->tasks.at.at[i].layer.site.input != w->tasks.at.at[i - 1].layer.site.input;
    return count;
}

static c2s_status collect(writing *w, const c2s_feed *feed, bool judges,
                          const c2s_gram_request *requests, size_t count) {
    const c2s_gram_options o = {.evaluator = w->how->context->evaluator,
                                .eval = w->how->context->eval,
                                .cache = w->how->context->gram_cache,
                                .feed = feed,
                                .reference = w->tasks.reference ? w->tasks.reference->graph : NULL,
                                .rows = C2S_LOWRANK_ROWS,
                                .memory = w->how->memory,
                                .take = take,
                                .user = w};
    w->now_judges = judges;
    return c2s_gram_collect(w->tasks.model->graph, requests, count, &o);
}

static c2s_status collect_all(writing *w, const c2s_gram_request *requests, size_t count) {
    if (!w->how->whitened)
        return C2S_OK;
    if (!w->judges)
        return collect(w, w->how->context->feed, false, requests, count);
    C2S_TRY(collect(w, &w->split.learn, false, requests, count));
    return collect(w, &w->split.judge, true, requests, count);
}

/* Solves and writes those that read `inputs` values from c2s_lowrank_task *next on. */
static c2s_status run_stage(writing *w, size_t inputs, size_t *next) {
    C2S_VEC(c2s_gram_request) requests = {0};
    const size_t first = *next;
    const c2s_value *last = NULL;
    for (size_t begun = 0; *next < w->tasks.at.count; ++*next) {
        const c2s_lowrank_task *t = &w->tasks.at.at[*next];
        begun += t->layer.site.input != last;
        if (begun > inputs)
            break;
        last = t->layer.site.input;
        for (size_t p = 0; p < t->parts.count; p++) {
            const c2s_lowrank_part *own = &t->parts.at[p];
            c2s_vec_push(&requests, ((c2s_gram_request){.node = own->layer.node,
                                                        .target = own->target,
                                                        .beside = own->beside}));
        }
    }
    c2s_status status = collect_all(w, requests.at, requests.count);
    for (size_t i = first; i < *next && status == C2S_OK; i++) {
        c2s_lowrank_task *t = &w->tasks.at.at[i];
        if (!t->result.chain.count && t->way) { /* a table, or without moments */
            if (t->item->gram && !t->learnt.gram)
                t->learnt.gram = c2s_gram_ref(t->item->gram);
            status = solve(w, t);
        }
        if (status == C2S_OK)
            status = write_task(w, t);
        c2s_lowrank_result_free(&t->result);
    }
    c2s_vec_free(&requests);
    return status == C2S_OK ? c2s_graph_infer(w->tasks.model->graph) : status;
}

static c2s_status run_stages(writing *w) {
    const size_t inputs = count_inputs(w), most = w->tasks.reference ? w->how->stages : 1;
    const size_t stages = inputs < most ? inputs : most;
    c2s_status status = C2S_OK;
    for (size_t stage = 0, next = 0; stage < stages && status == C2S_OK; stage++) {
        c2s_progress("factorising", (double)stage / (double)stages);
        status = run_stage(w, (inputs + stages - 1) / stages, &next);
    }
    return status;
}

/* ---- all ---- */

/* Trying dampings takes several factorizations of each layer. */
static bool may_judge(const writing *w) {
    double work = 0;
    for (size_t i = 0; i < w->tasks.at.count; i++) {
        const c2s_linear_site *s = &w->tasks.at.at[i].layer.site;
        const double k = (double)s->k, n = (double)s->n, least = fmin(k, n);
        work += (double)s->groups * (k * k * (k + n) + 10 * least * least * least);
    }
    return w->tasks.reference && !w->split.whole && work <= MOST_TRIALS;
}

c2s_status c2s_lowrank_apply(c2s_model *model, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             bool (*before)(void *user, const c2s_lowrank_item *item), void *user) {
    writing w = {.how = how, .before = before, .user = user};
    const bool aims = how->whitened && how->stages > 1;
    if (plan->items.count == 0)
        return C2S_OK;
    if (aims)
        c2s_sample_split_open(how->context->feed, &w.split);
    c2s_status status = c2s_lowrank_tasks_open(model, plan, aims, &w.tasks);
    w.judges = may_judge(&w);
    if (status == C2S_OK)
        status = run_stages(&w);
    c2s_lowrank_tasks_close(&w.tasks);
    return status;
}
