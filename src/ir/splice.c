/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/splice.h"

#include <assert.h>

#include "ir/internal.h"

static void adopt_value(c2s_value *value, c2s_graph *graph) {
    value->graph = graph;
    value->origin = NULL; /* it describes a value of the body, under the old name */
    c2s_value_set_name(value, c2s_name_fresh(graph->model->names, value->name));
}

static void move_nodes(c2s_graph *body, c2s_graph *outer, c2s_node *before) {
    if (!body->first)
        return;
    for (c2s_node *node = body->first; node; node = node->next) {
        node->graph = outer;
        for (unsigned i = 0; i < node->output_count; i++)
            if (node->outputs[i])
                adopt_value(node->outputs[i], outer);
    }
    body->first->prev = before->prev;
    *(before->prev ? &before->prev->next : &outer->first) = body->first;
    body->last->next = before;
    before->prev = body->last;
    outer->node_count += body->node_count;
    body->first = body->last = NULL;
    body->node_count = 0;
}

static void move_initializers(c2s_graph *body, c2s_graph *outer) {
    for (size_t i = 0; i < body->initializers.count; i++) {
        c2s_value *value = body->initializers.at[i];
        if (!value)
            continue;
        adopt_value(value, outer);
        c2s_vec_push(&outer->initializers, value);
    }
    c2s_vec_clear(&body->initializers);
}

void c2s_graph_splice(c2s_graph *body, c2s_value **results) {
    c2s_node *owner = body->owner, *entry = body->entry;
    assert(owner && body->formal_inputs == 0);
    unsigned hidden = c2s_graph_hidden_slot(body);
    for (unsigned i = 0; i < body->exit->input_count; i++) {
        c2s_value *value = body->exit->inputs[i].value;
        results[i] = value->def == entry ? owner->inputs[hidden + value->def_slot].value : value;
    }
    c2s_node_resize_inputs(body->exit, 0);
    move_initializers(body, owner->graph);
    move_nodes(body, owner->graph, owner);
    for (unsigned j = 0; j < entry->output_count; j++)
        if (entry->outputs[j]->use_count > 0)
            c2s_value_replace(entry->outputs[j], owner->inputs[hidden + j].value);
}
