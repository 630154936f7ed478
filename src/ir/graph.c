/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs: their interface, captures of bodies, sweeping and sorting.
 */
#include "ir/graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ir/internal.h"
#include "ops/op.h"

c2s_graph *c2s_graph_create(c2s_model *model, c2s_node *owner, const char *name) {
    c2s_graph *graph = c2s_arena_alloc(model->arena, sizeof *graph);
    graph->model = model;
    graph->owner = owner;
    graph->name = c2s_name_intern(model->names, name);
    graph->entry = c2s_node_allocate(graph, "", "(entry)");
    graph->exit = c2s_node_allocate(graph, "", "(exit)");
    return graph;
}

c2s_value *c2s_graph_add_input(c2s_graph *graph, const char *name, const c2s_type *type) {
    assert(graph->entry->output_count == graph->formal_inputs && "inputs come before captures");
    c2s_value *value = c2s_node_add_output(graph->entry, name);
    value->type = *type;
    graph->formal_inputs++;
    return value;
}

void c2s_graph_add_output(c2s_graph *graph, c2s_value *value, const char *name) {
    unsigned index = graph->exit->input_count;
    if (index == graph->output_capacity) {
        unsigned capacity = index ? index * 2 : 4;
        const char **grown = c2s_arena_array(graph->model->arena, capacity, sizeof *grown);
        if (index)
            memcpy(grown, graph->output_names, index * sizeof *grown);
        graph->output_names = grown;
        graph->output_capacity = capacity;
    }
    graph->output_names[index] = c2s_name_intern(graph->model->names, name);
    c2s_node_resize_inputs(graph->exit, index + 1);
    c2s_use_set(&graph->exit->inputs[index], value);
}

bool c2s_graph_is_function(const c2s_graph *graph) {
    return !graph->owner && graph != graph->model->graph;
}

unsigned c2s_graph_input_count(const c2s_graph *graph) {
    return graph->formal_inputs;
}

c2s_value *c2s_graph_input(const c2s_graph *graph, unsigned index) {
    assert(index < graph->formal_inputs);
    return graph->entry->outputs[index];
}

unsigned c2s_graph_output_count(const c2s_graph *graph) {
    return graph->exit->input_count;
}

c2s_value *c2s_graph_output(const c2s_graph *graph, unsigned index) {
    assert(index < graph->exit->input_count);
    return graph->exit->inputs[index].value;
}

const char *c2s_graph_output_name(const c2s_graph *graph, unsigned index) {
    assert(index < graph->exit->input_count);
    return graph->output_names[index];
}

/* ---- bodies and captures ---- */

c2s_graph *c2s_node_body(const c2s_node *node, unsigned index) {
    if (node->body_attrs == 0)
        return NULL;
    for (unsigned i = 0; i < node->attr_count; i++) {
        const c2s_attr *attr = &node->attrs[i];
        if (attr->kind == C2S_ATTR_GRAPH && index-- == 0)
            return attr->g;
        if (attr->kind == C2S_ATTR_GRAPHS) {
            if (index < attr->count)
                return attr->graphs[index];
            index -= (unsigned)attr->count;
        }
    }
    return NULL;
}

unsigned c2s_graph_capture_count(const c2s_graph *graph) {
    return graph->entry->output_count - graph->formal_inputs;
}

unsigned c2s_graph_hidden_slot(const c2s_graph *body) {
    unsigned slot = body->owner->formal_count;
    const c2s_graph *other;
    for (unsigned i = 0; (other = c2s_node_body(body->owner, i)) != body; i++) {
        assert(other && "a body is among its owner's attributes");
        slot += c2s_graph_capture_count(other);
    }
    return slot;
}

c2s_graph *c2s_node_hidden_body(const c2s_node *node, unsigned slot, unsigned *capture) {
    unsigned index = slot - node->formal_count;
    c2s_graph *body;
    for (unsigned i = 0; (body = c2s_node_body(node, i)); i++) {
        unsigned count = c2s_graph_capture_count(body);
        if (index < count) {
            *capture = index;
            return body;
        }
        index -= count;
    }
    return NULL;
}

/* Linear in the captures of a body; bodies with very many captures go through the loader's own
 * table, which calls this once per distinct value. */
c2s_value *c2s_graph_capture(c2s_graph *body, c2s_value *outer) {
    if (outer->graph == body)
        return outer;
    c2s_node *owner = body->owner;
    assert(owner && "the value belongs to an enclosing graph");
    outer = c2s_graph_capture(owner->graph, outer);
    unsigned base = c2s_graph_hidden_slot(body), count = c2s_graph_capture_count(body);
    for (unsigned j = 0; j < count; j++)
        if (owner->inputs[base + j].value == outer)
            return body->entry->outputs[body->formal_inputs + j];
    return c2s_graph_capture_new(body, outer);
}

