/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/comparison_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "eval/metric_json.h"

enum { LAYERS_SHOWN = 20 };

/* ---- text ---- */

static const c2s_metric_id output_columns[] = {
    C2S_METRIC_MAX_ABS, C2S_METRIC_MEAN_ABS,       C2S_METRIC_MAX_REL,
    C2S_METRIC_SQNR,    C2S_METRIC_PSNR,           C2S_METRIC_COSINE,
    C2S_METRIC_KL,      C2S_METRIC_TOP1_AGREEMENT, C2S_METRIC_TOP5_AGREEMENT};
enum { OUTPUT_COLUMNS = sizeof output_columns / sizeof *output_columns };

/* A column that no output has a value for is left out. */
static bool has_column(const cli_comparison *c, c2s_metric_id id) {
    for (unsigned i = 0; i < c->outputs; i++)
        if (!isnan(c->output[i].value[id]))
            return true;
    return false;
}

static void number_cell(cli_table *table, c2s_metric_id id, double value) {
    const char *unit = c2s_metric_all[id].unit;
    if (isnan(value))
        cli_cell(table, "-");
    else if (unit[0] && strcmp(unit, "nats") != 0)
        cli_cell(table, "%.*f", unit[0] == '%' ? 2 : 1, value);
    else if (id == C2S_METRIC_COSINE)
        cli_cell(table, "%.7f", value);
    else
        cli_cell(table, "%.2e", value);
}

static void print_outputs(const cli_comparison *c) {
    bool shown[OUTPUT_COLUMNS];
    unsigned columns = 0;
    for (size_t k = 0; k < OUTPUT_COLUMNS; k++)
        columns += shown[k] = has_column(c, output_columns[k]);
    cli_table table;
    cli_table_start(&table, columns + 2, 1);
    cli_cell(&table, "output");
    for (size_t k = 0; k < OUTPUT_COLUMNS; k++)
        if (shown[k]) {
            const c2s_metric *m = &c2s_metric_all[output_columns[k]];
            cli_cell(&table, "%s%s%s", m->name, m->unit[0] ? " " : "", m->unit);
        }
    cli_cell(&table, "%s", "");
    for (unsigned i = 0; i < c->outputs; i++) {
        const cli_compared_output *o = &c->output[i];
        cli_cell(&table, "%s", o->name);
        for (size_t k = 0; k < OUTPUT_COLUMNS; k++)
            if (shown[k])
                number_cell(&table, output_columns[k], o->value[output_columns[k]]);
        cli_cell(&table, "%s", o->ok ? "ok" : o->same_type ? "differs" : "other type");
    }
    cli_table_print(&table, stdout);
    cli_table_free(&table);
}

/* What both models have: A, B, change. */
static void print_pairs(const c2s_metrics *m) {
    cli_table table;
    bool any = false;
    cli_table_start(&table, 4, 1);
    for (const char *const *head = (const char *const[]){"", "A", "B", "change", NULL}; *head;
         head++)
        cli_cell(&table, "%s", *head);
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        if (isnan(m->value[id]) || isnan(m->reference[id]))
            continue;
        char a[64], b[64];
        const char *unit = c2s_metric_all[id].unit;
        cli_cell(&table, "%s", c2s_metric_all[id].name);
        cli_cell(&table, "%s", cli_metric_text(id, m->reference[id], a, sizeof a));
        cli_cell(&table, "%s", cli_metric_text(id, m->value[id], b, sizeof b));
        const double by = m->value[id] == m->reference[id] ? 0 : m->value[id] - m->reference[id];
        cli_cell(&table, by == floor(by) ? "%+.0f%s%s" : "%+.4g%s%s", by, unit[0] ? " " : "",
                 unit[0] == '%' ? "points" : unit);
        any = true;
    }
    if (any) {
        putchar('\n');
        cli_table_print(&table, stdout);
    }
    cli_table_free(&table);
}

static void print_classes(const cli_comparison *c) {
    const int64_t worst = c2s_class_scores_worst(&c->classes);
    const double drop = c->metrics.value[C2S_METRIC_CLASS_WORST_DROP];
    if (worst < 0)
        return;
    const c2s_class_tally *t = c2s_class_scores_tally(&c->classes);
    printf("top-1: %+.2f points, standard error %.2f\n", 0 - c->metrics.value[C2S_METRIC_TOP1_DROP],
           c->metrics.value[C2S_METRIC_TOP1_DROP_ERROR]);
    if (drop > 0)
        printf("the class that loses most is %lld: %.2f points of its %llu rows\n",
               (long long)worst, drop, (unsigned long long)t->classes.at[worst].rows);
    else
        printf("no class loses\n");
}

