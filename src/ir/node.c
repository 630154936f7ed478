/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ir/graph.h"
#include "ir/internal.h"
#include "ops/op.h"

/* Of interned texts. */
static c2s_node *allocate(c2s_graph *graph, const char *domain, const char *type,
                          const c2s_op *op) {
    c2s_model *model = graph->model;
    c2s_node *node = c2s_arena_alloc(model->arena, sizeof *node);
    node->id = (unsigned)model->nodes.count;
    node->name = node->overload = c2s_name_intern(model->names, "");
    node->type = type;
    node->domain = domain;
    node->op = op;
    node->graph = graph;
    c2s_vec_push(&model->nodes, node);
    return node;
}

c2s_node *c2s_node_allocate(c2s_graph *graph, const char *domain, const char *type) {
    c2s_names *names = graph->model->names;
    return allocate(graph, c2s_name_intern(names, domain), c2s_name_intern(names, type),
                    c2s_op_find(domain, type));
}

/* ---- list ---- */

static void link_before(c2s_node *node, c2s_node *before) {
    c2s_graph *graph = node->graph;
    node->next = before;
    node->prev = before ? before->prev : graph->last;
    *(node->prev ? &node->prev->next : &graph->first) = node;
    *(before ? &before->prev : &graph->last) = node;
    graph->node_count++;
}

static void unlink_node(c2s_node *node) {
    c2s_graph *graph = node->graph;
    *(node->prev ? &node->prev->next : &graph->first) = node->next;
    *(node->next ? &node->next->prev : &graph->last) = node->prev;
    node->prev = node->next = NULL;
    graph->node_count--;
}

c2s_node *c2s_node_create(c2s_graph *graph, c2s_node *before, const char *domain, const char *type,
                          unsigned inputs, unsigned outputs) {
    c2s_node *node = c2s_node_allocate(graph, domain, type);
    link_before(node, before);
    c2s_node_resize_inputs(node, inputs);
    for (unsigned i = 0; i < outputs; i++)
        c2s_node_add_output(node, type);
    return node;
}

c2s_node *c2s_node_append(c2s_graph *graph, const char *domain, const char *type,
                          const c2s_op *op) {
    c2s_node *node = allocate(graph, domain, type, op);
    link_before(node, NULL);
    return node;
}

void c2s_node_set_type(c2s_node *node, const char *domain, const char *type) {
    node->type = c2s_name_intern(node->graph->model->names, type);
    node->domain = c2s_name_intern(node->graph->model->names, domain);
    node->op = c2s_op_find(domain, type);
    node->changed = true;
}

/* ---- operands ---- */

/* Uses are linked into rings by address: when the array moves, the neighbours follow. */
static void reserve_inputs(c2s_node *node, unsigned wanted) {
    if (wanted <= node->input_capacity)
        return;
    unsigned capacity = node->input_capacity ? node->input_capacity * 2 : wanted;
    if (capacity < wanted)
        capacity = wanted;
    c2s_use *grown = c2s_arena_array(node->graph->model->arena, capacity, sizeof *grown);
    for (unsigned i = 0; i < capacity; i++) {
        grown[i] = (c2s_use){.user = node, .slot = i, .prev = &grown[i], .next = &grown[i]};
        c2s_use *old = i < node->input_count ? &node->inputs[i] : NULL;
        if (!old || !old->value)
            continue;
        grown[i].value = old->value;
        if (old->next != old) {
            grown[i].prev = old->prev;
            grown[i].next = old->next;
            old->prev->next = &grown[i];
            old->next->prev = &grown[i];
        }
        if (old->value->uses == old)
            old->value->uses = &grown[i];
    }
    node->inputs = grown;
    node->input_capacity = capacity;
}

void c2s_node_insert_input(c2s_node *node, unsigned slot) {
    reserve_inputs(node, node->input_count + 1);
    node->input_count++;
    for (unsigned i = node->input_count - 1; i > slot; i--) {
        c2s_value *value = node->inputs[i - 1].value;
        c2s_use_set(&node->inputs[i - 1], NULL);
        c2s_use_set(&node->inputs[i], value);
    }
}

void c2s_node_delete_input(c2s_node *node, unsigned slot) {
    c2s_use_set(&node->inputs[slot], NULL);
    for (unsigned i = slot + 1; i < node->input_count; i++) {
        c2s_value *value = node->inputs[i].value;
        c2s_use_set(&node->inputs[i], NULL);
        c2s_use_set(&node->inputs[i - 1], value);
    }
    node->input_count--;
}

