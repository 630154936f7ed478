/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_report.h"

#include <string.h>
#include <sys/resource.h>

#include "base/map.h"
#include "cli/json.h"
#include "cli/table.h"
#include "count.h"
#include "runtime/session.h"

enum { NODES_SHOWN = 30 };

/* ---- rows ---- */

static int slower(const void *a, const void *b) {
    double x = ((const cli_bench_row *)a)->seconds, y = ((const cli_bench_row *)b)->seconds;
    return (x < y) - (x > y);
}

static void sort(cli_bench_rows *rows) {
    if (rows->count)
        qsort(rows->at, rows->count, sizeof *rows->at, slower);
}

static void add_to_operator(cli_bench_rows *rows, const cli_bench_row *node) {
    for (size_t i = 0; i < rows->count; i++) {
        cli_bench_row *row = &rows->at[i];
        if (strcmp(row->node->type, node->node->type) != 0 ||
            strcmp(row->node->domain, node->node->domain) != 0 ||
            strcmp(row->kernel, node->kernel) != 0)
            continue;
        row->nodes++;
        row->seconds += node->seconds;
        row->macs += node->macs;
        row->bytes += node->bytes;
        return;
    }
    c2s_vec_push(rows, *node);
}

/* MACs of every node of the main graph for these inputs, by the node's place in the list. */
static uint64_t *count_macs(const c2s_model *model, const c2s_tensor *const *in) {
    c2s_arena *arena = c2s_arena_create();
    c2s_extents extents = {.arena = arena, .count = c2s_graph_input_count(model->graph)};
    extents.name = c2s_arena_array(arena, extents.count, sizeof *extents.name);
    extents.type = c2s_arena_array(arena, extents.count, sizeof *extents.type);
    for (unsigned k = 0; k < extents.count; k++) {
        const c2s_value *input = c2s_graph_input(model->graph, k);
        extents.name[k] = input->name;
        extents.type[k] = in[k] ? in[k]->type : input->type;
    }
    uint64_t *macs = c2s_zalloc((model->graph->node_count + 1) * sizeof *macs);
    c2s_count_node_macs(model, &extents, macs);
    c2s_arena_destroy(arena);
    return macs;
}

void cli_subject_profile(cli_subject *subject, const c2s_tensor *const *in) {
    const c2s_model *model = subject->model.model;
    uint64_t *macs = count_macs(model, in);
    size_t count = c2s_onednn_profile_read(subject->model.session, NULL);
    c2s_step_profile *steps = c2s_zalloc((count + 1) * sizeof *steps);
    c2s_onednn_profile_read(subject->model.session, steps);
    size_t *place = c2s_zalloc((model->nodes.count + 1) * sizeof *place), places = 0;
    for (const c2s_node *node = model->graph->first; node; node = node->next)
        place[node->id] = places++;
    for (size_t i = 0; i < count; i++) {
        const c2s_node *node = steps[i].node;
        if (steps[i].runs == 0)
            continue;
        bool computes = strcmp(steps[i].kernel, "reorder") != 0 &&
                        strcmp(steps[i].kernel, "convert") != 0;
        c2s_vec_push(
            &subject->nodes,
            (cli_bench_row){.node = node,
                            .kernel = steps[i].kernel,
                            .nodes = 1,
                            .seconds = 1e-9 * (double)steps[i].nanoseconds / (double)steps[i].runs,
                            .macs = computes ? macs[place[node->id]] : 0,
                            .bytes = steps[i].bytes});
        add_to_operator(&subject->operators, &subject->nodes.at[subject->nodes.count - 1]);
    }
    sort(&subject->nodes);
    sort(&subject->operators);
    free(place);
    free(steps);
    free(macs);
}

void cli_subject_close(cli_subject *s) {
    cli_model_close(&s->model);
    c2s_vec_free(&s->times);
    c2s_vec_free(&s->processor);
    c2s_vec_free(&s->nodes);
    c2s_vec_free(&s->operators);
}

/* ---- figures ---- */

static double total(const cli_bench_rows *rows) {
    double sum = 0;
    for (size_t i = 0; i < rows->count; i++)
        sum += rows->at[i].seconds;
    return sum;
}

/* 1e9 a second. */
static double rate(double amount, double seconds) {
    return seconds > 0 ? amount / seconds * 1e-9 : 0;
}

/* Of the process, in bytes. */
static uint64_t peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

/* ---- text ---- */

static void print_rows(const cli_bench_rows *rows, bool by_node, double all) {
    cli_table table;
    const char *const head[] = {
        by_node ? "node" : "operator", "kernel", "nodes", "ms", "share", "GFLOP/s", "GB/s"};
    cli_table_start(&table, 7, 2);
    for (size_t i = 0; i < 7; i++)
        cli_cell(&table, "%s", head[i]);
    for (size_t i = 0; i < rows->count && !(by_node && i == NODES_SHOWN); i++) {
        const cli_bench_row *row = &rows->at[i];
        cli_cell(&table, "%s", by_node ? c2s_node_text(row->node) : row->node->type);
        cli_cell(&table, "%s", row->kernel);
        cli_cell(&table, "%u", row->nodes);
        cli_cell(&table, "%.3f", row->seconds * 1e3);
        cli_cell(&table, "%.1f %%", all > 0 ? 100 * row->seconds / all : 0);
        if (row->macs)
            cli_cell(&table, "%.1f", rate(2.0 * (double)row->macs, row->seconds));
        else
            cli_cell(&table, "-");
        cli_cell(&table, "%.1f", rate((double)row->bytes, row->seconds));
    }
    cli_table_print(&table, stdout);
    cli_table_free(&table);
    printf("\n");
}

