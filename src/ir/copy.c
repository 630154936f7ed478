/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of models. Side tables by id map old objects to new ones; ids come out dense.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/graph.h"
#include "ir/internal.h"

typedef struct copier {
    c2s_model *to;
    c2s_value **value; /* by old id */
} copier;

static const char *copy_name(copier *c, const char *name) {
    return name ? c2s_name_intern(c->to->names, name) : NULL;
}

static const c2s_type *copy_element(copier *c, const c2s_type *type) {
    if (!type)
        return NULL;
    c2s_type *copy = c2s_arena_alloc(c->to->arena, sizeof *copy);
    *copy = *type;
    copy->element = copy_element(c, type->element);
    return copy;
}

static void copy_value_facts(copier *c, const c2s_value *from, c2s_value *to) {
    to->type = from->type;
    to->type.element = copy_element(c, from->type.element);
    to->constant = from->constant ? c2s_tensor_ref(from->constant) : NULL;
    to->initial = from->initial ? c2s_tensor_ref(from->initial) : NULL;
    to->content_count = from->content_count;
    if (from->contents)
        to->contents = (const c2s_dim *)c2s_arena_memdup(
            c->to->arena, from->contents, from->content_count * sizeof *from->contents);
    to->origin = from->origin;
    to->tensor_origin = from->tensor_origin;
    c->value[from->id] = to;
}

static c2s_graph *copy_graph(copier *c, const c2s_graph *from, c2s_node *owner, c2s_graph *into);

