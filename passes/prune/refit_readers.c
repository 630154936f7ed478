/* SPDX-License-Identifier: Apache-2.0
 *
 * The readers of removed units, fitted in stages from input to output: those of one stage on one
 * run over the samples, on what the stages before have made of their inputs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ir/convert.h"
#include "ir/node_walk.h"
#include "passes/clip_bounds.h"
#include "passes/measure/beside.h"
#include "passes/prune/prune_mask.h"
#include "passes/prune/pruning.h"

typedef struct refitting {
    c2s_pruning *p;
    c2s_gram_request *wanted; /* by reader */
    c2s_gram_cutoff *cutoffs; /* by reader: `wanted` may point there */
    size_t *place;            /* by id of nodes of the model: where they are in its list */
} refitting;

/* ---- what readers are fitted to ---- */

/* Relu or Clip behind the sum. */
static bool find_cutoff(const c2s_node *sum, c2s_gram_cutoff *out) {
    const c2s_value *y = sum->outputs[0];
    double low, high;
    if (y->use_count != 1 || !c2s_clip_bounds(y->uses->user, &low, &high))
        return false;
    *out = (c2s_gram_cutoff){(float)low, (float)high, NULL};
    return true;
}

static void find_targets(refitting *r) {
    const c2s_pruning *p = r->p;
    r->place = c2s_node_places(p->model->graph);
    for (size_t k = 0; k < p->readers.at.count; k++) {
        const c2s_reader *reader = &p->readers.at.at[k];
        const c2s_node *last = reader->bias_node ? reader->bias_node : reader->node;
        r->wanted[k].node = reader->node;
        /* In a body, or where the product is not to be seen, there is no target. */
        if (reader->node->graph->owner || c2s_node_is_recurrent(reader->node))
            continue;
        /* Errors of a residual are to be made up for, too. */
        c2s_value *beside = c2s_value_beside(last->outputs[0], reader->site.input, r->place);
        const c2s_node *sum = beside ? last->outputs[0]->uses->user : last;
        r->wanted[k] = (c2s_gram_request){reader->node, p->same[sum->id]->outputs[0], beside, NULL};
        if (!c2s_reader_adds(reader) && find_cutoff(sum, &r->cutoffs[k]))
            r->wanted[k].cutoff = &r->cutoffs[k];
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

static void free_added(c2s_gram_cutoff *cutoff) {
    free((float *)(uintptr_t)cutoff->added);
    cutoff->added = NULL;
}

/* What readers with a cut-off add by now. */
static c2s_status read_added(refitting *r, const size_t *readers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const c2s_reader *reader = &r->p->readers.at.at[readers[i]];
        c2s_gram_cutoff *cutoff = &r->cutoffs[readers[i]];
        free_added(cutoff);
        if (!r->wanted[readers[i]].cutoff || !reader->bias_node)
            continue;
        const c2s_tensor *bias = c2s_node_in(reader->bias_node, reader->bias_slot)->constant;
        float *added;
        C2S_TRY(c2s_scratch(bias->count, sizeof *added, &added));
        c2s_load_f32(bias->type.dtype, c2s_tensor_data(bias), 0, bias->count, added);
        cutoff->added = added;
    }
    return C2S_OK;
}

static c2s_status run(c2s_pruning *p, const c2s_graph *graph, const c2s_gram_request *requests,
                      size_t count) {
    const c2s_gram_options options = {.evaluator = p->context->evaluator,
                                      .eval = p->context->eval,
                                      .cache = p->context->gram_cache,
                                      .feed = &p->samples_of.learn,
                                      .reference = p->first->graph,
                                      .samples = p->samples,
                                      .rows = C2S_PRUNE_ROWS,
                                      .take = fit,
                                      .user = p};
    return c2s_gram_collect(graph, requests, count, &options);
}

/* All at once on what the first model computes, so that what lies before a stage is near to what it
 * will be; then those that have a target, in stages, each of them once more if something is cut off
 * behind it. */
static c2s_status run_stages(refitting *r, size_t *readers, size_t count) {
    c2s_pruning *p = r->p;
    c2s_gram_request *requests = c2s_zalloc((count + 1) * sizeof *requests);
    size_t lost = 0, staged = 0;
    for (size_t k = 0; k < count; k++)
        if (memchr(p->before[readers[k]].removed, true, p->readers.at.at[readers[k]].site.k))
            requests[lost++].node = p->same[p->readers.at.at[readers[k]].node->id];
    c2s_status status = run(p, p->first->graph, requests, lost);
    if (status == C2S_OK)
        status = c2s_pruning_mask(p); /* fitting may have filled columns */
    for (size_t k = 0; k < count; k++)
        if (r->wanted[readers[k]].target) {
            requests[staged] = r->wanted[readers[k]];
            readers[staged++] = readers[k];
        }
    count = staged;
    const size_t stages = p->stages < count ? p->stages : count;
    for (size_t k = 0; k < stages * p->rounds && status == C2S_OK; k++) {
        const size_t stage = k / p->rounds;
        const size_t from = count * stage / stages, to = count * (stage + 1) / stages;
        status = read_added(r, readers + from, to - from);
        if (status == C2S_OK)
            status = run(p, p->model->graph, requests + from, to - from);
        if (status == C2S_OK)
            status = c2s_pruning_mask(p);
    }
    free(requests);
    return status;
}

/* What removed units change. */
typedef struct changes {
    bool *masked; /* by node id: it loses some itself, or one in its bodies does */
    bool *values; /* by value id */
} changes;

static void mark_masked(const c2s_pruning *p, changes *c) {
    for (size_t k = 0; k < p->groups.groups.count; k++) {
        const c2s_prune_group *g = &p->groups.groups.at[k];
        for (size_t i = 0; p->removed[k] && i < g->spaces.count; i++) {
            const c2s_node *n = g->spaces.at[i].node;
            if (g->spaces.at[i].role == C2S_TIE_KEEP)
                continue;
            for (; n && !c->masked[n->id]; n = n->graph->owner)
                c->masked[n->id] = true;
        }
    }
}

static void mark_values(c2s_value *const *values, unsigned count, bool *marks) {
    for (unsigned i = 0; i < count; i++)
        if (values[i])
            marks[values[i]->id] = true;
}

/* Readers whose input has changed, or that have lost rows. A body sees changes where its node does,
 * and, as what one run of it leaves may be read by the next, where anything in it has changed. */
static size_t list_changed(const c2s_pruning *p, size_t *readers) {
    const c2s_graph *graph = p->model->graph, *body;
    changes c = {.masked = c2s_zalloc(p->model->nodes.count + 1),
                 .values = c2s_zalloc(p->model->values.count + 1)};
    size_t count = 0;
    mark_masked(p, &c);
    for (const c2s_node *n = graph->first; n; n = c2s_node_walk(graph, n)) {
        bool any = c.masked[n->id];
        for (unsigned i = 0; i < n->input_count; i++)
            any |= n->inputs[i].value && c.values[n->inputs[i].value->id];
        if (!any)
            continue;
        mark_values(n->outputs, n->output_count, c.values);
        for (unsigned b = 0; (body = c2s_node_body(n, b)) != NULL; b++)
            mark_values(body->entry->outputs, body->entry->output_count, c.values);
        if (c2s_map_get(&p->reader_of, n))
            readers[count++] = c2s_pruning_reader(p, n);
    }
    free(c.values);
    free(c.masked);
    return count;
}

c2s_status c2s_pruning_refit(c2s_pruning *p) {
    const size_t readers = p->readers.at.count;
    refitting r = {.p = p};
    r.wanted = c2s_zalloc((readers + 1) * sizeof *r.wanted);
    r.cutoffs = c2s_zalloc((readers + 1) * sizeof *r.cutoffs);
    size_t *todo = c2s_alloc_array(readers + 1, sizeof *todo);
    find_targets(&r);
    for (size_t k = 0; k < p->groups.groups.count; k++)
        if (p->removed[k])
            c2s_pruning_mark_rows(p, k, p->removed[k]);
    const c2s_status status = run_stages(&r, todo, list_changed(p, todo));
    for (size_t k = 0; k < readers; k++)
        free_added(&r.cutoffs[k]);
    free(r.wanted);
    free(r.cutoffs);
    free(r.place);
    free(todo);
    return status;
}