static void print_subject(const cli_arguments *a, cli_subject *s) {
    double median = c2s_quantile(&s->times, 0.5);
    printf("%s: median %.3f ms (%.3f to %.3f), %.1f runs/s, %zu runs\n", s->model.model->path,
           median * 1e3, c2s_quantile(&s->times, 0.1) * 1e3, c2s_quantile(&s->times, 0.9) * 1e3,
           1 / median, s->times.count);
    printf("processor time %.3f ms a run; opened in %.1f ms, first run %.1f ms\n\n",
           c2s_quantile(&s->processor, 0.5) * 1e3, s->open_seconds * 1e3, s->first_seconds * 1e3);
    print_rows(&s->operators, false, total(&s->operators));
    if (a->nodes)
        print_rows(&s->nodes, true, total(&s->nodes));
}

static void print_inputs(const c2s_graph *graph, const c2s_tensor *const *in) {
    char text[256];
    printf("inputs:");
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        if (in[k])
            printf(" %s %s", cli_shown(c2s_graph_input(graph, k)->name),
                   c2s_type_text(graph->model->dims, &in[k]->type, text, sizeof text));
    printf("\n\n");
}

/* ---- JSON ---- */

static json_t *json_rows(const cli_bench_rows *rows, bool by_node) {
    json_t *list = json_array();
    const double all = total(rows);
    for (size_t i = 0; i < rows->count; i++) {
        const cli_bench_row *row = &rows->at[i];
        json_t *entry = json_object();
        if (by_node)
            json_object_set_new(entry, "name", c2s_json_text(row->node->name));
        json_object_set_new(entry, "operator", c2s_json_text(row->node->type));
        json_object_set_new(entry, "kernel", c2s_json_text(row->kernel));
        json_object_set_new(entry, "nodes", json_integer((json_int_t)row->nodes));
        json_object_set_new(entry, "ms", c2s_json_number(row->seconds * 1e3));
        json_object_set_new(entry, "macs", json_integer((json_int_t)row->macs));
        json_object_set_new(entry, "bytes", json_integer((json_int_t)row->bytes));
        json_object_set_new(entry, "share", c2s_json_number(all > 0 ? row->seconds / all : 0));
        json_object_set_new(entry, "gflops",
                            c2s_json_number(rate(2.0 * (double)row->macs, row->seconds)));
        json_object_set_new(entry, "gb_per_second",
                            c2s_json_number(rate((double)row->bytes, row->seconds)));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *json_subject(cli_subject *s) {
    json_t *entry = json_object();
    double median = c2s_quantile(&s->times, 0.5);
    json_object_set_new(entry, "model", c2s_json_text(s->model.model->path));
    json_object_set_new(entry, "runs", json_integer((json_int_t)s->times.count));
    json_object_set_new(entry, "median_ms", c2s_json_number(median * 1e3));
    json_object_set_new(entry, "p10_ms", c2s_json_number(c2s_quantile(&s->times, 0.1) * 1e3));
    json_object_set_new(entry, "p90_ms", c2s_json_number(c2s_quantile(&s->times, 0.9) * 1e3));
    json_object_set_new(entry, "processor_ms",
                        c2s_json_number(c2s_quantile(&s->processor, 0.5) * 1e3));
    json_object_set_new(entry, "runs_per_second", c2s_json_number(1 / median));
    json_object_set_new(entry, "open_ms", c2s_json_number(s->open_seconds * 1e3));
    json_object_set_new(entry, "first_ms", c2s_json_number(s->first_seconds * 1e3));
    json_object_set_new(entry, "operators", json_rows(&s->operators, false));
    json_object_set_new(entry, "nodes", json_rows(&s->nodes, true));
    return entry;
}

static json_t *json_inputs(const c2s_graph *graph, const c2s_tensor *const *in) {
    json_t *list = json_array();
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
        if (!in[k])
            continue;
        json_t *entry = json_object(), *dims = json_array();
        for (int i = 0; in[k]->type.kind == C2S_KIND_TENSOR && i < in[k]->type.rank; i++)
            json_array_append_new(dims, json_integer((json_int_t)in[k]->type.dim[i]));
        json_object_set_new(entry, "name", c2s_json_text(c2s_graph_input(graph, k)->name));
        json_object_set_new(entry, "dims", dims);
        json_array_append_new(list, entry);
    }
    return list;
}

static c2s_status print_json(cli_subject *subjects, unsigned count, const c2s_ratio *ratio,
                             const c2s_tensor *const *in) {
    json_t *root = json_object(), *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_subject(&subjects[i]));
    json_object_set_new(root, "models", list);
    json_object_set_new(root, "inputs", json_inputs(subjects[0].model.model->graph, in));
    json_object_set_new(root, "peak_memory_bytes", json_integer((json_int_t)peak_memory()));
    if (count > 1)
        json_object_set_new(root, "ratio",
                            json_pack("{s:f, s:f, s:f}", "median", ratio->median, "low", ratio->low,
                                      "high", ratio->high));
    return cli_json_print(root, stdout);
}

c2s_status cli_bench_report(const cli_arguments *a, cli_subject *subjects, unsigned count,
                            const c2s_tensor *const *in) {
    c2s_ratio ratio = {0};
    if (count > 1) /* before the times are sorted */
        ratio = c2s_ratio_of(&subjects[0].times, &subjects[1].times);
    if (a->json)
        return print_json(subjects, count, &ratio, in);
    if (a->quiet)
        return C2S_OK;
    print_inputs(subjects[0].model.model->graph, in);
    for (unsigned i = 0; i < count; i++)
        print_subject(a, &subjects[i]);
    if (count > 1)
        printf("the second takes %.3f of the time of the first (95 %% confidence: %.3f to %.3f)\n",
               ratio.median, ratio.low, ratio.high);
    printf("peak memory %s\n", cli_bytes(peak_memory()));
    return C2S_OK;
}
