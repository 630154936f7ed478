/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s compare: two models on the same inputs.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "cli/execution.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "eval/compare.h"

static const cli_option options[] = {
    CLI_DATA_OPTION,
    CLI_IMAGE_OPTION,
    CLI_SAMPLES_OPTION,
    CLI_SEED_OPTION,
    CLI_DIM_OPTION,
    {0, "tolerance", "X", "largest relative error of an output (default: by its type)", CLI_NUMBER,
     offsetof(cli_arguments, tolerance)},
    {0, "threads", "N", "threads (default: all processors)", CLI_INTEGER,
     offsetof(cli_arguments, threads)},
    CLI_MEMORY_OPTION,
    CLI_SIMULATE_OPTION,
    CLI_EMULATE_OPTION,
    CLI_JSON_OPTION,
    {0}};

/* One output over all samples. */
typedef struct output_result {
    bool ok, same_type;
    double max_abs, max_rel, sqnr_db;
    uint64_t mismatches;
} output_result;

static c2s_status check_interfaces(const c2s_graph *a, const c2s_graph *b, int *input_of_b) {
    unsigned count = c2s_graph_output_count(a);
    if (count != c2s_graph_output_count(b))
        return c2s_fail(C2S_ERR_TOLERANCE, "%s has %u outputs, %s has %u", a->model->path, count,
                        b->model->path, c2s_graph_output_count(b));
    for (unsigned i = 0; i < count; i++)
        if (strcmp(c2s_graph_output_name(a, i), c2s_graph_output_name(b, i)) != 0)
            return c2s_fail(C2S_ERR_TOLERANCE, "output %u is \"%s\" in %s, \"%s\" in %s", i,
                            c2s_graph_output_name(a, i), a->model->path,
                            c2s_graph_output_name(b, i), b->model->path);
    for (unsigned k = 0; k < c2s_graph_input_count(b); k++) {
        const c2s_value *input = c2s_graph_input(b, k);
        input_of_b[k] = -1;
        for (unsigned i = 0; i < c2s_graph_input_count(a); i++)
            if (strcmp(c2s_graph_input(a, i)->name, input->name) == 0)
                input_of_b[k] = (int)i;
        if (input_of_b[k] < 0 && !input->initial)
            return c2s_fail(C2S_ERR_TOLERANCE, "%s has an input \"%s\", %s has none",
                            b->model->path, input->name, a->model->path);
    }
    return C2S_OK;
}

static void add_result(output_result *r, const c2s_tensor *reference, const c2s_tensor *found,
                       double tolerance) {
    c2s_difference d;
    bool ok = c2s_compare(reference, found, tolerance > 0 ? tolerance : -1, &d);
    r->ok &= ok;
    r->same_type &= d.same_type;
    if (!d.same_type)
        return;
    r->max_abs = fmax(r->max_abs, d.max_abs);
    r->max_rel = fmax(r->max_rel, d.max_rel);
    r->sqnr_db = fmin(r->sqnr_db, d.sqnr_db);
    r->mismatches += d.mismatches;
}

typedef struct buffers {
    c2s_tensor **in, **out_a, **out_b;
    const c2s_tensor **in_b;
    int *input_of_b;
} buffers;

static c2s_status compare_sample(const cli_model *a, const cli_model *b, cli_inputs *inputs,
                                 size_t index, const buffers *t, double tolerance,
                                 output_result *result) {
    unsigned outputs = c2s_graph_output_count(a->model->graph);
    C2S_TRY(cli_run_sample(a, inputs, index, t->in, t->out_a));
    for (unsigned k = 0; k < c2s_graph_input_count(b->model->graph); k++)
        t->in_b[k] = t->input_of_b[k] < 0 ? NULL : t->in[t->input_of_b[k]];
    c2s_status status = cli_model_run(b, t->in_b, t->out_b);
    if (status == C2S_OK) {
        for (unsigned i = 0; i < outputs; i++)
            add_result(&result[i], t->out_a[i], t->out_b[i], tolerance);
        cli_release(t->out_b, outputs);
    }
    cli_release(t->out_a, outputs);
    return status;
}

