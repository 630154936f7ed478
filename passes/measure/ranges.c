/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "eval/sample_order.h"
#include "ir/graph_digest.h"
#include "passes/measure/ranges_cache.h"
#include "passes/measure/ranges_state.h"

enum { KEEP_SECONDS = 10 }; /* what is lost at most if the process ends */

/* ---- which values ---- */

static bool observable(const c2s_value *value, const c2s_graph *graph) {
    return value && value->graph == graph && !value->constant &&
           c2s_value_stats_takes(&value->type);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const c2s_value_stats *)a)->name, ((const c2s_value_stats *)b)->name);
}

/* `chosen` receives the values, by id. */
static c2s_ranges *prepare(const c2s_graph *graph, const bool *wanted, const c2s_ranges_options *o,
                           bool *chosen) {
    const c2s_model *model = graph->model;
    c2s_ranges *r = c2s_zalloc(sizeof *r);
    for (size_t id = 0; id < model->values.count; id++) {
        chosen[id] = (!wanted || wanted[id]) && observable(model->values.at[id], graph);
        r->count += chosen[id];
    }
    r->stats = c2s_alloc_array(r->count, sizeof *r->stats);
    size_t k = 0;
    for (size_t id = 0; id < model->values.count; id++)
        if (chosen[id])
            c2s_value_stats_init(&r->stats[k++], model->values.at[id]->name,
                                 o->bins ? o->bins : C2S_HISTOGRAM_BINS,
                                 o->channel_axis ? o->channel_axis[id] : C2S_NO_CHANNELS);
    qsort(r->stats, r->count, sizeof *r->stats, by_name);
    return r;
}

void c2s_ranges_free(c2s_ranges *ranges) {
    if (!ranges)
        return;
    for (size_t k = 0; k < ranges->count; k++)
        c2s_value_stats_free(&ranges->stats[k]);
    free(ranges->stats);
    c2s_vec_free(&ranges->seen);
    free(ranges);
}

