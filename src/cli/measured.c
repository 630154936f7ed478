/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/measured.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/timing.h"
#include "metric_command.h"

/* Of a measurement of time: at least so many runs, and at least so long unless they are many. */
enum { LEAST_RUNS = 7, MOST_RUNS = 201 };
#define SECONDS 1.0

void cli_metrics_take_counts(const c2s_counts *counts, double value[C2S_METRIC_COUNT]) {
    value[C2S_METRIC_BYTES] = (double)counts->bytes;
    value[C2S_METRIC_NODES] = (double)counts->nodes;
    value[C2S_METRIC_PARAMETERS] = (double)counts->parameters;
    value[C2S_METRIC_MACS] = (double)counts->macs;
    value[C2S_METRIC_PEAK_ACTIVATION_BYTES] = (double)counts->peak_activation_bytes;
}

c2s_status cli_metrics_count(const char *path, double value[C2S_METRIC_COUNT]) {
    c2s_model *model;
    c2s_counts counts;
    C2S_TRY(c2s_model_load(path, &model));
    const c2s_status status = c2s_model_count(model, &counts);
    if (status == C2S_OK)
        cli_metrics_take_counts(&counts, value);
    c2s_model_free(model);
    return status;
}

/* ---- time ---- */

typedef struct timed {
    cli_model model;
    const c2s_tensor **in; /* borrowed */
    c2s_tensor **out;
    c2s_times elapsed, worked;
} timed;

static c2s_status open_timed(const char *path, const cli_arguments *a, timed *t) {
    C2S_TRY(cli_model_open(path, a, &t->model));
    const c2s_graph *graph = t->model.model->graph;
    t->in = c2s_zalloc((c2s_graph_input_count(graph) + 1) * sizeof *t->in);
    t->out = c2s_zalloc((c2s_graph_output_count(graph) + 1) * sizeof *t->out);
    return C2S_OK;
}

static void close_timed(timed *t) {
    cli_model_close(&t->model);
    free(t->in);
    free(t->out);
    c2s_vec_free(&t->elapsed);
    c2s_vec_free(&t->worked);
}

static c2s_status run_timed(timed *t) {
    const double start = c2s_clock(), worked = c2s_processor_clock();
    C2S_TRY(cli_model_run(&t->model, t->in, t->out));
    c2s_vec_push(&t->elapsed, c2s_clock() - start);
    c2s_vec_push(&t->worked, c2s_processor_clock() - worked);
    cli_release(t->out, c2s_graph_output_count(t->model.model->graph));
    return C2S_OK;
}

static void give_inputs(const c2s_graph *first, c2s_tensor *const *in, timed *t) {
    const c2s_graph *graph = t->model.model->graph;
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        for (unsigned i = 0; i < c2s_graph_input_count(first); i++)
            if (strcmp(c2s_graph_input(first, i)->name, c2s_graph_input(graph, k)->name) == 0)
                t->in[k] = in[i];
}

/* The first run, which plans, is not counted. */
static c2s_status take_turns(timed *t, unsigned count) {
    double start = 0;
    for (int turn = -1; turn < MOST_RUNS; turn++) {
        if (turn >= LEAST_RUNS && c2s_clock() - start > SECONDS)
            break;
        for (unsigned k = 0; k < count; k++)
            C2S_TRY(run_timed(&t[turn % 2 ? count - 1 - k : k]));
        if (turn >= 0)
            continue;
        start = c2s_clock();
        for (unsigned k = 0; k < count; k++) {
            c2s_vec_clear(&t[k].elapsed);
            c2s_vec_clear(&t[k].worked);
        }
    }
    return C2S_OK;
}

static c2s_status measure_times(timed *t, unsigned count, cli_inputs *inputs) {
    const c2s_graph *first = t[0].model.model->graph;
    const unsigned input_count = c2s_graph_input_count(first);
    c2s_tensor **in = c2s_zalloc((input_count + 1) * sizeof *in);
    c2s_status status = cli_run_sample(&t[0].model, inputs, 0, in, t[0].out);
    cli_release(t[0].out, c2s_graph_output_count(first));
    for (unsigned k = 0; k < count; k++)
        give_inputs(first, in, &t[k]);
    if (status == C2S_OK)
        status = take_turns(t, count);
    cli_release(in, input_count);
    free(in);
    return status;
}

