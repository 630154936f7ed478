/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save_sparse.h"

#include <string.h>

/* Of the messages around the elements, roughly. */
enum { OVERHEAD = 64 };

static size_t width_of(const c2s_tensor *tensor) {
    return tensor->type.kind == C2S_KIND_TENSOR && tensor->type.dtype != C2S_STRING
               ? c2s_dtype_bits(tensor->type.dtype) / 8
               : 0;
}

static bool is_zero(const char *element, size_t width) {
    static const char zeros[16];
    return memcmp(element, zeros, width) == 0;
}

static size_t count_entries(const c2s_tensor *tensor, size_t width) {
    const char *data = c2s_tensor_data(tensor);
    size_t entries = 0;
    for (size_t i = 0; i < tensor->count; i++)
        entries += !is_zero(data + i * width, width);
    return entries;
}

bool c2s_sparse_is_smaller(const c2s_tensor *tensor) {
    const size_t width = width_of(tensor);
    if (width == 0 || tensor->count == 0 || tensor->type.rank == 0)
        return false;
    const uint64_t dense = (uint64_t)tensor->count * width;
    return count_entries(tensor, width) * (uint64_t)(width + sizeof(int64_t)) + OVERHEAD < dense;
}

static Onnx__TensorProto *flat_tensor(c2s_arena *arena, c2s_dtype dtype, size_t count, void *data,
                                      size_t bytes) {
    Onnx__TensorProto *proto = c2s_arena_alloc(arena, sizeof *proto);
    onnx__tensor_proto__init(proto);
    proto->has_data_type = 1;
    proto->data_type = (int32_t)dtype;
    proto->n_dims = 1;
    proto->dims = c2s_arena_array(arena, 1, sizeof *proto->dims);
    proto->dims[0] = (int64_t)count;
    proto->has_raw_data = 1;
    proto->raw_data.len = bytes;
    proto->raw_data.data = data;
    return proto;
}

void c2s_sparse_save(c2s_arena *arena, const c2s_tensor *tensor, const char *name,
                     Onnx__SparseTensorProto **out) {
    const size_t width = width_of(tensor), count = count_entries(tensor, width);
    const char *data = c2s_tensor_data(tensor);
    char *values = c2s_arena_array(arena, count + 1, width);
    int64_t *indices = c2s_arena_array(arena, count + 1, sizeof *indices);
    for (size_t i = 0, at = 0; i < tensor->count; i++)
        if (!is_zero(data + i * width, width)) {
            memcpy(values + at * width, data + i * width, width);
            indices[at++] = (int64_t)i;
        }
    Onnx__SparseTensorProto *proto = c2s_arena_alloc(arena, sizeof *proto);
    onnx__sparse_tensor_proto__init(proto);
    proto->values = flat_tensor(arena, tensor->type.dtype, count, values, count * width);
    proto->values->name = (char *)(uintptr_t)name;
    proto->indices = flat_tensor(arena, C2S_INT64, count, indices, count * sizeof *indices);
    proto->n_dims = (size_t)tensor->type.rank;
    proto->dims = c2s_arena_array(arena, proto->n_dims, sizeof *proto->dims);
    for (size_t i = 0; i < proto->n_dims; i++)
        proto->dims[i] = tensor->type.dim[i];
    *out = proto;
}
