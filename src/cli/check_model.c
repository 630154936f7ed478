/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s check: is a model still as good as it was?
 */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "cli/check_baseline.h"
#include "cli/check_report.h"
#include "cli/comparison.h"
#include "cli/verbs.h"
#include "metric_command.h"

static const cli_option options[] = {
    {0, "baseline", "FILE", "what to expect: metrics, and probes of the outputs, as JSON", CLI_TEXT,
     offsetof(cli_arguments, baseline)},
    {0, "update", NULL, "write the baseline instead", CLI_FLAG, offsetof(cli_arguments, update)},
    {0, "against", "MODEL",
     "measure differences against this model, not against what the baseline keeps of the outputs",
     CLI_TEXT, offsetof(cli_arguments, against)},
    CLI_FAIL_IF_OPTION(
        "end with 7 if this holds, such as 'top1_drop > 0.5 || bytes > 1.0*ref'; may "
        "be repeated"),
    {0, "list-metrics", NULL, "show all metrics and stop", CLI_FLAG,
     offsetof(cli_arguments, list_metrics)},
    {0, "junit", "FILE", "write the result as JUnit XML", CLI_TEXT, offsetof(cli_arguments, junit)},
    {0, "markdown", "FILE", "write the result as Markdown", CLI_TEXT,
     offsetof(cli_arguments, markdown)},
    CLI_LATENCY_OPTION,
    CLI_NOISE_OPTION,
    CLI_METRIC_OPTIONS("also measure what this prints last, such as 'python3 eval.py {model}'"),
    CLI_DATA_OPTION,
    CLI_IMAGE_OPTION,
    CLI_SAMPLES_OPTION,
    CLI_SEED_OPTION,
    CLI_DIM_OPTION,
    {0, "threads", "N", "threads (default: all processors)", CLI_INTEGER,
     offsetof(cli_arguments, threads)},
    CLI_MEMORY_OPTION,
    CLI_SIMULATE_OPTION,
    CLI_EMULATE_OPTION,
    CLI_JSON_OPTION,
    {0}};

typedef struct job {
    const cli_arguments *arguments;
    cli_arguments exact; /* of --against, which emulates nothing */
    cli_model against, model;
    cli_inputs inputs;
    cli_comparison comparison;
    c2s_probes probes;
    c2s_baseline baseline;
    cli_check_result result;
} job;

/* What is asked for if nothing else is, as far as it was measured. */
static const struct usual {
    c2s_metric_id needs;
    bool reference; /* of the baseline, too */
    const char *text;
} usual[] = {
    {C2S_METRIC_TOP1_DROP, false, "top1_drop > 0.5"},
    {C2S_METRIC_METRIC_DROP, false, "metric_drop > 0"},
    {C2S_METRIC_SQNR, false, "sqnr < 30"},
    {C2S_METRIC_TEXTS_CHANGED, false, "texts_changed > 0"},
    {C2S_METRIC_BYTES, true, "bytes > 1.01*ref"},
};

/* ---- measuring ---- */

static c2s_status record(void *user, size_t index, c2s_tensor *const *in, c2s_tensor *const *out) {
    job *j = user;
    return c2s_probes_add(&j->probes, index, c2s_graph_input_count(j->inputs.graph), in, out);
}

static c2s_status open_job(job *j) {
    const cli_arguments *a = j->arguments;
    C2S_TRY(cli_conditions_add_all(&j->result.conditions, &a->fail_if));
    if (a->metric_command)
        C2S_TRY(c2s_metric_command_check(a->metric_command));
    if (strcmp(a->positional.at[0], "-") == 0)
        return c2s_fail(C2S_ERR_USAGE, "check reads the model several times: give it as a file");
    if (!a->update)
        C2S_TRY(c2s_baseline_read(a->baseline, &j->baseline));
    if (a->against)
        C2S_TRY(cli_model_open(a->against, &j->exact, &j->against));
    C2S_TRY(cli_model_open(a->positional.at[0], a, &j->model));
    const cli_model *first = a->against ? &j->against : &j->model;
    C2S_TRY(cli_inputs_open(first->model->graph, a, 0, &j->inputs));
    if (j->inputs.count == 0)
        return c2s_fail(C2S_ERR_INVALID, "%s holds no samples", a->data);
    c2s_probes_start(&j->probes, j->model.model->graph, j->inputs.count);
    return C2S_OK;
}

static c2s_status measure(job *j) {
    const cli_arguments *a = j->arguments;
    const char *path = a->positional.at[0];
    const cli_conditions *conditions = &j->result.conditions;
    const cli_comparison_request request = {.a = a->against ? &j->against : NULL,
                                            .b = &j->model,
                                            .inputs = &j->inputs,
                                            .noise = a->noise,
                                            .seed = (uint64_t)a->seed,
                                            .label_offset =
                                                a->against ? 0 : j->baseline.label_offset,
                                            .take = record,
                                            .user = j};
    C2S_TRY(cli_compare(&request, &j->comparison));
    c2s_metrics *m = &j->comparison.metrics;
    C2S_TRY(cli_metrics_count(path, m->value));
    if (a->latency || cli_conditions_use(conditions, C2S_METRIC_LATENCY) ||
        cli_conditions_use(conditions, C2S_METRIC_PROCESSOR) ||
        (!a->update && !isnan(j->baseline.value[C2S_METRIC_LATENCY])))
        C2S_TRY(cli_metrics_time(NULL, path, a, m));
    return cli_metrics_command(a->against, path, a, m);
}

/* ---- judging ---- */

