/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_tensor.h"

#include <string.h>

#include "io/wire.h"

static c2s_status check_dims(size_t rank, const int64_t *dims, size_t *elements) {
    if (rank > C2S_MAX_RANK) {
        return c2s_fail(C2S_ERR_UNSUPPORTED, "found rank %zu, expected at most %d", rank,
                        C2S_MAX_RANK);
    }
    *elements = 1;
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] < 0) {
            return c2s_fail(C2S_ERR_INVALID, "found extent %lld in dimension %zu",
                            (long long)dims[i], i);
        }
    }
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] == 0) { /* before the product, which may overflow */
            *elements = 0;
            return C2S_OK;
        }
    }
    for (size_t i = 0; i < rank; i++) {
        if (!c2s_mul_size(*elements, (size_t)dims[i], elements))
            return c2s_fail(C2S_ERR_INVALID, "found more elements than can be counted");
    }
    return C2S_OK;
}

static c2s_status proto_shape(const Onnx__TensorProto *proto, c2s_dtype *dtype, size_t *elements,
                              size_t *bytes) {
    if (!c2s_dtype_is_valid(proto->data_type)) {
        return c2s_fail(C2S_ERR_INVALID, "found data_type %d, expected 1 to %d", proto->data_type,
                        C2S_DTYPE_COUNT - 1);
    }
    *dtype = (c2s_dtype)proto->data_type;
    C2S_TRY(check_dims(proto->n_dims, proto->dims, elements));
    if (!c2s_dtype_size(*dtype, *elements, bytes))
        return c2s_fail(C2S_ERR_INVALID, "found more elements than can be counted");
    return C2S_OK;
}

c2s_status c2s_tensor_proto_size(const Onnx__TensorProto *proto, size_t *bytes) {
    c2s_dtype dtype = C2S_UNDEFINED;
    size_t elements;
    return proto_shape(proto, &dtype, &elements, bytes);
}

/* ---- where the elements are ---- */

/* The typed field that a dtype's elements are in, as protobuf-c stores it. */
typedef struct typed_field {
    const char *name;
    const void *data;
    size_t count, width; /* bytes of one entry */
} typed_field;

static typed_field field_of(const Onnx__TensorProto *proto, c2s_dtype dtype) {
    switch (dtype) {
    case C2S_FLOAT:
    case C2S_COMPLEX64:
        return (typed_field){"float_data", proto->float_data, proto->n_float_data, 4};
    case C2S_DOUBLE:
    case C2S_COMPLEX128:
        return (typed_field){"double_data", proto->double_data, proto->n_double_data, 8};
    case C2S_INT64:
        return (typed_field){"int64_data", proto->int64_data, proto->n_int64_data, 8};
    case C2S_UINT32:
    case C2S_UINT64:
        return (typed_field){"uint64_data", proto->uint64_data, proto->n_uint64_data, 8};
    case C2S_STRING:
        return (typed_field){"string_data", proto->string_data, proto->n_string_data,
                             sizeof *proto->string_data};
    default:
        return (typed_field){"int32_data", proto->int32_data, proto->n_int32_data, 4};
    }
}

static size_t typed_count(const Onnx__TensorProto *proto) {
    return proto->n_float_data + proto->n_int32_data + proto->n_string_data + proto->n_int64_data +
           proto->n_double_data + proto->n_uint64_data;
}

/* Entries of the typed field that `elements` elements take. */
static size_t entries_of(c2s_dtype dtype, size_t elements) {
    unsigned bits = c2s_dtype_bits(dtype);
    if (dtype == C2S_COMPLEX64 || dtype == C2S_COMPLEX128)
        return elements <= SIZE_MAX / 2 ? elements * 2 : SIZE_MAX;
    if (bits >= 8)
        return elements;
    size_t per_byte = 8 / bits;
    return elements / per_byte + (elements % per_byte != 0);
}

/* ---- decoding ---- */