c2s_value_stats *c2s_ranges_of(const c2s_ranges *ranges, const char *name) {
    size_t from = 0, to = ranges->count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        const int order = strcmp(name, ranges->stats[middle].name);
        if (order == 0)
            return &ranges->stats[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

const c2s_value_stats *c2s_ranges_find(const c2s_ranges *ranges, const c2s_value *value) {
    const c2s_value_stats *stats = c2s_ranges_of(ranges, value->name);
    return stats && stats->count > 0 ? stats : NULL;
}

size_t c2s_ranges_samples(const c2s_ranges *ranges) {
    return ranges->seen.count;
}

/* ---- running ---- */

static c2s_status observe(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    c2s_value_stats *stats = c2s_ranges_of(user, value->name);
    if (!stats || !c2s_value_stats_takes(&tensor->type))
        return C2S_OK;
    return c2s_value_stats_add(stats, tensor);
}

static c2s_status run_sample(c2s_session *session, const c2s_graph *graph, const c2s_feed *feed,
                             size_t k) {
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_tensor **in = c2s_zalloc((inputs + 1) * sizeof *in);
    c2s_tensor **out = c2s_zalloc((outputs + 1) * sizeof *out);
    c2s_status status = feed->get(feed, graph, k, in);
    if (status == C2S_OK)
        status = session->evaluator->run(session, (const c2s_tensor *const *)in, out);
    for (unsigned i = 0; i < inputs; i++)
        c2s_tensor_unref(in[i]);
    for (unsigned i = 0; i < outputs; i++)
        c2s_tensor_unref(out[i]);
    free(in);
    free(out);
    if (status != C2S_OK)
        c2s_note("sample %zu", k);
    return status;
}

/* What runs, and what is known already. */
typedef struct collection {
    c2s_ranges *ranges;
    const c2s_graph *graph;
    const c2s_feed *feed;
    c2s_ranges_cache *cache;
    uint64_t digest;        /* of the graph, for the cache */
    bool *values, *samples; /* to be observed, by id; still to be run */
} collection;

static c2s_status run_samples(const collection *c, c2s_session *session) {
    size_t total = 0, done = 0;
    for (size_t k = 0; k < c->feed->count; k++)
        total += c->samples[k];
    for (size_t k = 0; k < c->feed->count; k++) {
        if (!c->samples[k])
            continue;
        c2s_progress("calibrating", (double)done++ / (double)total);
        C2S_TRY(run_sample(session, c->graph, c->feed, k));
        c2s_vec_push(&c->ranges->seen, c->feed->origin ? c->feed->origin[k] : k);
        if (c->cache)
            C2S_TRY(c2s_ranges_cache_keep(c->cache, c->digest, c->ranges, KEEP_SECONDS));
    }
    return C2S_OK;
}

/* Takes what the cache has: those samples need not run, and all of its values are observed on. */
static c2s_status resume(collection *c) {
    bool taken;
    c->digest = c2s_graph_digest(c->graph);
    C2S_TRY(c2s_ranges_cache_take(c->cache, c->digest, c->ranges, &taken));
    if (!taken)
        return C2S_OK;
    const c2s_model *model = c->graph->model;
    for (size_t id = 0; id < model->values.count; id++) {
        const c2s_value *value = model->values.at[id];
        c->values[id] = observable(value, c->graph) && c2s_ranges_of(c->ranges, value->name);
    }
    c2s_map seen = {0};
    for (size_t k = 0; k < c->ranges->seen.count; k++)
        c2s_map_put_u64(&seen, c->ranges->seen.at[k], c);
    for (size_t k = 0; k < c->feed->count; k++)
        if (c2s_map_get_u64(&seen, c->feed->origin ? c->feed->origin[k] : k))
            c->samples[k] = false;
    c2s_map_free(&seen);
    c2s_log(1, "statistics of %zu samples were kept", c->ranges->seen.count);
    return C2S_OK;
}

static c2s_status collect(collection *c, const c2s_evaluator *evaluator,
                          const c2s_eval_options *options) {
    if (c->cache)
        C2S_TRY(resume(c));
    bool any = false;
    for (size_t k = 0; k < c->feed->count; k++)
        any = any || c->samples[k];
    if (!any)
        return C2S_OK;
    c2s_eval_options eval = *options;
    eval.observe = observe;
    eval.observe_user = c->ranges;
    eval.observe_value = c->values;
    c2s_session *session;
    C2S_TRY(evaluator->open(c->graph, &eval, &session));
    c2s_status status = run_samples(c, session);
    evaluator->close(session);
    if (status == C2S_OK && c->cache)
        status = c2s_ranges_cache_keep(c->cache, c->digest, c->ranges, 0);
    return status;
}

c2s_status c2s_ranges_collect(const c2s_graph *graph, const c2s_feed *feed,
                              const c2s_evaluator *evaluator, const bool *wanted,
                              const c2s_ranges_options *options, c2s_ranges **out) {
    const c2s_ranges_options none = {.samples = 0}, *o = options ? options : &none;
    if (feed->count == 0)
        return c2s_fail(C2S_ERR_INVALID, "there are no samples to run the model on");
    collection c = {.graph = graph, .feed = feed, .cache = feed->digest ? o->cache : NULL};
    c.values = c2s_alloc_array(graph->model->values.count + 1, sizeof *c.values);
    c.samples = c2s_alloc_array(feed->count, sizeof *c.samples);
    c.ranges = prepare(graph, wanted, o, c.values);
    c2s_samples_choose(feed->count, o->samples, c.samples);
    const c2s_status status = collect(&c, evaluator, &o->eval);
    free(c.samples);
    free(c.values);
    if (status == C2S_OK)
        *out = c.ranges;
    else
        c2s_ranges_free(c.ranges);
    return status;
}
