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

/* Weights of fewer elements are not worth a Cast. */
enum { LEAST_STORED = 64 };

/* Where the error is too large, parts of the graph are tried in float: so many at a time, so often,
 * on so many samples. */
enum { PARTS = 6, ROUNDS = 5, SAMPLES = 8 };

typedef struct job {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_stats *stats;
    c2s_dtype type;
    bool compute, io;
    double terms, sqnr_db;
    c2s_name_filter include, exclude;
    c2s_half_choice choice;
    c2s_quality *found; /* what the model computes as it is; NULL: it cannot be run */
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
    j->type = c2s_dtype_from_name(type);
    if (j->type != C2S_FLOAT16 && j->type != C2S_BFLOAT16)
        return c2s_fail(C2S_ERR_USAGE, "option type is \"%s\", expected float16 or bfloat16", type);
    j->io = strcmp(io, "half") == 0;
    if (!j->io && strcmp(io, "keep") != 0)
        return c2s_fail(C2S_ERR_USAGE, "option io is \"%s\", expected keep or half", io);
    C2S_TRY(c2s_option_flag(o, "compute", &j->compute));
    j->compute = j->compute && j->type == C2S_FLOAT16;
    C2S_TRY(c2s_option_number(o, "terms", 1, 1e9, &j->terms));
    return c2s_option_number(o, "sqnr", 0, 200, &j->sqnr_db);
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

static void keep_float(c2s_half_choice *c, size_t at, const char *reason) {
    c->half[at] = false;
    c->reason[at] = reason;
}

static void filter(job *j) {
    size_t at = 0;
    unsigned asked = 0;
    for (c2s_node *node = j->model->graph->first; node; node = node->next, at++) {
        if (!j->choice.half[at])
            continue;
        if ((j->include.patterns.count > 0 && !c2s_name_filter_names(&j->include, node)) ||
            c2s_name_filter_names(&j->exclude, node))
            keep_float(&j->choice, at, "it is left out on request");
        else if (j->stats->rewrites + asked >= j->stats->limit)
            keep_float(&j->choice, at, "the limit of rewrites is reached");
        else if (c2s_stats_skips(j->stats, kind, c2s_node_text(node)))
            keep_float(&j->choice, at, NULL);
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

/* ---- measuring the error ---- */

static c2s_status build(c2s_model *model, const c2s_half_choice *choice, bool io,
                        c2s_retype_counts *counts) {
    const c2s_retyping how = {C2S_FLOAT, C2S_FLOAT16, choice->half, io};
    return c2s_retype(model, &how, counts);
}

/* By how many dB the outputs are better than they must be: against those of the model as the pass
 * found it, and, if there is a bound, against those of the first model. With constants kept in 16
 * bits, too, if `choice` is NULL. */
static c2s_status find_margin(const job *j, const c2s_half_choice *choice, double *margin) {
    const double bound = j->context->budget.min_sqnr_db; /* NaN: none */
    c2s_model *trial = c2s_model_copy(j->model);
    c2s_retype_counts counts = {0};
    c2s_quality_result own, all;
    c2s_status status = choice ? build(trial, choice, false, &counts)
                               : c2s_half_store(trial, j->type, LEAST_STORED, &counts);
    if (status == C2S_OK)
        status = c2s_quality_measure(j->found, trial->graph, 0, &own);
    if (status == C2S_OK && !isnan(bound))
        status = c2s_quality_measure(j->context->quality, trial->graph, SAMPLES, &all);
    c2s_model_destroy(trial);
    *margin = status == C2S_OK ? own.sqnr_db - j->sqnr_db : -(double)INFINITY;
    if (status == C2S_OK && !isnan(bound))
        *margin = fmin(*margin, all.sqnr_db - bound);
    return status;
}

/* The choice with part `part` of the nodes that are half in float. */
static void set_part(const c2s_half_choice *from, size_t halves, unsigned part, bool *half) {
    size_t seen = 0;
    for (size_t i = 0; i < from->count; i++) {
        half[i] = from->half[i] && seen * PARTS / halves != part;
        seen += from->half[i];
    }
}

static size_t count_halves(const c2s_half_choice *choice) {
    size_t count = 0;
    for (size_t i = 0; i < choice->count; i++)
        count += choice->half[i];
    return count;
}

/* Takes the part away that costs most. */
static c2s_status leave_worst(job *j, double *margin) {
    const size_t halves = count_halves(&j->choice);
    c2s_half_choice trial = j->choice, best = j->choice;
    double most = -(double)INFINITY;
    trial.half = c2s_zalloc(trial.count + 1);
    best.half = c2s_zalloc(best.count + 1);
    c2s_status status = C2S_OK;
    for (unsigned part = 0; part < PARTS && status == C2S_OK; part++) {
        double now;
        set_part(&j->choice, halves, part, trial.half);
        c2s_half_settle(j->model->graph, &trial);
        status = find_margin(j, &trial, &now);
        if (status == C2S_OK && now > most) {
            most = now;
            memcpy(best.half, trial.half, best.count);
        }
    }
    for (size_t i = 0; i < best.count && status == C2S_OK && most >= *margin; i++)
        if (j->choice.half[i] && !best.half[i])
            keep_float(&j->choice, i, "it costs more than outputs may lose");
    *margin = fmax(most, *margin);
    free(trial.half);
    free(best.half);
    return status;
}

static c2s_status reduce_error(job *j) {
    double margin;
    if (!j->found || count_halves(&j->choice) == 0)
        return C2S_OK;
    C2S_TRY(find_margin(j, &j->choice, &margin));
    for (unsigned round = 0; round < ROUNDS && margin < 0; round++) {
        const size_t before = count_halves(&j->choice);
        if (before == 0)
            return C2S_OK;
        c2s_log(1, "half: outputs are %.1f dB below what is wanted with %zu nodes", -margin,
                before);
        C2S_TRY(leave_worst(j, &margin));
    }
    if (margin >= 0)
        return C2S_OK;
    for (size_t i = 0; i < j->choice.count; i++)
        if (j->choice.half[i])
            keep_float(&j->choice, i, "outputs lose too much in float16");
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
    C2S_TRY(reduce_error(j));
    report(j);
    return count_halves(&j->choice) > 0 || j->io ? build(j->model, &j->choice, j->io, counts)
                                                 : C2S_OK;
}

/* What is read through a Cast loses as much as what is computed with. */
static c2s_status may_store(job *j, bool *may) {
    double margin;
    *may = true;
    if (!j->found || j->io)
        return C2S_OK;
    C2S_TRY(find_margin(j, NULL, &margin));
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
        C2S_TRY(c2s_half_store(j->model, j->type, LEAST_STORED, counts));
    if (counts->constants > before)
        c2s_stats_apply(j->stats, storing, "the model");
    return C2S_OK;
}

static c2s_status convert(job *j) {
    c2s_retype_counts counts = {0};
    if (c2s_model_opset(j->model, "") < 13)
        C2S_TRY(c2s_model_convert_opset(j->model, 13, NULL));
    if (j->context->quality)
        C2S_TRY(c2s_quality_renew(j->context->quality, j->model->graph, SAMPLES, &j->found));
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
    job j = {.model = model, .context = context, .stats = stats};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = convert(&j);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    c2s_half_choice_free(&j.choice);
    c2s_quality_close(j.found);
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
                                .for_size = true,
                                .run = run};
