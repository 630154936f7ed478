/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/measured.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "cli/subject_times.h"
#include "metric_command.h"

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

static void take_times(cli_subject *s, double value[C2S_METRIC_COUNT]) {
    value[C2S_METRIC_LATENCY] = 1e3 * c2s_quantile(&s->times, 0.5);
    value[C2S_METRIC_PROCESSOR] = 1e3 * c2s_quantile(&s->processor, 0.5);
}

c2s_status cli_metrics_time(const char *a, const char *b, const cli_arguments *arguments,
                            c2s_metrics *metrics) {
    cli_subject first = {0}, second = {0};
    cli_subject *const both[] = {&first, &second};
    c2s_status status = cli_model_open(a ? a : b, arguments, &first.model);
    if (status == C2S_OK && a)
        status = cli_model_open(b, arguments, &second.model);
    if (status == C2S_OK)
        status = cli_subjects_time(both, a ? 2 : 1, arguments);
    if (status == C2S_OK) {
        take_times(a ? &second : &first, metrics->value);
        if (a)
            take_times(&first, metrics->reference);
    }
    cli_subject_close(&first);
    cli_subject_close(&second);
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

json_t *cli_metrics_json_pairs(const c2s_metrics *m) {
    json_t *json = json_object();
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        if (isnan(m->value[id]))
            continue;
        json_t *entry = json_object();
        json_object_set_new(entry, "value", c2s_json_value(m->value[id]));
        if (!isnan(m->reference[id]))
            json_object_set_new(entry, "reference", c2s_json_value(m->reference[id]));
        if (c2s_metric_all[id].unit[0])
            json_object_set_new(entry, "unit", json_string(c2s_metric_all[id].unit));
        json_object_set_new(json, c2s_metric_all[id].name, entry);
    }
    return json;
}
