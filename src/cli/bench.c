/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s bench: how long a model takes, and where the time goes.
 */
#include <string.h>

#include "base/status.h"
#include "cli/bench_report.h"
#include "cli/execution.h"
#include "cli/verbs.h"
#include "runtime/session.h"

/* Runs of a model at least, and of one so slow that they would take ten times as long as wanted. */
enum { LEAST_RUNS = 10, LEAST_SLOW_RUNS = 3, MOST_SAMPLES = 16 };
#define DEFAULT_SECONDS 2.0

static const cli_option options[] = {
    {0, "vs", "OTHER", "measure this model, too, in turns", CLI_TEXT,
     offsetof(cli_arguments, against)},
    {0, "seconds", "X",
     "measure for so long (default 2), yet at least 10 runs (3 if they are slow)", CLI_NUMBER,
     offsetof(cli_arguments, seconds)},
    {0, "threads", "N", "threads (default: all processors)", CLI_INTEGER,
     offsetof(cli_arguments, threads)},
    CLI_DATA_OPTION,
    CLI_IMAGE_OPTION,
    CLI_SAMPLES_OPTION,
    CLI_SEED_OPTION,
    CLI_DIM_OPTION,
    {0, "nodes", NULL, "show the slowest nodes, too", CLI_FLAG, offsetof(cli_arguments, nodes)},
    CLI_SIMULATE_OPTION,
    CLI_JSON_OPTION,
    {0}};

/* One sample for every model. */
typedef struct sample {
    c2s_tensor **in;              /* of the first model */
    const c2s_tensor **in_second; /* borrowed, in the second model's order */
} sample;

typedef struct bench {
    const cli_arguments *arguments;
    cli_subject subject[2];
    unsigned subjects;
    cli_inputs inputs;
    sample *samples;
    size_t sample_count;
} bench;

/* ---- models and inputs ---- */

static c2s_status open_subject(bench *b, const char *path) {
    cli_subject *s = &b->subject[b->subjects];
    double start = c2s_clock();
    C2S_TRY(cli_model_open(path, b->arguments, &s->model));
    s->open_seconds = c2s_clock() - start;
    b->subjects++;
    return C2S_OK;
}

/* The second model's inputs by name, out of the first's. */
static c2s_status match_inputs(const bench *b, const sample *s) {
    const c2s_graph *first = b->subject[0].model.model->graph;
    const c2s_graph *second = b->subject[1].model.model->graph;
    for (unsigned k = 0; k < c2s_graph_input_count(second); k++) {
        const c2s_value *input = c2s_graph_input(second, k);
        for (unsigned i = 0; i < c2s_graph_input_count(first); i++)
            if (strcmp(c2s_graph_input(first, i)->name, input->name) == 0)
                s->in_second[k] = s->in[i];
        if (!s->in_second[k] && !input->initial)
            return c2s_fail(C2S_ERR_USAGE, "%s has an input \"%s\", %s has none",
                            second->model->path, input->name, first->model->path);
    }
    return C2S_OK;
}

static c2s_status run_once(const cli_subject *s, const c2s_tensor *const *in, double *seconds,
                           double *processor) {
    unsigned count = c2s_graph_output_count(s->model.model->graph);
    c2s_tensor **out = c2s_zalloc((count + 1) * sizeof *out);
    double start = c2s_clock(), worked = c2s_processor_clock();
    c2s_status status = cli_model_run(&s->model, in, out);
    *seconds = c2s_clock() - start;
    *processor = c2s_processor_clock() - worked;
    if (status == C2S_OK)
        cli_release(out, count);
    free(out);
    return status;
}

static const c2s_tensor *const *inputs_of(const bench *b, unsigned subject, size_t k) {
    const sample *s = &b->samples[k % b->sample_count];
    return subject ? s->in_second : (const c2s_tensor *const *)s->in;
}

