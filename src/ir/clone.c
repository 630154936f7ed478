/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/clone.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ir/internal.h"
#include "ops/op.h"

enum { DEFAULT_LIMIT = 4 << 20 };

static c2s_status clone_graph(c2s_cloner *c, const c2s_graph *from, c2s_node *owner,
                              c2s_graph **out);

/* Stands in cloner->values for an input that a call leaves out. */
static c2s_value absent;

c2s_value *c2s_cloned(const c2s_cloner *c, c2s_value *value) {
    if (!value)
        return NULL;
    c2s_value *found = c2s_map_get(&c->values, value);
    return found == &absent ? NULL : found ? found : value;
}

/* ---- attributes ---- */

/* What a reference stands for: NULL if the caller leaves it out and there is no default. */
static const c2s_attr *resolve(const c2s_cloner *c, const c2s_attr *attr) {
    const c2s_attr *given = c2s_attr_find(c->call, attr->reference);
    return given ? given : c2s_attr_find(c->callee->graph->entry, attr->reference);
}

static c2s_status clone_attr(c2s_cloner *c, c2s_node *node, const c2s_attr *from) {
    c2s_arena *arena = node->graph->model->arena;
    const c2s_attr *source = from;
    if (from->reference && c->call) {
        source = resolve(c, from);
        node->changed = true;
        if (!source)
            return C2S_OK;
    }
    c2s_attr attr = *source;
    attr.name = from->name;
    if (source != from)
        attr.origin = NULL;
    if (attr.kind == C2S_ATTR_TENSOR)
        c2s_tensor_ref(attr.t);
    for (size_t i = 0; attr.kind == C2S_ATTR_TENSORS && i < attr.count; i++)
        c2s_tensor_ref(attr.tensors[i]);
    if (attr.reference || (attr.kind != C2S_ATTR_GRAPH && attr.kind != C2S_ATTR_GRAPHS)) {
        c2s_attr_append(node, &attr);
        return C2S_OK;
    }
    if (source != from)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "attribute \"%s\" passes a graph to a function",
                        from->name);
    if (attr.kind == C2S_ATTR_GRAPH) {
        C2S_TRY(clone_graph(c, from->g, node, &attr.g));
    } else {
        c2s_graph **graphs = c2s_arena_array(arena, from->count, sizeof *graphs);
        for (size_t i = 0; i < from->count; i++)
            C2S_TRY(clone_graph(c, from->graphs[i], node, &graphs[i]));
        attr.graphs = graphs;
    }
    c2s_attr_append(node, &attr);
    return C2S_OK;
}

/* ---- nodes ---- */

static void clone_inputs(const c2s_cloner *c, const c2s_node *from, c2s_node *to) {
    /* All slots as formal ones first: hidden slots have no body to answer to until all is there. */
    c2s_node_resize_inputs(to, from->input_count);
    for (unsigned i = 0; i < from->input_count; i++)
        c2s_use_set(&to->inputs[i], c2s_cloned(c, from->inputs[i].value));
    to->formal_count = from->formal_count;
}

static void clone_outputs(c2s_cloner *c, const c2s_node *from, c2s_node *to) {
    for (unsigned i = 0; i < from->output_count; i++) {
        const c2s_value *old = from->outputs[i];
        c2s_value *value = c2s_node_add_output(to, old ? old->name : to->type);
        if (!old) {
            to->outputs[i] = NULL;
            c2s_value_release(value);
            continue;
        }
        if (old->constant)
            c2s_value_set_constant(value, old->constant);
        c2s_map_put(&c->values, old, value);
    }
}

c2s_status c2s_node_clone(c2s_cloner *c, const c2s_node *from, c2s_graph *graph, c2s_node *before,
                          c2s_node **out) {
    c2s_model *model = graph->model;
    c2s_node *to = c2s_node_create(graph, before, from->domain, from->type, 0, 0);
    to->name = from->name;
    if (c->prefix && from->name[0]) {
        size_t size = strlen(c->prefix) + strlen(from->name) + 2;
        char *name = c2s_arena_alloc(model->arena, size);
        snprintf(name, size, "%s/%s", c->prefix, from->name);
        to->name = c2s_name_intern(model->names, name);
    }
    to->overload = from->overload;
    to->origin = from->origin;
    to->changed = from->changed || c->prefix;
    clone_inputs(c, from, to);
    clone_outputs(c, from, to);
    for (unsigned i = 0; i < from->attr_count; i++)
        C2S_TRY(clone_attr(c, to, &from->attrs[i]));
    if (out)
        *out = to;
    return C2S_OK;
}

/* ---- bodies ---- */

/* Declared types of formal inputs survive, their symbols do not: another call has other extents. */
static c2s_type own_symbols(c2s_dims *dims, const c2s_type *type) {
    c2s_type out = *type;
    for (int i = 0; i < out.rank; i++)
        if (!c2s_dim_is_known(out.dim[i]))
            out.dim[i] = c2s_dim_fresh(dims);
    return out;
}

static c2s_status clone_entry(c2s_cloner *c, const c2s_graph *from, c2s_graph *to) {
    c2s_model *model = to->model;
    unsigned hidden = c2s_graph_hidden_slot(from);
    for (unsigned i = 0; i < from->entry->output_count; i++) {
        c2s_value *old = from->entry->outputs[i], *value;
        if (i < from->formal_inputs) {
            value = c2s_node_add_output(to->entry, old->name);
            value->type = own_symbols(model->dims, &old->type);
            to->formal_inputs++;
        } else {
            const c2s_value *outer =
                c2s_cloned(c, from->owner->inputs[hidden + i - from->formal_inputs].value);
            if (!outer)
                return c2s_fail(C2S_ERR_UNSUPPORTED,
                                "a body uses input \"%s\" of a function, which the call leaves out",
                                old->name);
            value = c2s_node_add_output_named(to->entry, outer->name);
            value->type = outer->type;
            if (outer->constant)
                c2s_value_set_constant(value, outer->constant);
        }
        c2s_map_put(&c->values, old, value);
    }
    return C2S_OK;
}

