/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX messages for tests of the file format, as protobuf-c structs. What is made lives in an
 * arena.
 */
#ifndef C2S_TESTS_MAKE_PROTO_H
#define C2S_TESTS_MAKE_PROTO_H

#include <string.h>

#include "shared.h"

#include <onnx.pb-c.h>

#include "base/memory.h"
#include "io/load.h"
#include "io/save.h"

static c2s_arena *proto_arena;

static inline int proto_setup(void **state) {
    (void)state;
    proto_arena = c2s_arena_create();
    return 0;
}

static inline int proto_teardown(void **state) {
    (void)state;
    c2s_arena_destroy(proto_arena);
    return 0;
}

#define PROTO_NEW(type, lower)                                                                     \
    static inline type *new_##lower(void) {                                                        \
        type *proto = c2s_arena_alloc(proto_arena, sizeof *proto);                                 \
        onnx__##lower##__init(proto);                                                              \
        return proto;                                                                              \
    }
PROTO_NEW(Onnx__ModelProto, model_proto)
PROTO_NEW(Onnx__GraphProto, graph_proto)
PROTO_NEW(Onnx__NodeProto, node_proto)
PROTO_NEW(Onnx__AttributeProto, attribute_proto)
PROTO_NEW(Onnx__TensorProto, tensor_proto)
PROTO_NEW(Onnx__SparseTensorProto, sparse_tensor_proto)
PROTO_NEW(Onnx__ValueInfoProto, value_info_proto)
PROTO_NEW(Onnx__FunctionProto, function_proto)
PROTO_NEW(Onnx__TrainingInfoProto, training_info_proto)
PROTO_NEW(Onnx__OperatorSetIdProto, operator_set_id_proto)
PROTO_NEW(Onnx__StringStringEntryProto, string_string_entry_proto)
PROTO_NEW(Onnx__TensorAnnotation, tensor_annotation)

/* Appends to a repeated field: `count` and `list` are its members. */
#define PROTO_ADD(count, list, ...)                                                                \
    do {                                                                                           \
        void *old_ = (list);                                                                       \
        (list) = c2s_arena_array(proto_arena, (count) + 1, sizeof *(list));                        \
        if (count)                                                                                 \
            memcpy((list), old_, (count) * sizeof *(list));                                        \
        (list)[(count)++] = (__VA_ARGS__);                                                         \
    } while (0)

static inline void *proto_take(void *arena, size_t size) {
    return c2s_arena_alloc(arena, size);
}

static inline void proto_keep(void *arena, void *memory) {
    (void)arena;
    (void)memory;
}

/* For unpacking into the arena: such messages may be changed, and are never freed one by one. */
static inline ProtobufCAllocator proto_allocator(void) {
    return (ProtobufCAllocator){proto_take, proto_keep, proto_arena};
}

static inline char *proto_text(const char *text) {
    return c2s_arena_strdup(proto_arena, text);
}

/* "a,b,,c" as four names. */
static inline void proto_names(const char *list, size_t *count, char ***names) {
    *count = 0;
    for (const char *at = list; *list; at += *at == ',') {
        const char *end = at + strcspn(at, ",");
        char *name = c2s_arena_memdup(proto_arena, at, (size_t)(end - at));
        PROTO_ADD(*count, *names, name);
        at = end;
        if (!*at)
            break;
    }
}

static inline Onnx__NodeProto *proto_node(const char *type, const char *inputs,
                                          const char *outputs) {
    Onnx__NodeProto *node = new_node_proto();
    node->op_type = proto_text(type);
    proto_names(inputs, &node->n_input, &node->input);
    proto_names(outputs, &node->n_output, &node->output);
    return node;
}

static inline Onnx__NodeProto *add_node(Onnx__GraphProto *graph, const char *type,
                                        const char *inputs, const char *outputs) {
    Onnx__NodeProto *node = proto_node(type, inputs, outputs);
    PROTO_ADD(graph->n_node, graph->node, node);
    return node;
}

static inline Onnx__AttributeProto *add_attribute(Onnx__NodeProto *node, const char *name,
                                                  Onnx__AttributeProto__AttributeType type) {
    Onnx__AttributeProto *attr = new_attribute_proto();
    attr->name = proto_text(name);
    attr->has_type = 1;
    attr->type = type;
    PROTO_ADD(node->n_attribute, node->attribute, attr);
    return attr;
}

