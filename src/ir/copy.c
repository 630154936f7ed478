/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of models. Side tables by id map old objects to new ones; ids come out dense.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/copier.h"
#include "ir/internal.h"

typedef c2s_copier copier;

const char *c2s_copy_name(copier *c, const char *name) {
    return name && !c->same_names ? c2s_name_intern(c->to->names, name) : name;
}

/* The name itself, or with the first number with which it is not taken. Takes it. */
const char *c2s_copy_free_name(copier *c, const char *name) {
    const char *free_one = name;
    size_t size = strlen(name) + 16;
    char *text = c2s_alloc(size);
    for (unsigned i = 1; c2s_map_get(c->taken, free_one); i++) {
        snprintf(text, size, "%s_%u", name, i);
        free_one = c2s_name_intern(c->to->names, text);
    }
    free(text);
    c2s_map_put(c->taken, free_one, c);
    return free_one;
}

/* Of a value, which shares its name with no other. */
const char *c2s_copy_value_name(copier *c, const char *name) {
    const char *copy = c2s_copy_name(c, name);
    if (!c->taken || !copy)
        return copy;
    return c2s_copy_free_name(c, copy);
}

static c2s_dim copy_dim(copier *c, c2s_dim dim) {
    return c->dims ? c2s_dim_import(c->to->dims, c->dims, dim) : dim;
}

static const c2s_type *copy_element(copier *c, const c2s_type *type) {
    if (!type)
        return NULL;
    c2s_type *copy = c2s_arena_alloc(c->to->arena, sizeof *copy);
    *copy = c2s_copy_type(c, type);
    return copy;
}

c2s_type c2s_copy_type(copier *c, const c2s_type *type) {
    c2s_type copy = *type;
    for (int i = 0; i < type->rank; i++)
        copy.dim[i] = copy_dim(c, type->dim[i]);
    copy.element = copy_element(c, type->element);
    return copy;
}

static void copy_value_facts(copier *c, const c2s_value *from, c2s_value *to) {
    to->type = c2s_copy_type(c, &from->type);
    to->constant = from->constant ? c2s_tensor_ref(from->constant) : NULL;
    to->initial = from->initial ? c2s_tensor_ref(from->initial) : NULL;
    to->content_count = from->content_count;
    if (from->contents) {
        c2s_dim *contents = c2s_arena_array(c->to->arena, from->content_count, sizeof *contents);
        for (unsigned i = 0; i < from->content_count; i++)
            contents[i] = copy_dim(c, from->contents[i]);
        to->contents = contents;
    }
    to->origin = from->origin;
    to->tensor_origin = from->tensor_origin;
    c->value[from->id] = to;
}

static c2s_graph *copy_graph(copier *c, const c2s_graph *from, c2s_node *owner, c2s_graph *into);

static const c2s_string *copy_strings(copier *c, const c2s_string *from, size_t count) {
    c2s_string *copy = c2s_arena_array(c->to->arena, count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] =
            (c2s_string){c2s_arena_memdup(c->to->arena, from[i].data, from[i].size), from[i].size};
    return copy;
}

static void copy_attr(copier *c, c2s_node *node, const c2s_attr *from) {
    c2s_arena *arena = c->to->arena;
    c2s_attr attr = *from;
    attr.name = c2s_copy_name(c, from->name);
    attr.reference = c2s_copy_name(c, from->reference);
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
        attr.ints =
            (const int64_t *)c2s_arena_memdup(arena, from->ints, from->count * sizeof *from->ints);
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
        copy_value_facts(
            c, from->outputs[i],
            c2s_node_add_output_named(to, c2s_copy_value_name(c, from->outputs[i]->name)));
    }
}

static void copy_node(copier *c, const c2s_node *from, c2s_graph *graph) {
    c2s_node *to = c2s_node_append(graph, c2s_copy_name(c, from->domain),
                                   c2s_copy_name(c, from->type), from->op);
    to->name = c2s_copy_name(c, from->name);
    to->overload = c2s_copy_name(c, from->overload);
    to->origin = from->origin;
    to->changed = from->changed;
    to->history = c2s_copy_name(c, from->history);
    copy_inputs(c, from, to);
    for (unsigned i = 0; i < from->attr_count; i++)
        copy_attr(c, to, &from->attrs[i]);
    copy_outputs(c, from, to);
}