static void take_times(timed *t, double value[C2S_METRIC_COUNT]) {
    value[C2S_METRIC_LATENCY] = 1e3 * c2s_quantile(&t->elapsed, 0.5);
    value[C2S_METRIC_PROCESSOR] = 1e3 * c2s_quantile(&t->worked, 0.5);
}

c2s_status cli_metrics_time(const char *a, const char *b, const cli_arguments *arguments,
                            c2s_metrics *metrics) {
    timed t[2] = {0};
    const unsigned count = a ? 2 : 1;
    cli_inputs inputs = {0};
    c2s_status status = open_timed(a ? a : b, arguments, &t[0]);
    if (status == C2S_OK && a)
        status = open_timed(b, arguments, &t[1]);
    if (status == C2S_OK)
        status = cli_inputs_open(t[0].model.model->graph, arguments, 1, &inputs);
    if (status == C2S_OK && inputs.count > 0)
        status = measure_times(t, count, &inputs);
    if (status == C2S_OK) {
        take_times(&t[count - 1], metrics->value);
        if (a)
            take_times(&t[0], metrics->reference);
    }
    cli_inputs_close(&inputs);
    for (unsigned k = 0; k < count; k++)
        close_timed(&t[k]);
    return status;
}

/* ---- the user's command ---- */

c2s_status cli_metrics_command(const char *a, const char *b, const cli_arguments *arguments,
                               c2s_metrics *metrics) {
    const c2s_metric_command command = {arguments->metric_command, arguments->metric_seconds,
                                        arguments->metric_less};
    if (!command.text)
        return C2S_OK;
    C2S_TRY(c2s_metric_command_file(&command, b, &metrics->value[C2S_METRIC_METRIC]));
    if (a)
        C2S_TRY(c2s_metric_command_file(&command, a, &metrics->reference[C2S_METRIC_METRIC]));
    return C2S_OK;
}

void cli_metrics_drops(const cli_arguments *arguments, c2s_metrics *m) {
    static const c2s_metric_id drops[][2] = {
        {C2S_METRIC_TOP1_DROP, C2S_METRIC_TOP1},
        {C2S_METRIC_TOP5_DROP, C2S_METRIC_TOP5},
        {C2S_METRIC_CLASS_MEAN_DROP, C2S_METRIC_CLASS_MEAN},
        {C2S_METRIC_NOISE_TOP1_DROP, C2S_METRIC_NOISE_TOP1},
        {C2S_METRIC_METRIC_DROP, C2S_METRIC_METRIC},
    };
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++) {
        const c2s_metric_id from = drops[i][1];
        const double drop = m->reference[from] - m->value[from];
        m->value[drops[i][0]] = from == C2S_METRIC_METRIC && arguments->metric_less ? -drop : drop;
    }
}

/* ---- showing ---- */

const char *cli_metric_text(c2s_metric_id id, double value, char *text, size_t size) {
    const char *unit = c2s_metric_all[id].unit;
    if (isnan(value))
        snprintf(text, size, "-");
    else
        snprintf(text, size, fabs(value) < 1e15 && value == floor(value) ? "%.0f%s%s" : "%.5g%s%s",
                 value, unit[0] ? " " : "", unit);
    return text;
}

json_t *cli_metrics_json(const double value[C2S_METRIC_COUNT]) {
    json_t *json = json_object();
    for (int id = 0; id < C2S_METRIC_COUNT; id++)
        if (!isnan(value[id]))
            json_object_set_new(json, c2s_metric_all[id].name, cli_json_value(value[id]));
    return json;
}

json_t *cli_metrics_json_pairs(const c2s_metrics *m) {
    json_t *json = json_object();
    for (int id = 0; id < C2S_METRIC_COUNT; id++) {
        if (isnan(m->value[id]))
            continue;
        json_t *entry = json_object();
        json_object_set_new(entry, "value", cli_json_value(m->value[id]));
        if (!isnan(m->reference[id]))
            json_object_set_new(entry, "reference", cli_json_value(m->reference[id]));
        if (c2s_metric_all[id].unit[0])
            json_object_set_new(entry, "unit", json_string(c2s_metric_all[id].unit));
        json_object_set_new(json, c2s_metric_all[id].name, entry);
    }
    return json;
}
