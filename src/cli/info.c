/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s info: what is in a model.
 */
#include <string.h>

#include "base/status.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/verbs.h"
#include "io/normalise.h"
#include "ir/graph_list.h"
#include "ops/op.h"
#include "passes/quant/quantized_form.h"

static const cli_option options[] = {
    {0, "values", NULL, "also every value and the type that inference finds for it", CLI_FLAG,
     offsetof(cli_arguments, values)},
    CLI_JSON_OPTION,
    {0}};

typedef struct op_count {
    const char *domain, *type;
    unsigned count;
    bool known;
} op_count;

typedef C2S_VEC(op_count) op_counts;

static int compare_counts(const void *a, const void *b) {
    const op_count *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    int order = strcmp(x->domain, y->domain);
    return order ? order : strcmp(x->type, y->type);
}

static int compare_types(const void *a, const void *b) {
    const op_count *x = a, *y = b;
    int order = strcmp(x->domain, y->domain);
    return order ? order : strcmp(x->type, y->type);
}

/* One entry per operator, most frequent first. */
static void count_operators(const c2s_model *model, op_counts *counts) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < model->functions.count; i++)
        c2s_graph_list_add(&graphs, model->functions.at[i]->graph);
    for (size_t i = 0; i < graphs.count; i++)
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next) {
            bool known = node->op != &c2s_op_opaque || c2s_normalise_knows(model, node) ||
                         c2s_model_function(model, node->domain, node->type, node->overload);
            c2s_vec_push(counts, ((op_count){node->domain, node->type, 1, known}));
        }
    c2s_vec_free(&graphs);
    if (counts->count == 0)
        return;
    qsort(counts->at, counts->count, sizeof *counts->at, compare_types);
    size_t kept = 0;
    for (size_t i = 1; i < counts->count; i++) {
        if (compare_types(&counts->at[kept], &counts->at[i]) == 0)
            counts->at[kept].count++;
        else
            counts->at[++kept] = counts->at[i];
    }
    counts->count = kept + 1;
    qsort(counts->at, counts->count, sizeof *counts->at, compare_counts);
}

/* ---- for people ---- */

static void print_values(const c2s_model *model, bool outputs) {
    const c2s_graph *graph = model->graph;
    char type[512];
    unsigned count = outputs ? c2s_graph_output_count(graph) : c2s_graph_input_count(graph);
    for (unsigned i = 0; i < count; i++) {
        const c2s_value *value = outputs ? c2s_graph_output(graph, i) : c2s_graph_input(graph, i);
        if (!outputs && value->initial)
            continue;
        printf("%s  %s: %s\n", outputs ? "output" : "input ",
               cli_shown(outputs ? c2s_graph_output_name(graph, i) : value->name),
               c2s_type_text(model->dims, &value->type, type, sizeof type));
    }
}

static void print_info(const c2s_model *model, const c2s_counts *counts, const op_counts *ops) {
    printf("%s: IR version %lld, opset", model->path, (long long)model->ir_version);
    const char *between = "";
    if (c2s_model_opset(model, "")) {
        printf(" %lld", (long long)c2s_model_opset(model, ""));
        between = ",";
    }
    for (size_t i = 0; i < model->opsets.count; i++) {
        const c2s_opset *o = &model->opsets.at[i];
        if (!o->domain[0])
            continue;
        printf("%s %s %lld", between, cli_shown(o->domain), (long long)o->version);
        between = ",";
    }
    c2s_form form;
    char text[512];
    c2s_form_of(model, &form);
    printf("\nform: %s\n\n", c2s_form_text(&form, text, sizeof text));
    print_values(model, false);
    print_values(model, true);
    unsigned overridable = 0;
    for (unsigned i = 0; i < c2s_graph_input_count(model->graph); i++)
        overridable += c2s_graph_input(model->graph, i)->initial != NULL;
    if (overridable)
        printf("        and %u inputs with initializers\n", overridable);
    cli_table table;
    cli_table_start(&table, 2, 1);
    cli_cell(&table, "\nnodes");
    cli_cell(&table, "%s", cli_count(counts->nodes));
    cli_cell(&table, "parameters");
    cli_cell(&table, "%s", cli_count(counts->parameters));
    cli_cell(&table, "bytes");
    cli_cell(&table, "%s", cli_bytes(counts->bytes));
    cli_cell(&table, "multiply-accumulates");
    cli_cell(&table, "%s", cli_count(counts->macs));
    cli_cell(&table, "peak activations");
    cli_cell(&table, "%s", cli_bytes(counts->peak_activation_bytes));
    cli_table_print(&table, stdout);
    cli_table_free(&table);
    printf("\n");
    cli_table_start(&table, 3, 1);
    for (size_t i = 0; i < ops->count; i++) {
        const op_count *o = &ops->at[i];
        cli_cell(&table, "%s%s%s", o->domain, o->domain[0] ? "." : "", o->type);
        cli_cell(&table, "%u", o->count);
        cli_cell(&table, "%s", o->known ? "" : "unknown");
    }
    cli_table_print(&table, stdout);
    cli_table_free(&table);
}

