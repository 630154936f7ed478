/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/pipeline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "ir/swap.h"
#include "passes/roots.h"
#include "passes/sixteen_bits.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A step and what it is to be run with. */
typedef struct attempt {
    const c2s_pipeline_step *step;
    const c2s_pipeline_options *options;
    c2s_arena *arena;        /* of the result: texts that the report keeps */
    C2S_VEC(c2s_skip) skips; /* the user's, then what broke the proof */
    unsigned limit;
    c2s_step_result *result;
    const char *reason; /* why what came out may not stay; NULL: it may */
    bool beyond_budget; /* it is what results lose, for which no single rewrite is to blame */
} attempt;

/* How many rewrites of one pass are left out one by one before all of it is given up, and how many
 * of one kind before all of its kind are left out. */
#define MOST_CULPRITS  8
#define MOST_OF_A_KIND 3

static c2s_stats start_stats(const attempt *a, unsigned limit, c2s_trace *trace) {
    return (c2s_stats){.limit = limit,
                       .skips = a->skips.at,
                       .skip_count = a->skips.count,
                       .trace = trace,
                       .annotate = a->options->annotate};
}

/* The pass, then what every pass owes: dead nodes gone, invariants intact. */
static c2s_status run_step(const attempt *a, c2s_model *model, c2s_stats *stats) {
    const c2s_pipeline_step *step = a->step;
    C2S_TRY(step->pass->run(model, &step->options, a->options->context, stats));
    c2s_roots_sweep(model);
    return c2s_model_verify(model);
}

static bool is_slower(const attempt *a, c2s_model *after, char text[C2S_SLOWER_TEXT]) {
    const c2s_prover *prover = a->options->prover;
    return a->options->guard && !a->step->pass->for_size && prover->slower &&
           prover->slower(prover->user, after, text);
}

/* Holds `after` against what the pass may do to results. */
static c2s_status prove(const attempt *a, c2s_model *before, c2s_model *after, c2s_proof *proof) {
    const c2s_prover *prover = a->options->prover;
    if (!a->step->pass->lossy)
        return prover->prove(prover->user, before, after, proof);
    if (prover->measure)
        return prover->measure(prover->user, before, after, a->step->pass->changes_interface,
                               proof);
    *proof = (c2s_proof){.verdict = C2S_PROVED, .error = (double)NAN};
    return C2S_OK;
}

/* Runs the step up to `limit` rewrites on a copy of `before` and judges that. */
static c2s_status try_limit(const attempt *a, c2s_model *before, unsigned limit, c2s_stats *stats,
                            bool *good) {
    const c2s_prover *prover = a->options->prover;
    c2s_model *copy = c2s_model_copy(before);
    c2s_proof proof = {.verdict = C2S_PROVED};
    *stats = start_stats(a, limit, NULL);
    c2s_status status = run_step(a, copy, stats);
    if (status == C2S_OK && prover)
        status = prove(a, before, copy, &proof);
    else if (status != C2S_OK && status != C2S_ERR_MEMORY) {
        status = C2S_OK; /* a broken graph is as good an answer as a wrong result */
        proof.verdict = C2S_DIFFERENT;
    }
    char text[C2S_SLOWER_TEXT];
    *good = proof.verdict != C2S_DIFFERENT;
    if (*good && status == C2S_OK && proof.verdict == C2S_PROVED && prover)
        *good = !is_slower(a, copy, text);
    c2s_model_destroy(copy);
    return status;
}

/* Finds the first rewrite after which the results differ: the smallest limit that breaks. It is
 * then the last one in `culprit`; none if it does not break again, or breaks without a rewrite. */
static c2s_status bisect(const attempt *a, c2s_model *before, unsigned rewrites,
                         c2s_stats *culprit) {
    unsigned good = 0, bad = rewrites;
    culprit->last_kind[0] = '\0';
    while (good + 1 < bad || !culprit->last_kind[0]) {
        const bool last = good + 1 >= bad;
        const unsigned middle = last ? bad : good + (bad - good) / 2;
        c2s_stats stats;
        bool fine = false;
        c2s_status status = try_limit(a, before, middle, &stats, &fine);
        if (status == C2S_OK && !fine) {
            bad = middle;
            memcpy(culprit->last_kind, stats.last_kind, sizeof stats.last_kind);
            memcpy(culprit->last_where, stats.last_where, sizeof stats.last_where);
        }
        c2s_stats_free(&stats);
        C2S_TRY(status);
        if (last)
            return C2S_OK;
        if (fine)
            good = middle;
        c2s_progress("bisecting", 1.0 / (double)(bad - good));
    }
    return C2S_OK;
}

