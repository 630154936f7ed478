/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_graph.h"

#include <stdlib.h>

#include "base/map.h"
#include "io/load_attr.h"
#include "io/load_constant.h"
#include "io/load_tensor.h"
#include "io/load_type.h"
#include "ir/internal.h"

/* What the names of a graph stand for; names that are not here may stand for something in an
 * enclosing graph, which is captured and entered here at first use. */
typedef struct scope {
    struct scope *outer;
    c2s_graph *graph;
    struct c2s_origin *origin;
    c2s_map values; /* interned name to value */
} scope;

static const char *text_of(const char *text) {
    return text ? text : "";
}

static const char *intern(const scope *s, const char *text) {
    return c2s_name_intern(s->graph->model->names, text_of(text));
}

static c2s_value *lookup(scope *s, const char *name) {
    c2s_value *value = c2s_map_get(&s->values, name);
    if (value || !s->outer)
        return value;
    c2s_value *outer = lookup(s->outer, name);
    if (!outer)
        return NULL;
    value = c2s_graph_capture_new(s->graph, outer);
    c2s_map_put(&s->values, name, value);
    return value;
}

/* ---- definitions ---- */

static const char *definition_text(const c2s_value *value) {
    if (!value->def)
        return "an initializer";
    return value->def == value->graph->entry ? "an input" : c2s_node_text(value->def);
}

/* The name for a new value called `name` in the file. Bodies may not reuse a name from outside
 * (the standard forbids it too); one that does is given another. */
static const char *unshadowed(const scope *s, const char *name) {
    for (const scope *outer = s->outer; outer; outer = outer->outer)
        if (c2s_map_get(&outer->values, name))
            return c2s_name_fresh(s->graph->model->names, name);
    return name;
}

static c2s_status check_new(const scope *s, const char *name) {
    if (!*name)
        return c2s_fail(C2S_ERR_INVALID, "found no name");
    const c2s_value *other = c2s_map_get(&s->values, name);
    if (!other)
        return C2S_OK;
    return c2s_fail(C2S_ERR_INVALID, "\"%s\" is defined twice, also by %s", name,
                    definition_text(other));
}

static c2s_status define_input(scope *s, const char *text, const Onnx__ValueInfoProto *info) {
    const char *name = intern(s, text);
    C2S_TRY(check_new(s, name));
    c2s_value *value = c2s_node_add_output_named(s->graph->entry, unshadowed(s, name));
    s->graph->formal_inputs++;
    value->origin = info;
    if (info)
        value->type = c2s_type_load(s->graph->model, info->type);
    c2s_map_put(&s->values, name, value);
    return C2S_OK;
}

/* Takes over the reference of `tensor`, also on failure. */
static c2s_status define_constant(scope *s, const char *text, c2s_tensor *tensor,
                                  const void *origin) {
    const char *name = intern(s, text);
    c2s_value *value = c2s_map_get(&s->values, name);
    if (value && value->def == s->graph->entry && !value->initial) {
        value->initial = tensor; /* an input with a default */
        value->tensor_origin = origin;
        return C2S_OK;
    }
    c2s_status status = check_new(s, name);
    if (status != C2S_OK) {
        c2s_tensor_unref(tensor);
        return status;
    }
    value = c2s_value_allocate(s->graph, unshadowed(s, name));
    value->type = tensor->type;
    value->constant = tensor;
    value->tensor_origin = origin;
    c2s_vec_push(&s->graph->initializers, value);
    c2s_map_put(&s->values, name, value);
    return C2S_OK;
}

static c2s_status define_outputs(scope *s, c2s_node *node, const Onnx__NodeProto *proto) {
    for (size_t i = 0; i < proto->n_output; i++) {
        const char *name = intern(s, proto->output[i]);
        if (!*name) {
            c2s_value_release(c2s_node_add_output_named(node, name));
            node->outputs[i] = NULL;
            continue;
        }
        C2S_TRY(check_new(s, name));
        c2s_map_put(&s->values, name, c2s_node_add_output_named(node, unshadowed(s, name)));
    }
    return C2S_OK;
}

static int by_address(const void *a, const void *b) {
    const uintptr_t x = (uintptr_t) * (const char *const *)a,
                    y = (uintptr_t) * (const char *const *)b;
    return (x > y) - (x < y);
}

