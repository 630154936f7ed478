/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_report.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "cli/markup.h"
#include "cli/table.h"

static bool is_measured(const cli_check_result *r, c2s_metric_id id) {
    return !isnan(r->metrics.value[id]);
}

static const char *verdict(const cli_check_result *r) {
    return r->conditions.failures ? "FAILED" : "passed";
}

/* ---- for people ---- */

void cli_check_print(const cli_check_result *r) {
    cli_table table;
    char text[64];
    cli_table_start(&table, 3, 1);
    cli_cell(&table, "metric");
    cli_cell(&table, "baseline");
    cli_cell(&table, "now");
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        if (!is_measured(r, id))
            continue;
        cli_cell(&table, "%s", c2s_metric_all[id].name);
        cli_cell(&table, "%s", cli_metric_text(id, r->metrics.reference[id], text, sizeof text));
        cli_cell(&table, "%s", cli_metric_text(id, r->metrics.value[id], text, sizeof text));
    }
    cli_table_print(&table, stdout);
    cli_table_free(&table);
    printf("%zu samples\n\n", r->samples);
    for (size_t i = 0; i < r->conditions.list.count; i++) {
        const cli_condition *c = &r->conditions.list.at[i];
        printf("%s: %s (%s)\n", c->holds ? "FAILED" : "passed", c->text, c->values);
    }
    printf("%s\n", verdict(r));
}

c2s_status cli_check_print_json(const cli_check_result *r) {
    json_t *root = json_object();
    json_object_set_new(root, "model", c2s_json_text(r->model));
    json_object_set_new(root, "baseline", c2s_json_text(r->baseline));
    json_object_set_new(root, "samples", json_integer((json_int_t)r->samples));
    json_object_set_new(root, "passed", json_boolean(r->conditions.failures == 0));
    json_object_set_new(root, "conditions", cli_conditions_json(&r->conditions));
    json_object_set_new(root, "metrics", cli_metrics_json_pairs(&r->metrics));
    return cli_json_print(root, stdout);
}

/* ---- JUnit ---- */

static void put_attribute(FILE *f, const char *name, const char *value) {
    fprintf(f, " %s=\"", name);
    cli_markup(f, value);
    fputc('"', f);
}

static void put_property(FILE *f, const char *kind, const char *name, double value) {
    char text[64], full[128];
    snprintf(full, sizeof full, "%s%s", kind, name);
    snprintf(text, sizeof text, "%.9g", value);
    fputs("      <property", f);
    put_attribute(f, "name", full);
    put_attribute(f, "value", text);
    fputs("/>\n", f);
}

static void put_case(FILE *f, const cli_condition *c) {
    fputs("    <testcase classname=\"onnx-c2s.check\"", f);
    put_attribute(f, "name", c->text);
    if (!c->holds) {
        fputs("/>\n", f);
        return;
    }
    fputs(">\n      <failure", f);
    put_attribute(f, "message", c->values);
    fputc('>', f);
    cli_markup(f, c->text);
    fputs("</failure>\n    </testcase>\n", f);
}

/* The schema is the one of Apache Ant's JUnit task, as far as CI systems read it. */
static void put_junit(FILE *f, const cli_check_result *r) {
    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
            "  <testsuite tests=\"%zu\" failures=\"%u\" errors=\"0\"",
            r->conditions.list.count, r->conditions.failures);
    put_attribute(f, "name", r->model);
    fputs(">\n    <properties>\n", f);
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        if (!is_measured(r, id))
            continue;
        put_property(f, "", c2s_metric_all[id].name, r->metrics.value[id]);
        if (!isnan(r->metrics.reference[id]))
            put_property(f, "baseline.", c2s_metric_all[id].name, r->metrics.reference[id]);
    }
    fputs("    </properties>\n", f);
    for (size_t i = 0; i < r->conditions.list.count; i++)
        put_case(f, &r->conditions.list.at[i]);
    fputs("  </testsuite>\n</testsuites>\n", f);
}

/* ---- Markdown ---- */

static void put_markdown(FILE *f, const cli_check_result *r) {
    char text[64];
    fprintf(f, "### %s: ", r->conditions.failures ? "\xe2\x9d\x8c FAILED" : "\xe2\x9c\x85 passed");
    cli_markdown(f, r->model);
    fputs("\n\n| | fails if | values |\n| --- | --- | --- |\n", f);
    for (size_t i = 0; i < r->conditions.list.count; i++) {
        const cli_condition *c = &r->conditions.list.at[i];
        fprintf(f, "| %s | ", c->holds ? "**FAILED**" : "passed");
        cli_markdown(f, c->text);
        fputs(" | ", f);
        cli_markdown(f, c->values);
        fputs(" |\n", f);
    }
    fputs("\n| metric | baseline | now |\n| --- | ---: | ---: |\n", f);
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        if (!is_measured(r, id))
            continue;
        fputs("| ", f);
        cli_markdown(f, c2s_metric_all[id].name);
        fprintf(f, " | %s", cli_metric_text(id, r->metrics.reference[id], text, sizeof text));
        fprintf(f, " | %s |\n", cli_metric_text(id, r->metrics.value[id], text, sizeof text));
    }
    fprintf(f, "\n%zu samples\n", r->samples);
}

static c2s_status write_file(const cli_check_result *r, const char *path,
                             void (*put)(FILE *, const cli_check_result *)) {
    c2s_atomic_file file;
    C2S_TRY(c2s_atomic_open(path, &file));
    put(file.stream, r);
    return c2s_atomic_commit(&file);
}

c2s_status cli_check_write_junit(const cli_check_result *r, const char *path) {
    return write_file(r, path, put_junit);
}

c2s_status cli_check_write_markdown(const cli_check_result *r, const char *path) {
    return write_file(r, path, put_markdown);
}
