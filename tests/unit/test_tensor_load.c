/* SPDX-License-Identifier: Apache-2.0 */
#include "make_proto.h"

#include "io/load_message.h"
#include "io/load_tensor.h"
#include "io/save_tensor.h"

static c2s_status load(Onnx__TensorProto *proto, c2s_tensor **tensor) {
    size_t size;
    void *data = proto_pack(&proto->base, &size);
    struct c2s_origin *origin;
    *tensor = NULL;
    C2S_TRY(c2s_message_parse(data, size, NULL, &onnx__tensor_proto__descriptor, &origin));
    c2s_status status = c2s_tensor_load(origin->message, origin, tensor);
    c2s_origin_unref(origin);
    return status;
}

static c2s_tensor *loaded(Onnx__TensorProto *proto) {
    c2s_tensor *tensor;
    if (load(proto, &tensor) != C2S_OK)
        fail_msg("%s", c2s_error());
    return tensor;
}

static void refused(Onnx__TensorProto *proto, c2s_status expected, const char *text) {
    c2s_tensor *tensor;
    c2s_status status = load(proto, &tensor);
    c2s_tensor_unref(tensor);
    if (status != expected || !strstr(c2s_error(), text) ||
        !strstr(c2s_error(), "tensor \"weights\""))
        fail_msg("found status %d, \"%s\"; expected %d, \"...%s...\"", (int)status, c2s_error(),
                 (int)expected, text);
}