c2s_value *c2s_graph_capture_new(c2s_graph *body, c2s_value *outer) {
    c2s_node *owner = body->owner;
    unsigned slot = c2s_graph_hidden_slot(body) + c2s_graph_capture_count(body);
    c2s_value *inner = c2s_node_add_output_named(body->entry, outer->name);
    c2s_node_insert_input(owner, slot);
    c2s_use_set(&owner->inputs[slot], outer);
    return inner;
}

static void drop_capture(c2s_graph *body, unsigned capture) {
    c2s_node *owner = body->owner, *entry = body->entry;
    unsigned slot = c2s_graph_hidden_slot(body) + capture;
    unsigned index = body->formal_inputs + capture;
    c2s_value_release(entry->outputs[index]);
    for (unsigned i = index + 1; i < entry->output_count; i++) {
        entry->outputs[i - 1] = entry->outputs[i];
        entry->outputs[i - 1]->def_slot = i - 1;
    }
    entry->output_count--;
    c2s_node_delete_input(owner, slot);
}

/* ---- sweep ---- */

static bool is_dead(const c2s_node *node) {
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i] && node->outputs[i]->uses)
            return false;
    return true;
}

static void sweep_captures(c2s_node *node) {
    c2s_graph *body;
    for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
        for (unsigned j = c2s_graph_capture_count(body); j-- > 0;)
            if (!body->entry->outputs[body->formal_inputs + j]->uses)
                drop_capture(body, j);
}

static void sweep_initializers(c2s_graph *graph) {
    size_t kept = 0;
    for (size_t i = 0; i < graph->initializers.count; i++) {
        c2s_value *value = graph->initializers.at[i];
        if (value && value->uses)
            graph->initializers.at[kept++] = value;
        else if (value)
            c2s_value_release(value);
    }
    graph->initializers.count = kept;
}

unsigned c2s_graph_sweep(c2s_graph *graph) {
    unsigned removed = 0;
    /* Backwards: users come after what they use, so one sweep finds whole dead chains. */
    for (c2s_node *node = graph->last, *prev; node; node = prev) {
        prev = node->prev;
        if (is_dead(node)) {
            c2s_node_remove(node);
            removed++;
            continue;
        }
        c2s_graph *body;
        for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
            removed += c2s_graph_sweep(body);
        sweep_captures(node);
    }
    sweep_initializers(graph);
    return removed;
}

/* ---- sort ---- */

/* Depth-first from each node in list order along operands: the result is topological and equals
 * the old order where that was topological already. Iterative: graphs are deep. */
c2s_status c2s_graph_sort(c2s_graph *graph) {
    enum { NEW, OPEN, DONE };
    unsigned char *state = c2s_zalloc(graph->model->nodes.count);
    typedef struct frame {
        c2s_node *node;
        unsigned slot;
    } frame;
    C2S_VEC(frame) stack = {0};
    C2S_VEC(c2s_node *) order = {0};
    c2s_status status = C2S_OK;
    for (c2s_node *root = graph->first; root && status == C2S_OK; root = root->next) {
        if (state[root->id] == DONE)
            continue;
        c2s_vec_push(&stack, ((frame){root, 0}));
        state[root->id] = OPEN;
        while (stack.count > 0 && status == C2S_OK) {
            frame *top = &stack.at[stack.count - 1];
            if (top->slot == top->node->input_count) {
                state[top->node->id] = DONE;
                c2s_vec_push(&order, top->node);
                stack.count--;
                continue;
            }
            const c2s_value *value = top->node->inputs[top->slot++].value;
            c2s_node *def = value ? value->def : NULL;
            if (!def || def == graph->entry || state[def->id] == DONE)
                continue;
            if (state[def->id] == OPEN)
                status = c2s_fail(C2S_ERR_INVALID, "%s is part of a cycle", c2s_node_text(def));
            else {
                state[def->id] = OPEN;
                c2s_vec_push(&stack, ((frame){def, 0}));
            }
        }
    }
    if (status == C2S_OK) {
        c2s_node *prev = NULL;
        for (size_t i = 0; i < order.count; i++) {
            c2s_node *node = order.at[i];
            node->prev = prev;
            node->next = i + 1 < order.count ? order.at[i + 1] : NULL;
            prev = node;
        }
        graph->first = order.count ? order.at[0] : NULL;
        graph->last = prev;
    }
    c2s_vec_free(&stack);
    c2s_vec_free(&order);
    free(state);
    return status;
}