void c2s_copy_content(copier *c, const c2s_graph *from, c2s_graph *to) {
    for (size_t i = 0; i < from->initializers.count; i++) {
        const c2s_value *old = from->initializers.at[i];
        if (!old)
            continue;
        c2s_value *value = c2s_value_allocate(to, c2s_copy_value_name(c, old->name));
        copy_value_facts(c, old, value);
        c2s_vec_push(&to->initializers, value);
    }
    for (const c2s_node *node = from->first; node; node = node->next)
        copy_node(c, node, to);
}

static c2s_graph *copy_graph(copier *c, const c2s_graph *from, c2s_node *owner, c2s_graph *into) {
    c2s_graph *to = into ? into : c2s_graph_create(c->to, owner, from->name);
    to->name = c2s_copy_name(c, from->name);
    to->origin = from->origin;
    copy_outputs(c, from->entry, to->entry);
    to->formal_inputs = from->formal_inputs;
    to->impossible = from->impossible;
    c2s_copy_content(c, from, to);
    for (unsigned i = 0; i < c2s_graph_output_count(from); i++)
        c2s_graph_add_output(to, c->value[c2s_graph_output(from, i)->id],
                             c2s_copy_name(c, c2s_graph_output_name(from, i)));
    return to;
}

static void copy_opset(copier *c, c2s_opset from, c2s_opset *to) {
    *to = (c2s_opset){c2s_copy_name(c, from.domain), from.version, from.origin};
}

c2s_function *c2s_copy_function(copier *c, const c2s_function *from) {
    c2s_function *to = c2s_arena_alloc(c->to->arena, sizeof *to);
    to->domain = c2s_copy_name(c, from->domain);
    to->name = c2s_copy_name(c, from->name);
    to->overload = c2s_copy_name(c, from->overload);
    to->origin = from->origin;
    to->graph = copy_graph(c, from->graph, NULL, NULL);
    for (unsigned i = 0; i < from->graph->entry->attr_count; i++)
        copy_attr(c, to->graph->entry, &from->graph->entry->attrs[i]);
    for (size_t i = 0; i < from->attrs.count; i++)
        c2s_vec_push(&to->attrs, c2s_copy_name(c, from->attrs.at[i]));
    for (size_t i = 0; i < from->opsets.count; i++) {
        c2s_opset opset;
        copy_opset(c, from->opsets.at[i], &opset);
        c2s_vec_push(&to->opsets, opset);
    }
    return to;
}

/* What other files say of parts of the model. */
void c2s_copy_origin(c2s_model *to, struct c2s_origin *origin) {
    if (!origin)
        return;
    atomic_fetch_add_explicit(&origin->refs, 1, memory_order_relaxed);
    c2s_vec_push(&to->other_origins, origin);
}

void c2s_copy_origins(c2s_model *to, const c2s_model *from) {
    for (size_t i = 0; i < from->other_origins.count; i++)
        c2s_copy_origin(to, from->other_origins.at[i]);
}

c2s_model *c2s_model_copy(const c2s_model *from) {
    c2s_model *to = c2s_model_create_with(c2s_names_copy(from->names), c2s_dims_copy(from->dims));
    copier c = {.to = to, .same_names = true};
    c.value = c2s_zalloc((from->values.count + 1) * sizeof *c.value);
    to->ir_version = from->ir_version;
    to->reshaped = from->reshaped;
    to->sparse = from->sparse;
    to->path = c2s_arena_strdup(to->arena, from->path);
    to->origin = from->origin;
    if (to->origin)
        atomic_fetch_add_explicit(&to->origin->refs, 1, memory_order_relaxed);
    c2s_copy_origins(to, from);
    for (size_t i = 0; i < from->opsets.count; i++) {
        c2s_opset opset;
        copy_opset(&c, from->opsets.at[i], &opset);
        c2s_vec_push(&to->opsets, opset);
    }
    copy_graph(&c, from->graph, NULL, to->graph);
    for (size_t i = 0; i < from->functions.count; i++)
        c2s_vec_push(&to->functions, c2s_copy_function(&c, from->functions.at[i]));
    free(c.value);
    return to;
}