static void print_layers(const cli_layers *l, double tolerance, bool all) {
    const cli_layer *first = cli_layers_first(l, tolerance);
    printf(
        "\n%zu values on the way compared, %zu of them matched by structure; %zu have no partner\n",
        l->count, l->by_structure, l->unmatched);
    char operator[256];
    if (first) {
        cli_layer_operator(first, operator, sizeof operator);
        printf("the first that diverges is \"%s\" of node \"%s\" (%s)\n", cli_shown(first->pair.a->name),
               cli_shown(c2s_node_name(first->pair.a->def)), operator);
    } else
        printf("none diverges\n");
    if (!first && !all)
        return;
    cli_table table;
    cli_table_start(&table, 6, 2);
    const char *const head[] = {"value", "operator", "adds noise", "sqnr dB", "max_rel", ""};
    for (size_t k = 0; k < sizeof head / sizeof *head; k++)
        cli_cell(&table, "%s", head[k]);
    const cli_layer **list = cli_layers_by_damage(l);
    for (size_t i = 0; i < l->count && (all || i < LAYERS_SHOWN); i++) {
        const cli_layer *layer = list[i];
        cli_cell(&table, "%s", layer->pair.a->name);
        cli_layer_operator(layer, operator, sizeof operator);
        cli_cell(&table, "%s", operator);
        number_cell(&table, C2S_METRIC_MAX_ABS, layer->added);
        number_cell(&table, C2S_METRIC_SQNR, c2s_distance_sqnr(&layer->distance));
        number_cell(&table, C2S_METRIC_MAX_REL,
                    layer->distance.samples ? layer->distance.max_rel : (double)NAN);
        if (cli_layer_mismatch(layer))
            cli_cell(&table, "%s", cli_layer_mismatch(layer));
        else if (layer->pair.by_name)
            cli_cell(&table, "%s", "");
        else
            cli_cell(&table, "is \"%s\"", layer->pair.b->name);
    }
    cli_table_print(&table, stdout);
    if (!all && l->count > LAYERS_SHOWN)
        printf("(%d of %zu; -v shows all)\n", LAYERS_SHOWN, l->count);
    cli_table_free(&table);
    free(list);
}

static void print_conditions(const cli_conditions *conditions) {
    for (size_t i = 0; i < conditions->list.count; i++) {
        const cli_condition *c = &conditions->list.at[i];
        printf("%s: %s (%s)\n", c->holds ? "FAILED" : "passed", c->text, c->values);
    }
}

void cli_comparison_print(const cli_comparison *c, const cli_layers *layers,
                          const cli_conditions *conditions, double tolerance, bool all) {
    print_outputs(c);
    print_pairs(&c->metrics);
    print_classes(c);
    if (layers)
        print_layers(layers, tolerance, all);
    printf("%zu samples\n", c->samples);
    if (conditions)
        print_conditions(conditions);
}

/* ---- JSON ---- */

static json_t *outputs_json(const cli_comparison *c) {
    json_t *outputs = json_array();
    for (unsigned i = 0; i < c->outputs; i++) {
        const cli_compared_output *o = &c->output[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "name", c2s_json_text(o->name));
        json_object_set_new(entry, "ok", json_boolean(o->ok));
        json_object_set_new(entry, "same_type", json_boolean(o->same_type));
        json_object_set_new(entry, "metrics", c2s_metrics_json(o->value));
        json_array_append_new(outputs, entry);
    }
    return outputs;
}

static json_t *classes_json(const c2s_class_scores *scores) {
    const c2s_class_tally *t = c2s_class_scores_tally(scores);
    json_t *list = json_array();
    for (size_t k = 0; k < t->classes.count; k++) {
        const c2s_class_count *c = &t->classes.at[k];
        if (c->rows > 0)
            json_array_append_new(list, json_pack("{s:I, s:I, s:I, s:I}", "class", (json_int_t)k,
                                                  "rows", (json_int_t)c->rows, "hits_before",
                                                  (json_int_t)c->hits_first, "hits",
                                                  (json_int_t)c->hits));
    }
    return list;
}

static json_t *layer_json(const cli_layer *layer) {
    double value[C2S_METRIC_COUNT];
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++)
        value[id] = (double)NAN;
    c2s_distance_metrics(&layer->distance, value);
    json_t *json = json_object();
    json_object_set_new(json, "value", c2s_json_text(layer->pair.a->name));
    json_object_set_new(json, "operator", c2s_json_text(layer->pair.a->def->type));
    char operator[256];
    cli_layer_operator(layer, operator, sizeof operator);
    json_object_set_new(json, "place", c2s_json_text(operator));
    json_object_set_new(json, "other", c2s_json_text(layer->pair.b->name));
    json_object_set_new(json, "matched", json_string(layer->pair.by_name ? "name" : "structure"));
    json_object_set_new(json, "other_shape", json_boolean(layer->distance.other_shape > 0));
    json_object_set_new(json, "other_trips", json_boolean(layer->other_trips));
    json_object_set_new(json, "added_noise", c2s_json_value(layer->added));
    json_object_set_new(json, "metrics", c2s_metrics_json(value));
    return json;
}

static json_t *layers_json(const cli_layers *layers) {
    json_t *list = json_array();
    const cli_layer **sorted = cli_layers_by_damage(layers);
    for (size_t i = 0; i < layers->count; i++)
        json_array_append_new(list, layer_json(sorted[i]));
    free(sorted);
    return list;
}

json_t *cli_comparison_json(const cli_comparison *c, const cli_layers *layers,
                            const cli_conditions *conditions, double tolerance) {
    json_t *root = json_object();
    json_object_set_new(root, "samples", json_integer((json_int_t)c->samples));
    json_object_set_new(root, "outputs", outputs_json(c));
    json_object_set_new(root, "metrics", cli_metrics_json_pairs(&c->metrics));
    if (c2s_class_scores_tally(&c->classes)->rows > 0)
        json_object_set_new(root, "classes", classes_json(&c->classes));
    if (layers) {
        const cli_layer *first = cli_layers_first(layers, tolerance);
        json_object_set_new(root, "first_divergence",
                            first ? c2s_json_text(first->pair.a->name) : json_null());
        json_object_set_new(root, "unmatched", json_integer((json_int_t)layers->unmatched));
        json_object_set_new(root, "layers", layers_json(layers));
    }
    if (conditions)
        json_object_set_new(root, "conditions", cli_conditions_json(conditions));
    return root;
}
