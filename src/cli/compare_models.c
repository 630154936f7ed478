/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s compare: two models on the same inputs.
 */
#include <string.h>

#include "base/status.h"
#include "cli/comparison_report.h"
#include "cli/verbs.h"
#include "metric_command.h"

static const cli_option options[] = {
    CLI_DATA_OPTION,
    CLI_IMAGE_OPTION,
    CLI_SAMPLES_OPTION,
    CLI_SEED_OPTION,
    CLI_DIM_OPTION,
    {0, "tolerance", "X", "largest relative error of an output (default: by its type)", CLI_NUMBER,
     offsetof(cli_arguments, tolerance)},
    {0, "layers", NULL, "compare values on the way, too: which layer does the damage?", CLI_FLAG,
     offsetof(cli_arguments, layers)},
    CLI_NOISE_OPTION,
    CLI_FAIL_IF_OPTION(
        "end with 7 if this holds, such as 'sqnr < 30 || bytes > 0.5*ref', instead of by the "
        "tolerance; may be repeated"),
    CLI_LATENCY_OPTION,
    CLI_METRIC_OPTIONS("also measure what this prints last, such as 'python3 eval.py {model}'"),
    {0, "threads", "N", "threads (default: all processors)", CLI_INTEGER,
     offsetof(cli_arguments, threads)},
    CLI_MEMORY_OPTION,
    CLI_SIMULATE_OPTION,
    CLI_EMULATE_OPTION,
    CLI_JSON_OPTION,
    {0}};

typedef struct job {
    const cli_arguments *arguments;
    cli_arguments exact; /* of A, which emulates nothing */
    cli_model a, b;
    cli_inputs inputs;
    cli_layers layers;
    cli_conditions conditions;
    cli_comparison result;
} job;

static c2s_status open_models(job *j) {
    const cli_texts *paths = &j->arguments->positional;
    C2S_TRY(cli_model_read(paths->at[0], &j->a));
    C2S_TRY(cli_model_read(paths->at[1], &j->b));
    if (j->arguments->layers)
        return cli_layers_start(&j->a, &j->exact, &j->b, j->arguments, &j->layers);
    C2S_TRY(cli_model_start(&j->a, &j->exact, NULL, NULL, NULL));
    return cli_model_start(&j->b, j->arguments, NULL, NULL, NULL);
}

/* What both have by themselves; only what is shown or asked for. Standard input is gone by now. */
static c2s_status measure_models(job *j) {
    const cli_arguments *args = j->arguments;
    const char *a = args->positional.at[0], *b = args->positional.at[1];
    c2s_metrics *m = &j->result.metrics;
    if (args->quiet && !args->json && args->fail_if.count == 0)
        return C2S_OK;
    const bool timed = args->latency || cli_conditions_use(&j->conditions, C2S_METRIC_LATENCY) ||
                       cli_conditions_use(&j->conditions, C2S_METRIC_PROCESSOR);
    if (strcmp(a, "-") == 0 || strcmp(b, "-") == 0)
        return timed || args->metric_command
                   ? c2s_fail(C2S_ERR_USAGE, "standard input cannot be read again for the latency, "
                                             "nor for --metric-cmd: give the model as a file")
                   : C2S_OK;
    C2S_TRY(cli_metrics_count(a, m->reference));
    C2S_TRY(cli_metrics_count(b, m->value));
    if (timed)
        C2S_TRY(cli_metrics_time(a, b, args, m));
    C2S_TRY(cli_metrics_command(a, b, args, m));
    cli_metrics_drops(args, m);
    return C2S_OK;
}

static c2s_status report(job *j) {
    const cli_arguments *a = j->arguments;
    const cli_layers *layers = a->layers ? &j->layers : NULL;
    const cli_conditions *conditions = a->fail_if.count ? &j->conditions : NULL;
    if (a->json)
        C2S_TRY(cli_json_print(cli_comparison_json(&j->result, layers, conditions, a->tolerance),
                               stdout));
    else if (!a->quiet)
        cli_comparison_print(&j->result, layers, conditions, a->tolerance, a->verbosity > 0);
    if (conditions)
        return cli_conditions_fail(conditions);
    for (unsigned i = 0; i < j->result.outputs; i++)
        if (!j->result.output[i].ok)
            return c2s_fail(C2S_ERR_TOLERANCE, "output \"%s\" differs", j->result.output[i].name);
    return C2S_OK;
}

static c2s_status work(job *j) {
    const cli_arguments *a = j->arguments;
    C2S_TRY(cli_conditions_add_all(&j->conditions, &a->fail_if));
    if (a->metric_command)
        C2S_TRY(c2s_metric_command_check(a->metric_command));
    C2S_TRY(open_models(j));
    C2S_TRY(cli_inputs_open(j->a.model->graph, a, 0, &j->inputs));
    const cli_comparison_request request = {.a = &j->a,
                                            .b = &j->b,
                                            .inputs = &j->inputs,
                                            .tolerance = a->tolerance,
                                            .noise = a->noise,
                                            .seed = (uint64_t)a->seed,
                                            .layers = a->layers ? &j->layers : NULL};
    C2S_TRY(cli_compare(&request, &j->result));
    C2S_TRY(measure_models(j));
    C2S_TRY(cli_conditions_judge(&j->conditions, &j->result.metrics));
    return report(j);
}

static c2s_status run(const cli_arguments *arguments) {
    job j = {.arguments = arguments, .exact = *arguments};
    j.exact.emulate = NULL;
    const c2s_status status = work(&j);
    cli_comparison_free(&j.result);
    cli_conditions_free(&j.conditions);
    cli_inputs_close(&j.inputs);
    cli_layers_free(&j.layers);
    cli_model_close(&j.a);
    cli_model_close(&j.b);
    return status;
}

const cli_verb cli_verb_compare = {
    .name = "compare",
    .usage = "compare A B [--data PATH]",
    .summary =
        "Runs two models on the same inputs and compares every output. Exit code 7 if they differ.",
    .options = options,
    .details =
        "Metrics are described in docs/regression.md, and by onnx-c2s check --list-metrics. With\n"
        "labels in the data also top-1, top-5 and what single classes lose. In --fail-if ref is "
        "A's\n"
        "value of the metric in the same comparison. --emulate is for B alone: of a model and "
        "itself\n"
        "it shows what a processor loses.",
    .least = 2,
    .most = 2,
    .run = run,
};
