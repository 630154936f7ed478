/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save_graph.h"

#include <stdlib.h>
#include <string.h>

#include "io/save_attr.h"
#include "io/save_info.h"
#include "io/save_tensor.h"

static char *text(const char *interned) {
    return (char *)(uintptr_t)interned;
}

static const char *text_of(const char *nullable) {
    return nullable ? nullable : "";
}

/* ---- nodes ---- */

static const char *name_of(const c2s_saver *saver, const c2s_value *value) {
    return value ? saver->names.of[value->id] : "";
}

/* Replaces the names in a list of operands, unless they are those already. */
static void set_input_names(c2s_saver *saver, const c2s_node *node, Onnx__NodeProto *proto) {
    bool same = proto->n_input == node->formal_count;
    for (unsigned i = 0; same && i < node->formal_count; i++)
        same = strcmp(proto->input[i], name_of(saver, node->inputs[i].value)) == 0;
    if (same)
        return;
    proto->n_input = node->formal_count;
    proto->input = c2s_arena_array(saver->arena, node->formal_count, sizeof *proto->input);
    for (unsigned i = 0; i < node->formal_count; i++)
        proto->input[i] = text(name_of(saver, node->inputs[i].value));
}

static void set_output_names(c2s_saver *saver, const c2s_node *node, Onnx__NodeProto *proto) {
    bool same = proto->n_output == node->output_count;
    for (unsigned i = 0; same && i < node->output_count; i++)
        same = strcmp(proto->output[i], name_of(saver, node->outputs[i])) == 0;
    if (same)
        return;
    proto->n_output = node->output_count;
    proto->output = c2s_arena_array(saver->arena, node->output_count, sizeof *proto->output);
    for (unsigned i = 0; i < node->output_count; i++)
        proto->output[i] = text(name_of(saver, node->outputs[i]));
}

static char *text_or_null(const char *interned) {
    return *interned ? text(interned) : NULL;
}

static void set_operator(const c2s_node *node, Onnx__NodeProto *proto) {
    const char *domain = text_of(proto->domain);
    if (strcmp(strcmp(domain, "ai.onnx") == 0 ? "" : domain, node->domain) != 0)
        proto->domain = text_or_null(node->domain);
    proto->op_type = text(node->type);
    if (strcmp(text_of(proto->name), node->name) != 0)
        proto->name = text_or_null(node->name);
    if (strcmp(text_of(proto->overload), node->overload) != 0)
        proto->overload = text_or_null(node->overload);
}

static c2s_status set_attributes(c2s_saver *saver, const c2s_node *node, Onnx__NodeProto *proto) {
    proto->n_attribute = node->attr_count;
    proto->attribute = c2s_arena_array(saver->arena, node->attr_count, sizeof *proto->attribute);
    for (unsigned i = 0; i < node->attr_count; i++)
        C2S_TRY(c2s_attr_save(saver, node, &node->attrs[i], &proto->attribute[i]));
    return C2S_OK;
}

/* The rewrites that made the node, where someone asked for them. */
static void add_history(c2s_saver *saver, const c2s_node *node, Onnx__NodeProto *proto) {
    Onnx__StringStringEntryProto *entry = c2s_arena_alloc(saver->arena, sizeof *entry);
    onnx__string_string_entry_proto__init(entry);
    entry->key = text("onnx-c2s");
    entry->value = text(node->history);
    size_t count = proto->n_metadata_props;
    Onnx__StringStringEntryProto **entries =
        c2s_arena_array(saver->arena, count + 1, sizeof *entries);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) /* an earlier history says less */
        if (strcmp(proto->metadata_props[i]->key, entry->key) != 0)
            entries[kept++] = proto->metadata_props[i];
    entries[kept++] = entry;
    proto->metadata_props = entries;
    proto->n_metadata_props = kept;
}

