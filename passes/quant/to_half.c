/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: operators on float
 * After:  operators on float16, with Casts around islands of float; or float16 and bfloat16 weights
 *         alone, with a Cast behind them
 * Leaves in float what float16 cannot hold, or computes too badly.
 */
#include "passes/quant/half_choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/opset.h"
#include "passes/pass.h"
#include "passes/quant/name_filter.h"

static const char kind[] = "half-node", storing[] = "half-weights";

typedef struct job {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_stats *stats;
    bool compute, io;
    double terms;
    c2s_name_filter include, exclude;
    c2s_half_choice choice;
    c2s_half_bounds bounds; /* without `found`: the model cannot be run */
} job;

static const c2s_option_spec options[] = {
    {"type", "float16", "float16, or bfloat16, which is for weights alone"},
    {"compute", "yes", "in float16; no: weights are kept so, and read through a Cast"},
    {"io", "keep", "types of inputs and outputs: keep, half"},
    {"terms", "512", "reductions and normalizations of more numbers stay in float"},
    {"sqnr", "40",
     "dB that outputs must keep against the model as the pass found it; what costs most stays in "
     "float"},
    {"include", "", "convert only these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave these in float: likewise"},
    {0}};

static c2s_status read_options(job *j, const c2s_options *o) {
    const char *type = c2s_option_text(o, "type"), *io = c2s_option_text(o, "io");
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    j->bounds.type = c2s_dtype_from_name(type);
    if (j->bounds.type != C2S_FLOAT16 && j->bounds.type != C2S_BFLOAT16)
        return c2s_fail(C2S_ERR_USAGE, "option type is \"%s\", expected float16 or bfloat16", type);
    j->io = strcmp(io, "half") == 0;
    if (!j->io && strcmp(io, "keep") != 0)
        return c2s_fail(C2S_ERR_USAGE, "option io is \"%s\", expected keep or half", io);
    C2S_TRY(c2s_option_flag(o, "compute", &j->compute));
    j->compute = j->compute && j->bounds.type == C2S_FLOAT16;
    C2S_TRY(c2s_option_number(o, "terms", 1, 1e9, &j->terms));
    return c2s_option_number(o, "sqnr", 0, 200, &j->bounds.sqnr_db);
}

/* ---- choosing ---- */

static bool is_in_middle(const c2s_value *value) {
    return value && c2s_half_is_float(value) && !value->constant;
}

static c2s_status measure(job *j, c2s_ranges **out) {
    const c2s_feed *feed = j->context->feed;
    *out = NULL;
    if (!feed || feed->count == 0) {
        c2s_log(0, "half: without samples, what numbers come to is not known (--calib gives them)");
        return C2S_OK;
    }
    bool *wanted = c2s_zalloc(j->model->values.count + 1);
    for (size_t id = 0; id < j->model->values.count; id++)
        wanted[id] = is_in_middle(j->model->values.at[id]) &&
                     j->model->values.at[id]->graph == j->model->graph;
    const c2s_ranges_options o = {.eval = j->context->eval};
    c2s_status status =
        c2s_ranges_collect(j->model->graph, feed, j->context->evaluator, wanted, &o, out);
    free(wanted);
    return status;
}

static void filter(job *j) {
    size_t at = 0;
    unsigned asked = 0;
    for (c2s_node *node = j->model->graph->first; node; node = node->next, at++) {
        if (!j->choice.half[at])
            continue;
        if ((j->include.patterns.count > 0 && !c2s_name_filter_names(&j->include, node)) ||
            c2s_name_filter_names(&j->exclude, node))
            c2s_half_keep_float(&j->choice, at, "it is left out on request");
        else if (j->stats->rewrites + asked >= j->stats->limit)
            c2s_half_keep_float(&j->choice, at, "the limit of rewrites is reached");
        else if (c2s_stats_skips(j->stats, kind, c2s_node_text(node)))
            c2s_half_keep_float(&j->choice, at, NULL);
        else
            asked++;
    }
}

