/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_apply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "passes/lowrank/form_as_is.h"
#include "passes/lowrank/lowrank_fit.h"
#include "passes/measure/beside.h"
#include "passes/measure/sample_split.h"

/* Numbers of a matrix that is made to make up for others; work of factorizations, up to which
 * several dampings are tried. */
#define MOST_NUMBERS 4e6
#define MOST_TRIALS  1e11

/* An operator of the model that is changed, and what it should give. */
typedef struct part {
    c2s_lowrank_layer layer;
    const c2s_value *target; /* of the reference; NULL: none */
    const c2s_value *beside; /* c2s_gram_request */
    size_t before;           /* outputs of the parts in front of it */
} part;

typedef struct job {
    const c2s_lowrank_item *item; /* of the plan: one layer, or the family's */
    const c2s_lowrank_family *family;
    const c2s_lowrank_way *way; /* NULL: it makes up for others */
    C2S_VEC(part) parts;
    c2s_lowrank_layer *members; /* of a family, or readers of a weight */
    c2s_lowrank_layer layer;
    double *added; /* what Adds bring into the targets; NULL: nothing */
    c2s_lowrank_moments learnt, judging;
    c2s_lowrank_result result;
} job;

typedef struct writing {
    const c2s_lowrank_how *how;
    const c2s_lowrank_plan *plan;
    c2s_model *model, *reference; /* reference: NULL with one stage */
    const c2s_node **same;        /* by node id of the model: that of the reference */
    size_t *places;
    C2S_VEC(job) jobs;
    size_t *of_node; /* index of the job + 1, by node id */
    c2s_sample_split split;
    bool judges;     /* samples are split */
    bool now_judges; /* moments that come are for that */
    bool (*before)(void *user, const c2s_lowrank_item *item);
    void *user;
} writing;

/* ---- solving ---- */

static c2s_status solve(const writing *w, job *j) {
    double *outer = NULL; /* a family's is made when it is needed */
    c2s_status status = j->family ? c2s_lowrank_family_outer(w->plan, j->family, &outer) : C2S_OK;
    const c2s_lowrank_fit fit = {.layer = &j->layer,
                                 .form = j->way ? j->way->form : &c2s_lowrank_form_as_is,
                                 .rank = j->way ? j->way->rank : 0,
                                 .outer = outer,
                                 .added = j->added,
                                 .damping = w->how->damping};
    if (status == C2S_OK)
        status =
            c2s_lowrank_fit_solve(&fit, &j->learnt, w->judges ? &j->judging : NULL, &j->result);
    free(outer);
    c2s_lowrank_moments_free(&j->learnt);
    c2s_lowrank_moments_free(&j->judging);
    if (status != C2S_OK)
        c2s_note("%s", c2s_node_text(j->layer.node));
    return status;
}

static c2s_status take(void *user, const c2s_linear_site *site, c2s_gram *gram,
                       const c2s_cross *cross) {
    const writing *w = user;
    job *j = &w->jobs.at[w->of_node[site->node->id] - 1];
    c2s_lowrank_moments *m = w->now_judges ? &j->judging : &j->learnt;
    size_t before = 0;
    for (size_t p = 0; p < j->parts.count; p++)
        if (j->parts.at[p].layer.node == site->node)
            before = j->parts.at[p].before;
    C2S_TRY(c2s_lowrank_moments_take(m, &j->layer, site, before, gram, cross));
    return m->taken == j->parts.count && w->judges == w->now_judges ? solve(w, j) : C2S_OK;
}

static c2s_status write_job(const writing *w, job *j) {
    if (!j->result.chain.count || (j->way && w->before && !w->before(w->user, j->item)))
        return C2S_OK;
    return c2s_lowrank_layer_write(&j->layer, &j->result.chain, j->result.weights, j->result.shift);
}

/* ---- stages ---- */

/* Layers that read one value are solved together. */
static size_t count_inputs(const writing *w) {
    size_t count = 0;
    for (size_t i = 0; i < w->jobs.count; i++)
        count += i == 0 || w->jobs.at[i].layer.site.input != w->jobs.at[i - 1].layer.site.input;
    return count;
}

static c2s_status collect(writing *w, const c2s_feed *feed, bool judges,
                          const c2s_gram_request *requests, size_t count) {
    const c2s_gram_options o = {.evaluator = w->how->context->evaluator,
                                .eval = w->how->context->eval,
                                .cache = w->how->context->gram_cache,
                                .feed = feed,
                                .reference = w->reference ? w->reference->graph : NULL,
                                .rows = C2S_LOWRANK_ROWS,
                                .memory = w->how->memory,
                                .take = take,
                                .user = w};
    w->now_judges = judges;
    return c2s_gram_collect(w->model->graph, requests, count, &o);
}

