/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save_tensor.h"

#include "io/load_message.h"

static void set_strings(c2s_arena *arena, const c2s_tensor *tensor, Onnx__TensorProto *proto) {
    const c2s_string *text = c2s_tensor_data(tensor);
    proto->n_string_data = tensor->count;
    proto->string_data = c2s_arena_array(arena, tensor->count, sizeof *proto->string_data);
    for (size_t i = 0; i < tensor->count; i++) {
        proto->string_data[i].data = (uint8_t *)(uintptr_t)text[i].data;
        proto->string_data[i].len = text[i].size;
    }
}

c2s_status c2s_tensor_save(c2s_arena *arena, const c2s_tensor *tensor, const char *name,
                           const Onnx__TensorProto *like, Onnx__TensorProto **out) {
    if (tensor->type.kind != C2S_KIND_TENSOR) {
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "constant \"%s\" is a sequence, map or optional, expected a tensor", name);
    }
    Onnx__TensorProto *proto = c2s_arena_alloc(arena, sizeof *proto);
    onnx__tensor_proto__init(proto);
    if (like) {
        proto->doc_string = like->doc_string;
        proto->n_metadata_props = like->n_metadata_props;
        proto->metadata_props = like->metadata_props;
        proto->base.n_unknown_fields = like->base.n_unknown_fields;
        proto->base.unknown_fields = like->base.unknown_fields;
    }
    proto->name = (char *)(uintptr_t)name;
    proto->has_data_type = 1;
    proto->data_type = (int32_t)tensor->type.dtype;
    proto->n_dims = (size_t)tensor->type.rank;
    proto->dims = c2s_arena_array(arena, proto->n_dims, sizeof *proto->dims);
    for (size_t i = 0; i < proto->n_dims; i++)
        proto->dims[i] = tensor->type.dim[i];
    if (tensor->type.dtype == C2S_STRING) {
        set_strings(arena, tensor, proto);
    } else {
        proto->has_raw_data = 1;
        proto->raw_data.len = c2s_tensor_size(tensor);
        if (proto->raw_data.len)
            proto->raw_data.data = (uint8_t *)(uintptr_t)c2s_tensor_data(tensor);
    }
    *out = proto;
    return C2S_OK;
}

bool c2s_tensor_proto_raw(const Onnx__TensorProto *proto, const void **data, size_t *size) {
    if (proto->raw_data.len || c2s_tensor_is_external(proto)) {
        *data = proto->raw_data.data;
        *size = proto->raw_data.len;
        return true;
    }
    switch (proto->data_type) {
    case C2S_FLOAT:
    case C2S_COMPLEX64:
        *data = proto->float_data;
        *size = proto->n_float_data * sizeof *proto->float_data;
        return true;
    case C2S_DOUBLE:
    case C2S_COMPLEX128:
        *data = proto->double_data;
        *size = proto->n_double_data * sizeof *proto->double_data;
        return true;
    case C2S_INT32:
        *data = proto->int32_data;
        *size = proto->n_int32_data * sizeof *proto->int32_data;
        return true;
    case C2S_INT64:
        *data = proto->int64_data;
        *size = proto->n_int64_data * sizeof *proto->int64_data;
        return true;
    case C2S_UINT64:
        *data = proto->uint64_data;
        *size = proto->n_uint64_data * sizeof *proto->uint64_data;
        return true;
    default:
        return false;
    }
}
