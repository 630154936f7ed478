/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/logits.h"

const c2s_node *c2s_logits_softmax(const c2s_graph *graph, unsigned k) {
    const c2s_node *def = graph->exit->inputs[k].value->def;
    return def && (def->op == &c2s_op_softmax || def->op == &c2s_op_log_softmax) ? def : NULL;
}

c2s_model *c2s_logits_model(const c2s_graph *graph) {
    c2s_model *model = c2s_model_copy(graph->model);
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++) {
        const c2s_node *softmax = c2s_logits_softmax(model->graph, k);
        if (softmax)
            c2s_use_set(&model->graph->exit->inputs[k], softmax->inputs[0].value);
    }
    c2s_graph_sweep(model->graph);
    return model;
}