static c2s_status save_node(c2s_saver *saver, const c2s_node *node, Onnx__NodeProto **out) {
    Onnx__NodeProto *proto = c2s_arena_alloc(saver->arena, sizeof *proto);
    if (node->origin)
        *proto = *(const Onnx__NodeProto *)node->origin;
    else
        onnx__node_proto__init(proto);
    *out = proto;
    set_input_names(saver, node, proto);
    set_output_names(saver, node, proto);
    if (node->history)
        add_history(saver, node, proto);
    bool changed = !node->origin || node->changed;
    if (changed)
        set_operator(node, proto);
    if (changed || c2s_node_body(node, 0)) {
        c2s_status status = set_attributes(saver, node, proto);
        if (status != C2S_OK)
            c2s_note("%s", c2s_node_text(node));
        return status;
    }
    return C2S_OK;
}

/* An output whose value has another name. */
static Onnx__NodeProto *save_identity(c2s_saver *saver, const c2s_value *value, const char *name) {
    Onnx__NodeProto *proto = c2s_arena_alloc(saver->arena, sizeof *proto);
    onnx__node_proto__init(proto);
    char **names = c2s_arena_array(saver->arena, 2, sizeof *names);
    names[0] = text(name_of(saver, value));
    names[1] = text(name);
    proto->op_type = text("Identity");
    proto->n_input = proto->n_output = 1;
    proto->input = &names[0];
    proto->output = &names[1];
    return proto;
}

/* How functions, which have no initializers, say what is constant. */
static c2s_status save_constant(c2s_saver *saver, const c2s_value *value, Onnx__NodeProto **out) {
    Onnx__NodeProto *proto = c2s_arena_alloc(saver->arena, sizeof *proto);
    Onnx__AttributeProto *attr = c2s_arena_alloc(saver->arena, sizeof *attr);
    onnx__node_proto__init(proto);
    onnx__attribute_proto__init(attr);
    attr->name = text("value");
    attr->has_type = 1;
    attr->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    proto->op_type = text("Constant");
    proto->n_output = proto->n_attribute = 1;
    proto->output = c2s_arena_array(saver->arena, 1, sizeof *proto->output);
    proto->output[0] = text(name_of(saver, value));
    proto->attribute = c2s_arena_array(saver->arena, 1, sizeof *proto->attribute);
    proto->attribute[0] = attr;
    *out = proto;
    return c2s_tensor_save(saver->arena, value->constant, NULL, NULL, &attr->t);
}

static c2s_status save_nodes(c2s_saver *saver, const c2s_graph *graph, bool function, size_t *count,
                             Onnx__NodeProto ***out) {
    unsigned outputs = c2s_graph_output_count(graph);
    size_t constants = function ? graph->initializers.count : 0;
    Onnx__NodeProto **list = c2s_arena_array(
        saver->arena, (size_t)graph->node_count + outputs + constants, sizeof *list);
    *out = list;
    *count = 0;
    for (size_t i = 0; i < constants; i++)
        if (graph->initializers.at[i])
            C2S_TRY(save_constant(saver, graph->initializers.at[i], &list[(*count)++]));
    for (const c2s_node *node = graph->first; node; node = node->next)
        C2S_TRY(save_node(saver, node, &list[(*count)++]));
    bool *identities = c2s_save_identities(&saver->names, graph);
    for (unsigned i = 0; i < outputs; i++)
        if (identities[i])
            list[(*count)++] =
                save_identity(saver, c2s_graph_output(graph, i), c2s_graph_output_name(graph, i));
    free(identities);
    return C2S_OK;
}

/* ---- graphs ---- */