static c2s_status compare(const cli_arguments *arguments, const cli_model *a, const cli_model *b,
                          cli_inputs *inputs, output_result *result) {
    const c2s_graph *ga = a->model->graph, *gb = b->model->graph;
    unsigned outputs = c2s_graph_output_count(ga), inputs_a = c2s_graph_input_count(ga);
    c2s_arena *arena = c2s_arena_create();
    buffers t = {
        .in = c2s_arena_array(arena, inputs_a, sizeof *t.in),
        .out_a = c2s_arena_array(arena, outputs, sizeof *t.out_a),
        .out_b = c2s_arena_array(arena, outputs, sizeof *t.out_b),
        .in_b = c2s_arena_array(arena, c2s_graph_input_count(gb), sizeof *t.in_b),
        .input_of_b = c2s_arena_array(arena, c2s_graph_input_count(gb), sizeof *t.input_of_b),
    };
    c2s_status status = check_interfaces(ga, gb, t.input_of_b);
    for (size_t k = 0; k < inputs->count && status == C2S_OK; k++) {
        c2s_progress("comparing", (double)k / (double)inputs->count);
        status = compare_sample(a, b, inputs, k, &t, arguments->tolerance, result);
        cli_release(t.in, inputs_a);
    }
    c2s_arena_destroy(arena);
    return status;
}

static void print_table(const c2s_graph *graph, const output_result *result, size_t samples) {
    static const char *const head[] = {"output", "max abs", "max rel", "SQNR dB", ""};
    cli_table table;
    cli_table_start(&table, 5, 1);
    for (size_t i = 0; i < 5; i++)
        cli_cell(&table, "%s", head[i]);
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++) {
        const output_result *r = &result[i];
        cli_cell(&table, "%s", c2s_graph_output_name(graph, i));
        cli_cell(&table, "%.2e", r->max_abs);
        cli_cell(&table, "%.2e", r->max_rel);
        cli_cell(&table, "%.1f", r->sqnr_db);
        cli_cell(&table, "%s", r->ok ? "ok" : r->same_type ? "differs" : "other type");
    }
    cli_table_print(&table, stdout);
    cli_table_free(&table);
    printf("%zu samples\n", samples);
}

static c2s_status print_json(const c2s_graph *graph, const output_result *result, size_t samples) {
    json_t *outputs = json_array();
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++) {
        const output_result *r = &result[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "name", cli_json_text(c2s_graph_output_name(graph, i)));
        json_object_set_new(entry, "ok", json_boolean(r->ok));
        json_object_set_new(entry, "same_type", json_boolean(r->same_type));
        json_object_set_new(entry, "max_abs", cli_json_number(r->max_abs));
        json_object_set_new(entry, "max_rel", cli_json_number(r->max_rel));
        json_object_set_new(entry, "sqnr_db", cli_json_number(r->sqnr_db));
        json_object_set_new(entry, "mismatches", json_integer((json_int_t)r->mismatches));
        json_array_append_new(outputs, entry);
    }
    return cli_json_print(json_pack("{s:I, s:o}", "samples", (json_int_t)samples, "outputs", outputs),
                          stdout);
}

static c2s_status report(const cli_arguments *arguments, const c2s_graph *graph,
                         const output_result *result, size_t samples) {
    if (arguments->json)
        C2S_TRY(print_json(graph, result, samples));
    else if (!arguments->quiet)
        print_table(graph, result, samples);
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++)
        if (!result[i].ok)
            return c2s_fail(C2S_ERR_TOLERANCE, "output \"%s\" differs",
                            c2s_graph_output_name(graph, i));
    return C2S_OK;
}

static c2s_status run(const cli_arguments *arguments) {
    cli_model a, b = {0};
    cli_inputs inputs = {0};
    cli_arguments exact = *arguments;
    exact.emulate = NULL;
    C2S_TRY(cli_model_open(arguments->positional.at[0], &exact, &a));
    c2s_graph *graph = a.model->graph;
    unsigned outputs = c2s_graph_output_count(graph);
    output_result *result = c2s_zalloc((outputs + 1) * sizeof *result);
    for (unsigned i = 0; i < outputs; i++)
        result[i] = (output_result){.ok = true, .same_type = true, .sqnr_db = (double)INFINITY};
    c2s_status status = cli_model_open(arguments->positional.at[1], arguments, &b);
    if (status == C2S_OK)
        status = cli_inputs_open(graph, arguments, 0, &inputs);
    if (status == C2S_OK)
        status = compare(arguments, &a, &b, &inputs, result);
    if (status == C2S_OK)
        status = report(arguments, graph, result, inputs.count);
    free(result);
    cli_inputs_close(&inputs);
    cli_model_close(&a);
    cli_model_close(&b);
    return status;
}

const cli_verb cli_verb_compare = {
    .name = "compare",
    .usage = "compare A B [--data PATH]",
    .summary = "Runs two models on the same inputs and compares every output. Exit code 7 if they differ.",
    .options = options,
    .details = "max rel is the largest difference relative to the largest magnitude of A's output;\n"
               "SQNR is 10 log10 of signal over error power, the worst sample of each output.\n"
               "--emulate is for B alone: of a model and itself it shows what a processor loses.",
    .least = 2,
    .most = 2,
    .run = run,
};