/* Attributes are found by name; names are interned. */
static c2s_status check_attribute_names(const c2s_node *node) {
    const size_t count = node->attr_count;
    const char **names = c2s_alloc_array(count, sizeof *names), *twice = NULL;
    bool nameless = false;
    for (size_t i = 0; i < count; i++) {
        names[i] = node->attrs[i].name;
        nameless |= !*names[i];
    }
    qsort(names, count, sizeof *names, by_address);
    for (size_t i = 1; i < count; i++)
        if (names[i] == names[i - 1])
            twice = names[i];
    free(names);
    if (nameless)
        return c2s_fail(C2S_ERR_INVALID, "found an attribute without a name");
    return twice ? c2s_fail(C2S_ERR_INVALID, "attribute \"%s\" is there twice", twice) : C2S_OK;
}

static c2s_status define_node(scope *s, const Onnx__NodeProto *proto) {
    if (!proto->op_type || !*proto->op_type)
        return c2s_fail(C2S_ERR_INVALID, "found no op_type");
    if (proto->n_input > UINT32_MAX / 2 || proto->n_output > UINT32_MAX / 2)
        return c2s_fail(C2S_ERR_INVALID, "found more operands than can be counted");
    const char *domain = intern(s, proto->domain);
    if (domain == intern(s, "ai.onnx"))
        domain = "";
    c2s_node *node =
        c2s_node_create(s->graph, NULL, domain, proto->op_type, (unsigned)proto->n_input, 0);
    node->name = intern(s, proto->name);
    node->overload = intern(s, proto->overload);
    node->origin = proto;
    C2S_TRY(define_outputs(s, node, proto));
    for (size_t i = 0; i < proto->n_attribute; i++)
        C2S_TRY(c2s_attr_load(node, proto->attribute[i], s->origin));
    if (proto->n_attribute > 0)
        C2S_TRY(check_attribute_names(node));
    if (c2s_node_is(node, "Constant"))
        C2S_TRY(c2s_constant_load(node, s->origin));
    node->changed = false;
    return C2S_OK;
}

static void note_node(const Onnx__NodeProto *proto) {
    const char *name = text_of(proto->name);
    for (size_t i = 0; !*name && i < proto->n_output; i++)
        name = text_of(proto->output[i]);
    c2s_note("node \"%s\" (%s)", name, text_of(proto->op_type));
}

static c2s_status define_nodes(scope *s, size_t count, Onnx__NodeProto *const *protos) {
    for (size_t i = 0; i < count; i++) {
        c2s_status status = define_node(s, protos[i]);
        if (status != C2S_OK) {
            note_node(protos[i]);
            return status;
        }
    }
    return C2S_OK;
}

static c2s_status define_interface(scope *s, const Onnx__GraphProto *proto) {
    for (size_t i = 0; i < proto->n_input; i++) {
        c2s_status status = define_input(s, proto->input[i]->name, proto->input[i]);
        if (status != C2S_OK) {
            c2s_note("graph input %zu", i);
            return status;
        }
    }
    c2s_tensor *tensor;
    for (size_t i = 0; i < proto->n_initializer; i++) {
        C2S_TRY(c2s_tensor_load(proto->initializer[i], s->origin, &tensor));
        c2s_status status =
            define_constant(s, proto->initializer[i]->name, tensor, proto->initializer[i]);
        if (status != C2S_OK) {
            c2s_note("initializer %zu", i);
            return status;
        }
    }
    for (size_t i = 0; i < proto->n_sparse_initializer; i++) {
        const Onnx__SparseTensorProto *sparse = proto->sparse_initializer[i];
        C2S_TRY(c2s_tensor_load_sparse(sparse, s->origin, &tensor));
        c2s_status status = define_constant(s, sparse->values->name, tensor, sparse);
        if (status != C2S_OK) {
            c2s_note("sparse initializer %zu", i);
            return status;
        }
    }
    return C2S_OK;
}

/* ---- uses ---- */

static c2s_status link_nodes(scope *s) {
    for (c2s_node *node = s->graph->first; node; node = node->next) {
        const Onnx__NodeProto *proto = node->origin;
        for (unsigned i = 0; i < node->formal_count; i++) {
            const char *name = intern(s, proto->input[i]);
            c2s_value *value = *name ? lookup(s, name) : NULL;
            if (*name && !value) {
                c2s_fail(C2S_ERR_INVALID, "input %u is \"%s\", which nothing defines", i, name);
                c2s_note("%s", c2s_node_text(node));
                return C2S_ERR_INVALID;
            }
            c2s_use_set(&node->inputs[i], value);
        }
    }
    return C2S_OK;
}

