/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_baseline.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_values.h"
#include "base/status.h"
#include "eval/row_scores.h"
#include "eval/tensor_distance.h"

c2s_status cli_baseline_same_inputs(const c2s_baseline *b, const c2s_probes *found) {
    if (b->probes.samples != found->samples)
        return c2s_fail(C2S_ERR_INVALID,
                        "the baseline was made on %zu samples, found %zu; --update makes a new one",
                        b->probes.samples, found->samples);
    if (b->probes.inputs != found->inputs)
        return c2s_fail(C2S_ERR_INVALID, "the baseline was made on other inputs; --update makes a "
                                         "new one");
    return C2S_OK;
}

static void add_failure(cli_conditions *conditions, const char *format, ...) C2S_PRINTF(2, 3);

static void add_failure(cli_conditions *conditions, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const cli_condition failure = {"outputs are not those of the baseline", true, c2s_strdup(text)};
    conditions->failures++;
    c2s_vec_push(&conditions->list, failure);
}

/* As names are in the file. */
static bool same_name(const char *written, const char *name) {
    json_t *json = c2s_json_text(name);
    const bool same = strcmp(written, json_string_value(json)) == 0;
    json_decref(json);
    return same;
}

static bool same_shape(const c2s_probe *a, const c2s_probe *b) {
    return a->sample == b->sample && a->rank == b->rank &&
           memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

static void check_output(const c2s_probed_output *wanted, const c2s_probed_output *found,
                         unsigned k, cli_conditions *conditions) {
    if (!same_name(wanted->name, found->name)) {
        add_failure(conditions, "output %u is \"%.80s\", expected \"%.80s\"", k, found->name,
                    wanted->name);
        return;
    }
    bool same = wanted->probes.count == found->probes.count &&
                (!wanted->type || !found->type || strcmp(wanted->type, found->type) == 0);
    for (size_t i = 0; same && i < wanted->probes.count; i++)
        same = same_shape(&wanted->probes.at[i], &found->probes.at[i]);
    if (!same)
        add_failure(conditions, "output \"%.80s\" has another shape or type than it had",
                    found->name);
}

void cli_baseline_check_outputs(const c2s_baseline *b, const c2s_probes *found,
                                cli_conditions *conditions) {
    if (b->probes.count != found->count)
        add_failure(conditions, "there are %u outputs, expected %u", found->count, b->probes.count);
    for (unsigned k = 0; k < found->count && k < b->probes.count; k++)
        check_output(&b->probes.output[k], &found->output[k], k, conditions);
}

c2s_status cli_baseline_distances(const c2s_baseline *b, const c2s_probes *found,
                                  c2s_metrics *metrics) {
    double changed = 0, texts = (double)NAN;
    for (unsigned k = 0; k < found->count && k < b->probes.count; k++) {
        const c2s_probed_output *x = &b->probes.output[k], *y = &found->output[k];
        c2s_distance distance = C2S_DISTANCE_INIT;
        c2s_row_scores rows = {0};
        changed += x->digest != y->digest;
        if (x->probes.count == 0 && y->probes.count == 0)
            texts = (isnan(texts) ? 0 : texts) + (x->digest != y->digest);
        for (size_t i = 0; i < x->probes.count && i < y->probes.count; i++) {
            const c2s_probe *p = &x->probes.at[i], *q = &y->probes.at[i];
            if (!same_shape(p, q))
                continue;
            c2s_distance_add(&distance, p->tensor, q->tensor);
            if (p->scores && q->scores)
                C2S_TRY(c2s_row_scores_add(&rows, p->tensor, q->tensor));
        }
        c2s_distance_metrics(&distance, metrics->value);
        c2s_row_scores_metrics(&rows, metrics->value);
    }
    metrics->value[C2S_METRIC_OUTPUTS_CHANGED] = changed;
    metrics->value[C2S_METRIC_TEXTS_CHANGED] = texts;
    return C2S_OK;
}

void cli_baseline_classes(const c2s_baseline *b, const c2s_class_tally *found,
                          c2s_metrics *metrics) {
    double *worst = &metrics->value[C2S_METRIC_CLASS_WORST_DROP];
    for (size_t k = 0; k < b->classes.count && k < found->classes.count; k++) {
        const c2s_class_count *then = &b->classes.at[k], *now = &found->classes.at[k];
        if (then->rows > 0 && now->rows > 0)
            *worst = fmax(*worst, c2s_per_cent(then->hits, then->rows) -
                                      c2s_per_cent(now->hits, now->rows));
    }
}
