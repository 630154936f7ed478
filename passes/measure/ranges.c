/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "eval/sample_order.h"

struct c2s_ranges {
    c2s_value_stats *stats; /* in the order of names */
    size_t count, samples;
};

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
    free(ranges);
}

static c2s_value_stats *find(const c2s_ranges *ranges, const char *name) {
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
    const c2s_value_stats *stats = find(ranges, value->name);
    return stats && stats->count > 0 ? stats : NULL;
}

size_t c2s_ranges_samples(const c2s_ranges *ranges) {
    return ranges->samples;
}

/* ---- running ---- */

static c2s_status observe(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    c2s_value_stats *stats = find(user, value->name);
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

static c2s_status run_samples(c2s_ranges *r, c2s_session *session, const c2s_graph *graph,
                              const c2s_feed *feed, const bool *samples) {
    size_t total = 0;
    for (size_t k = 0; k < feed->count; k++)
        total += samples[k];
    for (size_t k = 0; k < feed->count; k++) {
        if (!samples[k])
            continue;
        c2s_progress("calibrating", (double)r->samples / (double)total);
        C2S_TRY(run_sample(session, graph, feed, k));
        r->samples++;
    }
    return C2S_OK;
}

c2s_status c2s_ranges_collect(const c2s_graph *graph, const c2s_feed *feed,
                              const c2s_evaluator *evaluator, const bool *wanted,
                              const c2s_ranges_options *options, c2s_ranges **out) {
    const c2s_ranges_options none = {.samples = 0}, *o = options ? options : &none;
    if (feed->count == 0)
        return c2s_fail(C2S_ERR_INVALID, "there are no samples to run the model on");
    bool *chosen = c2s_alloc_array(graph->model->values.count + 1, sizeof *chosen);
    bool *samples = c2s_alloc_array(feed->count, sizeof *samples);
    c2s_ranges *r = prepare(graph, wanted, o, chosen);
    c2s_samples_choose(feed->count, o->samples, samples);
    c2s_eval_options eval = o->eval;
    eval.observe = observe;
    eval.observe_user = r;
    eval.observe_value = chosen;
    c2s_session *session;
    c2s_status status = evaluator->open(graph, &eval, &session);
    if (status == C2S_OK) {
        status = run_samples(r, session, graph, feed, samples);
        evaluator->close(session);
    }
    free(samples);
    free(chosen);
    if (status == C2S_OK)
        *out = r;
    else
        c2s_ranges_free(r);
    return status;
}
