/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "ir/graph.h"
#include "ir/internal.h"

c2s_value *c2s_value_allocate(c2s_graph *graph, const char *name) {
    c2s_model *model = graph->model;
    c2s_value *value = c2s_arena_alloc(model->arena, sizeof *value);
    value->id = (unsigned)model->values.count;
    value->name = name;
    value->type = c2s_type_unknown();
    value->graph = graph;
    c2s_vec_push(&model->values, value);
    return value;
}

void c2s_value_release(c2s_value *value) {
    assert(!value->uses);
    c2s_tensor_unref(value->constant);
    c2s_tensor_unref(value->initial);
    value->constant = value->initial = NULL;
    value->graph->model->values.at[value->id] = NULL;
}

c2s_value *c2s_value_constant(c2s_graph *graph, const char *name, c2s_tensor *tensor) {
    c2s_value *value =
        c2s_value_allocate(graph, c2s_name_fresh(graph->model->names, name));
    value->type = tensor->type;
    value->constant = tensor;
    c2s_vec_push(&graph->initializers, value);
    return value;
}

/* Carries what is known of a captured value into the bodies that capture it. */
static void update_capture(c2s_use *use) {
    unsigned capture;
    if (use->slot < use->user->formal_count)
        return;
    c2s_graph *body = c2s_node_hidden_body(use->user, use->slot, &capture);
    if (!body || !use->value)
        return;
    c2s_value *inner = body->entry->outputs[body->formal_inputs + capture];
    if (inner->name != use->value->name)
        c2s_value_set_name(inner, use->value->name);
    if (!c2s_type_equal(&inner->type, &use->value->type))
        c2s_value_set_type(inner, &use->value->type);
    inner->contents = use->value->contents;
    inner->content_count = use->value->content_count;
    if (inner->constant != use->value->constant)
        c2s_value_set_constant(inner, use->value->constant);
}

static void update_captures(c2s_value *value) {
    c2s_value_each_use(use, value) update_capture(use);
}

void c2s_value_set_constant(c2s_value *value, const c2s_tensor *tensor) {
    const c2s_tensor *old = value->constant;
    value->constant = tensor ? c2s_tensor_ref(tensor) : NULL;
    value->tensor_origin = NULL;
    if (tensor)
        value->type = tensor->type;
    c2s_tensor_unref(old);
    update_captures(value);
}

void c2s_value_set_type(c2s_value *value, const c2s_type *type) {
    value->type = *type;
    update_captures(value);
}

void c2s_use_set(c2s_use *use, c2s_value *value) {
    assert(!value || value->graph == use->user->graph);
    c2s_value *old = use->value;
    if (old == value)
        return;
    if (old) {
        if (use->next == use) {
            old->uses = NULL;
        } else {
            use->prev->next = use->next;
            use->next->prev = use->prev;
            if (old->uses == use)
                old->uses = use->next;
        }
        old->use_count--;
    }
    use->value = value;
    use->prev = use->next = use;
    if (!value)
        return;
    if (value->uses) { /* behind the last: the ring keeps the order in which uses were made */
        use->next = value->uses;
        use->prev = value->uses->prev;
        use->prev->next = use;
        use->next->prev = use;
    } else {
        value->uses = use;
    }
    value->use_count++;
    update_capture(use);
}

void c2s_value_replace(c2s_value *old, c2s_value *new_value) {
    assert(old != new_value);
    while (old->uses)
        c2s_use_set(old->uses, new_value);
}

void c2s_value_set_name(c2s_value *value, const char *name) {
    value->name = c2s_name_intern(value->graph->model->names, name);
    update_captures(value);
}

bool c2s_value_is_output(const c2s_value *value) {
    c2s_value_each_use(use, value) {
        if (use->user == value->graph->exit)
            return true;
    }
    return false;
}

/* Takes a formal input off the interface; the value itself stays. */
static void take_off(c2s_value *value) {
    c2s_node *entry = value->graph->entry;
    assert(value->def == entry && value->def_slot < value->graph->formal_inputs);
    for (unsigned i = value->def_slot + 1; i < entry->output_count; i++) {
        entry->outputs[i - 1] = entry->outputs[i];
        entry->outputs[i - 1]->def_slot = i - 1;
    }
    entry->output_count--;
    value->graph->formal_inputs--;
}

void c2s_graph_drop_input(c2s_graph *graph, unsigned index) {
    c2s_value *value = c2s_graph_input(graph, index);
    assert(value->use_count == 0);
    take_off(value);
    c2s_value_release(value);
}

void c2s_value_seal(c2s_value *value) {
    assert(value->initial);
    take_off(value);
    value->def = NULL;
    value->def_slot = 0;
    const void *origin = value->tensor_origin;
    c2s_value_set_constant(value, value->initial);
    value->tensor_origin = origin;
    c2s_tensor_unref(value->initial);
    value->initial = NULL;
    c2s_vec_push(&value->graph->initializers, value);
}

void c2s_graph_seal_inputs(c2s_graph *graph) {
    for (unsigned k = graph->formal_inputs; k-- > 0;)
        if (graph->entry->outputs[k]->initial)
            c2s_value_seal(graph->entry->outputs[k]);
}