c2s_status c2s_graph_clone(c2s_cloner *c, const c2s_graph *from, c2s_graph *to, c2s_node *before) {
    for (size_t i = 0; i < from->initializers.count; i++) {
        c2s_value *old = from->initializers.at[i];
        if (!old)
            continue;
        c2s_value *value = c2s_value_constant(to, old->name, c2s_tensor_ref(old->constant));
        c2s_map_put(&c->values, old, value);
    }
    for (const c2s_node *node = from->first; node; node = node->next)
        C2S_TRY(c2s_node_clone(c, node, to, before, NULL));
    return C2S_OK;
}

static c2s_status clone_graph(c2s_cloner *c, const c2s_graph *from, c2s_node *owner,
                              c2s_graph **out) {
    c2s_graph *to = c2s_graph_create(owner->graph->model, owner, from->name);
    to->origin = from->origin;
    *out = to;
    C2S_TRY(clone_entry(c, from, to));
    C2S_TRY(c2s_graph_clone(c, from, to, NULL));
    for (unsigned i = 0; i < c2s_graph_output_count(from); i++)
        c2s_graph_add_output(to, c2s_cloned(c, c2s_graph_output(from, i)),
                             c2s_graph_output_name(from, i));
    return C2S_OK;
}

/* ---- functions ---- */

c2s_function *c2s_node_function(const c2s_node *node) {
    return c2s_model_function(node->graph->model, node->domain, node->type, node->overload);
}

static c2s_status bind_inputs(c2s_cloner *c, const c2s_node *call) {
    const c2s_graph *body = c->callee->graph;
    if (call->formal_count > c2s_graph_input_count(body) ||
        call->output_count > c2s_graph_output_count(body))
        return c2s_fail(C2S_ERR_INVALID,
                        "%u inputs and %u outputs, expected at most %u and %u for the function",
                        call->formal_count, call->output_count, c2s_graph_input_count(body),
                        c2s_graph_output_count(body));
    for (unsigned i = 0; i < c2s_graph_input_count(body); i++) {
        c2s_value *given = c2s_node_in(call, i);
        c2s_map_put(&c->values, c2s_graph_input(body, i), given ? given : &absent);
    }
    return C2S_OK;
}

/* The value that a function returns takes the place of the call's output, and its name if it is
 * one that the function made. */
static void replace_output(c2s_value *old, c2s_value *result, bool made_here) {
    c2s_type type = result->type;
    if (!result->constant && c2s_type_merge(&type, &old->type))
        c2s_value_set_type(result, &type);
    c2s_value_replace(old, result);
    if (made_here)
        c2s_value_swap_names(old, result);
}

void c2s_value_swap_names(c2s_value *a, c2s_value *b) {
    const char *name = a->name;
    c2s_value_set_name(a, b->name);
    c2s_value_set_name(b, name);
}

c2s_status c2s_node_inline(c2s_node *call) {
    c2s_cloner c = {.call = call, .callee = c2s_node_function(call)};
    assert(c.callee && "the node calls a function");
    c.prefix = call->name[0] ? call->name : call->type;
    c2s_graph *body = c.callee->graph;
    c2s_status status = bind_inputs(&c, call);
    if (status == C2S_OK)
        status = c2s_graph_clone(&c, body, call->graph, call);
    for (unsigned i = 0; i < call->output_count && status == C2S_OK; i++) {
        c2s_value *returned = c2s_graph_output(body, i), *result = c2s_cloned(&c, returned);
        if (!call->outputs[i])
            continue;
        if (result)
            replace_output(call->outputs[i], result, returned->def != body->entry);
        else
            status = c2s_fail(C2S_ERR_INVALID, "output %u of the function is a missing input", i);
    }
    c2s_map_free(&c.values);
    if (status != C2S_OK)
        c2s_note("%s", c2s_node_text(call));
    else
        c2s_node_remove(call);
    return status;
}

void c2s_function_remove(c2s_model *model, size_t index) {
    c2s_function *function = model->functions.at[index];
    c2s_node_resize_inputs(function->graph->exit, 0);
    c2s_graph_sweep(function->graph);
    c2s_vec_free(&function->attrs);
    c2s_vec_free(&function->opsets);
    model->functions.count--;
    memmove(&model->functions.at[index], &model->functions.at[index + 1],
            (model->functions.count - index) * sizeof(c2s_function *));
}

static c2s_status inline_graph(c2s_graph *graph, uint64_t limit) {
    for (c2s_node *node = graph->first, *next; node; node = next) {
        c2s_graph *body;
        if (node->op == &c2s_op_opaque && c2s_node_function(node)) {
            c2s_node *before = node->prev;
            C2S_TRY(c2s_node_inline(node));
            next = before ? before->next : graph->first; /* calls inside the function follow */
            if (graph->model->nodes.count > limit)
                return c2s_fail(C2S_ERR_UNSUPPORTED, "the functions expand to more than %llu nodes",
                                (unsigned long long)limit);
            continue;
        }
        for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
            C2S_TRY(inline_graph(body, limit));
        next = node->next;
    }
    return C2S_OK;
}

c2s_status c2s_model_inline(c2s_model *model, uint64_t limit) {
    if (model->functions.count == 0)
        return C2S_OK;
    return inline_graph(model->graph, limit ? limit : DEFAULT_LIMIT);
}