static c2s_status collect_all(writing *w, const c2s_gram_request *requests, size_t count) {
    if (!w->how->whitened)
        return C2S_OK;
    if (!w->judges)
        return collect(w, w->how->context->feed, false, requests, count);
    C2S_TRY(collect(w, &w->split.learn, false, requests, count));
    return collect(w, &w->split.judge, true, requests, count);
}

/* Solves and writes those that read `inputs` values from job *next on. */
static c2s_status run_stage(writing *w, size_t inputs, size_t *next) {
    C2S_VEC(c2s_gram_request) requests = {0};
    const size_t first = *next;
    const c2s_value *last = NULL;
    for (size_t begun = 0; *next < w->jobs.count; ++*next) {
        const job *j = &w->jobs.at[*next];
        begun += j->layer.site.input != last;
        if (begun > inputs)
            break;
        last = j->layer.site.input;
        for (size_t p = 0; p < j->parts.count; p++) {
            const part *own = &j->parts.at[p];
            c2s_vec_push(&requests, ((c2s_gram_request){.node = own->layer.node,
                                                        .target = own->target,
                                                        .beside = own->beside}));
        }
    }
    c2s_status status = collect_all(w, requests.at, requests.count);
    for (size_t i = first; i < *next && status == C2S_OK; i++) {
        job *j = &w->jobs.at[i];
        if (!j->result.chain.count && j->way) { /* a table, or without moments */
            if (j->item->gram && !j->learnt.gram)
                j->learnt.gram = c2s_gram_ref(j->item->gram);
            status = solve(w, j);
        }
        if (status == C2S_OK)
            status = write_job(w, j);
        c2s_lowrank_result_free(&j->result);
    }
    c2s_vec_free(&requests);
    return status == C2S_OK ? c2s_graph_infer(w->model->graph) : status;
}

static c2s_status run_stages(writing *w) {
    const size_t inputs = count_inputs(w), most = w->reference ? w->how->stages : 1;
    const size_t stages = inputs < most ? inputs : most;
    c2s_status status = C2S_OK;
    for (size_t stage = 0, next = 0; stage < stages && status == C2S_OK; stage++) {
        c2s_progress("factorising", (double)stage / (double)stages);
        status = run_stage(w, (inputs + stages - 1) / stages, &next);
    }
    return status;
}

/* ---- what is written ---- */

/* With its residual, if one is added right behind it: what is added then makes up for the errors of
 * that as well. */
static void find_target(const writing *w, part *p) {
    const c2s_lowrank_layer *layer = &p->layer;
    const c2s_node *last = layer->add ? layer->add : layer->node;
    if (!w->reference)
        return;
    p->beside = c2s_value_beside(last->outputs[0], layer->site.input, w->places);
    const c2s_node *gives = p->beside ? last->outputs[0]->uses->user : layer->node;
    p->target = w->same[gives->id]->outputs[0];
}

/* A layer that stays makes up for others if it stands behind one that does not. */
static bool makes_up(const writing *w, const c2s_lowrank_item *item) {
    const c2s_linear_site *s = &item->layer.site;
    return w->reference && w->jobs.count > 0 && c2s_lowrank_layer_aims(&item->layer) &&
           (double)s->groups * (double)s->k * (double)s->n <= MOST_NUMBERS;
}

/* The job that an item of the plan is part of. */
static job *job_of(writing *w, const c2s_lowrank_item *item) {
    const c2s_lowrank_family *family =
        item->joined ? &w->plan->families.at[item->joined - 1] : NULL;
    for (size_t i = w->jobs.count; (family || item->layer.tied_count > 0) && i-- > 0;)
        if (w->jobs.at[i].family == family && (family || w->jobs.at[i].item == item))
            return &w->jobs.at[i];
    const c2s_lowrank_item *own = family ? &family->joint : item;
    c2s_vec_push(&w->jobs,
                 ((job){.item = own,
                        .family = family,
                        .way = own->chosen == C2S_RANK_AS_IS ? NULL : &own->ways.at[own->chosen]}));
    return &w->jobs.at[w->jobs.count - 1];
}

static c2s_status add_part(writing *w, const c2s_lowrank_item *item, c2s_node *node) {
    part p = {.before = 0};
    const char *reason = c2s_lowrank_layer_of(node, &p.layer);
    if (reason)
        return c2s_fail(C2S_ERR_INVALID, "%s: %s", c2s_node_text(node), reason);
    job *j = job_of(w, item);
    if (c2s_lowrank_layer_aims(&item->layer))
        find_target(w, &p);
    for (size_t k = 0; k < j->parts.count; k++)
        p.before += j->parts.at[k].layer.site.n;
    c2s_vec_push(&j->parts, p);
    w->of_node[node->id] = (size_t)(j - w->jobs.at) + 1;
    return C2S_OK;
}