/* A tensor of bytes 0, 1, 2, ... (modulo 251) as raw data. */
static inline Onnx__TensorProto *proto_raw(const char *name, int data_type, int64_t elements,
                                           size_t bytes) {
    Onnx__TensorProto *tensor = new_tensor_proto();
    tensor->name = proto_text(name);
    tensor->has_data_type = 1;
    tensor->data_type = data_type;
    PROTO_ADD(tensor->n_dims, tensor->dims, elements);
    tensor->has_raw_data = 1;
    tensor->raw_data.len = bytes;
    tensor->raw_data.data = c2s_arena_alloc(proto_arena, bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        tensor->raw_data.data[i] = (uint8_t)(i % 251);
    return tensor;
}

static inline Onnx__TensorProto *add_initializer(Onnx__GraphProto *graph, const char *name,
                                                 int64_t floats) {
    Onnx__TensorProto *tensor = proto_raw(name, C2S_FLOAT, floats, (size_t)floats * 4);
    PROTO_ADD(graph->n_initializer, graph->initializer, tensor);
    return tensor;
}

static inline Onnx__ValueInfoProto *proto_info(const char *name, int64_t extent) {
    Onnx__ValueInfoProto *info = new_value_info_proto();
    info->name = proto_text(name);
    info->type = c2s_arena_alloc(proto_arena, sizeof *info->type);
    onnx__type_proto__init(info->type);
    Onnx__TypeProto__Tensor *tensor = c2s_arena_alloc(proto_arena, sizeof *tensor);
    onnx__type_proto__tensor__init(tensor);
    info->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    info->type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = C2S_FLOAT;
    tensor->shape = c2s_arena_alloc(proto_arena, sizeof *tensor->shape);
    onnx__tensor_shape_proto__init(tensor->shape);
    Onnx__TensorShapeProto__Dimension *dim = c2s_arena_alloc(proto_arena, sizeof *dim);
    onnx__tensor_shape_proto__dimension__init(dim);
    dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    dim->dim_value = extent;
    PROTO_ADD(tensor->shape->n_dim, tensor->shape->dim, dim);
    return info;
}

static inline void add_input(Onnx__GraphProto *graph, const char *name, int64_t extent) {
    PROTO_ADD(graph->n_input, graph->input, proto_info(name, extent));
}

static inline void add_output(Onnx__GraphProto *graph, const char *name, int64_t extent) {
    PROTO_ADD(graph->n_output, graph->output, proto_info(name, extent));
}

static inline Onnx__ModelProto *proto_model(void) {
    Onnx__ModelProto *model = new_model_proto();
    model->has_ir_version = 1;
    model->ir_version = 8;
    model->graph = new_graph_proto();
    model->graph->name = proto_text("main");
    Onnx__OperatorSetIdProto *opset = new_operator_set_id_proto();
    opset->has_version = 1;
    opset->version = 17;
    PROTO_ADD(model->n_opset_import, model->opset_import, opset);
    return model;
}

/* y = Relu(x) of four floats. */
static inline Onnx__ModelProto *proto_small_model(void) {
    Onnx__ModelProto *model = proto_model();
    add_input(model->graph, "x", 4);
    add_node(model->graph, "Relu", "x", "y")->name = proto_text("relu");
    add_output(model->graph, "y", 4);
    return model;
}

/* Serialized, from malloc. */
static inline void *proto_pack(const ProtobufCMessage *message, size_t *size) {
    *size = protobuf_c_message_get_packed_size(message);
    void *data = malloc(*size + 1);
    assert_non_null(data);
    protobuf_c_message_pack(message, data);
    return data;
}

static inline c2s_status proto_load(const Onnx__ModelProto *proto, c2s_model **model) {
    size_t size;
    void *data = proto_pack(&proto->base, &size);
    return c2s_model_load_memory(data, size, "test.onnx", model);
}

/* Loads what must be sound, and verifies it. */
static inline c2s_model *proto_loaded(const Onnx__ModelProto *proto) {
    c2s_model *model = NULL;
    if (proto_load(proto, &model) != C2S_OK)
        fail_msg("%s", c2s_error());
    if (c2s_model_verify(model) != C2S_OK)
        fail_msg("%s", c2s_error());
    return model;
}

/* What `model` is saved as; free with onnx__model_proto__free_unpacked(..., NULL). */
static inline Onnx__ModelProto *proto_saved(c2s_model *model) {
    void *data;
    size_t size;
    if (c2s_model_save_memory(model, &data, &size) != C2S_OK)
        fail_msg("%s", c2s_error());
    Onnx__ModelProto *proto = onnx__model_proto__unpack(NULL, size, data);
    free(data);
    assert_non_null(proto);
    return proto;
}

/* Loading must fail with this status and a message that contains `text`. */
static inline void proto_refused(const Onnx__ModelProto *proto, c2s_status expected,
                                 const char *text) {
    c2s_model *model = NULL;
    c2s_status status = proto_load(proto, &model);
    c2s_model_free(model);
    if (status != expected || !strstr(c2s_error(), text))
        fail_msg("found status %d, \"%s\"; expected %d, \"...%s...\"", (int)status, c2s_error(),
                 (int)expected, text);
}

#endif
