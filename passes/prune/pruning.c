/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/pruning.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/constants.h"
#include "passes/prune/unit_norms.h"

/* Errors are weighed, and choices compared, on so many. */
enum { JUDGING_SAMPLES = 48 };

/* ---- before and after ---- */

static void lift_constant(c2s_node *node) {
    c2s_value *value = node->outputs[0];
    if (!c2s_node_is(node, "Constant") || !value || !value->constant)
        return;
    c2s_value_replace(
        value, c2s_value_constant(node->graph, value->name, c2s_tensor_ref(value->constant)));
}

static void give_bias(c2s_pruning *p, c2s_node *node) {
    c2s_linear_site site;
    c2s_tensor *zeros;
    if (c2s_linear_site_of(node, &site) || node->op == &c2s_op_matmul || c2s_node_in(node, 2) ||
        !site.weight->constant || site.weight->type.dtype != C2S_FLOAT)
        return;
    const int64_t channels = (int64_t)(site.groups * site.n);
    if (c2s_tensor_create(C2S_FLOAT, 1, &channels, &zeros) != C2S_OK)
        return; /* then its moments are not centred */
    memset(c2s_tensor_mutable(zeros), 0, c2s_tensor_size(zeros));
    if (node->formal_count < 3)
        c2s_node_resize_inputs(node, 3);
    c2s_use_set(&node->inputs[2], c2s_value_constant(node->graph, "bias", zeros));
    c2s_vec_push(&p->given_bias, node);
}

void c2s_pruning_prepare(c2s_pruning *p) {
    for (c2s_node *node = p->model->graph->first; node; node = node->next)
        lift_constant(node);
    for (c2s_node *node = p->model->graph->first; node && p->refit; node = node->next)
        give_bias(p, node);
    p->first = c2s_model_copy(p->model);
}

void c2s_pruning_tidy(c2s_pruning *p) {
    for (size_t k = 0; k < p->given_bias.count; k++) {
        c2s_node *node = p->given_bias.at[k];
        if (c2s_constant_is_all(c2s_node_in(node, 2), 0)) {
            c2s_use_set(&node->inputs[2], NULL);
            c2s_node_trim_inputs(node);
        }
    }
}

static const c2s_tensor *constant_of(const c2s_node *node, unsigned slot) {
    return c2s_node_in(node, slot)->constant;
}

/* Both models have the same nodes in the same order. */
static void look_back(c2s_pruning *p) {
    const c2s_node *first = p->first->graph->first;
    p->same = c2s_zalloc((p->model->nodes.count + 1) * sizeof *p->same);
    for (const c2s_node *n = p->model->graph->first; n; n = n->next, first = first->next)
        p->same[n->id] = first;
    p->before = c2s_zalloc((p->readers.at.count + 1) * sizeof *p->before);
    for (size_t k = 0; k < p->readers.at.count; k++) {
        const c2s_reader *r = &p->readers.at.at[k];
        c2s_map_put(&p->reader_of, r->node, (void *)(uintptr_t)(k + 1));
        c2s_map_put(&p->reader_of, p->same[r->node->id], (void *)(uintptr_t)(k + 1));
        p->before[k] = (c2s_reader_first){
            .weight = constant_of(p->same[r->node->id], 1),
            .bias = r->bias_node ? constant_of(p->same[r->bias_node->id], r->bias_slot) : NULL,
            .removed = c2s_zalloc(r->site.k + 1)};
    }
}

void c2s_pruning_open(c2s_pruning *p) {
    const size_t count = p->groups.groups.count;
    c2s_readers_find(&p->groups, &p->readers);
    look_back(p);
    p->chosen = c2s_zalloc((count + 1) * sizeof *p->chosen);
    p->orders = c2s_zalloc((count + 1) * sizeof *p->orders);
    p->counts = c2s_zalloc((count + 1) * sizeof *p->counts);
    p->removed = c2s_zalloc((count + 1) * sizeof *p->removed);
    p->worth = c2s_zalloc((count + 1) * sizeof *p->worth);
}