c2s_status c2s_graph_save(c2s_saver *saver, const c2s_graph *graph, Onnx__GraphProto **out) {
    Onnx__GraphProto *proto = c2s_arena_alloc(saver->arena, sizeof *proto);
    const Onnx__GraphProto *origin = graph->origin;
    if (origin)
        *proto = *origin;
    else
        onnx__graph_proto__init(proto);
    *out = proto;
    if (strcmp(text_of(proto->name), graph->name) != 0)
        proto->name = text(graph->name);
    C2S_TRY(save_nodes(saver, graph, false, &proto->n_node, &proto->node));
    c2s_info_saver info;
    c2s_info_saver_init(&info, saver, graph);
    c2s_info_save_interface(&info, origin, proto);
    c2s_status status = c2s_info_save_initializers(&info, origin, proto);
    c2s_info_save_values(&info, &proto->n_value_info, &proto->value_info);
    c2s_info_save_annotations(&info, proto);
    c2s_info_saver_free(&info);
    return status;
}

static char **interface_names(c2s_saver *saver, char **old, size_t old_count, size_t count,
                              const char *(*name)(const c2s_saver *, const c2s_graph *, unsigned),
                              const c2s_graph *graph) {
    bool same = old_count == count;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(old[i], name(saver, graph, (unsigned)i)) == 0;
    if (same)
        return old;
    char **names = c2s_arena_array(saver->arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = text(name(saver, graph, (unsigned)i));
    return names;
}

static const char *input_name(const c2s_saver *saver, const c2s_graph *graph, unsigned index) {
    return name_of(saver, c2s_graph_input(graph, index));
}

static const char *output_name(const c2s_saver *saver, const c2s_graph *graph, unsigned index) {
    (void)saver;
    return c2s_graph_output_name(graph, index);
}

static Onnx__OperatorSetIdProto *save_opset(c2s_saver *saver, const c2s_opset *opset) {
    const Onnx__OperatorSetIdProto *origin = opset->origin;
    if (origin && origin->version == opset->version)
        return (Onnx__OperatorSetIdProto *)(uintptr_t)origin;
    Onnx__OperatorSetIdProto *proto = c2s_arena_alloc(saver->arena, sizeof *proto);
    if (origin) {
        *proto = *origin;
    } else {
        onnx__operator_set_id_proto__init(proto);
        proto->domain = text(opset->domain);
    }
    proto->has_version = 1;
    proto->version = opset->version;
    return proto;
}

Onnx__OperatorSetIdProto **c2s_opsets_save(c2s_saver *saver, const c2s_opset *opsets,
                                           size_t count) {
    Onnx__OperatorSetIdProto **list = c2s_arena_array(saver->arena, count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = save_opset(saver, &opsets[i]);
    return list;
}

c2s_status c2s_function_save(c2s_saver *saver, const c2s_function *f, Onnx__FunctionProto **out) {
    Onnx__FunctionProto *proto = c2s_arena_alloc(saver->arena, sizeof *proto);
    const Onnx__FunctionProto *origin = f->origin;
    if (origin) {
        *proto = *origin;
    } else {
        onnx__function_proto__init(proto);
        proto->name = text(f->name);
        proto->domain = text(f->domain);
        proto->overload = text_or_null(f->overload);
        proto->n_attribute = f->attrs.count;
        proto->attribute = (char **)(uintptr_t)f->attrs.at;
    }
    *out = proto;
    const c2s_graph *graph = f->graph;
    unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    proto->input = interface_names(saver, proto->input, proto->n_input, inputs, input_name, graph);
    proto->n_input = inputs;
    proto->output =
        interface_names(saver, proto->output, proto->n_output, outputs, output_name, graph);
    proto->n_output = outputs;
    proto->opset_import = c2s_opsets_save(saver, f->opsets.at, f->opsets.count);
    proto->n_opset_import = f->opsets.count;
    C2S_TRY(save_nodes(saver, graph, true, &proto->n_node, &proto->node));
    c2s_info_saver info;
    c2s_info_saver_init(&info, saver, graph);
    c2s_info_save_values(&info, &proto->n_value_info, &proto->value_info);
    c2s_info_saver_free(&info);
    return C2S_OK;
}
