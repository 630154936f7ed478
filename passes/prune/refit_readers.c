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
    c2s_gram_request *wanted; /* by reader */
    size_t *place;            /* by id of nodes of the model: where they are in its list */
} refitting;

/* ---- what readers are fitted to ---- */

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

static void find_targets(refitting *r) {
    const c2s_pruning *p = r->p;
    size_t place = 0;
    r->place = c2s_zalloc((p->model->nodes.count + 1) * sizeof *r->place);
    for (const c2s_node *n = p->model->graph->first; n; n = n->next)
        r->place[n->id] = place++;
    for (size_t k = 0; k < p->readers.at.count; k++) {
        const c2s_reader *reader = &p->readers.at.at[k];
        const c2s_node *last = reader->bias_node ? reader->bias_node : reader->node;
        c2s_value *beside = find_beside(r, reader, last);
        const c2s_node *sum = beside ? last->outputs[0]->uses->user : last;
        r->wanted[k] = (c2s_gram_request){reader->node, p->same[sum->id]->outputs[0], beside};
    }
}

/* ---- stages ---- */

/* Readers of the first model have no target: they are fitted to their own output. */
static c2s_status fit(void *user, const c2s_linear_site *site, c2s_gram *gram,
                      const c2s_cross *cross) {
    c2s_pruning *p = user;
    const size_t k = c2s_pruning_reader(p, site->node);
    return c2s_reader_fit(&p->readers.at.at[k], &p->before[k], gram, cross, p->damping);
}

static c2s_status run(c2s_pruning *p, const c2s_graph *graph, const c2s_gram_request *requests,
                      size_t count) {
    const c2s_gram_options options = {.evaluator = p->context->evaluator,
                                      .eval = p->context->eval,
                                      .feed = &p->samples_of.learn,
                                      .reference = p->first->graph,
                                      .samples = p->samples,
                                      .take = fit,
                                      .user = p};
    return c2s_gram_collect(graph, requests, count, &options);
}

/* All at once on what the first model computes, so that what lies before a stage is near to what it
 * will be; then in stages. */
static c2s_status run_stages(refitting *r, const size_t *readers, size_t count) {
    c2s_pruning *p = r->p;
    const size_t stages = p->stages < count ? p->stages : count;
    c2s_gram_request *requests = c2s_zalloc((count + 1) * sizeof *requests);
    for (size_t k = 0; k < count; k++)
        requests[k] = (c2s_gram_request){.node = p->same[p->readers.at.at[readers[k]].node->id]};
    c2s_status status = stages < count ? run(p, p->first->graph, requests, count) : C2S_OK;
    for (size_t k = 0; k < count; k++)
        requests[k] = r->wanted[readers[k]];
    for (size_t k = 0; k < stages && status == C2S_OK; k++) {
        const size_t from = count * k / stages, to = count * (k + 1) / stages;
        status = run(p, p->model->graph, requests + from, to - from);
    }
    free(requests);
    return status;
}

c2s_status c2s_pruning_refit(c2s_pruning *p) {
    const size_t readers = p->readers.at.count;
    refitting r = {.p = p};
    r.wanted = c2s_zalloc((readers + 1) * sizeof *r.wanted);
    size_t *todo = c2s_alloc_array(readers + 1, sizeof *todo), count = 0;
    find_targets(&r);
    for (size_t k = 0; k < p->groups.groups.count; k++)
        if (p->removed[k])
            c2s_pruning_mark_rows(p, k, p->removed[k]);
    for (size_t k = 0; k < readers; k++)
        if (memchr(p->before[k].removed, true, p->readers.at.at[k].site.k))
            todo[count++] = k;
    const c2s_status status = run_stages(&r, todo, count);
    free(r.wanted);
    free(r.place);
    free(todo);
    return status;
}