void c2s_pruning_close(c2s_pruning *p) {
    for (size_t k = 0; k < p->groups.groups.count; k++) {
        c2s_unit_order_free(&p->orders[k]);
        free(p->removed[k]);
    }
    for (size_t k = 0; k < p->readers.at.count; k++)
        free(p->before[k].removed);
    free(p->before);
    free(p->same);
    free(p->chosen);
    free(p->orders);
    free(p->counts);
    free(p->removed);
    free(p->worth);
    c2s_quality_close(p->outputs);
    c2s_vec_free(&p->given_bias);
    c2s_map_free(&p->reader_of);
    c2s_readers_free(&p->readers);
    c2s_prune_groups_free(&p->groups);
    c2s_model_destroy(p->first);
}

void c2s_pruning_mark_rows(c2s_pruning *p, size_t group, const bool *removed) {
    const c2s_group_readers *of = &p->readers.groups[group];
    for (size_t i = 0; i < of->at.count; i++) {
        const c2s_unit_map *map = of->at.at[i].map;
        const c2s_reader *reader = &p->readers.at.at[of->at.at[i].reader];
        bool *elements = c2s_zalloc(map->extent + 1);
        c2s_unit_map_mark(map, removed, elements);
        for (size_t row = 0; row < reader->site.k; row++)
            p->before[of->at.at[i].reader].removed[row] |= elements[row / reader->kernel];
        free(elements);
    }
}

/* ---- orders ---- */

/* Norms that sum up to 1; false: there are no such weights. */
static bool find_norms(const c2s_pruning *p, size_t group, c2s_norm_weights which, int power,
                       double *norms) {
    const c2s_prune_group *g = &p->groups.groups.at[group];
    double sum = 0;
    memset(norms, 0, g->units * sizeof *norms);
    if (!c2s_unit_norms(&p->groups, g, which, power, norms))
        return false;
    for (size_t k = 0; k < g->units; k++)
        sum += norms[k];
    for (size_t k = 0; k < g->units && sum > 0; k++)
        norms[k] /= sum;
    return true;
}

static void order_by_norms(c2s_pruning *p, size_t group) {
    const c2s_prune_group *g = &p->groups.groups.at[group];
    double *norms = c2s_zalloc((g->units + 1) * sizeof *norms);
    const bool scales =
        p->method == C2S_PRUNE_SCALE && find_norms(p, group, C2S_NORM_SCALES, 1, norms);
    if (!scales)
        find_norms(p, group, C2S_NORM_ALL, p->method == C2S_PRUNE_L1 ? 1 : 2, norms);
    c2s_unit_order_by_score(norms, g->units, &p->orders[group]);
    free(norms);
}

typedef C2S_VEC(size_t) numbers;

/* The moments that readers of groups read, until all groups that need them have theirs. */
typedef struct ordering {
    c2s_pruning *p;
    c2s_gram **grams; /* by reader */
    numbers *needed;  /* by reader: chosen groups that it is of */
    size_t *waiting;  /* by reader: how many of these need it still */
    size_t *missing;  /* by group: readers that have not come */
} ordering;

static c2s_status order_by_moments(ordering *o, size_t group) {
    c2s_pruning *p = o->p;
    const c2s_group_readers *of = &p->readers.groups[group];
    const size_t units = p->groups.groups.at[group].units;
    c2s_gram **grams = c2s_alloc_array(of->at.count + 1, sizeof *grams);
    double *norms = c2s_zalloc((units + 1) * sizeof *norms);
    for (size_t k = 0; k < of->at.count; k++)
        grams[k] = o->grams[of->at.at[k].reader];
    const bool added = of->others && find_norms(p, group, C2S_NORM_ALL, 2, norms);
    c2s_status status =
        c2s_unit_order_by_moments(&p->readers, group, units, grams, added ? norms : NULL,
                                  p->method == C2S_PRUNE_OBS ? C2S_ORDER_FITTED : C2S_ORDER_APART,
                                  p->damping, &p->orders[group]);
    if (status == C2S_OK && p->outputs)
        status = c2s_pruning_weigh(p, group, grams);
    for (size_t k = 0; k < of->at.count; k++) {
        const size_t reader = of->at.at[k].reader;
        if (--o->waiting[reader] > 0)
            continue;
        c2s_gram_unref(o->grams[reader]);
        o->grams[reader] = NULL;
    }
    free(norms);
    free(grams);
    return status;
}

