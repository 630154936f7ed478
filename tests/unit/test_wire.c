/* SPDX-License-Identifier: Apache-2.0 */
#include "make_proto.h"

#include "io/wire.h"

static c2s_wire scan(uint8_t *data, size_t size) {
    c2s_wire wire;
    if (c2s_wire_scan(data, size, true, &onnx__model_proto__descriptor, &wire) != C2S_OK)
        fail_msg("%s", c2s_error());
    return wire;
}

static void refused(const void *bytes, size_t size, const char *text) {
    uint8_t *data = malloc(size + 1);
    memcpy(data, bytes, size);
    c2s_wire wire;
    c2s_status status = c2s_wire_scan(data, size, true, &onnx__model_proto__descriptor, &wire);
    free(data);
    if (status != C2S_ERR_INVALID || !strstr(c2s_error(), text))
        fail_msg("found status %d, \"%s\"; expected \"...%s...\"", (int)status, c2s_error(), text);
}
#define REFUSED(text, ...)                                                                         \
    refused((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), text)

static void test_small(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = proto_pack(&proto_small_model()->base, &size);
    c2s_wire wire = scan(data, size);
    assert_ptr_equal(wire.skeleton, data);
    assert_int_equal(wire.skeleton_size, size);
    assert_int_equal(wire.blob_count, 0);
    c2s_wire_free(&wire);
    free(data);
    wire = scan(NULL, 0);
    assert_int_equal(wire.skeleton_size, 0);
    c2s_wire_free(&wire);
}

static Onnx__GraphProto *graph_with(const char *name, int64_t floats) {
    Onnx__GraphProto *graph = new_graph_proto();
    add_initializer(graph, name, floats);
    return graph;
}