static const c2s_string *copy_strings(copier *c, const c2s_string *from, size_t count) {
    c2s_string *copy = c2s_arena_array(c->to->arena, count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (c2s_string){c2s_arena_memdup(c->to->arena, from[i].data, from[i].size),
                               from[i].size};
    return copy;
}

static void copy_attr(copier *c, c2s_node *node, const c2s_attr *from) {
    c2s_arena *arena = c->to->arena;
    c2s_attr attr = *from;
    attr.name = copy_name(c, from->name);
    attr.reference = copy_name(c, from->reference);
    switch (from->kind) {
    case C2S_ATTR_STRING:
        attr.s = *copy_strings(c, &from->s, 1);
        break;
    case C2S_ATTR_TENSOR:
        attr.t = c2s_tensor_ref(from->t);
        break;
    case C2S_ATTR_GRAPH:
        attr.g = copy_graph(c, from->g, node, NULL);
        break;
    case C2S_ATTR_FLOATS:
        attr.floats = (const float *)c2s_arena_memdup(arena, from->floats,
                                                      from->count * sizeof *from->floats);
        break;
    case C2S_ATTR_INTS:
        attr.ints = (const int64_t *)c2s_arena_memdup(arena, from->ints,
                                                      from->count * sizeof *from->ints);
        break;
    case C2S_ATTR_STRINGS:
        attr.strings = copy_strings(c, from->strings, from->count);
        break;
    case C2S_ATTR_TENSORS: {
        const c2s_tensor **tensors = c2s_arena_array(arena, from->count, sizeof *tensors);
        for (size_t i = 0; i < from->count; i++)
            tensors[i] = c2s_tensor_ref(from->tensors[i]);
        attr.tensors = tensors;
        break;
    }
    case C2S_ATTR_GRAPHS: {
        c2s_graph **graphs = c2s_arena_array(arena, from->count, sizeof *graphs);
        for (size_t i = 0; i < from->count; i++)
            graphs[i] = copy_graph(c, from->graphs[i], node, NULL);
        attr.graphs = graphs;
        break;
    }
    case C2S_ATTR_TYPE:
        attr.type = copy_element(c, from->type);
        break;
    default:
        break;
    }
    c2s_attr_append(node, &attr);
}

static void copy_inputs(copier *c, const c2s_node *from, c2s_node *to) {
    /* All slots as formal ones first: hidden slots have no body to answer to until all is there. */
    c2s_node_resize_inputs(to, from->input_count);
    for (unsigned i = 0; i < from->input_count; i++)
        if (from->inputs[i].value)
            c2s_use_set(&to->inputs[i], c->value[from->inputs[i].value->id]);
    to->formal_count = from->formal_count;
}

static void copy_outputs(copier *c, const c2s_node *from, c2s_node *to) {
    for (unsigned i = 0; i < from->output_count; i++) {
        if (!from->outputs[i]) {
            c2s_value *none = c2s_node_add_output_named(to, to->type);
            to->outputs[i] = NULL;
            c2s_value_release(none);
            continue;
        }
        copy_value_facts(c, from->outputs[i],
                         c2s_node_add_output_named(to, copy_name(c, from->outputs[i]->name)));
    }
}

static void copy_node(copier *c, const c2s_node *from, c2s_graph *graph) {
    c2s_node *to = c2s_node_create(graph, NULL, copy_name(c, from->domain),
                                   copy_name(c, from->type), 0, 0);
    to->name = copy_name(c, from->name);
    to->overload = copy_name(c, from->overload);
    to->origin = from->origin;
    to->changed = from->changed;
    copy_inputs(c, from, to);
    for (unsigned i = 0; i < from->attr_count; i++)
        copy_attr(c, to, &from->attrs[i]);
    copy_outputs(c, from, to);
}

static c2s_graph *copy_graph(copier *c, const c2s_graph *from, c2s_node *owner, c2s_graph *into) {
    c2s_graph *to = into ? into : c2s_graph_create(c->to, owner, from->name);
    to->name = copy_name(c, from->name);
    to->origin = from->origin;
    copy_outputs(c, from->entry, to->entry);
    to->formal_inputs = from->formal_inputs;
    to->impossible = from->impossible;
    for (size_t i = 0; i < from->initializers.count; i++) {
        const c2s_value *old = from->initializers.at[i];
        if (!old)
            continue;
        c2s_value *value = c2s_value_allocate(to, copy_name(c, old->name));
        copy_value_facts(c, old, value);
        c2s_vec_push(&to->initializers, value);
    }
    for (const c2s_node *node = from->first; node; node = node->next)
        copy_node(c, node, to);
    for (unsigned i = 0; i < c2s_graph_output_count(from); i++)
        c2s_graph_add_output(to, c->value[c2s_graph_output(from, i)->id],
                             copy_name(c, c2s_graph_output_name(from, i)));
    return to;
}

static void copy_opset(copier *c, c2s_opset from, c2s_opset *to) {
    *to = (c2s_opset){copy_name(c, from.domain), from.version, from.origin};
}

static c2s_function *copy_function(copier *c, const c2s_function *from) {
    c2s_function *to = c2s_arena_alloc(c->to->arena, sizeof *to);
    to->domain = copy_name(c, from->domain);
    to->name = copy_name(c, from->name);
    to->overload = copy_name(c, from->overload);
    to->origin = from->origin;
    to->graph = copy_graph(c, from->graph, NULL, NULL);
    for (unsigned i = 0; i < from->graph->entry->attr_count; i++)
        copy_attr(c, to->graph->entry, &from->graph->entry->attrs[i]);
    for (size_t i = 0; i < from->attrs.count; i++)
        c2s_vec_push(&to->attrs, copy_name(c, from->attrs.at[i]));
    for (size_t i = 0; i < from->opsets.count; i++) {
        c2s_opset opset;
        copy_opset(c, from->opsets.at[i], &opset);
        c2s_vec_push(&to->opsets, opset);
    }
    return to;
}

c2s_model *c2s_model_copy(const c2s_model *from) {
    c2s_model *to = c2s_model_create();
    copier c = {.to = to};
    c.value = c2s_zalloc((from->values.count + 1) * sizeof *c.value);
    c2s_dims_destroy(to->dims);
    to->dims = c2s_dims_copy(from->dims);
    to->ir_version = from->ir_version;
    to->reshaped = from->reshaped;
    to->path = c2s_arena_strdup(to->arena, from->path);
    to->origin = from->origin;
    if (to->origin)
        atomic_fetch_add_explicit(&to->origin->refs, 1, memory_order_relaxed);
    for (size_t i = 0; i < from->opsets.count; i++) {
        c2s_opset opset;
        copy_opset(&c, from->opsets.at[i], &opset);
        c2s_vec_push(&to->opsets, opset);
    }
    copy_graph(&c, from->graph, NULL, to->graph);
    for (size_t i = 0; i < from->functions.count; i++)
        c2s_vec_push(&to->functions, copy_function(&c, from->functions.at[i]));
    free(c.value);
    return to;
}
