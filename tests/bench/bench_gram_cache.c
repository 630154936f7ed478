/* SPDX-License-Identifier: Apache-2.0 */
/* bench_gram_cache MODEL DATA PASSES SQNR THREADS: what is saved by second moments that are kept
 * from one collection to the next (gram_cache.h), as JSON. PASSES run on the simplified model
 * without the cache and with it, the signal-to-noise ratio being bound by SQNR (0: it is not).
 *
 * Processor seconds of both; how often moments were asked for, and how often they were known; and
 * whether both models are the same to the bit. */
#include "bench/bench_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timing.h"
#include "c2s.h"
#include "ir/graph_digest.h"
#include "job_feed.h"
#include "ops/op.h"
#include "passes/measure/gram_cache.h"
#include "passes/pipeline.h"
#include "runtime/session.h"

typedef struct found {
    double seconds;
    uint64_t digest;
    c2s_gram_cache_counts counts;
} found;

static c2s_status run(const c2s_pipeline *pipeline, const c2s_model *model,
                      c2s_pass_context context, bool kept, found *out) {
    c2s_model *copy = c2s_model_copy(model);
    c2s_gram_cache *cache = kept ? c2s_gram_cache_create(0) : NULL;
    c2s_pipeline_result result;
    context.gram_cache = cache;
    const double start = c2s_processor_clock();
    const c2s_status status =
        c2s_pipeline_run(pipeline, copy, &(c2s_pipeline_options){.context = &context}, &result);
    out->seconds = c2s_processor_clock() - start;
    out->digest = c2s_graph_digest(copy->graph);
    out->counts = c2s_gram_cache_count(cache);
    c2s_pipeline_result_free(&result);
    c2s_gram_cache_free(cache);
    c2s_model_destroy(copy);
    return status;
}

static c2s_status compare(const c2s_pipeline *pipeline, const c2s_model *model,
                          const c2s_feed *feed, double least_sqnr, unsigned threads) {
    c2s_pass_context context = {.evaluator = &c2s_evaluator_onednn,
                                .eval = {.threads = threads},
                                .feed = feed,
                                .budget = {(double)NAN, least_sqnr > 0 ? least_sqnr : (double)NAN}};
    found without, with;
    C2S_TRY(c2s_quality_open(model->graph, context.evaluator, &context.eval, feed, 0,
                             &context.quality));
    c2s_status status = run(pipeline, model, context, false, &without);
    if (status == C2S_OK)
        status = run(pipeline, model, context, true, &with);
    c2s_quality_close(context.quality);
    if (status == C2S_OK)
        printf("{\"without_s\": %.2f, \"with_s\": %.2f, \"asked\": %zu, \"known\": %zu, "
               "\"same\": %s}\n",
               without.seconds, with.seconds, with.counts.found + with.counts.missed,
               with.counts.found, without.digest == with.digest ? "true" : "false");
    return status;
}

static c2s_status measure(c2s_model *model, char **argv) {
    const unsigned threads = (unsigned)strtoul(argv[5], NULL, 10);
    const c2s_run_options plain = {.no_prove = true, .no_guard = true, .threads = threads};
    c2s_pipeline *pipeline;
    c2s_feed *feed;
    C2S_TRY(c2s_model_optimize(model, &plain, NULL));
    C2S_TRY(c2s_feed_open_data((const char *const *)&argv[2], 1, model->graph, NULL, 0, &feed));
    c2s_status status = c2s_pipeline_parse(argv[3], &pipeline);
    if (status == C2S_OK) {
        status = compare(pipeline, model, feed, strtod(argv[4], NULL), threads);
        c2s_pipeline_free(pipeline);
    }
    c2s_feed_close(feed);
    return status;
}

int main(int argc, char **argv) {
    return bench_model(argc, argv, "bench_gram_cache", "MODEL DATA PASSES SQNR THREADS", measure);
}
