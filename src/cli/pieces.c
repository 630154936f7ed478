/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s extract and merge: models out of parts of models.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "ir/graph.h"

static c2s_status save(const cli_arguments *a, c2s_model *model, const char *path) {
    c2s_save_options options = {a->external_data, a->external_threshold};
    C2S_TRY(c2s_model_save(model, path, &options));
    if (a->quiet || strcmp(path, "-") == 0)
        return C2S_OK;
    char text[160];
    const c2s_graph *graph = model->graph;
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        const c2s_value *value = c2s_graph_input(graph, i);
        printf("input   %s  %s\n", cli_shown(value->name),
               c2s_type_text(model->dims, &value->type, text, sizeof text));
    }
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++)
        printf("output  %s  %s\n", cli_shown(c2s_graph_output_name(graph, i)),
               c2s_type_text(model->dims, &c2s_graph_output(graph, i)->type, text, sizeof text));
    return C2S_OK;
}

#define EXTERNAL_OPTION                                                                            \
    {                                                                                              \
        0, "external-data", "[=BYTES]", "write tensors of at least BYTES (1k) to OUT.data",        \
            CLI_EXTERNAL, 0                                                                        \
    }

/* ---- extract ---- */

static const cli_option extract_options[] = {
    {0, "from", "VALUE", "a value that becomes an input; may be repeated", CLI_TEXTS,
     offsetof(cli_arguments, from)},
    {0, "to", "VALUE", "a value that becomes an output; may be repeated (default: all outputs)",
     CLI_TEXTS, offsetof(cli_arguments, to)},
    EXTERNAL_OPTION,
    {0}};

static c2s_status extract(const cli_arguments *a) {
    c2s_model *model;
    C2S_TRY(c2s_model_load(a->positional.at[0], &model));
    c2s_status status = c2s_model_extract(model, a->from.at, (unsigned)a->from.count, a->to.at,
                                          (unsigned)a->to.count);
    if (status != C2S_OK)
        c2s_note("%s", a->positional.at[0]);
    else
        status = save(a, model, a->positional.at[1]);
    c2s_model_free(model);
    return status;
}

const cli_verb cli_verb_extract = {
    .name = "extract",
    .usage = "extract [--from VALUE] [--to VALUE] IN OUT",
    .summary = "Cuts a piece out of a model.\nWhat is needed to compute the --to values from the "
               "--from values becomes a model of its own.",
    .options = extract_options,
    .details = "Names of values: onnx-c2s info --values IN\n"
               "  onnx-c2s extract --from features --to scores model.onnx head.onnx",
    .least = 2,
    .most = 2,
    .run = extract,
};

/* ---- merge ---- */

static const cli_option merge_options[] = {
    {0, "connect", "OUTPUT=INPUT",
     "an output of FIRST is that input of SECOND; may be repeated (default: equal names)",
     CLI_TEXTS, offsetof(cli_arguments, connections)},
    {0, "share-inputs", NULL, "inputs of the same name and type become one", CLI_FLAG,
     offsetof(cli_arguments, share)},
    {0, "parallel", NULL, "connect nothing", CLI_FLAG, offsetof(cli_arguments, parallel)},
    EXTERNAL_OPTION,
    {0}};

static c2s_status parse_connection(const char *text, c2s_arena *arena, c2s_connection *out) {
    char *output = c2s_arena_strdup(arena, text), *equals = strchr(output, '=');
    if (!equals || equals == output || !equals[1])
        return c2s_fail(C2S_ERR_USAGE, "--connect %s: expected OUTPUT=INPUT", text);
    *equals = '\0';
    *out = (c2s_connection){output, equals + 1};
    return C2S_OK;
}

static c2s_status merge_with(const cli_arguments *a, const c2s_connection *connections,
                             c2s_model *first) {
    c2s_model *second;
    C2S_TRY(c2s_model_load(a->positional.at[1], &second));
    const c2s_merge_options options = {connections, (unsigned)a->connections.count, a->parallel,
                                       a->share};
    c2s_status status = c2s_model_merge(first, second, &options);
    if (status == C2S_OK)
        status = save(a, first, a->positional.at[2]);
    c2s_model_free(second);
    return status;
}

static c2s_status merge(const cli_arguments *a) {
    if (a->parallel && a->connections.count)
        return c2s_fail(C2S_ERR_USAGE, "--parallel and --connect exclude each other");
    c2s_arena *arena = c2s_arena_create();
    c2s_connection *connections = c2s_arena_array(arena, a->connections.count, sizeof *connections);
    c2s_status status = C2S_OK;
    for (size_t i = 0; i < a->connections.count && status == C2S_OK; i++)
        status = parse_connection(a->connections.at[i], arena, &connections[i]);
    c2s_model *first = NULL;
    if (status == C2S_OK)
        status = c2s_model_load(a->positional.at[0], &first);
    if (status == C2S_OK)
        status = merge_with(a, connections, first);
    c2s_model_free(first);
    c2s_arena_destroy(arena);
    return status;
}

const cli_verb cli_verb_merge = {
    .name = "merge",
    .usage = "merge [--connect OUTPUT=INPUT] FIRST SECOND OUT",
    .summary = "Makes one model of two.\nSECOND runs on outputs of FIRST, or beside it "
               "(--parallel). Names of SECOND that FIRST has, too, get a number.",
    .options = merge_options,
    .details = "  onnx-c2s merge --connect features=x backbone.onnx head.onnx model.onnx",
    .least = 3,
    .most = 3,
    .run = merge,
};