static c2s_status view_or_copy(c2s_dtype dtype, const Onnx__TensorProto *proto, const void *data,
                               size_t bytes, struct c2s_origin *origin, c2s_tensor **out) {
    int rank = (int)proto->n_dims;
    unsigned bits = c2s_dtype_bits(dtype);
    size_t alignment = bits >= 64 ? 8 : bits >= 16 ? bits / 8 : 1;
    const bool aligned = (uintptr_t)data % alignment == 0;
    if (bytes && (aligned || bytes >= C2S_WIRE_BLOB_MIN)) {
        c2s_bytes *shared = c2s_origin_bytes(origin, data, bytes, aligned);
        c2s_status status = c2s_tensor_view(dtype, rank, proto->dims, shared, 0, out);
        c2s_bytes_unref(shared);
        return status;
    }
    C2S_TRY(c2s_tensor_create(dtype, rank, proto->dims, out));
    if (bytes)
        memcpy(c2s_tensor_mutable(*out), data, bytes);
    return C2S_OK;
}

/* Typed entries are wider than the elements; the low bits count, as in ONNX Runtime. */
static void narrow(c2s_dtype dtype, const typed_field *field, void *out) {
    unsigned bits = c2s_dtype_bits(dtype);
    const int32_t *in = field->data;
    for (size_t i = 0; i < field->count; i++) {
        if (dtype == C2S_UINT32)
            ((uint32_t *)out)[i] = (uint32_t)((const uint64_t *)field->data)[i];
        else if (dtype == C2S_BOOL)
            ((uint8_t *)out)[i] = in[i] != 0;
        else if (bits == 16)
            ((uint16_t *)out)[i] = (uint16_t)in[i];
        else
            ((uint8_t *)out)[i] = (uint8_t)in[i];
    }
}

static c2s_status load_strings(const Onnx__TensorProto *proto, c2s_tensor **out) {
    size_t count = proto->n_string_data;
    c2s_string *text = c2s_alloc_array(count ? count : 1, sizeof *text);
    for (size_t i = 0; i < count; i++) {
        text[i] = (c2s_string){(const char *)proto->string_data[i].data, proto->string_data[i].len};
    }
    c2s_status status = c2s_tensor_strings((int)proto->n_dims, proto->dims, text, out);
    free(text);
    return status;
}

static c2s_status load_typed(const Onnx__TensorProto *proto, c2s_dtype dtype, size_t elements,
                             size_t bytes, struct c2s_origin *origin, c2s_tensor **out) {
    typed_field field = field_of(proto, dtype);
    size_t expected = entries_of(dtype, elements);
    if (field.count != expected || typed_count(proto) != field.count) {
        return c2s_fail(C2S_ERR_INVALID,
                        "found %zu entries in %s and %zu in other fields, expected %zu and none",
                        field.count, field.name, typed_count(proto) - field.count, expected);
    }
    if (dtype == C2S_STRING)
        return load_strings(proto, out);
    bool same_layout = bytes == field.count * field.width;
    if (same_layout && dtype != C2S_BOOL)
        return view_or_copy(dtype, proto, field.data, bytes, origin, out);
    C2S_TRY(c2s_tensor_create(dtype, (int)proto->n_dims, proto->dims, out));
    if (bytes)
        narrow(dtype, &field, c2s_tensor_mutable(*out));
    return C2S_OK;
}

static c2s_status load_elements(const Onnx__TensorProto *proto, struct c2s_origin *origin,
                                c2s_tensor **out) {
    c2s_dtype dtype = C2S_UNDEFINED;
    size_t elements, bytes;
    C2S_TRY(proto_shape(proto, &dtype, &elements, &bytes));
    if (proto->segment)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "found a segment of a tensor, expected a whole one");
    bool raw = proto->raw_data.len > 0 || c2s_tensor_is_external(proto);
    if (!raw)
        return load_typed(proto, dtype, elements, bytes, origin, out);
    if (dtype == C2S_STRING)
        return c2s_fail(C2S_ERR_INVALID, "found raw data, expected string_data");
    if (proto->has_raw_data && typed_count(proto)) {
        return c2s_fail(C2S_ERR_INVALID, "found both raw_data and %zu entries of typed data",
                        typed_count(proto));
    }
    if (proto->raw_data.len != bytes) {
        return c2s_fail(C2S_ERR_INVALID, "found %zu bytes of data, expected %zu for %zu of %s",
                        proto->raw_data.len, bytes, elements, c2s_dtype_name(dtype));
    }
    return view_or_copy(dtype, proto, proto->raw_data.data, bytes, origin, out);
}