/* ---- for machines ---- */

static json_t *form_json(const c2s_model *model) {
    c2s_form form;
    json_t *codes = json_object();
    c2s_form_of(model, &form);
    for (int i = 0; i < C2S_DTYPE_COUNT; i++)
        if (form.codes[i])
            json_object_set_new(codes, c2s_dtype_name((c2s_dtype)i), json_integer(form.codes[i]));
    return json_pack("{s:b, s:i, s:i, s:i, s:i, s:o}", "quantized", c2s_form_is_quantized(&form),
                     "quantizers", (int)form.quantizers, "qoperators", (int)form.qoperators,
                     "dynamic", (int)form.dynamic, "halves", (int)form.halves, "codes", codes);
}

static c2s_status print_json(const c2s_model *model, const c2s_counts *counts,
                             const op_counts *ops, const c2s_model *inferred) {
    const c2s_graph *graph = model->graph;
    json_t *inputs = json_array(), *outputs = json_array(), *opsets = json_object(),
           *operators = json_array(), *root = cli_json_counts(counts);
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        const c2s_value *input = c2s_graph_input(graph, i);
        json_t *value = cli_value_json(model, input->name, &input->type);
        json_object_set_new(value, "has_initializer", json_boolean(input->initial != NULL));
        json_array_append_new(inputs, value);
    }
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++)
        json_array_append_new(outputs, cli_value_json(model, c2s_graph_output_name(graph, i),
                                                  &c2s_graph_output(graph, i)->type));
    for (size_t i = 0; i < model->opsets.count; i++) {
        const char *domain = model->opsets.at[i].domain;
        json_object_set_new(opsets, domain[0] ? domain : "ai.onnx",
                            json_integer(model->opsets.at[i].version));
    }
    for (size_t i = 0; i < ops->count; i++) {
        const op_count *o = &ops->at[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "domain", c2s_json_text(o->domain[0] ? o->domain : "ai.onnx"));
        json_object_set_new(entry, "type", c2s_json_text(o->type));
        json_object_set_new(entry, "count", json_integer(o->count));
        json_object_set_new(entry, "known", json_boolean(o->known));
        json_array_append_new(operators, entry);
    }
    json_object_set_new(root, "ir_version", json_integer(model->ir_version));
    json_object_set_new(root, "opsets", opsets);
    json_object_set_new(root, "form", form_json(model));
    json_object_set_new(root, "inputs", inputs);
    json_object_set_new(root, "outputs", outputs);
    json_object_set_new(root, "operators", operators);
    if (inferred)
        json_object_set_new(root, "values", cli_values_json(inferred));
    return cli_json_print(root, stdout);
}

static c2s_status show(const cli_arguments *a, c2s_model *model) {
    c2s_counts counts;
    c2s_model *inferred = NULL;
    C2S_TRY(c2s_model_count(model, &counts));
    if (a->values)
        C2S_TRY(c2s_model_infer_copy(model, &inferred));
    op_counts ops = {0};
    count_operators(model, &ops);
    c2s_status status = C2S_OK;
    if (a->json)
        status = print_json(model, &counts, &ops, inferred);
    else
        print_info(model, &counts, &ops);
    if (inferred && !a->json) {
        fputc('\n', stdout);
        cli_values_print(inferred, stdout);
    }
    c2s_vec_free(&ops);
    c2s_model_destroy(inferred);
    return status;
}

static c2s_status run(const cli_arguments *arguments) {
    c2s_model *model;
    C2S_TRY(c2s_model_load(arguments->positional.at[0], &model));
    c2s_status status = show(arguments, model);
    if (status != C2S_OK)
        c2s_note("%s", arguments->positional.at[0]);
    c2s_model_free(model);
    return status;
}

const cli_verb cli_verb_info = {
    .name = "info",
    .usage = "info [--values] MODEL",
    .summary = "Inputs, outputs, operators and size of a model, and how it is quantized. "
               "MODEL may be - for\nstandard input.",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
