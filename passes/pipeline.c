/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/pipeline.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "ir/swap.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The pass, then what every pass owes: dead nodes gone, invariants intact. */
static c2s_status run_step(const c2s_pipeline_step *step, c2s_model *model,
                           const c2s_pipeline_options *options, c2s_stats *stats) {
    C2S_TRY(step->pass->run(model, &step->options, options->evaluator, stats));
    c2s_graph_sweep(model->graph);
    return c2s_model_verify(model);
}

/* Runs the step up to `limit` rewrites on a copy of `before` and proves that. */
static c2s_status try_limit(const c2s_pipeline_step *step, c2s_model *before, unsigned limit,
                            const c2s_pipeline_options *options, c2s_stats *stats, bool *good) {
    c2s_model *copy = c2s_model_copy(before);
    c2s_proof proof = {.verdict = C2S_PROVED};
    stats->limit = limit;
    c2s_status status = run_step(step, copy, options, stats);
    if (status == C2S_OK)
        status = options->prover->prove(options->prover->user, before, copy, &proof);
    else if (status != C2S_ERR_MEMORY) {
        status = C2S_OK; /* a broken graph is as good an answer as a wrong result */
        proof.verdict = C2S_DIFFERENT;
    }
    *good = proof.verdict != C2S_DIFFERENT;
    c2s_model_destroy(copy);
    return status;
}

/* Finds the first rewrite after which the results differ: the smallest limit that breaks. */
static c2s_status bisect(const c2s_pipeline_step *step, c2s_model *before, unsigned rewrites,
                         const c2s_pipeline_options *options, char *culprit, size_t size) {
    unsigned good = 0, bad = rewrites;
    culprit[0] = '\0';
    while (good + 1 < bad || !culprit[0]) {
        unsigned middle = good + 1 < bad ? good + (bad - good) / 2 : bad;
        c2s_stats stats = C2S_STATS_INIT;
        bool fine = false;
        c2s_status status = try_limit(step, before, middle, options, &stats, &fine);
        if (status == C2S_OK && !fine) {
            bad = middle;
            snprintf(culprit, size, "%s", stats.last);
        }
        c2s_stats_free(&stats);
        C2S_TRY(status);
        if (fine && middle == bad) /* it does not break again: nothing to name */
            return C2S_OK;
        if (fine)
            good = middle;
        c2s_progress("bisecting", 1.0 / (double)(bad - good));
    }
    return C2S_OK;
}

static const char *explain(c2s_arena *arena, const char *text, const char *culprit) {
    char line[600];
    snprintf(line, sizeof line, "%s%s%s", text, *culprit ? "; broken by " : "", culprit);
    return c2s_arena_strdup(arena, line);
}

/* Judges what the pass made. *reason stays NULL if it may stay. */
static c2s_status judge(c2s_model *before, c2s_model *after, const c2s_pipeline_options *options,
                        c2s_arena *arena, c2s_step_result *result, const char **reason) {
    if (!options->prover)
        return C2S_OK;
    if (result->stats.rewrites == 0) {
        result->report.error = 0;
        return C2S_OK;
    }
    c2s_proof proof = {.verdict = C2S_NOT_PROVED, .error = (double)NAN};
    C2S_TRY(options->prover->prove(options->prover->user, before, after, &proof));
    if (proof.verdict == C2S_NOT_PROVED)
        result->unproved = c2s_arena_strdup(arena, proof.text);
    else
        result->report.error = proof.error;
    if (proof.verdict == C2S_DIFFERENT)
        *reason = c2s_arena_strdup(arena, proof.text);
    return C2S_OK;
}

static c2s_status run_guarded(const c2s_pipeline_step *step, c2s_model *model, c2s_model *before,
                              const c2s_pipeline_options *options, c2s_arena *arena,
                              c2s_step_result *result) {
    const char *reason = NULL;
    c2s_status status = run_step(step, model, options, &result->stats);
    if (status == C2S_ERR_MEMORY || status == C2S_ERR_USAGE)
        return status;
    if (status != C2S_OK)
        reason = c2s_arena_strdup(arena, c2s_error());
    else
        C2S_TRY(judge(before, model, options, arena, result, &reason));
    result->report.rewrites = result->stats.rewrites;
    result->report.outcome = result->stats.rewrites > 0 ? C2S_APPLIED : C2S_UNCHANGED;
    if (!reason)
        return C2S_OK;
    char culprit[256] = "";
    if (options->bisect && options->prover && result->stats.rewrites > 0)
        C2S_TRY(bisect(step, before, result->stats.rewrites, options, culprit, sizeof culprit));
    c2s_model_swap(model, before);
    result->report.outcome = C2S_ROLLED_BACK;
    result->report.reason = explain(arena, reason, culprit);
    c2s_log(0, "pass %s rolled back: %s", step->pass->name, result->report.reason);
    return C2S_OK;
}

c2s_status c2s_pipeline_run(const c2s_pipeline *pipeline, c2s_model *model,
                            const c2s_pipeline_options *options, c2s_pipeline_result *result) {
    *result = (c2s_pipeline_result){.arena = c2s_arena_create()};
    for (size_t i = 0; i < pipeline->steps.count; i++) {
        const c2s_pipeline_step *step = &pipeline->steps.at[i];
        c2s_progress(step->pass->name, (double)i / (double)pipeline->steps.count);
        c2s_step_result r = {.report = {.name = step->pass->name, .error = (double)NAN},
                             .stats = C2S_STATS_INIT};
        double start = now();
        c2s_model *before = c2s_model_copy(model);
        c2s_status status = run_guarded(step, model, before, options, result->arena, &r);
        c2s_model_destroy(before);
        r.report.seconds = now() - start;
        c2s_vec_push(&result->steps, r);
        if (status != C2S_OK) {
            c2s_note("pass %s", step->pass->name);
            return status;
        }
    }
    return C2S_OK;
}

void c2s_pipeline_result_free(c2s_pipeline_result *result) {
    for (size_t i = 0; i < result->steps.count; i++)
        c2s_stats_free(&result->steps.at[i].stats);
    c2s_vec_free(&result->steps);
    c2s_arena_destroy(result->arena);
    result->arena = NULL;
}