static c2s_status link_output(scope *s, const char *text) {
    const char *name = intern(s, text);
    c2s_value *value = *name ? lookup(s, name) : NULL;
    if (!value)
        return c2s_fail(C2S_ERR_INVALID, "graph output \"%s\" is defined by nothing", name);
    c2s_graph_add_output(s->graph, value, name);
    return C2S_OK;
}

/* What the file says of a value's type counts, unless the value itself knows better. */
static void describe(const scope *s, const Onnx__ValueInfoProto *info) {
    c2s_value *value = c2s_map_get(&s->values, intern(s, info->name));
    if (!value)
        return;
    value->origin = info;
    if (value->constant || value->type.kind != C2S_KIND_UNKNOWN)
        return;
    c2s_type type = c2s_type_load(s->graph->model, info->type);
    c2s_value_set_type(value, &type);
}

static c2s_status load_bodies(scope *s);

/* A list that was sorted has every definition before its uses; only others cost a sort. */
static c2s_status ensure_order(c2s_graph *graph) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        for (unsigned i = 0; i < node->input_count; i++) {
            const c2s_value *value = node->inputs[i].value;
            if (value && value->def && value->def != graph->entry && value->def->id >= node->id)
                return c2s_graph_sort(graph);
        }
    }
    return C2S_OK;
}

static c2s_status fill_graph(scope *s, const Onnx__GraphProto *proto) {
    c2s_graph *graph = s->graph;
    graph->origin = proto;
    graph->name = intern(s, proto->name);
    C2S_TRY(define_interface(s, proto));
    C2S_TRY(define_nodes(s, proto->n_node, proto->node));
    C2S_TRY(link_nodes(s));
    for (size_t i = 0; i < proto->n_output; i++)
        C2S_TRY(link_output(s, proto->output[i]->name));
    for (size_t i = 0; i < proto->n_output; i++)
        describe(s, proto->output[i]);
    for (size_t i = 0; i < proto->n_value_info; i++)
        describe(s, proto->value_info[i]);
    C2S_TRY(load_bodies(s));
    return ensure_order(graph);
}

static c2s_status load_body(scope *outer, c2s_graph *body) {
    scope s = {.outer = outer, .graph = body, .origin = outer->origin};
    c2s_status status = fill_graph(&s, body->origin);
    c2s_map_free(&s.values);
    if (status != C2S_OK) {
        c2s_note("graph \"%s\"", body->name);
        c2s_note("%s", c2s_node_text(body->owner));
    }
    return status;
}

/* Recursion ends: the scan of the file limits how deep messages are nested. */
static c2s_status load_bodies(scope *s) {
    for (c2s_node *node = s->graph->first; node; node = node->next) {
        c2s_graph *body;
        for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
            C2S_TRY(load_body(s, body));
    }
    return C2S_OK;
}

c2s_status c2s_graph_load(c2s_graph *graph, const Onnx__GraphProto *proto,
                          struct c2s_origin *origin) {
    scope s = {.graph = graph, .origin = origin};
    c2s_status status = fill_graph(&s, proto);
    c2s_map_free(&s.values);
    return status;
}

static c2s_status fill_function(scope *s, const Onnx__FunctionProto *proto) {
    s->graph->origin = proto;
    for (size_t i = 0; i < proto->n_input; i++) {
        c2s_status status = define_input(s, proto->input[i], NULL);
        if (status != C2S_OK) {
            c2s_note("input %zu", i);
            return status;
        }
    }
    C2S_TRY(define_nodes(s, proto->n_node, proto->node));
    C2S_TRY(link_nodes(s));
    for (size_t i = 0; i < proto->n_output; i++)
        C2S_TRY(link_output(s, proto->output[i]));
    for (size_t i = 0; i < proto->n_value_info; i++)
        describe(s, proto->value_info[i]);
    C2S_TRY(load_bodies(s));
    return ensure_order(s->graph);
}

c2s_status c2s_graph_load_function(c2s_graph *graph, const Onnx__FunctionProto *proto,
                                   struct c2s_origin *origin) {
    scope s = {.graph = graph, .origin = origin};
    c2s_status status = fill_function(&s, proto);
    c2s_map_free(&s.values);
    return status;
}