static c2s_status choose(job *j) {
    c2s_ranges *ranges;
    C2S_TRY(measure(j, &ranges));
    const c2s_half_limits limits = {.ranges = ranges, .terms = (size_t)j->terms};
    c2s_half_choose(j->model->graph, &limits, &j->choice);
    c2s_ranges_free(ranges);
    filter(j);
    C2S_TRY(c2s_name_filter_check(&j->include, "include"));
    C2S_TRY(c2s_name_filter_check(&j->exclude, "exclude"));
    c2s_half_settle(j->model->graph, &j->choice);
    return C2S_OK;
}

/* ---- the pass ---- */

static void report(job *j) {
    size_t at = 0;
    for (const c2s_node *node = j->model->graph->first; node; node = node->next, at++) {
        if (j->choice.half[at])
            c2s_stats_apply(j->stats, kind, c2s_node_text(node));
        else if (j->choice.reason[at])
            c2s_stats_refuse(j->stats, kind, c2s_node_text(node), j->choice.reason[at]);
        else
            continue;
        c2s_stats_looked(j->stats, node);
    }
}

static c2s_status compute(job *j, c2s_retype_counts *counts) {
    C2S_TRY(choose(j));
    if (j->bounds.found)
        C2S_TRY(c2s_half_keep_margin(&j->bounds, &j->choice));
    report(j);
    return c2s_half_count(&j->choice) > 0 || j->io
               ? c2s_half_build(j->model, &j->choice, j->io, counts)
               : C2S_OK;
}

/* What is read through a Cast loses as much as what is computed with. */
static c2s_status may_store(job *j, bool *may) {
    double margin;
    *may = true;
    if (!j->bounds.found || j->io)
        return C2S_OK;
    C2S_TRY(c2s_half_margin(&j->bounds, NULL, &margin));
    *may = margin >= 0;
    if (!*may)
        c2s_stats_refuse(j->stats, storing, "the model", "outputs would lose too much");
    return C2S_OK;
}

static c2s_status store(job *j, c2s_retype_counts *counts) {
    const unsigned before = counts->constants;
    bool may;
    if (!c2s_stats_may_apply(j->stats) || c2s_stats_skips(j->stats, storing, "the model"))
        return C2S_OK;
    C2S_TRY(may_store(j, &may));
    if (may)
        C2S_TRY(c2s_half_store(j->model, j->bounds.type, counts));
    if (counts->constants > before)
        c2s_stats_apply(j->stats, storing, "the model");
    return C2S_OK;
}

static c2s_status convert(job *j) {
    c2s_retype_counts counts = {0};
    if (c2s_model_opset(j->model, "") < 13)
        C2S_TRY(c2s_model_convert_opset(j->model, 13, NULL));
    if (j->context->quality)
        C2S_TRY(c2s_quality_renew(j->context->quality, j->model->graph, C2S_HALF_SAMPLES,
                                  &j->bounds.found));
    if (j->compute && c2s_stats_may_apply(j->stats)) {
        C2S_TRY(c2s_half_limit_masks(j->model, &counts));
        C2S_TRY(compute(j, &counts));
    }
    C2S_TRY(store(j, &counts));
    c2s_log(1, "half: %u constants, %u of them clamped to 65504, %u Casts", counts.constants,
            counts.clamped, counts.casts);
    return C2S_OK;
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = model,
             .context = context,
             .stats = stats,
             .bounds = {.model = model, .context = context}};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = convert(&j);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    c2s_half_choice_free(&j.choice);
    c2s_quality_close(j.bounds.found);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = kind, .summary = "a node on float -> on float16"},
    {.name = storing, .summary = "weights in float -> in 16 bits, with a Cast behind them"},
    {0}};

const c2s_pass c2s_pass_half = {.name = "half",
                                .summary =
                                    "16-bit floats, with islands of float where they would not do",
                                .options = options,
                                .kinds = kinds,
                                .lossy = true,
                                .measures = true,
                                .changes_interface = true,
                                .for_size = true,
                                .run = run};
