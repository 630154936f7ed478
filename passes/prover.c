/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prover.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "eval/race.h"

/* A run of this length, made for the proof, tells by itself that a model is not slower. */
#define LONG_RUN 0.02
/* Two such models would be in memory at once, with what the runtime makes of their weights. */
#define MOST_BYTES (UINT64_C(1) << 30)

typedef struct execution {
    c2s_prover prover;
    c2s_prove_options options;
    c2s_baseline *baseline; /* of the first model, or of what the last lossy pass made */
    c2s_baseline *first;    /* NULL: `baseline` is that of the first model */
    c2s_quality *quality;   /* NULL: none */
    c2s_budget budget;
    double seconds; /* of a run of what was proved last */
    const c2s_model *before;
    c2s_race *race; /* against `before`; opened when it is needed */
} execution;

static const c2s_baseline *first_baseline(const execution *e) {
    return e->first ? e->first : e->baseline;
}

static c2s_status prove(void *user, c2s_model *before, c2s_model *after, c2s_proof *result) {
    execution *e = user;
    if (!e->baseline)
        C2S_TRY(c2s_baseline_create(before->graph, &e->options, &e->baseline));
    c2s_prove(e->baseline, after->graph, result);
    e->seconds = result->seconds;
    return C2S_OK;
}

static c2s_status measure(void *user, c2s_model *before, c2s_model *after, bool other_floats,
                          c2s_proof *result) {
    execution *e = user;
    if (!e->baseline)
        C2S_TRY(c2s_baseline_create(before->graph, &e->options, &e->baseline));
    c2s_prove_runs(e->baseline, after->graph, other_floats, result);
    e->seconds = result->seconds;
    if (!e->quality || result->verdict != C2S_PROVED)
        return C2S_OK;
    C2S_TRY(c2s_quality_measure(e->quality, after->graph, 0, &result->quality));
    if (!c2s_budget_holds(&e->budget, &result->quality, result->text, sizeof result->text))
        result->verdict = C2S_BEYOND_BUDGET;
    return C2S_OK;
}

static void rebase(void *user) {
    execution *e = user;
    if (e->first)
        c2s_baseline_destroy(e->baseline);
    else
        e->first = e->baseline;
    e->baseline = NULL;
}

static bool is_large(const c2s_graph *graph) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < graph->initializers.count; i++)
        if (graph->initializers.at[i] && graph->initializers.at[i]->constant)
            bytes += c2s_tensor_size(graph->initializers.at[i]->constant);
    return bytes > MOST_BYTES;
}

static bool may_be_slower(const execution *e) {
    const c2s_baseline *first = first_baseline(e);
    if (!e->before || !first || !c2s_baseline_runs(first) || e->seconds <= 0)
        return false;
    const double before = c2s_baseline_seconds(first);
    return before < LONG_RUN || e->seconds > before;
}

static bool slower(void *user, c2s_model *after, char text[C2S_SLOWER_TEXT]) {
    execution *e = user;
    if (!may_be_slower(e))
        return false;
    if (is_large(after->graph)) {
        c2s_log(1, "the speed is not compared: the weights take more than 1 GB");
        return false;
    }
    bool is_slower = false;
    c2s_ratio ratio;
    c2s_status status = C2S_OK;
    if (!e->race)
        status = c2s_race_open(first_baseline(e), e->before->graph, &e->race);
    if (status == C2S_OK)
        status = c2s_race_run(e->race, after->graph, &is_slower, &ratio);
    if (status != C2S_OK) {
        c2s_log(1, "the speed is not compared: %s", c2s_error());
        c2s_error_clear();
        return false;
    }
    c2s_log(1, "time of a run %.2f of what it was (%.2f to %.2f)", ratio.median, ratio.low,
            ratio.high);
    if (is_slower)
        snprintf(text, C2S_SLOWER_TEXT, "a run takes %.2f times as long (%.2f to %.2f)",
                 ratio.median, ratio.low, ratio.high);
    return is_slower;
}

c2s_prover *c2s_prover_create(const c2s_prove_options *options, c2s_baseline *baseline) {
    execution *e = c2s_zalloc(sizeof *e);
    e->prover = (c2s_prover){
        .prove = prove, .slower = slower, .measure = measure, .rebase = rebase, .user = e};
    e->options = *options;
    e->baseline = baseline;
    return &e->prover;
}

void c2s_prover_set_budget(c2s_prover *prover, c2s_quality *quality, const c2s_budget *budget) {
    execution *e = prover->user;
    e->quality = quality;
    e->budget = *budget;
}

void c2s_prover_total(const c2s_prover *prover, const c2s_graph *graph, double *error) {
    const execution *e = prover->user;
    c2s_proof result = {.error = (double)NAN};
    if (!e->first)
        return;
    c2s_prove_runs(e->first, graph, true, &result);
    if (!isnan(result.error))
        *error = result.error;
}

void c2s_prover_restart(c2s_prover *prover) {
    execution *e = prover->user;
    if (!e->first)
        return;
    c2s_baseline_destroy(e->baseline);
    e->baseline = e->first;
    e->first = NULL;
}

void c2s_prover_race(c2s_prover *prover, const c2s_model *before) {
    execution *e = prover->user;
    c2s_race_close(e->race);
    e->race = NULL;
    e->before = before;
}

void c2s_prover_destroy(c2s_prover *prover) {
    if (!prover)
        return;
    execution *e = prover->user;
    c2s_race_close(e->race);
    c2s_baseline_destroy(e->first);
    c2s_baseline_destroy(e->baseline);
    free(e);
}