static Onnx__TensorProto *typed(int data_type, int rank, const int64_t *dims) {
    Onnx__TensorProto *proto = new_tensor_proto();
    proto->name = proto_text("weights");
    proto->has_data_type = 1;
    proto->data_type = data_type;
    for (int i = 0; i < rank; i++)
        PROTO_ADD(proto->n_dims, proto->dims, dims[i]);
    return proto;
}
#define TYPED(data_type, ...)                                                                      \
    typed(data_type, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

static void expect_bytes(Onnx__TensorProto *proto, const void *bytes, size_t size) {
    c2s_tensor *tensor = loaded(proto);
    assert_int_equal(c2s_tensor_size(tensor), size);
    assert_memory_equal(c2s_tensor_data(tensor), bytes, size);
    assert_int_equal(tensor->type.dtype, proto->data_type);
    assert_int_equal(tensor->type.rank, proto->n_dims);
    c2s_tensor_unref(tensor);
}

/* Entries of int32_data and the bytes that they stand for. */
static void test_int32_data(void **state) {
    (void)state;
    static const struct {
        c2s_dtype dtype;
        int64_t elements;
        int32_t entries[3];
        size_t entry_count;
        uint8_t bytes[12];
        size_t size;
    } rows[] = {
        {C2S_INT32, 2, {-2, 3}, 2, {0xfe, 0xff, 0xff, 0xff, 3, 0, 0, 0}, 8},
        {C2S_INT16, 2, {-2, 300}, 2, {0xfe, 0xff, 0x2c, 0x01}, 4},
        {C2S_UINT16, 2, {65535, 300}, 2, {0xff, 0xff, 0x2c, 0x01}, 4},
        {C2S_INT8, 3, {-1, 0, 127}, 3, {0xff, 0, 0x7f}, 3},
        {C2S_UINT8, 3, {255, 0, 127}, 3, {0xff, 0, 0x7f}, 3},
        {C2S_BOOL, 3, {1, 0, 2}, 3, {1, 0, 1}, 3},
        {C2S_FLOAT16, 2, {0x3c00, 0xc000}, 2, {0x00, 0x3c, 0x00, 0xc0}, 4},
        {C2S_BFLOAT16, 1, {0x3f80}, 1, {0x80, 0x3f}, 2},
        {C2S_FLOAT8E4M3FN, 2, {0x38, 0xb8}, 2, {0x38, 0xb8}, 2},
        {C2S_FLOAT8E4M3FNUZ, 1, {0x40}, 1, {0x40}, 1},
        {C2S_FLOAT8E5M2, 1, {0x3c}, 1, {0x3c}, 1},
        {C2S_FLOAT8E5M2FNUZ, 1, {0x40}, 1, {0x40}, 1},
        {C2S_FLOAT8E8M0, 1, {127}, 1, {127}, 1},
        {C2S_UINT4, 3, {0xf1, 0x07}, 2, {0xf1, 0x07}, 2},
        {C2S_INT4, 4, {0x8f, 0x17}, 2, {0x8f, 0x17}, 2},
        {C2S_FLOAT4E2M1, 1, {0x05}, 1, {0x05}, 1},
        {C2S_UINT2, 5, {0xe4, 0x02}, 2, {0xe4, 0x02}, 2},
        {C2S_INT2, 4, {0x1b}, 1, {0x1b}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Onnx__TensorProto *proto = TYPED((int)rows[i].dtype, rows[i].elements);
        for (size_t k = 0; k < rows[i].entry_count; k++)
            PROTO_ADD(proto->n_int32_data, proto->int32_data, rows[i].entries[k]);
        expect_bytes(proto, rows[i].bytes, rows[i].size);
        Onnx__TensorProto *raw = TYPED((int)rows[i].dtype, rows[i].elements);
        raw->has_raw_data = 1;
        raw->raw_data.len = rows[i].size;
        raw->raw_data.data = (uint8_t *)(uintptr_t)rows[i].bytes;
        expect_bytes(raw, rows[i].bytes, rows[i].size);
        raw->raw_data.len--;
        if (raw->raw_data.len)
            refused(raw, C2S_ERR_INVALID, "bytes of data, expected");
        PROTO_ADD(proto->n_int32_data, proto->int32_data, 0);
        refused(proto, C2S_ERR_INVALID, "in int32_data and 0 in other fields, expected");
    }
}

static void test_wide_fields(void **state) {
    (void)state;
    const float floats[] = {1.5f, -2.0f, 3.25f, 0.0f};
    const double doubles[] = {1.5, -2.0, 3.25, 0.0};
    const int64_t ints[] = {-1, INT64_MAX};
    const uint64_t unsigneds[] = {1, UINT64_MAX};
    Onnx__TensorProto *proto = TYPED(C2S_FLOAT, 2, 2);
    for (int i = 0; i < 4; i++)
        PROTO_ADD(proto->n_float_data, proto->float_data, floats[i]);
    expect_bytes(proto, floats, sizeof floats);
    proto->data_type = C2S_COMPLEX64;
    proto->n_dims = 1;
    expect_bytes(proto, floats, sizeof floats);
    proto = TYPED(C2S_DOUBLE, 4);
    for (int i = 0; i < 4; i++)
        PROTO_ADD(proto->n_double_data, proto->double_data, doubles[i]);
    expect_bytes(proto, doubles, sizeof doubles);
    proto->data_type = C2S_COMPLEX128;
    proto->dims[0] = 2;
    expect_bytes(proto, doubles, sizeof doubles);
    proto = TYPED(C2S_INT64, 2);
    for (int i = 0; i < 2; i++)
        PROTO_ADD(proto->n_int64_data, proto->int64_data, ints[i]);
    expect_bytes(proto, ints, sizeof ints);
    proto = TYPED(C2S_UINT64, 2);
    for (int i = 0; i < 2; i++)
        PROTO_ADD(proto->n_uint64_data, proto->uint64_data, unsigneds[i]);
    expect_bytes(proto, unsigneds, sizeof unsigneds);
    proto->data_type = C2S_UINT32;
    expect_bytes(proto, (const uint32_t[]){1, UINT32_MAX}, 8);
}

static void test_strings(void **state) {
    (void)state;
    Onnx__TensorProto *proto = TYPED(C2S_STRING, 3);
    ProtobufCBinaryData text[] = {{3, (uint8_t *)proto_text("abc")}, {0, NULL}, {2, NULL}};
    text[2].data = (uint8_t *)c2s_arena_memdup(proto_arena, "\0x", 2);
    for (int i = 0; i < 3; i++)
        PROTO_ADD(proto->n_string_data, proto->string_data, text[i]);
    c2s_tensor *tensor = loaded(proto);
    const c2s_string *strings = c2s_tensor_data(tensor);
    assert_int_equal(strings[0].size, 3);
    assert_memory_equal(strings[0].data, "abc", 3);
    assert_int_equal(strings[1].size, 0);
    assert_int_equal(strings[2].size, 2);
    assert_memory_equal(strings[2].data, "\0x", 2);
    Onnx__TensorProto *saved;
    assert_int_equal(c2s_tensor_save(proto_arena, tensor, "weights", NULL, &saved), C2S_OK);
    c2s_tensor *again = loaded(saved);
    assert_true(c2s_tensor_equal(tensor, again));
    c2s_tensor_unref(again);
    c2s_tensor_unref(tensor);
    proto->n_string_data = 2;
    refused(proto, C2S_ERR_INVALID, "found 2 entries in string_data");
    proto->n_string_data = 0;
    proto->has_raw_data = 1;
    proto->raw_data = text[0];
    refused(proto, C2S_ERR_INVALID, "expected string_data");
}

static void test_empty_and_scalar(void **state) {
    (void)state;
    expect_bytes(TYPED(C2S_FLOAT, 0, 4), "", 0);
    expect_bytes(TYPED(C2S_FLOAT, INT64_MAX, INT64_MAX, 0), "", 0);
    expect_bytes(TYPED(C2S_INT4, 0), "", 0);
    Onnx__TensorProto *empty = TYPED(C2S_FLOAT, 0);
    empty->has_raw_data = 1;
    expect_bytes(empty, "", 0);
    Onnx__TensorProto *scalar = typed(C2S_INT64, 0, NULL);
    PROTO_ADD(scalar->n_int64_data, scalar->int64_data, 7);
    expect_bytes(scalar, (const int64_t[]){7}, 8);
}

static void test_refused(void **state) {
    (void)state;
    refused(TYPED(C2S_FLOAT, 2), C2S_ERR_INVALID, "found 0 entries in float_data");
    refused(TYPED(C2S_FLOAT, -1), C2S_ERR_INVALID, "found extent -1 in dimension 0");
    refused(TYPED(C2S_FLOAT, INT64_MAX, 3), C2S_ERR_INVALID, "more elements than can be counted");
    refused(TYPED(C2S_DOUBLE, INT64_MAX), C2S_ERR_INVALID, "more elements than can be counted");
    refused(TYPED(0, 1), C2S_ERR_INVALID, "found data_type 0");
    refused(TYPED(99, 1), C2S_ERR_INVALID, "found data_type 99");
    refused(TYPED(C2S_FLOAT, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
            C2S_ERR_UNSUPPORTED, "found rank 17");
    Onnx__TensorProto *both = proto_raw("weights", C2S_FLOAT, 1, 4);
    PROTO_ADD(both->n_float_data, both->float_data, 1.0f);
    refused(both, C2S_ERR_INVALID, "both raw_data and 1 entries");
    Onnx__TensorProto *wrong = TYPED(C2S_FLOAT, 1);
    PROTO_ADD(wrong->n_int32_data, wrong->int32_data, 1);
    refused(wrong, C2S_ERR_INVALID, "found 0 entries in float_data and 1 in other fields");
    Onnx__TensorProto *segment = proto_raw("weights", C2S_FLOAT, 1, 4);
    segment->segment = c2s_arena_alloc(proto_arena, sizeof *segment->segment);
    onnx__tensor_proto__segment__init(segment->segment);
    refused(segment, C2S_ERR_UNSUPPORTED, "segment");
}

/* Bytes are shared with the file where they can be, and stay when all else is gone. */
static void test_shares_bytes(void **state) {
    (void)state;
    size_t size;
    void *data = proto_pack(&proto_raw("weights", C2S_FLOAT, 5000, 20000)->base, &size);
    struct c2s_origin *origin;
    assert_int_equal(c2s_message_parse(data, size, NULL, &onnx__tensor_proto__descriptor, &origin),
                     C2S_OK);
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_load(origin->message, origin, &tensor), C2S_OK);
    c2s_origin_unref(origin);
    const char *bytes = c2s_tensor_data(tensor);
    assert_true(bytes >= (char *)data && bytes < (char *)data + size);
    assert_int_equal((uintptr_t)bytes % 4, 0);
    for (size_t i = 0; i < 20000; i++)
        assert_int_equal((uint8_t)bytes[i], i % 251);
    c2s_tensor_unref(tensor);
}

/* ---- sparse ---- */

static c2s_status load_sparse(Onnx__SparseTensorProto *proto, c2s_tensor **tensor) {
    size_t size;
    void *data = proto_pack(&proto->base, &size);
    struct c2s_origin *origin;
    *tensor = NULL;
    C2S_TRY(c2s_message_parse(data, size, NULL, &onnx__sparse_tensor_proto__descriptor, &origin));
    c2s_status status = c2s_tensor_load_sparse(origin->message, origin, tensor);
    c2s_origin_unref(origin);
    return status;
}

static Onnx__SparseTensorProto *sparse(int index_rank, const int64_t *indices, int64_t entries) {
    Onnx__SparseTensorProto *proto = new_sparse_tensor_proto();
    PROTO_ADD(proto->n_dims, proto->dims, 2);
    PROTO_ADD(proto->n_dims, proto->dims, 3);
    proto->values = TYPED(C2S_FLOAT, entries);
    for (int i = 0; i < entries; i++)
        PROTO_ADD(proto->values->n_float_data, proto->values->float_data, (float)i + 1);
    proto->indices = TYPED(C2S_INT64, entries);
    if (index_rank == 2)
        PROTO_ADD(proto->indices->n_dims, proto->indices->dims, 2);
    for (int i = 0; i < entries * index_rank; i++)
        PROTO_ADD(proto->indices->n_int64_data, proto->indices->int64_data, indices[i]);
    return proto;
}

static void test_sparse(void **state) {
    (void)state;
    c2s_tensor *flat, *coordinates, *none;
    assert_int_equal(load_sparse(sparse(1, (int64_t[]){1, 5}, 2), &flat), C2S_OK);
    assert_memory_equal(c2s_tensor_data(flat), ((float[]){0, 1, 0, 0, 0, 2}), 24);
    assert_int_equal(load_sparse(sparse(2, (int64_t[]){0, 1, 1, 2}, 2), &coordinates), C2S_OK);
    assert_true(c2s_tensor_equal(flat, coordinates));
    c2s_tensor_unref(flat);
    c2s_tensor_unref(coordinates);
    assert_int_equal(load_sparse(sparse(1, (int64_t[]){1, 6}, 2), &none), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "found index 6, expected 0 to below 6"));
    assert_int_equal(load_sparse(sparse(1, (int64_t[]){1, -1}, 2), &none), C2S_ERR_INVALID);
    assert_int_equal(load_sparse(sparse(2, (int64_t[]){0, 3, 1, 2}, 2), &none), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "found index 3 in dimension 1 of extent 3"));
    Onnx__SparseTensorProto *bomb = sparse(1, (int64_t[]){1, 2}, 2);
    bomb->dims[0] = bomb->dims[1] = 1 << 20;
    assert_int_equal(load_sparse(bomb, &none), C2S_ERR_UNSUPPORTED);
    Onnx__SparseTensorProto *uneven = sparse(1, (int64_t[]){1, 2}, 2);
    uneven->indices->n_int64_data = 1;
    uneven->indices->dims[0] = 1;
    assert_int_equal(load_sparse(uneven, &none), C2S_ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int32_data), cmocka_unit_test(test_wide_fields),
        cmocka_unit_test(test_strings),    cmocka_unit_test(test_empty_and_scalar),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_shares_bytes),
        cmocka_unit_test(test_sparse),
    };
    return cmocka_run_group_tests(tests, proto_setup, proto_teardown);
}