/* `ref` is what the baseline has; differences are to the other model, if there is one. */
static c2s_status compare_with_baseline(job *j) {
    const bool against = j->arguments->against != NULL;
    c2s_metrics *m = &j->comparison.metrics;
    if (against) /* the metric of the command and top-1 have dropped from that model's */
        cli_metrics_drops(j->arguments, m);
    memcpy(m->reference, j->baseline.value, sizeof m->reference);
    if (against) {
        m->value[C2S_METRIC_OUTPUTS_CHANGED] = (double)NAN;
        return C2S_OK;
    }
    cli_metrics_drops(j->arguments, m);
    cli_baseline_classes(&j->baseline, c2s_class_scores_tally(&j->comparison.classes), m);
    return cli_baseline_distances(&j->baseline, &j->probes, m);
}

/* What the baseline has and these data do not give, or the other way round, would go unjudged. */
static c2s_status need_both(const job *j, c2s_metric_id id, const char *from) {
    const c2s_metrics *m = &j->comparison.metrics;
    const bool now = !isnan(m->value[id]), then = !isnan(m->reference[id]);
    if (then && !now)
        return c2s_fail(
            C2S_ERR_USAGE,
            "the baseline has %s, which was not measured now: expected %s, or --fail-if",
            c2s_metric_all[id].name, from);
    if (now && !then && !j->arguments->against)
        return c2s_fail(
            C2S_ERR_USAGE,
            "%s was measured, which the baseline lacks: expected --update, or --fail-if",
            c2s_metric_all[id].name);
    return C2S_OK;
}

static c2s_status add_usual(job *j) {
    const c2s_metrics *m = &j->comparison.metrics;
    C2S_TRY(need_both(j, C2S_METRIC_TOP1, "labels in the data, and scores that they fit"));
    C2S_TRY(need_both(j, C2S_METRIC_METRIC, "--metric-cmd"));
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const c2s_metric_id id = usual[i].needs;
        if (!isnan(m->value[id]) && !(usual[i].reference && isnan(m->reference[id])))
            C2S_TRY(cli_conditions_add(&j->result.conditions, usual[i].text));
    }
    return C2S_OK;
}

static c2s_status write_baseline(job *j) {
    const c2s_metrics *m = &j->comparison.metrics;
    const c2s_class_tally *tally = c2s_class_scores_tally(&j->comparison.classes);
    if (j->arguments->against)
        cli_metrics_drops(j->arguments, &j->comparison.metrics);
    c2s_baseline baseline = {.probes = j->probes,
                             .label_offset = 1 + c2s_class_scores_offset(&j->comparison.classes)};
    memcpy(baseline.value, m->value, sizeof baseline.value);
    for (size_t k = 0; k < tally->classes.count; k++)
        c2s_vec_push(&baseline.classes, tally->classes.at[k]);
    const c2s_status status = c2s_baseline_write(j->arguments->baseline, &baseline);
    c2s_vec_free(&baseline.classes);
    if (status == C2S_OK && !j->arguments->quiet)
        printf("%s: %zu samples, %u outputs\n", j->arguments->baseline, j->probes.samples,
               j->probes.count);
    return status;
}

static c2s_status report(job *j) {
    const cli_arguments *a = j->arguments;
    cli_check_result *r = &j->result;
    r->model = a->positional.at[0];
    r->baseline = a->baseline;
    r->samples = j->comparison.samples;
    r->metrics = j->comparison.metrics;
    if (a->junit)
        C2S_TRY(cli_check_write_junit(r, a->junit));
    if (a->markdown)
        C2S_TRY(cli_check_write_markdown(r, a->markdown));
    if (a->json)
        C2S_TRY(cli_check_print_json(r));
    else if (!a->quiet)
        cli_check_print(r);
    return cli_conditions_fail(&r->conditions);
}

static c2s_status work(job *j) {
    const cli_arguments *a = j->arguments;
    if (!a->baseline)
        return c2s_fail(C2S_ERR_USAGE, "check needs --baseline FILE (with --update it is written)");
    C2S_TRY(open_job(j));
    C2S_TRY(measure(j));
    if (a->update)
        return write_baseline(j);
    C2S_TRY(cli_baseline_same_inputs(&j->baseline, &j->probes));
    C2S_TRY(compare_with_baseline(j));
    if (a->fail_if.count == 0)
        C2S_TRY(add_usual(j));
    C2S_TRY(cli_conditions_judge(&j->result.conditions, &j->comparison.metrics));
    cli_baseline_check_outputs(&j->baseline, &j->probes, &j->result.conditions);
    return report(j);
}

static c2s_status run(const cli_arguments *arguments) {
    job j = {.arguments = arguments, .exact = *arguments};
    j.exact.emulate = NULL;
    const c2s_status status = work(&j);
    cli_conditions_free(&j.result.conditions);
    cli_comparison_free(&j.comparison);
    c2s_baseline_free(&j.baseline);
    c2s_probes_free(&j.probes);
    cli_inputs_close(&j.inputs);
    cli_model_close(&j.against);
    cli_model_close(&j.model);
    return status;
}

const cli_verb cli_verb_check = {
    .name = "check",
    .usage = "check MODEL --baseline FILE [--update]",
    .summary = "Holds a model against expected metrics and outputs. Exit code 7 if it fell behind.",
    .options = options,
    .details =
        "Without --fail-if it fails on top1_drop > 0.5, metric_drop > 0, sqnr < 30,\n"
        "texts_changed > 0 and bytes > 1.01*ref, as far as these are measured. ref is the "
        "baseline's value of the metric "
        "in\n"
        "the same comparison. The same data must be given as for --update. See docs/regression.md.",
    .least = 1,
    .most = 1,
    .run = run,
};