/* Judges what the pass made. */
static c2s_status judge(attempt *a, c2s_model *before, c2s_model *after) {
    const c2s_prover *prover = a->options->prover;
    c2s_step_result *result = a->result;
    if (!prover)
        return C2S_OK;
    if (result->stats.rewrites == 0) {
        result->report.error = 0;
        return C2S_OK;
    }
    c2s_proof proof = {.verdict = C2S_NOT_PROVED, .error = (double)NAN};
    C2S_TRY(prove(a, before, after, &proof));
    if (proof.verdict == C2S_NOT_PROVED)
        result->unproved = c2s_arena_strdup(a->arena, proof.text);
    else
        result->report.error = proof.error;
    result->quality = proof.quality;
    a->beyond_budget = proof.verdict == C2S_BEYOND_BUDGET;
    char text[C2S_SLOWER_TEXT];
    if (proof.verdict == C2S_DIFFERENT || a->beyond_budget)
        a->reason = c2s_arena_strdup(a->arena, proof.text);
    else if (proof.verdict == C2S_PROVED && is_slower(a, after, text))
        a->reason = c2s_arena_strdup(a->arena, text);
    return C2S_OK;
}

/* Fails only for reasons that end the whole run; otherwise a->reason says what is wrong. */
static c2s_status run_and_judge(attempt *a, c2s_model *model, c2s_model *before) {
    c2s_step_result *result = a->result;
    a->reason = NULL;
    a->beyond_budget = false;
    c2s_stats_free(&result->stats);
    result->stats = start_stats(a, a->limit, a->options->trace);
    c2s_status status = run_step(a, model, &result->stats);
    if (status == C2S_ERR_MEMORY || status == C2S_ERR_USAGE)
        return status;
    if (status != C2S_OK)
        a->reason = c2s_arena_strdup(a->arena, c2s_error());
    else
        C2S_TRY(judge(a, before, model));
    result->report.rewrites = result->stats.rewrites;
    result->report.outcome = result->stats.rewrites > 0 ? C2S_APPLIED : C2S_UNCHANGED;
    return C2S_OK;
}

/* Adds a rewrite, at a place or (NULL) everywhere, to what is left out. False: it is already, or
 * there are too many. */
static bool add_culprit(attempt *a, const char *kind, const char *where) {
    char text[600];
    snprintf(text, sizeof text, "%s %s%s", kind, where ? "at " : "everywhere", where ? where : "");
    if (a->result->left_out.count == MOST_CULPRITS)
        return false;
    for (size_t i = 0; i < a->result->left_out.count; i++)
        if (strcmp(a->result->left_out.at[i], text) == 0)
            return false;
    c2s_vec_push(&a->skips,
                 ((c2s_skip){c2s_arena_strdup(a->arena, kind),
                             where ? c2s_arena_strdup(a->arena, where) : NULL, a->reason}));
    c2s_vec_push(&a->result->left_out, c2s_arena_strdup(a->arena, text));
    c2s_log(0, "pass %s: %s is left out: %s", a->step->pass->name, text, a->reason);
    return true;
}

/* Leaves out what broke the proof; a rule that did so at several places is wrong. False: there is
 * nothing to name. */
static bool leave_out(attempt *a, const c2s_stats *culprit) {
    unsigned before = 0;
    if (a->result->stats.endless)
        return add_culprit(a, a->result->stats.endless, NULL);
    if (!culprit->last_kind[0])
        return false;
    for (size_t i = a->options->skip_count; i < a->skips.count; i++)
        before += strcmp(a->skips.at[i].kind, culprit->last_kind) == 0;
    return add_culprit(a, culprit->last_kind,
                       before + 1 < MOST_OF_A_KIND ? culprit->last_where : NULL);
}

