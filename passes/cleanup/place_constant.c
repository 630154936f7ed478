/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/cleanup/place_constant.h"

#include "ops/op.h"

bool c2s_constant_needs_node(const c2s_value *old) {
    const c2s_graph *graph = old->graph;
    return c2s_graph_is_function(graph) || (graph->owner && c2s_value_is_output(old));
}

c2s_value *c2s_place_constant(c2s_value *old, const c2s_tensor *tensor) {
    c2s_value *value;
    if (c2s_constant_needs_node(old)) {
        c2s_node *node = c2s_node_create(old->graph, old->def, "", "Constant", 0, 1);
        c2s_attr_set_tensor(node, "value", tensor);
        value = node->outputs[0];
        c2s_value_set_constant(value, tensor);
    } else {
        value = c2s_value_constant(old->graph, old->name, c2s_tensor_ref(tensor));
    }
    value->origin = old->origin;
    c2s_value_replace(old, value);
    return value;
}

void c2s_replace_by_constants(c2s_node *node, c2s_tensor *const *tensors) {
    C2S_VEC(c2s_value *) placed = {0};
    C2S_VEC(const char *) names = {0};
    for (unsigned i = 0; i < node->output_count; i++) {
        c2s_value *old = node->outputs[i];
        if (!old || old->use_count == 0)
            continue;
        c2s_vec_push(&names, old->name);
        c2s_vec_push(&placed, c2s_place_constant(old, tensors[i]));
    }
    c2s_node_remove(node);
    for (size_t i = 0; i < placed.count; i++)
        c2s_value_set_name(placed.at[i], names.at[i]);
    c2s_vec_free(&placed);
    c2s_vec_free(&names);
}
