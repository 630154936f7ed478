/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save_info.h"

#include <string.h>

#include "io/load_type.h"
#include "io/save_sparse.h"
#include "io/save_tensor.h"
#include "io/save_type.h"

static const char *name_of(const c2s_info_saver *info, const c2s_value *value) {
    return info->saver->names.of[value->id];
}

static void add_value(c2s_info_saver *info, c2s_value *value) {
    if (value)
        c2s_map_put(&info->values, name_of(info, value), value);
}

void c2s_info_saver_init(c2s_info_saver *info, c2s_saver *saver, const c2s_graph *graph) {
    *info = (c2s_info_saver){.saver = saver, .graph = graph};
    for (unsigned i = 0; i < graph->entry->output_count; i++)
        add_value(info, graph->entry->outputs[i]);
    for (size_t i = 0; i < graph->initializers.count; i++)
        add_value(info, graph->initializers.at[i]);
    for (const c2s_node *node = graph->first; node; node = node->next)
        for (unsigned i = 0; i < node->output_count; i++)
            add_value(info, node->outputs[i]);
}

void c2s_info_saver_free(c2s_info_saver *info) {
    c2s_map_free(&info->values);
    c2s_map_free(&info->originals);
}

static c2s_value *find_value(const c2s_info_saver *info, const char *text) {
    const char *name = text ? c2s_name_find(info->saver->model->names, text) : NULL;
    return name ? c2s_map_get(&info->values, name) : NULL;
}

/* ---- names that the file defined ---- */

static void add_original(c2s_info_saver *info, const char *text) {
    if (text) {
        const char *name = c2s_name_intern(info->saver->model->names, text);
        c2s_map_put(&info->originals, name, info);
    }
}

static void add_node_originals(c2s_info_saver *info, Onnx__NodeProto *const *nodes, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < nodes[i]->n_output; k++)
            add_original(info, nodes[i]->output[k]);
}

static void find_originals(c2s_info_saver *info) {
    const ProtobufCMessage *origin = info->graph->origin;
    if (!origin || info->originals.count)
        return;
    if (origin->descriptor == &onnx__function_proto__descriptor) {
        const Onnx__FunctionProto *function = (const Onnx__FunctionProto *)origin;
        for (size_t i = 0; i < function->n_input; i++)
            add_original(info, function->input[i]);
        add_node_originals(info, function->node, function->n_node);
        return;
    }
    const Onnx__GraphProto *graph = (const Onnx__GraphProto *)origin;
    for (size_t i = 0; i < graph->n_input; i++)
        add_original(info, graph->input[i]->name);
    for (size_t i = 0; i < graph->n_initializer; i++)
        add_original(info, graph->initializer[i]->name);
    for (size_t i = 0; i < graph->n_sparse_initializer; i++)
        add_original(info, graph->sparse_initializer[i]->values->name);
    add_node_originals(info, graph->node, graph->n_node);
}

/* True for the name of a value that a pass removed. */
static bool is_gone(c2s_info_saver *info, const char *text) {
    if (!text || find_value(info, text))
        return false;
    find_originals(info);
    const char *name = c2s_name_find(info->saver->model->names, text);
    return name && c2s_map_get(&info->originals, name);
}

/* ---- types of values ---- */

/* After a change of shapes only the very type will do. */
static bool holds(const c2s_info_saver *info, const Onnx__ValueInfoProto *old,
                  const c2s_value *value, bool exact) {
    c2s_model *model = info->saver->model;
    if (!model->reshaped)
        return c2s_type_proto_holds(old->type, &value->type, exact);
    const c2s_type type = c2s_type_load(model, old->type);
    return c2s_type_equal(&type, &value->type);
}

/* The message that was read if it still holds, else a new one that keeps what else it said. */
static Onnx__ValueInfoProto *save_info(c2s_info_saver *info, const c2s_value *value,
                                       const char *name, Onnx__ValueInfoProto *old, bool exact) {
    if (old && holds(info, old, value, exact))
        return old;
    Onnx__ValueInfoProto *proto = c2s_arena_alloc(info->saver->arena, sizeof *proto);
    if (old)
        *proto = *old;
    else
        onnx__value_info_proto__init(proto);
    proto->name = (char *)(uintptr_t)name;
    proto->type = c2s_type_save(info->saver->arena, info->saver->model->dims, &value->type);
    return proto;
}