static void give_up(attempt *a) {
    c2s_step_result *result = a->result;
    char text[1200];
    bool named = result->left_out.count > 0;
    snprintf(text, sizeof text, "%s%s%s", a->reason, named ? "; broken by " : "",
             named ? result->left_out.at[0] : "");
    result->left_out.count = 0;
    result->report.outcome = C2S_ROLLED_BACK;
    result->report.reason = c2s_arena_strdup(a->arena, text);
    c2s_log(0, "pass %s rolled back: %s", a->step->pass->name, result->report.reason);
}

static void accept(const attempt *a) {
    const c2s_prover *prover = a->options->prover;
    if (prover && prover->rebase && a->step->pass->lossy && a->result->stats.rewrites > 0)
        prover->rebase(prover->user);
}

/* Runs the step, and again without what breaks the results, until they stand. */
static c2s_status run_guarded(attempt *a, c2s_model *model) {
    c2s_trace *trace = a->options->trace;
    size_t events = trace ? trace->events.count : 0;
    for (;;) {
        c2s_model *before = c2s_model_copy(model);
        c2s_stats culprit = C2S_STATS_INIT;
        c2s_status status = run_and_judge(a, model, before);
        if (status == C2S_OK && a->reason) {
            if (a->options->bisect && !a->beyond_budget && a->result->stats.rewrites > 0 &&
                !a->result->stats.endless)
                status = bisect(a, before, a->result->stats.rewrites, &culprit);
            c2s_model_swap(model, before);
            if (trace)
                c2s_trace_cut(trace, events);
        } else if (status == C2S_OK && a->step->pass->lossy && a->result->stats.rewrites == 0) {
            c2s_model_swap(model, before); /* what it had got ready is not left behind */
        }
        c2s_model_destroy(before);
        if (status != C2S_OK)
            return status;
        if (!a->reason) {
            accept(a);
            return C2S_OK;
        }
        if (!a->options->bisect || a->beyond_budget || !leave_out(a, &culprit)) {
            give_up(a);
            return C2S_OK;
        }
    }
}

static c2s_status run_one(const c2s_pipeline_step *step, c2s_model *model,
                          const c2s_pipeline_options *options, unsigned limit,
                          c2s_pipeline_result *out) {
    c2s_step_result r = {.report = {.name = step->pass->name, .error = (double)NAN}};
    attempt a = {
        .step = step, .options = options, .arena = out->arena, .limit = limit, .result = &r};
    for (size_t i = 0; i < options->skip_count; i++)
        c2s_vec_push(&a.skips, options->skips[i]);
    if (options->trace)
        options->trace->pass = step->pass->name;
    double start = now();
    c2s_tell_of_16_bits(step->pass, model);
    c2s_status status = run_guarded(&a, model);
    r.report.seconds = now() - start;
    r.stats.skips = NULL;
    c2s_vec_free(&a.skips);
    c2s_vec_push(&out->steps, r);
    if (status == C2S_OK && options->after)
        status = options->after(options->user, step->pass->name, model);
    if (status != C2S_OK)
        c2s_note("pass %s", step->pass->name);
    return status;
}

c2s_status c2s_pipeline_run(const c2s_pipeline *pipeline, c2s_model *model,
                            const c2s_pipeline_options *options, c2s_pipeline_result *result) {
    *result = (c2s_pipeline_result){.arena = c2s_arena_create()};
    unsigned left = options->limit ? options->limit : C2S_STATS_NO_LIMIT;
    for (size_t i = 0; i < pipeline->steps.count; i++) {
        const c2s_pipeline_step *step = &pipeline->steps.at[i];
        c2s_progress(step->pass->name, (double)i / (double)pipeline->steps.count);
        C2S_TRY(run_one(step, model, options, left, result));
        const c2s_pass_report *report = &result->steps.at[i].report;
        if (options->limit && report->outcome == C2S_APPLIED)
            left -= report->rewrites;
    }
    return C2S_OK;
}

void c2s_pipeline_result_free(c2s_pipeline_result *result) {
    for (size_t i = 0; i < result->steps.count; i++) {
        c2s_stats_free(&result->steps.at[i].stats);
        c2s_vec_free(&result->steps.at[i].left_out);
    }
    c2s_vec_free(&result->steps);
    c2s_arena_destroy(result->arena);
    result->arena = NULL;
}
