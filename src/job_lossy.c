/* SPDX-License-Identifier: Apache-2.0 */
#include "job_lossy.h"

#include <math.h>

#include "base/log.h"
#include "ir/graph_digest.h"
#include "job_feed.h"
#include "runtime/session.h"

bool c2s_pipeline_is_lossy(const c2s_pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->steps.count; i++)
        if (pipeline->steps.at[i].pass->lossy)
            return true;
    return false;
}

static bool makes_codes(const c2s_pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->steps.count; i++)
        if (pipeline->steps.at[i].pass->makes_codes)
            return true;
    return false;
}

bool c2s_pipeline_measures(const c2s_pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->steps.count; i++)
        if (pipeline->steps.at[i].pass->measures)
            return true;
    return false;
}

static bool learns(const c2s_pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->steps.count; i++)
        if (pipeline->steps.at[i].pass->learns || pipeline->steps.at[i].pass->lossy)
            return true;
    return false;
}

static c2s_status open_feeds(const c2s_model *model, const c2s_run_options *o,
                             c2s_job_lossy *lossy) {
    const bool own = o->calibration_count > 0;
    if (own || (o->data && o->calibration_samples > 0))
        C2S_TRY(c2s_feed_open_data(own ? o->calibration : &o->data, own ? o->calibration_count : 1,
                                   model->graph, o->image, o->calibration_samples, &lossy->learn));
    if (o->data)
        C2S_TRY(c2s_feed_open_data(&o->data, 1, model->graph, o->image, 0, &lossy->judge));
    if (!lossy->learn)
        lossy->learn = lossy->judge;
    if (!lossy->judge)
        lossy->judge = lossy->learn;
    return C2S_OK;
}

static c2s_status open_quality(const c2s_model *model, const c2s_baseline *baseline,
                               bool proved, c2s_job_report *r, c2s_job_lossy *lossy) {
    if (!lossy->judge) {
        lossy->judge = c2s_feed_open_baseline(baseline);
        if (proved)
            c2s_job_note(r, "no data (--calib, --data): what lossy passes cost was measured on random "
                        "inputs, which says little");
    }
    const c2s_pass_context *context = &lossy->context;
    if (!c2s_baseline_runs(baseline) || lossy->judge->count == 0)
        return C2S_OK;
    return c2s_quality_open(model->graph, context->evaluator, &context->eval, lossy->judge, 0,
                            &lossy->quality);
}

static c2s_status measure_metric(void *user, const c2s_graph *graph, double *out) {
    return c2s_metric_command_graph(user, graph, out);
}

/* What cannot be run here is judged by nobody, the command included. */
static c2s_status open_metric(const c2s_model *model, c2s_job_lossy *lossy) {
    if (!lossy->metric.text)
        return C2S_OK;
    if (!lossy->quality)
        return isnan(lossy->context.budget.max_drop)
                   ? C2S_OK
                   : c2s_fail(C2S_ERR_UNSUPPORTED,
                              "a bound for the metric needs a model that can be "
                              "run here, and data");
    const c2s_quality_metric metric = {measure_metric, &lossy->metric, lossy->metric.less};
    return c2s_quality_use(lossy->quality, &metric, model->graph);
}

static c2s_status open_cache(const c2s_model *model, const c2s_run_options *o,
                             c2s_job_lossy *lossy) {
    if (!lossy->learn)
        return o->calibration_cache
                   ? c2s_fail(C2S_ERR_USAGE, "statistics cannot be kept without data (--calib)")
                   : C2S_OK;
    C2S_TRY(c2s_ranges_cache_open(o->calibration_cache, c2s_graph_digest(model->graph),
                                  lossy->learn->digest, &lossy->cache));
    lossy->context.ranges_cache = lossy->cache;
    lossy->grams = c2s_gram_cache_create(0);
    lossy->context.gram_cache = lossy->grams;
    return C2S_OK;
}

c2s_status c2s_job_lossy_open(const c2s_model *model, const c2s_pipeline *pipeline,
                              const c2s_run_options *o, const c2s_baseline *baseline,
                              c2s_job_report *r, c2s_job_lossy *out) {
    *out =
        (c2s_job_lossy){.context = {.evaluator = &c2s_evaluator_onednn,
                                    .eval = {.threads = o->threads},
                                    .budget = {o->max_drop > 0 ? o->max_drop : (double)NAN,
                                               o->min_sqnr_db > 0 ? o->min_sqnr_db : (double)NAN},
                                    .seed = o->seed,
                                    .target = o->target,
                                    .opset = o->opset,
                                    .codes_follow = makes_codes(pipeline)}};
    out->metric = (c2s_metric_command){o->metric_command, o->metric_seconds, o->metric_less};
    if (o->metric_command)
        C2S_TRY(c2s_metric_command_check(o->metric_command));
    if (!learns(pipeline))
        return C2S_OK;
    const bool lossy = c2s_pipeline_is_lossy(pipeline);
    const bool bounded = o->max_drop > 0 || o->min_sqnr_db > 0;
    if (lossy && bounded && o->no_prove)
        return c2s_fail(C2S_ERR_USAGE, "a bound for what passes may lose needs the proof");
    C2S_TRY(open_feeds(model, o, out));
    C2S_TRY(open_cache(model, o, out));
    if (lossy && o->max_drop > 0 && !o->metric_command && (!out->judge || !out->judge->labels))
        return c2s_fail(
            C2S_ERR_USAGE,
            "a bound for what may drop needs data with labels, or a metric (--metric-cmd)");
    if (lossy && baseline)
        C2S_TRY(open_quality(model, baseline, !o->no_prove, r, out));
    if (lossy)
        C2S_TRY(open_metric(model, out));
    out->context.feed = out->learn;
    out->context.quality = out->quality;
    return C2S_OK;
}

void c2s_job_lossy_close(c2s_job_lossy *lossy) {
    const c2s_gram_cache_counts counts = c2s_gram_cache_count(lossy->grams);
    if (counts.found > 0)
        c2s_log(1, "second moments were asked for %zu times, %zu of these were known already",
                counts.found + counts.missed, counts.found);
    c2s_ranges_cache_close(lossy->cache);
    c2s_gram_cache_free(lossy->grams);
    c2s_quality_close(lossy->quality);
    if (lossy->learn != lossy->judge)
        c2s_feed_close(lossy->learn);
    c2s_feed_close(lossy->judge);
}