static void index_infos(const c2s_info_saver *info, c2s_map *map, Onnx__ValueInfoProto **list,
                        size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *text = list[i]->name ? list[i]->name : "";
        c2s_map_put(map, c2s_name_intern(info->saver->model->names, text), list[i]);
    }
}

static void save_inputs(c2s_info_saver *info, const Onnx__GraphProto *origin,
                        Onnx__GraphProto *proto) {
    const c2s_graph *graph = info->graph;
    c2s_map old = {0};
    if (origin)
        index_infos(info, &old, origin->input, origin->n_input);
    proto->n_input = graph->formal_inputs;
    proto->input = c2s_arena_array(info->saver->arena, proto->n_input, sizeof *proto->input);
    for (unsigned i = 0; i < graph->formal_inputs; i++) {
        const c2s_value *value = c2s_graph_input(graph, i);
        Onnx__ValueInfoProto *before = c2s_map_get(&old, name_of(info, value));
        /* Nothing infers the type of an input: an extent that is known now was meant. */
        proto->input[i] = save_info(info, value, name_of(info, value), before, true);
        info->changed_inputs = info->changed_inputs || proto->input[i] != before;
    }
    c2s_map_free(&old);
}

void c2s_info_save_interface(c2s_info_saver *info, const Onnx__GraphProto *origin,
                             Onnx__GraphProto *proto) {
    save_inputs(info, origin, proto);
    unsigned count = c2s_graph_output_count(info->graph);
    c2s_map old = {0};
    if (origin)
        index_infos(info, &old, origin->output, origin->n_output);
    proto->n_output = count;
    proto->output = c2s_arena_array(info->saver->arena, count, sizeof *proto->output);
    for (unsigned i = 0; i < count; i++) {
        const char *name = c2s_graph_output_name(info->graph, i);
        proto->output[i] = save_info(info, c2s_graph_output(info->graph, i), name,
                                     c2s_map_get(&old, name), info->changed_inputs);
    }
    c2s_map_free(&old);
}

void c2s_info_save_values(c2s_info_saver *info, size_t *count, Onnx__ValueInfoProto ***list) {
    size_t kept = 0;
    Onnx__ValueInfoProto **out = c2s_arena_array(info->saver->arena, *count, sizeof *out);
    if (info->saver->model->reshaped && info->graph->impossible)
        *count = 0; /* the types that show it would have others refuse the whole model */
    for (size_t i = 0; i < *count; i++) {
        Onnx__ValueInfoProto *old = (*list)[i];
        const c2s_value *value = find_value(info, old->name);
        if (value && info->saver->model->reshaped && value->type.kind == C2S_KIND_UNKNOWN)
            continue;
        if (value)
            out[kept++] = save_info(info, value, old->name, old, info->changed_inputs);
        else if (!is_gone(info, old->name))
            out[kept++] = old;
    }
    *list = out;
    *count = kept;
}

void c2s_info_save_annotations(c2s_info_saver *info, Onnx__GraphProto *proto) {
    size_t kept = 0;
    Onnx__TensorAnnotation **out =
        c2s_arena_array(info->saver->arena, proto->n_quantization_annotation, sizeof *out);
    for (size_t i = 0; i < proto->n_quantization_annotation; i++) {
        Onnx__TensorAnnotation *old = proto->quantization_annotation[i];
        bool gone = is_gone(info, old->tensor_name);
        for (size_t k = 0; k < old->n_quant_parameter_tensor_names; k++)
            gone = gone || is_gone(info, old->quant_parameter_tensor_names[k]->value);
        if (!gone)
            out[kept++] = old;
    }
    proto->quantization_annotation = out;
    proto->n_quantization_annotation = kept;
}

/* ---- initializers ---- */

typedef struct initializer_list {
    c2s_info_saver *info;
    Onnx__GraphProto *proto; /* n_initializer and n_sparse_initializer count what is done */
    c2s_map done;
} initializer_list;

static Onnx__SparseTensorProto *rename_sparse(const initializer_list *list, const char *name,
                                              const Onnx__SparseTensorProto *old) {
    c2s_arena *arena = list->info->saver->arena;
    Onnx__SparseTensorProto *proto = c2s_arena_alloc(arena, sizeof *proto);
    *proto = *old;
    proto->values = c2s_arena_alloc(arena, sizeof *proto->values);
    *proto->values = *old->values;
    proto->values->name = (char *)(uintptr_t)name;
    return proto;
}