c2s_status c2s_tensor_load(const Onnx__TensorProto *proto, struct c2s_origin *origin,
                           c2s_tensor **out) {
    *out = NULL;
    c2s_status status = load_elements(proto, origin, out);
    if (status != C2S_OK)
        c2s_note("tensor \"%s\"", proto->name ? proto->name : "");
    return status;
}

/* ---- sparse tensors ---- */

/* A few bytes can claim any dense size. */
#define SPARSE_ELEMENTS_MAX (1 << 28)

/* Position of the entry that `index` describes; `indices` holds flat positions or coordinates. */
static c2s_status flat_position(const Onnx__SparseTensorProto *proto, const int64_t *indices,
                                size_t entry, bool flat, size_t elements, size_t *out) {
    if (flat) {
        int64_t position = indices[entry];
        if (position < 0 || (uint64_t)position >= elements) {
            return c2s_fail(C2S_ERR_INVALID, "found index %lld, expected 0 to below %zu",
                            (long long)position, elements);
        }
        *out = (size_t)position;
        return C2S_OK;
    }
    *out = 0;
    for (size_t axis = 0; axis < proto->n_dims; axis++) {
        int64_t coordinate = indices[entry * proto->n_dims + axis];
        if (coordinate < 0 || coordinate >= proto->dims[axis]) {
            return c2s_fail(C2S_ERR_INVALID, "found index %lld in dimension %zu of extent %lld",
                            (long long)coordinate, axis, (long long)proto->dims[axis]);
        }
        *out = *out * (size_t)proto->dims[axis] + (size_t)coordinate;
    }
    return C2S_OK;
}

static c2s_status scatter(const Onnx__SparseTensorProto *proto, const c2s_tensor *values,
                          const c2s_tensor *indices, c2s_tensor **out) {
    size_t elements, width = c2s_dtype_bits(values->type.dtype) / 8;
    C2S_TRY(check_dims(proto->n_dims, proto->dims, &elements));
    bool flat = indices->type.rank == 1;
    if (values->type.dtype == C2S_STRING || width == 0) {
        return c2s_fail(C2S_ERR_UNSUPPORTED, "found a sparse tensor of %s",
                        c2s_dtype_name(values->type.dtype));
    }
    if (indices->type.dtype != C2S_INT64 || values->type.rank != 1 || indices->type.rank < 1 ||
        indices->type.rank > 2 || indices->type.dim[0] != values->type.dim[0] ||
        (!flat && (size_t)indices->type.dim[1] != proto->n_dims)) {
        return c2s_fail(C2S_ERR_INVALID, "expected int64 indices of shape [n] or [n, rank] and "
                                         "values of shape [n]");
    }
    if (elements > SPARSE_ELEMENTS_MAX) {
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "found a sparse tensor of %zu elements, expected at most %d", elements,
                        SPARSE_ELEMENTS_MAX);
    }
    C2S_TRY(c2s_tensor_create(values->type.dtype, (int)proto->n_dims, proto->dims, out));
    if (elements)
        memset(c2s_tensor_mutable(*out), 0, c2s_tensor_size(*out));
    const char *from = c2s_tensor_data(values);
    for (size_t i = 0; i < values->count; i++) {
        size_t at = 0;
        C2S_TRY(flat_position(proto, c2s_tensor_data(indices), i, flat, elements, &at));
        memcpy((char *)c2s_tensor_mutable(*out) + at * width, from + i * width, width);
    }
    return C2S_OK;
}

c2s_status c2s_tensor_load_sparse(const Onnx__SparseTensorProto *proto, struct c2s_origin *origin,
                                  c2s_tensor **out) {
    *out = NULL;
    if (!proto->values || !proto->indices)
        return c2s_fail(C2S_ERR_INVALID, "found a sparse tensor without values or indices");
    c2s_tensor *values = NULL, *indices = NULL, *dense = NULL;
    c2s_status status = c2s_tensor_load(proto->values, origin, &values);
    if (status == C2S_OK)
        status = c2s_tensor_load(proto->indices, origin, &indices);
    if (status == C2S_OK) {
        status = scatter(proto, values, indices, &dense);
        if (status != C2S_OK)
            c2s_note("sparse tensor \"%s\"", proto->values->name ? proto->values->name : "");
    }
    c2s_tensor_unref(values);
    c2s_tensor_unref(indices);
    if (status == C2S_OK)
        *out = dense;
    else
        c2s_tensor_unref(dense);
    return status;
}
