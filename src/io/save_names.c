/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save_names.h"

#include <stdlib.h>

#include "base/map.h"

static bool outputs_keep_names(const c2s_graph *graph) {
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++)
        if (c2s_graph_output(graph, i)->name != c2s_graph_output_name(graph, i))
            return false;
    return true;
}

/* A value that was renamed or is called like an output that it is not gets a name of its own. */
static void give_way(c2s_save_names *names, const c2s_map *owners, c2s_value *value) {
    if (!value)
        return;
    const c2s_value *owner = c2s_map_get(owners, names->of[value->id]);
    if (owner && owner != value)
        names->of[value->id] = c2s_name_fresh(names->names, names->of[value->id]);
}

static void rename_output(c2s_save_names *names, c2s_graph *body, unsigned index,
                          const char *name) {
    if (body->output_names[index] == name)
        return;
    c2s_vec_push(&names->renamed,
                 ((struct c2s_renamed_output){body, index, body->output_names[index]}));
    body->output_names[index] = name;
}

/* An output called like a captured value would hide that; nobody outside sees a body's names. */
static void avoid_captures(c2s_save_names *names, c2s_graph *body) {
    c2s_map captured = {0};
    for (unsigned i = body->formal_inputs; i < body->entry->output_count; i++) {
        c2s_value *value = body->entry->outputs[i];
        c2s_map_put(&captured, names->of[value->id], value);
    }
    for (unsigned i = 0; i < c2s_graph_output_count(body); i++) {
        const c2s_value *value = c2s_map_get(&captured, c2s_graph_output_name(body, i));
        if (value && value != c2s_graph_output(body, i))
            rename_output(names, body, i, c2s_name_fresh(names->names, body->output_names[i]));
    }
    c2s_map_free(&captured);
}

/* A captured value that gave way is an output under its new name. */
static void follow_captures(c2s_save_names *names, c2s_graph *body) {
    for (unsigned i = 0; i < c2s_graph_output_count(body); i++) {
        const c2s_value *value = c2s_graph_output(body, i);
        if (value->def == body->entry && value->def_slot >= body->formal_inputs &&
            c2s_graph_output_name(body, i) == value->name)
            rename_output(names, body, i, names->of[value->id]);
    }
}

static void name_outputs(c2s_save_names *names, c2s_graph *graph) {
    if (outputs_keep_names(graph))
        return;
    if (graph->owner)
        avoid_captures(names, graph);
    c2s_map owners = {0}; /* output name to the value that has it, or to the graph: an Identity */
    unsigned count = c2s_graph_output_count(graph);
    for (unsigned i = 0; i < count; i++) {
        c2s_value *value = c2s_graph_output(graph, i);
        if (value->name == c2s_graph_output_name(graph, i))
            c2s_map_put(&owners, value->name, value);
    }
    for (unsigned i = 0; i < count; i++) {
        c2s_value *value = c2s_graph_output(graph, i);
        const char *name = c2s_graph_output_name(graph, i);
        if (c2s_map_get(&owners, name))
            continue;
        bool settled = c2s_map_get(&owners, names->of[value->id]) == value;
        bool fixed = value->def == graph->entry; /* inputs and captures */
        if (!settled && !fixed)
            names->of[value->id] = name;
        c2s_map_put(&owners, name, settled || fixed ? (void *)graph : (void *)value);
    }
    for (unsigned i = 0; graph->owner && i < graph->formal_inputs; i++)
        give_way(names, &owners, graph->entry->outputs[i]);
    for (size_t i = 0; i < graph->initializers.count; i++)
        give_way(names, &owners, graph->initializers.at[i]);
    for (const c2s_node *node = graph->first; node; node = node->next)
        for (unsigned i = 0; i < node->output_count; i++)
            give_way(names, &owners, node->outputs[i]);
    c2s_map_free(&owners);
}

static void name_graph(c2s_save_names *names, c2s_graph *graph) {
    name_outputs(names, graph);
    for (const c2s_node *node = graph->first; node; node = node->next) {
        c2s_graph *body;
        for (unsigned i = 0; (body = c2s_node_body(node, i)); i++) {
            unsigned slot = c2s_graph_hidden_slot(body);
            for (unsigned j = body->formal_inputs; j < body->entry->output_count; j++, slot++)
                names->of[body->entry->outputs[j]->id] = names->of[node->inputs[slot].value->id];
            follow_captures(names, body);
            name_graph(names, body);
        }
    }
}

void c2s_save_names_init(c2s_save_names *names, c2s_model *model) {
    *names = (c2s_save_names){.names = c2s_names_copy(model->names)};
    names->of = c2s_zalloc((model->values.count + 1) * sizeof *names->of);
    for (size_t i = 0; i < model->values.count; i++)
        if (model->values.at[i])
            names->of[i] = model->values.at[i]->name;
    name_graph(names, model->graph);
    for (size_t i = 0; i < model->functions.count; i++)
        name_graph(names, model->functions.at[i]->graph);
}

bool *c2s_save_identities(const c2s_save_names *names, const c2s_graph *graph) {
    const unsigned count = c2s_graph_output_count(graph);
    bool *needed = c2s_zalloc((size_t)count + 1);
    /* Outputs of one name were one value, of which passes may have made several. */
    c2s_map made = {0};
    for (unsigned i = 0; i < count; i++) {
        c2s_value *value = c2s_graph_output(graph, i);
        if (names->of[value->id] == c2s_graph_output_name(graph, i))
            c2s_map_put(&made, c2s_graph_output_name(graph, i), value);
    }
    for (unsigned i = 0; i < count; i++) {
        const char *name = c2s_graph_output_name(graph, i);
        if (c2s_map_get(&made, name))
            continue;
        needed[i] = true;
        c2s_map_put(&made, name, c2s_graph_output(graph, i));
    }
    c2s_map_free(&made);
    return needed;
}

void c2s_save_names_free(c2s_save_names *names) {
    for (size_t i = 0; i < names->renamed.count; i++) {
        const struct c2s_renamed_output *r = &names->renamed.at[i];
        r->graph->output_names[r->index] = r->before;
    }
    c2s_vec_free(&names->renamed);
    c2s_names_destroy(names->names);
    free(names->of);
    *names = (c2s_save_names){0};
}
