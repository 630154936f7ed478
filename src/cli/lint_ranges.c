/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lint_ranges.h"

#include <math.h>

#include "cli/table.h"
#include "job_feed.h"
#include "runtime/session.h"

c2s_status cli_lint_ranges(const cli_arguments *a, const c2s_model *model, c2s_range_report *out) {
    const c2s_eval_options eval = {.threads =
                                       a->threads > UINT32_MAX ? UINT32_MAX : (unsigned)a->threads};
    c2s_feed *feed;
    *out = (c2s_range_report){0};
    C2S_TRY(c2s_feed_open_data(&a->data, 1, model->graph, a->image, (size_t)a->samples, &feed));
    const c2s_status status =
        c2s_range_check_run(model, feed, &c2s_evaluator_onednn, &eval, 0, out);
    c2s_feed_close(feed);
    return status;
}

static int by_gain(const void *a, const void *b) {
    const c2s_range_check *x = a, *y = b;
    return x->gain_db != y->gain_db ? (x->gain_db > y->gain_db ? -1 : 1) : 0;
}

/* ---- for people ---- */

static void print_row(cli_table *table, const c2s_range_check *c) {
    cli_cell(table, "%s", c->value);
    cli_cell(table, "%s", c2s_dtype_name(c->dtype));
    cli_cell(table, "%.4g .. %.4g", (double)c->low, (double)c->high);
    cli_cell(table, "%.4g .. %.4g", (double)c->least, (double)c->most);
    cli_cell(table, "%.2f", 100 * c->clipped);
    cli_cell(table, "%.1f", 100 * c->unused);
    cli_cell(table, "%.4g .. %.4g", (double)c->better_low, (double)c->better_high);
    cli_cell(table, "%.1f", c->gain_db);
}

void cli_lint_ranges_print(const cli_arguments *a, c2s_range_report *report) {
    static const char *const head[] = {"range of",  "codes",    "reach",  "seen",
                                       "clipped %", "unused %", "better", "gain dB"};
    cli_table table;
    const bool all = a->verbosity > 0;
    if (report->checks.count > 1)
        qsort(report->checks.at, report->checks.count, sizeof *report->checks.at, by_gain);
    if (all ? report->checks.count > 0 : report->poor > 0) {
        cli_table_start(&table, 8, 2);
        for (size_t i = 0; i < 8; i++)
            cli_cell(&table, "%s", head[i]);
        for (size_t i = 0; i < report->checks.count; i++)
            if (all || report->checks.at[i].poor)
                print_row(&table, &report->checks.at[i]);
        cli_table_print(&table, stdout);
        cli_table_free(&table);
    }
    printf("%u of %zu ranges are poor on %zu samples: another one would halve the noise\n",
           report->poor, report->checks.count, report->samples);
    if (report->skipped)
        printf("%u quantizers have scales per channel or computed ones, or were not reached\n",
               report->skipped);
    if (report->poor)
        printf("the pass quantize(requantize=yes) with these data (--calib) chooses all anew\n");
}

/* ---- for machines ---- */

static json_t *span_json(float low, float high) {
    return json_pack("[o, o]", c2s_json_number((double)low), c2s_json_number((double)high));
}

static json_t *check_json(const c2s_range_check *c) {
    json_t *json = json_object();
    json_object_set_new(json, "value", c2s_json_text(c->value));
    json_object_set_new(json, "codes", json_string(c2s_dtype_name(c->dtype)));
    json_object_set_new(json, "reach", span_json(c->low, c->high));
    json_object_set_new(json, "seen", span_json(c->least, c->most));
    json_object_set_new(json, "clipped", c2s_json_number(c->clipped));
    json_object_set_new(json, "unused", c2s_json_number(c->unused));
    json_object_set_new(json, "better", span_json(c->better_low, c->better_high));
    json_object_set_new(json, "gain_db", c2s_json_number(c->gain_db));
    json_object_set_new(json, "poor", json_boolean(c->poor));
    return json;
}

json_t *cli_lint_ranges_json(const c2s_range_report *report) {
    json_t *checks = json_array();
    for (size_t i = 0; i < report->checks.count; i++)
        json_array_append_new(checks, check_json(&report->checks.at[i]));
    return json_pack("{s:i, s:i, s:i, s:o}", "samples", (int)report->samples, "poor",
                     (int)report->poor, "skipped", (int)report->skipped, "checks", checks);
}