size_t c2s_pruning_reader(const c2s_pruning *p, const c2s_node *node) {
    return (size_t)(uintptr_t)c2s_map_get(&p->reader_of, node) - 1;
}

static c2s_status take_moments(void *user, const c2s_linear_site *site, c2s_gram *gram,
                               const c2s_cross *cross) {
    ordering *o = user;
    const size_t reader = c2s_pruning_reader(o->p, site->node);
    (void)cross;
    o->grams[reader] = c2s_gram_ref(gram);
    for (size_t k = 0; k < o->needed[reader].count; k++) {
        const size_t group = o->needed[reader].at[k];
        if (--o->missing[group] == 0)
            C2S_TRY(order_by_moments(o, group));
    }
    return C2S_OK;
}

/* Requests for the readers that some chosen group needs. */
static c2s_status collect(ordering *o) {
    const c2s_pruning *p = o->p;
    c2s_gram_request *requests = c2s_zalloc((p->readers.at.count + 1) * sizeof *requests);
    size_t count = 0;
    for (size_t k = 0; k < p->groups.groups.count; k++)
        for (size_t i = 0; p->chosen[k] && i < p->readers.groups[k].at.count; i++) {
            const size_t reader = p->readers.groups[k].at.at[i].reader;
            o->missing[k]++;
            o->waiting[reader]++;
            c2s_vec_push(&o->needed[reader], k);
        }
    for (size_t k = 0; k < p->readers.at.count; k++)
        if (o->waiting[k] > 0)
            requests[count++] = (c2s_gram_request){.node = p->readers.at.at[k].node};
    const c2s_gram_options options = {.evaluator = p->context->evaluator,
                                      .eval = p->context->eval,
                                      .feed = &p->samples_of.learn,
                                      .samples = p->samples,
                                      .take = take_moments,
                                      .user = o};
    const c2s_status status =
        count > 0 ? c2s_gram_collect(p->model->graph, requests, count, &options) : C2S_OK;
    free(requests);
    return status;
}

c2s_status c2s_pruning_order(c2s_pruning *p) {
    ordering o = {.p = p};
    o.grams = c2s_zalloc((p->readers.at.count + 1) * sizeof *o.grams);
    o.needed = c2s_zalloc((p->readers.at.count + 1) * sizeof *o.needed);
    o.waiting = c2s_zalloc((p->readers.at.count + 1) * sizeof *o.waiting);
    o.missing = c2s_zalloc((p->groups.groups.count + 1) * sizeof *o.missing);
    const bool moments = p->method <= C2S_PRUNE_ACTIVATION;
    c2s_status status = C2S_OK;
    if (moments && p->allocation <= C2S_PRUNE_OUTPUTS)
        status = c2s_quality_open(p->first->graph, p->context->evaluator, &p->context->eval,
                                  &p->samples_of.judge, JUDGING_SAMPLES, &p->outputs);
    if (moments && status == C2S_OK)
        status = collect(&o);
    for (size_t k = 0; k < p->groups.groups.count && status == C2S_OK; k++)
        if (p->chosen[k] && p->orders[k].units == 0) {
            order_by_norms(p, k);
            status = p->outputs ? c2s_pruning_weigh(p, k, NULL) : C2S_OK;
        }
    for (size_t k = 0; k < p->readers.at.count; k++) {
        c2s_gram_unref(o.grams[k]);
        c2s_vec_free(&o.needed[k]);
    }
    free(o.grams);
    free(o.needed);
    free(o.waiting);
    free(o.missing);
    return status;
}
