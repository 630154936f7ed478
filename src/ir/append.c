/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of a model's content into another model.
 */
#include <stdlib.h>

#include "ir/copier.h"
#include "ir/graph_list.h"

static void list_names(const c2s_model *model, c2s_map *names) {
    for (size_t i = 0; i < model->values.count; i++)
        if (model->values.at[i])
            c2s_map_put(names, model->values.at[i]->name, names);
}

static bool is_interface(const c2s_value *value) {
    const c2s_graph *main = value->graph->model->graph;
    return value->graph == main && (value->def == main->entry || c2s_value_is_output(value));
}

/* Names by which callers know inputs and outputs are worth more than those of values inside: these
 * make way. */
static void make_way(c2s_copier *c, const c2s_model *from, c2s_value *const *inputs) {
    c2s_map wanted = {0};
    for (unsigned i = 0; i < c2s_graph_input_count(from->graph); i++)
        if (!inputs[i])
            c2s_map_put(&wanted, c2s_copy_name(c, c2s_graph_input(from->graph, i)->name), c);
    for (unsigned i = 0; i < c2s_graph_output_count(from->graph); i++)
        c2s_map_put(&wanted, c2s_copy_name(c, c2s_graph_output(from->graph, i)->name), c);
    for (size_t i = 0; i < c->to->values.count; i++) {
        c2s_value *value = c->to->values.at[i];
        if (!value || !c2s_map_get(&wanted, value->name))
            continue;
        if (is_interface(value)) {
            c2s_map_put(&wanted, value->name, NULL);
            continue;
        }
        c2s_value_set_name(value, c2s_copy_free_name(c, value->name));
    }
    for (size_t i = 0; i < wanted.capacity; i++)
        if (wanted.slots[i].used && wanted.slots[i].value)
            c2s_map_put(c->taken, (const void *)(uintptr_t)wanted.slots[i].key, NULL);
    c2s_map_free(&wanted);
}

/* Captures are called like what they capture. */
static void name_captures(c2s_model *model) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < graphs.count; i++) {
        c2s_graph *body = graphs.at[i];
        if (!body->owner)
            continue;
        unsigned slot = c2s_graph_hidden_slot(body);
        for (unsigned k = body->formal_inputs; k < body->entry->output_count; k++)
            c2s_value_set_name(body->entry->outputs[k],
                               body->owner->inputs[slot + k - body->formal_inputs].value->name);
    }
    c2s_vec_free(&graphs);
}

static c2s_status append_functions(c2s_copier *c, const c2s_model *from) {
    for (size_t i = 0; i < from->functions.count; i++) {
        const c2s_function *f = from->functions.at[i];
        if (c2s_model_function(c->to, f->domain, f->name, f->overload))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "both models have a function %s%s%s", f->domain,
                            f->domain[0] ? "." : "", f->name);
        c2s_vec_push(&c->to->functions, c2s_copy_function(c, f));
    }
    return C2S_OK;
}

c2s_status c2s_model_append(c2s_model *to, const c2s_model *from, c2s_value *const *inputs,
                            c2s_value **outputs) {
    c2s_map taken = {0};
    c2s_copier c = {.to = to, .dims = from->dims, .taken = &taken};
    c2s_copy_origin(to, from->origin);
    c2s_copy_origins(to, from);
    c.value = c2s_zalloc((from->values.count + 1) * sizeof *c.value);
    list_names(to, &taken);
    make_way(&c, from, inputs);
    c2s_status status = append_functions(&c, from);
    for (unsigned i = 0; i < c2s_graph_input_count(from->graph) && status == C2S_OK; i++) {
        c2s_value *old = c2s_graph_input(from->graph, i), *value = inputs[i];
        if (!value) {
            c2s_type type = c2s_copy_type(&c, &old->type);
            value = c2s_graph_add_input(to->graph, "", &type);
            c2s_value_set_name(value, c2s_copy_value_name(&c, old->name));
            value->initial = old->initial ? c2s_tensor_ref(old->initial) : NULL;
        }
        c.value[old->id] = value;
    }
    if (status == C2S_OK) {
        c2s_copy_content(&c, from->graph, to->graph);
        for (unsigned i = 0; i < c2s_graph_output_count(from->graph); i++)
            outputs[i] = c.value[c2s_graph_output(from->graph, i)->id];
        name_captures(to);
    }
    c2s_map_free(&taken);
    free(c.value);
    return status;
}
