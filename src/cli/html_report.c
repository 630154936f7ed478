/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/html_report.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "cli/html_data.h"
#include "cli/subject_times.h"

/* Of the data, if --samples does not say. */
enum { MOST_SAMPLES = 256 };

static const cli_html_link sections[] = {
    {"summary", "Before and after"},
    {"passes", "What was done"},
    {"accuracy", "Accuracy"},
    {"layers", "Layer by layer"},
    {"size", "Size"},
    {"time", "Time"},
    {"histograms", "Weights and activations"},
    {"graph", "Changes of the graph"},
    {NULL, NULL},
};

/* ---- running ---- */

static c2s_status compare(cli_html_data *d) {
    cli_inputs inputs;
    C2S_TRY(cli_layers_start(&d->before.model, d->arguments, &d->after.model, d->arguments,
                             &d->layers));
    C2S_TRY(cli_inputs_open(d->before.model.model->graph, d->arguments,
                            d->arguments->data ? MOST_SAMPLES : 0, &inputs));
    const cli_comparison_request request = {.a = &d->before.model,
                                            .b = &d->after.model,
                                            .inputs = &inputs,
                                            .tolerance = d->arguments->tolerance,
                                            .layers = &d->layers};
    const c2s_status status = cli_compare(&request, &d->comparison);
    cli_inputs_close(&inputs);
    return status;
}

/* The sessions that observe would run slower: others do this. */
static c2s_status time_models(cli_html_data *d) {
    cli_subject *const subjects[] = {&d->before, &d->after};
    for (size_t k = 0; k < 2; k++) {
        cli_model *m = &subjects[k]->model;
        if (m->session)
            m->session->evaluator->close(m->session);
        m->session = NULL;
        C2S_TRY(cli_model_start(m, d->arguments, NULL, NULL, NULL));
    }
    return cli_subjects_time(subjects, 2, d->arguments);
}

/* What cannot be measured is left out, with the reason. */
static void measure(cli_html_data *d) {
    c2s_status status = compare(d);
    d->compared = status == C2S_OK;
    if (status == C2S_OK) {
        status = time_models(d);
        d->timed = status == C2S_OK;
    }
    if (status != C2S_OK) {
        snprintf(d->why_not, sizeof d->why_not, "%s", c2s_error());
        c2s_error_clear();
    }
}

/* ---- writing ---- */

/* In the order of the list above. */
static void (*const parts[])(FILE *, cli_html_data *) = {
    cli_html_summary, cli_html_passes, cli_html_accuracy,   cli_html_layers,
    cli_html_size,    cli_html_time,   cli_html_histograms, cli_html_graph};

static c2s_status put_sections(FILE *f, cli_html_data *d) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts && d->status == C2S_OK; i++) {
        cli_html_section(f, &sections[i]);
        parts[i](f, d);
        cli_html_section_end(f);
    }
    return d->status;
}

static c2s_status write_file(cli_html_data *d) {
    c2s_atomic_file file;
    C2S_TRY(c2s_atomic_open(d->arguments->report, &file));
    cli_html_begin(file.stream, d->in, sections);
    const c2s_status status = put_sections(file.stream, d);
    cli_html_end(file.stream, c2s_version_details());
    if (status == C2S_OK)
        return c2s_atomic_commit(&file);
    c2s_atomic_abort(&file);
    return status;
}

c2s_status cli_html_report(const cli_arguments *arguments, c2s_model *before,
                           const c2s_model *after, const c2s_report *report) {
    cli_arguments told = *arguments; /* without data, what the passes learnt from serves */
    if (!told.data && told.calibration.count)
        told.data = told.calibration.at[0];
    cli_html_data d = {.arguments = &told,
                       .learnt_from = told.data != arguments->data,
                       .in = arguments->positional.at[0],
                       .out = arguments->positional.at[1],
                       .report = report};
    c2s_status status = cli_model_take(before, &d.before.model);
    if (status == C2S_OK)
        status = cli_model_take(c2s_model_copy(after), &d.after.model);
    if (status == C2S_OK) {
        measure(&d);
        status = write_file(&d);
    }
    if (status != C2S_OK)
        c2s_note("--report");
    cli_comparison_free(&d.comparison);
    cli_layers_free(&d.layers);
    cli_subject_close(&d.before);
    cli_subject_close(&d.after);
    return status;
}