void c2s_node_resize_inputs(c2s_node *node, unsigned formal_count) {
    unsigned hidden = node->input_count - node->formal_count;
    if (hidden == 0) {
        for (unsigned i = formal_count; i < node->formal_count; i++)
            c2s_use_set(&node->inputs[i], NULL);
        reserve_inputs(node, formal_count);
        node->formal_count = node->input_count = formal_count;
        return;
    }
    while (node->formal_count < formal_count)
        c2s_node_insert_input(node, node->formal_count++);
    while (node->formal_count > formal_count)
        c2s_node_delete_input(node, --node->formal_count);
}

void c2s_node_trim_inputs(c2s_node *node) {
    unsigned count = node->formal_count;
    while (count > 0 && !node->inputs[count - 1].value)
        count--;
    if (count < node->formal_count)
        c2s_node_resize_inputs(node, count);
}

/* ---- results ---- */

c2s_value *c2s_node_add_output_named(c2s_node *node, const char *name) {
    c2s_value *value = c2s_value_allocate(node->graph, name);
    value->def = node;
    value->def_slot = node->output_count;
    /* Arrays of outputs grow by powers of two; a count that shrank and grows again only copies. */
    if ((node->output_count & (node->output_count - 1)) == 0) {
        unsigned capacity = node->output_count ? node->output_count * 2 : 1;
        c2s_value **grown =
            c2s_arena_array(node->graph->model->arena, capacity, sizeof *grown);
        if (node->output_count)
            memcpy(grown, node->outputs, node->output_count * sizeof *grown);
        node->outputs = grown;
    }
    node->outputs[node->output_count++] = value;
    return value;
}

c2s_value *c2s_node_add_output(c2s_node *node, const char *name) {
    return c2s_node_add_output_named(node, c2s_name_fresh(node->graph->model->names, name));
}

void c2s_node_drop_output(c2s_node *node, unsigned slot) {
    c2s_value_release(node->outputs[slot]);
    node->outputs[slot] = NULL;
    while (node->output_count > 0 && !node->outputs[node->output_count - 1])
        node->output_count--;
}

/* ---- removal ---- */

static void remove_contents(c2s_graph *graph) {
    c2s_node_resize_inputs(graph->exit, 0);
    while (graph->last)
        c2s_node_remove(graph->last);
    for (unsigned i = 0; i < graph->entry->output_count; i++)
        c2s_value_release(graph->entry->outputs[i]);
    graph->entry->output_count = 0;
    for (size_t i = 0; i < graph->initializers.count; i++)
        if (graph->initializers.at[i])
            c2s_value_release(graph->initializers.at[i]);
    c2s_vec_free(&graph->initializers);
    graph->model->nodes.at[graph->entry->id] = NULL;
    graph->model->nodes.at[graph->exit->id] = NULL;
}

void c2s_node_remove(c2s_node *node) {
    for (unsigned i = 0; i < node->input_count; i++)
        c2s_use_set(&node->inputs[i], NULL);
    c2s_graph *body;
    for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
        remove_contents(body);
    while (node->attr_count > 0)
        c2s_attr_remove(node, node->attrs[node->attr_count - 1].name);
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i])
            c2s_value_release(node->outputs[i]);
    node->graph->model->nodes.at[node->id] = NULL;
    unlink_node(node);
}

/* ---- questions ---- */

bool c2s_node_is(const c2s_node *node, const char *type) {
    return node->domain[0] == '\0' && strcmp(node->type, type) == 0;
}

c2s_value *c2s_node_in(const c2s_node *node, unsigned slot) {
    return slot < node->formal_count ? node->inputs[slot].value : NULL;
}

c2s_value *c2s_node_out(const c2s_node *node, unsigned slot) {
    return slot < node->output_count ? node->outputs[slot] : NULL;
}

const char *c2s_node_name(const c2s_node *node) {
    const char *name = node->name;
    for (unsigned i = 0; !name[0] && i < node->output_count; i++)
        if (node->outputs[i])
            name = node->outputs[i]->name;
    return name;
}

const char *c2s_node_text(const c2s_node *node) {
    static _Thread_local char texts[4][512];
    static _Thread_local unsigned turn;
    char *text = texts[turn++ % 4];
    snprintf(text, sizeof texts[0], "node \"%.400s\" (%s%s%.60s)", c2s_node_name(node), node->domain,
             node->domain[0] ? "." : "", node->type);
    c2s_make_printable(text);
    return text;
}
