/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "ir/graph.h"
#include "ir/internal.h"
#include "ops/op.h"

/* Failures here are bugs of a pass or of the loader, not of a file: the message says which
 * invariant broke, for whoever writes the pass. */
#define EXPECT(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return c2s_fail(C2S_ERR_INVALID, __VA_ARGS__);                                         \
    } while (0)

enum { MAX_NESTING = 128 };

/* Names are interned. */
static c2s_status verify_name(c2s_map *names, const c2s_value *value) {
    EXPECT(!c2s_map_get(names, value->name), "two values are called \"%s\"", value->name);
    c2s_map_put(names, value->name, (void *)(uintptr_t)value);
    return C2S_OK;
}

static c2s_status verify_value(const c2s_value *value, const c2s_graph *graph) {
    const c2s_model *model = graph->model;
    EXPECT(value->graph == graph, "value \"%s\" is used outside its graph", value->name);
    EXPECT(value->id < model->values.count && model->values.at[value->id] == value,
           "value \"%s\" was removed but is still in the graph", value->name);
    unsigned count = 0;
    c2s_value_each_use(use, value) {
        EXPECT(use->value == value && use->next->prev == use && use->prev->next == use,
               "the use ring of value \"%s\" is broken", value->name);
        EXPECT(use->slot < use->user->input_count && &use->user->inputs[use->slot] == use,
               "value \"%s\" is used by a slot that does not exist", value->name);
        EXPECT(model->nodes.at[use->user->id] == use->user,
               "value \"%s\" is used by a removed node", value->name);
        count++;
        EXPECT(count <= value->use_count, "value \"%s\" has more uses than it counts", value->name);
    }
    EXPECT(count == value->use_count, "value \"%s\" counts %u uses, it has %u", value->name,
           value->use_count, count);
    EXPECT(!value->constant || value->constant->type.kind != C2S_KIND_TENSOR ||
               c2s_type_equal(&value->type, &value->constant->type),
           "the type of constant \"%s\" differs from its tensor", value->name);
    return C2S_OK;
}

static c2s_status verify_outputs(const c2s_node *node, const c2s_graph *graph, c2s_map *names) {
    for (unsigned i = 0; i < node->output_count; i++) {
        const c2s_value *value = node->outputs[i];
        if (!value)
            continue;
        EXPECT(value->def == node && value->def_slot == i, "%s: output %u says otherwise",
               c2s_node_text(node), i);
        C2S_TRY(verify_value(value, graph));
        C2S_TRY(verify_name(names, value));
    }
    return C2S_OK;
}

static c2s_status verify_graph(const c2s_graph *graph, bool *defined, unsigned depth);

static c2s_status verify_bodies(const c2s_node *node, bool *defined, unsigned depth) {
    unsigned hidden = node->formal_count;
    c2s_graph *body;
    for (unsigned i = 0; (body = c2s_node_body(node, i)); i++) {
        EXPECT(body->owner == node, "%s: body %u has another owner", c2s_node_text(node), i);
        for (unsigned j = 0; j < c2s_graph_capture_count(body); j++)
            EXPECT(hidden + j < node->input_count && node->inputs[hidden + j].value,
                   "%s: capture %u of body %u is fed by nothing", c2s_node_text(node), j, i);
        hidden += c2s_graph_capture_count(body);
        C2S_TRY(verify_graph(body, defined, depth + 1));
    }
    EXPECT(hidden == node->input_count, "%s: %u inputs, its bodies account for %u",
           c2s_node_text(node), node->input_count, hidden);
    return C2S_OK;
}

static c2s_status verify_inputs(const c2s_node *node, const c2s_graph *graph, const bool *defined) {
    for (unsigned i = 0; i < node->input_count; i++) {
        const c2s_use *use = &node->inputs[i];
        EXPECT(use->user == node && use->slot == i, "%s: slot %u has lost its way",
               c2s_node_text(node), i);
        if (!use->value)
            continue;
        EXPECT(use->value->graph == graph, "%s: input %u belongs to another graph",
               c2s_node_text(node), i);
        EXPECT(defined[use->value->id], "%s: input \"%s\" is used before it is defined",
               c2s_node_text(node), use->value->name);
    }
    return C2S_OK;
}

static void define(bool *defined, const c2s_node *node) {
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i])
            defined[node->outputs[i]->id] = true;
}

static c2s_status verify_names_and_edges(const c2s_graph *graph, bool *defined, c2s_map *names,
                                         unsigned depth) {
    EXPECT(depth < MAX_NESTING, "bodies are nested deeper than %d", MAX_NESTING);
    EXPECT(graph->formal_inputs <= graph->entry->output_count, "graph \"%s\" lost inputs",
           graph->name);
    C2S_TRY(verify_outputs(graph->entry, graph, names));
    define(defined, graph->entry);
    for (size_t i = 0; i < graph->initializers.count; i++) {
        const c2s_value *value = graph->initializers.at[i];
        if (!value)
            continue;
        EXPECT(!value->def && value->constant, "initializer \"%s\" has no content", value->name);
        C2S_TRY(verify_value(value, graph));
        C2S_TRY(verify_name(names, value));
        defined[value->id] = true;
    }
    unsigned count = 0;
    const c2s_node *last = NULL;
    for (const c2s_node *node = graph->first; node; last = node, node = node->next, count++) {
        EXPECT(node->graph == graph && node->prev == last, "%s: the node list is broken",
               c2s_node_text(node));
        C2S_TRY(verify_inputs(node, graph, defined));
        C2S_TRY(verify_outputs(node, graph, names));
        C2S_TRY(verify_bodies(node, defined, depth));
        define(defined, node);
    }
    EXPECT(graph->last == last && graph->node_count == count,
           "graph \"%s\": %u nodes, it counts %u", graph->name, count, graph->node_count);
    for (unsigned i = 0; i < graph->exit->input_count; i++)
        EXPECT(graph->exit->inputs[i].value, "graph output \"%s\" is not connected",
               graph->output_names[i]);
    return verify_inputs(graph->exit, graph, defined);
}

static c2s_status verify_graph(const c2s_graph *graph, bool *defined, unsigned depth) {
    c2s_map names = {0};
    c2s_status status = verify_names_and_edges(graph, defined, &names, depth);
    c2s_map_free(&names);
    return status;
}

c2s_status c2s_model_verify(const c2s_model *model) {
    bool *defined = c2s_zalloc(model->values.count + 1);
    c2s_status status = verify_graph(model->graph, defined, 0);
    for (size_t i = 0; i < model->functions.count && status == C2S_OK; i++)
        status = verify_graph(model->functions.at[i]->graph, defined, 0);
    free(defined);
    return status;
}