/* What the Adds of its parts bring into their targets. */
static void read_added(job *j) {
    const size_t channels = j->layer.site.groups * j->layer.site.n;
    for (size_t p = 0; p < j->parts.count; p++) {
        const part *own = &j->parts.at[p];
        if (!own->layer.add || !own->beside)
            continue;
        if (!j->added)
            j->added = c2s_zalloc(channels * sizeof *j->added);
        c2s_tensor_load_f64(c2s_node_in(own->layer.add, own->layer.add_slot)->constant, 0,
                            own->layer.site.n, j->added + own->before);
    }
}

static void close_job(job *j) {
    c2s_lowrank_moments_free(&j->learnt);
    c2s_lowrank_moments_free(&j->judging);
    c2s_lowrank_result_free(&j->result);
    c2s_vec_free(&j->parts);
    free(j->members);
    free(j->added);
}

/* The job's parts become one layer. */
static c2s_status open_layer(job *j) {
    const size_t count = j->parts.count;
    const char *reason = NULL;
    j->layer = j->parts.at[0].layer;
    if (count > 1) {
        j->members = c2s_alloc_array(count, sizeof *j->members);
        for (size_t p = 0; p < count; p++)
            j->members[p] = j->parts.at[p].layer;
    }
    if (j->family && !c2s_lowrank_layer_join(j->members, count, &j->layer))
        reason = "its family has changed";
    else if (!j->family && count > 1)
        reason = c2s_lowrank_layer_tie(&j->layer, j->members + 1, count - 1);
    read_added(j);
    return reason ? c2s_fail(C2S_ERR_INVALID, "%s: %s", c2s_node_text(j->layer.node), reason)
                  : C2S_OK;
}

/* By node id of the plan's graph: the item that the node is part of. */
static const c2s_lowrank_item **list_nodes(const c2s_lowrank_plan *plan) {
    const c2s_model *model = plan->items.at[0].layer.node->graph->model;
    const c2s_lowrank_item **of_node = c2s_zalloc((model->nodes.count + 1) * sizeof *of_node);
    for (size_t i = 0; i < plan->items.count; i++) {
        const c2s_lowrank_item *item = &plan->items.at[i];
        of_node[item->layer.node->id] = item;
        for (size_t t = 0; t < item->layer.tied_count; t++)
            of_node[item->layer.tied[t].node->id] = item;
    }
    return of_node;
}

/* The plan's graph, the one to change, and the reference have the same nodes in the same order. */
static c2s_status list_jobs(writing *w) {
    const c2s_lowrank_item **of_node = list_nodes(w->plan);
    const c2s_node *own = w->plan->items.at[0].layer.node->graph->first;
    c2s_status status = C2S_OK;
    for (c2s_node *node = w->model->graph->first; node && status == C2S_OK;
         node = node->next, own = own->next) {
        const c2s_lowrank_item *item = of_node[own->id];
        if (item && (item->chosen != C2S_RANK_AS_IS || item->joined || makes_up(w, item)))
            status = add_part(w, item, node);
    }
    for (size_t i = 0; i < w->jobs.count && status == C2S_OK; i++)
        status = open_layer(&w->jobs.at[i]);
    free(of_node);
    return status;
}

/* The same nodes of both. */
static void open_reference(writing *w) {
    const c2s_node *other;
    w->reference = c2s_model_copy(w->model);
    w->same = c2s_zalloc((w->model->nodes.count + 1) * sizeof *w->same);
    w->places = c2s_node_places(w->model->graph);
    other = w->reference->graph->first;
    for (const c2s_node *n = w->model->graph->first; n; n = n->next, other = other->next)
        w->same[n->id] = other;
}

/* Trying dampings takes several factorizations of each layer. */
static bool may_judge(const writing *w) {
    double work = 0;
    for (size_t i = 0; i < w->jobs.count; i++) {
        const c2s_linear_site *s = &w->jobs.at[i].layer.site;
        const double k = (double)s->k, n = (double)s->n, least = fmin(k, n);
        work += (double)s->groups * (k * k * (k + n) + 10 * least * least * least);
    }
    return w->reference && !w->split.whole && work <= MOST_TRIALS;
}

c2s_status c2s_lowrank_apply(c2s_model *model, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             bool (*before)(void *user, const c2s_lowrank_item *item), void *user) {
    writing w = {.how = how, .plan = plan, .model = model, .before = before, .user = user};
    if (plan->items.count == 0)
        return C2S_OK;
    w.of_node = c2s_zalloc((model->nodes.count + 1) * sizeof *w.of_node);
    if (how->whitened && how->stages > 1) {
        open_reference(&w);
        c2s_sample_split_open(how->context->feed, &w.split);
    }
    c2s_status status = list_jobs(&w);
    w.judges = may_judge(&w);
    if (status == C2S_OK)
        status = run_stages(&w);
    for (size_t i = 0; i < w.jobs.count; i++)
        close_job(&w.jobs.at[i]);
    c2s_vec_free(&w.jobs);
    free(w.of_node);
    free(w.same);
    free(w.places);
    c2s_model_destroy(w.reference);
    return status;
}