/* Large tensors in every place that can hold one. */
static Onnx__ModelProto *crowded_model(void) {
    Onnx__ModelProto *model = proto_small_model();
    add_initializer(model->graph, "w0", 2000);
    add_initializer(model->graph, "small", 20);
    Onnx__SparseTensorProto *sparse = new_sparse_tensor_proto();
    sparse->values = proto_raw("w1", C2S_FLOAT, 1025, 4100);
    sparse->indices = proto_raw("", C2S_INT64, 1025, 8200);
    PROTO_ADD(sparse->n_dims, sparse->dims, 5000);
    PROTO_ADD(model->graph->n_sparse_initializer, model->graph->sparse_initializer, sparse);
    Onnx__NodeProto *node = add_node(model->graph, "If", "c", "z");
    add_attribute(node, "t", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR)->t =
        proto_raw("w2", C2S_UINT8, 4096, 4096);
    add_attribute(node, "then_branch", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g =
        graph_with("w3", 40000);
    Onnx__FunctionProto *function = new_function_proto();
    Onnx__NodeProto *constant = proto_node("Constant", "", "k");
    add_attribute(constant, "value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR)->t =
        proto_raw("w4", C2S_UINT8, 5001, 5001);
    PROTO_ADD(function->n_node, function->node, constant);
    PROTO_ADD(model->n_functions, model->functions, function);
    Onnx__TrainingInfoProto *training = new_training_info_proto();
    training->algorithm = graph_with("w5", 1024);
    PROTO_ADD(model->n_training_info, model->training_info, training);
    return model;
}

static void test_lifted(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = proto_pack(&crowded_model()->base, &size);
    c2s_wire wire = scan(data, size);
    assert_int_equal(wire.blob_count, 7);
    assert_in_range(wire.skeleton_size, 1, 1000);
    size_t total = wire.skeleton_size;
    for (size_t i = 0; i < wire.blob_count; i++) {
        c2s_wire_blob blob = wire.blobs[i];
        assert_int_equal((uintptr_t)blob.data % 16, 0);
        assert_true(blob.data >= data && blob.data + blob.size <= data + size);
        for (size_t k = 0; k < blob.size; k++)
            assert_int_equal(blob.data[k], k % 251);
        total += blob.size;
    }
    assert_true(total < size + 7 * 32);
    Onnx__ModelProto *skeleton = onnx__model_proto__unpack(NULL, wire.skeleton_size, wire.skeleton);
    assert_non_null(skeleton);
    const ProtobufCBinaryData *raw = &skeleton->graph->initializer[0]->raw_data;
    assert_ptr_equal(c2s_wire_blob_at(&wire, raw->data, raw->len)->data, wire.blobs[2].data);
    raw = &skeleton->graph->initializer[1]->raw_data;
    assert_int_equal(raw->len, 80);
    assert_null(c2s_wire_blob_at(&wire, raw->data, raw->len));
    assert_string_equal(skeleton->graph->initializer[1]->name, "small");
    raw = &skeleton->training_info[0]->algorithm->initializer[0]->raw_data;
    assert_int_equal(c2s_wire_blob_at(&wire, raw->data, raw->len)->size, 4096);
    onnx__model_proto__free_unpacked(skeleton, NULL);
    c2s_wire_free(&wire);
    free(data);
}

/* A payload that looks like a marker is no marker. */
static void test_forged_marker(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = proto_pack(&crowded_model()->base, &size);
    c2s_wire wire = scan(data, size);
    Onnx__ModelProto *skeleton = onnx__model_proto__unpack(NULL, wire.skeleton_size, wire.skeleton);
    c2s_wire_free(&wire);
    free(data);
    Onnx__ModelProto *forged = proto_small_model();
    Onnx__TensorProto *tensor = proto_raw("f", C2S_UINT8, 16, 16);
    memcpy(tensor->raw_data.data, skeleton->graph->initializer[0]->raw_data.data, 16);
    memset(tensor->raw_data.data + 8, 0, 8); /* the index of a blob that exists */
    onnx__model_proto__free_unpacked(skeleton, NULL);
    uint8_t before[16];
    memcpy(before, tensor->raw_data.data, 16);
    PROTO_ADD(forged->graph->n_initializer, forged->graph->initializer, tensor);
    add_initializer(forged->graph, "w", 4000);
    c2s_model *model = proto_loaded(forged);
    const c2s_value *value = model->graph->initializers.at[0];
    assert_memory_equal(c2s_tensor_data(value->constant), before, 16);
    c2s_model_free(model);
}

static void test_packed_arrays(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    Onnx__TensorProto *tensor = new_tensor_proto();
    tensor->name = proto_text("w");
    tensor->has_data_type = 1;
    tensor->data_type = C2S_DOUBLE;
    PROTO_ADD(tensor->n_dims, tensor->dims, 1000);
    tensor->n_double_data = 1000;
    tensor->double_data = c2s_arena_array(proto_arena, 1000, sizeof(double));
    for (int i = 0; i < 1000; i++)
        tensor->double_data[i] = i * 0.25;
    PROTO_ADD(proto->graph->n_initializer, proto->graph->initializer, tensor);
    size_t size;
    uint8_t *data = proto_pack(&proto->base, &size);
    c2s_wire wire = scan(data, size);
    assert_int_equal(wire.blob_count, 1);
    assert_int_equal(wire.blobs[0].size, 8000);
    c2s_wire_free(&wire);
    free(data);
    c2s_model *model = proto_loaded(proto);
    const c2s_tensor *loaded = ((c2s_value *)model->graph->initializers.at[0])->constant;
    assert_memory_equal(c2s_tensor_data(loaded), tensor->double_data, 8000);
    c2s_model_free(model);
}

static void test_refused(void **state) {
    (void)state;
    REFUSED("expected a field number", 0x00);
    REFUSED("expected a field number", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    REFUSED("a number that does not end", 0x08, 0x80);
    REFUSED("a number that does not end", 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0x01);
    REFUSED("expected at most the 1 bytes", 0x12, 0x02, 'a');
    REFUSED("a length that does not end", 0x12, 0x82);
    REFUSED("cut off", 0xa5, 0x06, 1, 2, 3);            /* unknown field 100, 32 bits */
    REFUSED("a wire type that does not exist", 0x0b);   /* a group */
    REFUSED("a wire type that this field", 0x10, 0x01); /* producer_name as number */
    REFUSED("found bytes, expected a number", 0x0a, 0); /* ir_version as bytes */
    REFUSED("holds a NUL", 0x12, 0x02, 'a', 0);
    REFUSED("given twice", 0x3a, 0, 0x3a, 0); /* graph */
    /* graph { initializer { dims: packed, unterminated; float_data of three bytes } } */
    REFUSED("a number that does not end", 0x3a, 0x05, 0x2a, 0x03, 0x0a, 0x01, 0x80);
    REFUSED("no multiple of the element size", 0x3a, 0x07, 0x2a, 0x05, 0x22, 0x03, 1, 2, 3);
}

/* graph { node { attribute { g { node { ... } } } } }, `levels` messages deep. */
static uint8_t *nested(unsigned levels, size_t *size) {
    static const uint8_t keys[] = {0x0a, 0x2a, 0x32}; /* node, attribute, g */
    uint8_t *data = malloc((size_t)levels * 3);
    uint8_t *at = data + (size_t)levels * 3;
    size_t inner = 0;
    for (unsigned level = levels; level-- > 0;) {
        uint8_t key = level == 0 ? 0x3a : keys[(level - 1) % 3];
        if (inner >= 128) {
            *--at = (uint8_t)(inner >> 7);
            *--at = (uint8_t)(inner | 0x80);
        } else {
            *--at = (uint8_t)inner;
        }
        *--at = key;
        inner = (size_t)(data + (size_t)levels * 3 - at);
    }
    memmove(data, at, inner);
    *size = inner;
    return data;
}

static void test_depth(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = nested(C2S_WIRE_DEPTH_MAX - 1, &size);
    c2s_wire wire = scan(data, size);
    Onnx__ModelProto *proto = onnx__model_proto__unpack(NULL, wire.skeleton_size, wire.skeleton);
    assert_non_null(proto);
    onnx__model_proto__free_unpacked(proto, NULL);
    c2s_wire_free(&wire);
    free(data);
    data = nested(C2S_WIRE_DEPTH_MAX, &size);
    refused(data, size, "nested too deep");
    free(data);
}

static void test_amplification(void **state) {
    (void)state;
    /* graph { node {} node {} ... }: two bytes each. */
    size_t nodes = 200000, size = nodes * 2 + 5;
    uint8_t *data = calloc(size, 1);
    memcpy(data, (uint8_t[]){0x3a, 0x80, 0xb5, 0x18}, 4);
    for (size_t i = 0; i < nodes; i++)
        data[4 + 2 * i] = 0x0a;
    refused(data, size - 1, "would unpack to");
    free(data);
}

/* Every prefix of a model, and every model with one byte changed, is refused or loads soundly. */
static void test_damaged(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    add_initializer(proto->graph, "w", 1100);
    Onnx__NodeProto *node = add_node(proto->graph, "If", "x", "z");
    Onnx__GraphProto *body = new_graph_proto();
    add_node(body, "Add", "y,w", "b");
    add_output(body, "b", 4);
    add_attribute(node, "then_branch", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g = body;
    size_t size;
    uint8_t *data = proto_pack(&proto->base, &size);
    for (size_t length = 0; length < size; length++) {
        c2s_model *model = NULL;
        void *copy = malloc(length ? length : 1);
        memcpy(copy, data, length);
        c2s_status status = c2s_model_load_memory(copy, length, "cut.onnx", &model);
        if (status == C2S_OK)
            assert_int_equal(c2s_model_verify(model), C2S_OK);
        else
            assert_non_null(strstr(c2s_error(), "cut.onnx"));
        c2s_model_free(model);
    }
    uint32_t random = 1;
    for (int round = 0; round < 4000; round++) {
        void *copy = malloc(size);
        memcpy(copy, data, size);
        random = random * 1664525u + 1013904223u;
        size_t at = (random >> 8) % size;
        if (at > 200 && at + 200 < size)
            at = at % 200; /* the weights are of no interest */
        ((uint8_t *)copy)[at] = (uint8_t)(random >> 24);
        c2s_model *model = NULL;
        if (c2s_model_load_memory(copy, size, "damaged.onnx", &model) == C2S_OK)
            assert_int_equal(c2s_model_verify(model), C2S_OK);
        c2s_model_free(model);
    }
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),         cmocka_unit_test(test_lifted),
        cmocka_unit_test(test_forged_marker), cmocka_unit_test(test_packed_arrays),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_depth),
        cmocka_unit_test(test_amplification), cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, proto_setup, proto_teardown);
}