/* Reads or makes the samples; the first run, which plans and packs, is made on the way. */
static c2s_status open_samples(bench *b) {
    const c2s_graph *graph = b->subject[0].model.model->graph;
    C2S_TRY(
        cli_inputs_open(graph, b->arguments, b->arguments->data ? MOST_SAMPLES : 1, &b->inputs));
    if (b->inputs.count == 0)
        return c2s_fail(C2S_ERR_USAGE, "%s holds no samples", b->arguments->data);
    b->samples = c2s_zalloc(b->inputs.count * sizeof *b->samples);
    unsigned count = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    unsigned second = b->subjects > 1 ? c2s_graph_input_count(b->subject[1].model.model->graph) : 0;
    c2s_tensor **out = c2s_zalloc((outputs + 1) * sizeof *out);
    c2s_status status = C2S_OK;
    for (; b->sample_count < b->inputs.count && status == C2S_OK; b->sample_count++) {
        sample *s = &b->samples[b->sample_count];
        s->in = c2s_zalloc((count + 1) * sizeof *s->in);
        s->in_second = c2s_zalloc((second + 1) * sizeof *s->in_second);
        double start = c2s_clock();
        status = cli_run_sample(&b->subject[0].model, &b->inputs, b->sample_count, s->in, out);
        if (b->sample_count == 0)
            b->subject[0].first_seconds = c2s_clock() - start;
        if (status == C2S_OK)
            cli_release(out, outputs);
        if (status == C2S_OK && b->subjects > 1)
            status = match_inputs(b, s);
    }
    free(out);
    double worked;
    if (status == C2S_OK && b->subjects > 1)
        status =
            run_once(&b->subject[1], inputs_of(b, 1, 0), &b->subject[1].first_seconds, &worked);
    return status;
}

static void close_bench(bench *b) {
    for (size_t i = 0; i < b->sample_count; i++) {
        cli_release(b->samples[i].in, c2s_graph_input_count(b->subject[0].model.model->graph));
        free(b->samples[i].in);
        free(b->samples[i].in_second);
    }
    free(b->samples);
    cli_inputs_close(&b->inputs);
    for (unsigned i = 0; i < b->subjects; i++)
        cli_subject_close(&b->subject[i]);
}

/* ---- measuring ---- */

static bool wants_more(size_t turns, double elapsed, double seconds, bool keep) {
    if (elapsed < seconds || turns == 0)
        return true;
    return keep && turns < (elapsed < 10 * seconds ? LEAST_RUNS : LEAST_SLOW_RUNS);
}

/* Runs of all subjects in turns; the order within a turn alternates. */
static c2s_status take_turns(bench *b, double seconds, bool keep) {
    double start = c2s_clock();
    for (size_t turn = 0; wants_more(turn, c2s_clock() - start, seconds, keep); turn++)
        for (unsigned i = 0; i < b->subjects; i++) {
            unsigned which = turn % 2 ? b->subjects - 1 - i : i;
            double took, worked;
            C2S_TRY(run_once(&b->subject[which], inputs_of(b, which, turn), &took, &worked));
            if (!keep)
                continue;
            c2s_vec_push(&b->subject[which].times, took);
            c2s_vec_push(&b->subject[which].processor, worked);
        }
    return C2S_OK;
}

static c2s_status measure(bench *b) {
    double seconds = b->arguments->seconds > 0 ? b->arguments->seconds : DEFAULT_SECONDS;
    C2S_TRY(take_turns(b, seconds / 10, false)); /* caches, clock rate, threads settle */
    C2S_TRY(take_turns(b, seconds * 0.7, true));
    for (unsigned i = 0; i < b->subjects; i++)
        c2s_onednn_profile(b->subject[i].model.session, true);
    C2S_TRY(take_turns(b, seconds / 5, false));
    for (unsigned i = 0; i < b->subjects; i++)
        cli_subject_profile(&b->subject[i], inputs_of(b, i, 0));
    return C2S_OK;
}

static c2s_status run(const cli_arguments *a) {
    bench b = {.arguments = a};
    c2s_status status = open_subject(&b, a->positional.at[0]);
    if (status == C2S_OK && a->against)
        status = open_subject(&b, a->against);
    if (status == C2S_OK)
        status = open_samples(&b);
    if (status == C2S_OK)
        status = measure(&b);
    if (status == C2S_OK)
        status = cli_bench_report(a, b.subject, b.subjects, inputs_of(&b, 0, 0));
    close_bench(&b);
    return status;
}

const cli_verb cli_verb_bench = {
    .name = "bench",
    .usage = "bench MODEL [--vs OTHER]",
    .summary = "Measures how long a model takes, and where the time goes.",
    .options = options,
    .details = "Times are medians; the spread is from the 10th to the 90th of 100 runs. With --vs "
               "the two\n"
               "models take turns, and their ratio has a 95 % confidence interval.",
    .least = 1,
    .most = 1,
    .run = run,
};
