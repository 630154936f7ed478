/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/trial_graph.h"

#include <stdlib.h>
#include <string.h>

#include "ops/op.h"

static c2s_value *find_value(const c2s_graph *graph, const char *name) {
    const c2s_model *model = graph->model;
    for (size_t k = 0; k < model->values.count; k++) {
        c2s_value *value = model->values.at[k];
        if (value && value->graph == graph && strcmp(value->name, name) == 0)
            return value;
    }
    return NULL;
}

const c2s_value *c2s_trial_find(const c2s_graph *graph, const char *name) {
    return find_value(graph, name);
}

c2s_model *c2s_trial_base(const c2s_graph *graph) {
    c2s_model *model = c2s_model_copy(graph->model);
    c2s_node *exit = model->graph->exit;
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++) {
        const c2s_node *def = exit->inputs[k].value->def;
        if (def && (def->op == &c2s_op_softmax || def->op == &c2s_op_log_softmax))
            c2s_use_set(&exit->inputs[k], def->inputs[0].value);
    }
    c2s_graph_sweep(model->graph);
    return model;
}

/* The value's readers read a new input. */
static c2s_value *cut(c2s_graph *graph, c2s_value *value) {
    if (value->def == graph->entry)
        return value;
    c2s_type type = value->type;
    c2s_value *input = c2s_graph_add_input(graph, "cut", &type);
    c2s_value_replace(value, input);
    return input;
}

c2s_status c2s_trial_graph_open(const c2s_graph *graph, const c2s_value *value,
                                c2s_trial_graph *out) {
    *out = (c2s_trial_graph){.model = c2s_model_copy(graph->model)};
    c2s_graph *copy = out->model->graph;
    c2s_value *found = find_value(copy, value->name);
    if (!found) {
        c2s_trial_graph_close(out);
        return c2s_fail(C2S_ERR_INVALID, "\"%s\" is no value of the main graph", value->name);
    }
    const c2s_value *input = cut(copy, found);
    c2s_graph_sweep(copy);
    for (unsigned k = c2s_graph_input_count(copy); k-- > 0;)
        if (c2s_graph_input(copy, k)->use_count == 0 && c2s_graph_input(copy, k) != input)
            c2s_graph_drop_input(copy, k);
    while (c2s_graph_input(copy, out->input) != input)
        out->input++;
    return C2S_OK;
}

void c2s_trial_graph_close(c2s_trial_graph *trial) {
    c2s_model_destroy(trial->model);
    trial->model = NULL;
}

c2s_status c2s_trial_graph_inputs(const c2s_trial_graph *trial, const c2s_feed *feed, size_t sample,
                                  const c2s_tensor *tensor, c2s_tensor ***in) {
    const c2s_graph *graph = trial->model->graph;
    const unsigned count = c2s_graph_input_count(graph);
    *in = c2s_zalloc((count + 1) * sizeof **in);
    if (count > 1)
        C2S_TRY(feed->get(feed, graph, sample, *in));
    c2s_tensor_unref((*in)[trial->input]);
    (*in)[trial->input] = c2s_tensor_ref(tensor);
    return C2S_OK;
}
