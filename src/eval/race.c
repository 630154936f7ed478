/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/race.h"

#include <stdlib.h>

#include "eval/runner.h"

enum { LEAST_TURNS = 3, SURE_TURNS = 9, MOST_TURNS = 41 };
#define LEAST_SECONDS 0.0005 /* of one measurement: shorter runs are repeated */
#define MOST_SECONDS  1.0

typedef struct racer {
    c2s_runner *runner;
    const c2s_tensor **in;
    c2s_tensor **out;
    unsigned outputs;
} racer;

struct c2s_race {
    const c2s_baseline *inputs;
    racer before;
};

static void close_racer(racer *r) {
    c2s_runner_close(r->runner);
    free(r->in);
    free(r->out);
}

static c2s_status open_racer(const c2s_baseline *inputs, const c2s_graph *graph, racer *r) {
    const c2s_prove_options *options = c2s_baseline_options(inputs);
    r->outputs = c2s_graph_output_count(graph);
    r->in = c2s_baseline_inputs(inputs, graph);
    r->out = c2s_zalloc((r->outputs + 1) * sizeof *r->out);
    c2s_eval_options eval = options->eval;
    eval.threads = 1;
    return c2s_runner_open(graph, options->evaluator, &eval, &r->runner);
}

static c2s_status run(racer *r, unsigned times, double *seconds) {
    const double start = c2s_processor_clock();
    for (unsigned i = 0; i < times; i++) {
        C2S_TRY(c2s_runner_run(r->runner, r->in, r->out));
        for (unsigned k = 0; k < r->outputs; k++)
            c2s_tensor_unref(r->out[k]);
    }
    *seconds = (c2s_processor_clock() - start) / times;
    return C2S_OK;
}

c2s_status c2s_race_open(const c2s_baseline *inputs, const c2s_graph *before, c2s_race **out) {
    c2s_race *race = c2s_zalloc(sizeof *race);
    race->inputs = inputs;
    double first;
    c2s_status status = open_racer(inputs, before, &race->before);
    if (status == C2S_OK)
        status = run(&race->before, 1, &first);
    if (status != C2S_OK) {
        c2s_race_close(race);
        race = NULL;
    }
    *out = race;
    return status;
}

void c2s_race_close(c2s_race *race) {
    if (!race)
        return;
    close_racer(&race->before);
    free(race);
}

/* Who goes first takes turns, too. */
static c2s_status take_turn(racer *before, racer *after, unsigned times, c2s_times *a,
                            c2s_times *b) {
    double x, y;
    const bool reverse = a->count % 2;
    C2S_TRY(run(reverse ? after : before, times, reverse ? &y : &x));
    C2S_TRY(run(reverse ? before : after, times, reverse ? &x : &y));
    c2s_vec_push(a, x);
    c2s_vec_push(b, y);
    return C2S_OK;
}

static bool decided(const c2s_times *a, const c2s_times *b, double spent, bool *slower,
                    c2s_ratio *ratio) {
    if (a->count < LEAST_TURNS)
        return false;
    *ratio = c2s_ratio_of(a, b);
    *slower = a->count >= SURE_TURNS && ratio->low > C2S_RACE_SLOWER;
    if (ratio->median <= 1 || ratio->high <= C2S_RACE_SLOWER || *slower)
        return true;
    return a->count >= MOST_TURNS || (spent > MOST_SECONDS && a->count >= SURE_TURNS);
}

static c2s_status take_turns(racer *before, racer *after, bool *slower, c2s_ratio *ratio) {
    double first, second;
    C2S_TRY(run(after, 1, &first)); /* plans */
    C2S_TRY(run(after, 1, &second));
    const unsigned times =
        second < LEAST_SECONDS ? (unsigned)(LEAST_SECONDS / (second + 1e-7)) + 1 : 1;
    c2s_times a = {0}, b = {0};
    c2s_status status = C2S_OK;
    const double start = c2s_clock();
    while (status == C2S_OK && !decided(&a, &b, c2s_clock() - start, slower, ratio))
        status = take_turn(before, after, times, &a, &b);
    c2s_vec_free(&a);
    c2s_vec_free(&b);
    return status;
}

c2s_status c2s_race_run(c2s_race *race, const c2s_graph *after, bool *slower, c2s_ratio *ratio) {
    racer r = {0};
    *slower = false;
    *ratio = (c2s_ratio){1, 1, 1};
    c2s_status status = open_racer(race->inputs, after, &r);
    if (status == C2S_OK)
        status = take_turns(&race->before, &r, slower, ratio);
    close_racer(&r);
    return status;
}

c2s_status c2s_race_graphs(const c2s_graph *before, const c2s_graph *after,
                           const c2s_evaluator *evaluator, const c2s_eval_options *eval,
                           bool *slower, c2s_ratio *ratio) {
    const c2s_prove_options options = {.evaluator = evaluator, .eval = *eval, .set_count = 1};
    c2s_baseline *inputs;
    c2s_race *race = NULL;
    C2S_TRY(c2s_baseline_create(before, &options, &inputs));
    c2s_status status = C2S_OK;
    if (!c2s_baseline_runs(inputs))
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "it cannot be run, so its time is not known");
    if (status == C2S_OK)
        status = c2s_race_open(inputs, before, &race);
    if (status == C2S_OK)
        status = c2s_race_run(race, after, slower, ratio);
    c2s_race_close(race);
    c2s_baseline_destroy(inputs);
    return status;
}