static c2s_status save_initializer(initializer_list *list, const c2s_value *value,
                                   const Onnx__TensorProto *like) {
    const c2s_tensor *tensor = value->constant ? value->constant : value->initial;
    const ProtobufCMessage *origin = value->tensor_origin;
    const char *name = name_of(list->info, value);
    c2s_map_put(&list->done, value, list);
    if (origin && origin->descriptor == &onnx__sparse_tensor_proto__descriptor) {
        const Onnx__SparseTensorProto *old = (const Onnx__SparseTensorProto *)origin;
        bool same = old->values->name && strcmp(old->values->name, name) == 0;
        list->proto->sparse_initializer[list->proto->n_sparse_initializer++] =
            same ? (Onnx__SparseTensorProto *)(uintptr_t)old : rename_sparse(list, name, old);
        return C2S_OK;
    }
    if (!origin && value->constant && list->info->saver->model->sparse &&
        c2s_sparse_is_smaller(tensor)) {
        c2s_sparse_save(list->info->saver->arena, tensor, name,
                        &list->proto->sparse_initializer[list->proto->n_sparse_initializer++]);
        return C2S_OK;
    }
    Onnx__TensorProto **out = &list->proto->initializer[list->proto->n_initializer++];
    const Onnx__TensorProto *old = (const Onnx__TensorProto *)origin;
    if (!old)
        return c2s_tensor_save(list->info->saver->arena, tensor, name, like, out);
    *out = (Onnx__TensorProto *)(uintptr_t)old;
    if (!old->name || strcmp(old->name, name) != 0) {
        *out = c2s_arena_alloc(list->info->saver->arena, sizeof **out);
        **out = *old;
        (*out)->name = (char *)(uintptr_t)name;
    }
    return C2S_OK;
}

/* The value of an initializer of the read file, if it is one still. */
static const c2s_value *still_there(const initializer_list *list, const char *text) {
    const c2s_value *value = find_value(list->info, text);
    bool initializer = value && (value->initial || (!value->def && value->constant));
    return initializer && !c2s_map_get(&list->done, value) ? value : NULL;
}

static c2s_status save_old_ones(initializer_list *list, const Onnx__GraphProto *origin) {
    for (size_t i = 0; i < origin->n_initializer; i++) {
        const c2s_value *value = still_there(list, origin->initializer[i]->name);
        if (value)
            C2S_TRY(save_initializer(list, value, origin->initializer[i]));
    }
    for (size_t i = 0; i < origin->n_sparse_initializer; i++) {
        const Onnx__TensorProto *values = origin->sparse_initializer[i]->values;
        const c2s_value *value = still_there(list, values->name);
        if (value)
            C2S_TRY(save_initializer(list, value, NULL));
    }
    return C2S_OK;
}

static c2s_status save_new_ones(initializer_list *list) {
    const c2s_graph *graph = list->info->graph;
    for (size_t i = 0; i < graph->initializers.count; i++) {
        const c2s_value *value = graph->initializers.at[i];
        if (value && !c2s_map_get(&list->done, value))
            C2S_TRY(save_initializer(list, value, NULL));
    }
    for (unsigned i = 0; i < graph->formal_inputs; i++) {
        const c2s_value *value = c2s_graph_input(graph, i);
        if (value->initial && !c2s_map_get(&list->done, value))
            C2S_TRY(save_initializer(list, value, NULL));
    }
    return C2S_OK;
}

c2s_status c2s_info_save_initializers(c2s_info_saver *info, const Onnx__GraphProto *origin,
                                      Onnx__GraphProto *proto) {
    initializer_list list = {.info = info, .proto = proto};
    size_t room = info->graph->initializers.count + info->graph->formal_inputs;
    proto->n_initializer = proto->n_sparse_initializer = 0;
    proto->initializer = c2s_arena_array(info->saver->arena, room, sizeof *proto->initializer);
    proto->sparse_initializer =
        c2s_arena_array(info->saver->arena, room, sizeof *proto->sparse_initializer);
    c2s_status status = origin ? save_old_ones(&list, origin) : C2S_OK;
    if (status == C2S_OK)
        status = save_new_ones(&list);
    c2s_map_free(&list.done);
    return status;
}
