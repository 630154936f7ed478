/* SPDX-License-Identifier: Apache-2.0
 *
 * The readers of removed units, fitted in stages from input to output: those of one stage on one
 * run over the samples, on what the stages before have made of their inputs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/prune/pruning.h"

typedef struct refitting {
    c2s_pruning *p;
    c2s_model *first;         /* as it was before */
    c2s_reader_first *before; /* by reader */
    const c2s_node **was;     /* by reader: the same node of the first model */
    c2s_gram_request *wanted; /* by reader */
    size_t *place;            /* by id of nodes of the model: where they are in its list */
} refitting;

static c2s_status fit(void *user, const c2s_linear_site *site, c2s_gram *gram,
                      const c2s_cross *cross) {
    refitting *r = user;
    const size_t k = c2s_pruning_reader(r->p, site->node);
    return c2s_reader_fit(&r->p->readers.at.at[k], &r->before[k], gram, cross, r->p->damping);
}

/* Rows of readers that go with removed units. */
static void mark_rows(refitting *r) {
    c2s_pruning *p = r->p;
    for (size_t k = 0; k < p->groups.groups.count; k++)
        for (size_t i = 0; p->removed[k] && i < p->readers.groups[k].at.count; i++) {
            const c2s_group_reader *of = &p->readers.groups[k].at.at[i];
            const c2s_reader *reader = &p->readers.at.at[of->reader];
            bool *elements = c2s_zalloc(of->map->extent + 1);
            c2s_unit_map_mark(of->map, p->removed[k], elements);
            for (size_t row = 0; row < reader->site.k; row++)
                r->before[of->reader].removed[row] |= elements[row / reader->kernel];
            free(elements);
        }
}

static const c2s_tensor *constant_of(const c2s_node *node, unsigned slot) {
    return c2s_node_in(node, slot)->constant;
}

static size_t place_of(const refitting *r, const c2s_value *value) {
    return value->def && value->def != value->graph->entry ? r->place[value->def->id] + 1 : 0;
}

/* What is added to the reader's output behind it (a residual), if that is there before the reader's
 * input: the sum is what is to come out right, errors of the residual included. */
static c2s_value *find_beside(const refitting *r, const c2s_reader *reader, const c2s_node *last) {
    const c2s_value *y = last->outputs[0], *x = reader->site.input;
    const c2s_use *use = y->use_count == 1 ? y->uses : NULL;
    if (!use || !c2s_node_is(use->user, "Add"))
        return NULL;
    c2s_value *other = use->user->inputs[1 - use->slot].value;
    return other != x && !other->constant && c2s_type_equal(&other->type, &y->type) &&
                   place_of(r, other) < place_of(r, x)
               ? other
               : NULL;
}

/* Both models have the same nodes in the same order. */
static void find_targets(refitting *r) {
    const c2s_readers *readers = &r->p->readers;
    const c2s_node *first = r->first->graph->first;
    const size_t nodes = r->p->model->nodes.count;
    const c2s_node **same = c2s_zalloc((nodes + 1) * sizeof *same);
    size_t place = 0;
    r->place = c2s_zalloc((nodes + 1) * sizeof *r->place);
    for (const c2s_node *n = r->p->model->graph->first; n; n = n->next, first = first->next) {
        same[n->id] = first;
        r->place[n->id] = place++;
    }
    for (size_t k = 0; k < readers->at.count; k++) {
        const c2s_reader *reader = &readers->at.at[k];
        const c2s_node *last = reader->bias_node ? reader->bias_node : reader->node;
        c2s_value *beside = find_beside(r, reader, last);
        const c2s_node *sum = beside ? last->outputs[0]->uses->user : last;
        r->was[k] = same[reader->node->id];
        r->wanted[k] = (c2s_gram_request){reader->node, same[sum->id]->outputs[0], beside};
        r->before[k] = (c2s_reader_first){
            .weight = constant_of(r->was[k], 1),
            .bias = reader->bias_node ? constant_of(same[reader->bias_node->id], reader->bias_slot)
                                      : NULL,
            .removed = c2s_zalloc(reader->site.k + 1)};
    }
    free(same);
}

static c2s_status
run(refitting *r, const c2s_graph *graph, const c2s_gram_request *requests, size_t count,
    c2s_status (*take)(void *, const c2s_linear_site *, c2s_gram *, const c2s_cross *)) {
    const c2s_pruning *p = r->p;
    const c2s_gram_options options = {.evaluator = p->context->evaluator,
                                      .eval = p->context->eval,
                                      .feed = p->context->feed,
                                      .reference = r->first->graph,
                                      .samples = p->samples,
                                      .take = take,
                                      .user = r};
    return c2s_gram_collect(graph, requests, count, &options);
}

/* A reader of the first model: fitted to its own output. */
static c2s_status fit_first(void *user, const c2s_linear_site *site, c2s_gram *gram,
                            const c2s_cross *cross) {
    refitting *r = user;
    size_t k = 0;
    (void)cross;
    while (r->was[k] != site->node)
        k++;
    return c2s_reader_fit(&r->p->readers.at.at[k], &r->before[k], gram, NULL, r->p->damping);
}

/* All at once on what the first model computes, so that what is behind a stage is near to what it
 * will be; then in stages. */
static c2s_status run_stages(refitting *r, const size_t *readers, size_t count) {
    const size_t stages = r->p->stages < count ? r->p->stages : count;
    c2s_gram_request *requests = c2s_zalloc((count + 1) * sizeof *requests);
    for (size_t k = 0; k < count; k++)
        requests[k] = (c2s_gram_request){.node = r->was[readers[k]]};
    c2s_status status =
        stages < count ? run(r, r->first->graph, requests, count, fit_first) : C2S_OK;
    for (size_t k = 0; k < count; k++)
        requests[k] = r->wanted[readers[k]];
    for (size_t k = 0; k < stages && status == C2S_OK; k++) {
        const size_t from = count * k / stages, to = count * (k + 1) / stages;
        status = run(r, r->p->model->graph, requests + from, to - from, fit);
    }
    free(requests);
    return status;
}

c2s_status c2s_pruning_refit(c2s_pruning *p) {
    const size_t readers = p->readers.at.count;
    refitting r = {.p = p, .first = p->first};
    r.before = c2s_zalloc((readers + 1) * sizeof *r.before);
    r.was = c2s_zalloc((readers + 1) * sizeof *r.was);
    r.wanted = c2s_zalloc((readers + 1) * sizeof *r.wanted);
    size_t *todo = c2s_alloc_array(readers + 1, sizeof *todo), count = 0;
    find_targets(&r);
    mark_rows(&r);
    for (size_t k = 0; k < readers; k++)
        if (memchr(r.before[k].removed, true, p->readers.at.at[k].site.k))
            todo[count++] = k;
    const c2s_status status = run_stages(&r, todo, count);
    for (size_t k = 0; k < readers; k++)
        free(r.before[k].removed);
    free(r.before);
    free(r.was);
    free(r.wanted);
    free(r.place);
    free(todo);
    return status;
}
