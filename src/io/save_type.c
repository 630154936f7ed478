/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save_type.h"

#include <string.h>

#define NEW(arena, type, init)                                                                     \
    memcpy(c2s_arena_alloc((arena), sizeof(type)), &(type)init, sizeof(type))

static Onnx__TensorShapeProto__Dimension *save_dim(c2s_arena *arena, c2s_dims *dims, c2s_dim dim) {
    Onnx__TensorShapeProto__Dimension *proto =
        NEW(arena, Onnx__TensorShapeProto__Dimension, ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT);
    if (c2s_dim_is_known(dim)) {
        proto->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        proto->dim_value = dim;
        return proto;
    }
    const char *text = c2s_dim_text(dims, dim);
    if (strncmp(text, "unk__", 5) == 0)
        return proto; /* equal to no other: says no more than no value does */
    proto->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    proto->dim_param = c2s_arena_strdup(arena, text);
    return proto;
}

static Onnx__TensorShapeProto *save_shape(c2s_arena *arena, c2s_dims *dims, const c2s_type *type) {
    if (type->rank < 0)
        return NULL;
    Onnx__TensorShapeProto *shape =
        NEW(arena, Onnx__TensorShapeProto, ONNX__TENSOR_SHAPE_PROTO__INIT);
    shape->n_dim = (size_t)type->rank;
    shape->dim = c2s_arena_array(arena, shape->n_dim, sizeof *shape->dim);
    for (int i = 0; i < type->rank; i++)
        shape->dim[i] = save_dim(arena, dims, type->dim[i]);
    return shape;
}

static void save_tensor(c2s_arena *arena, c2s_dims *dims, const c2s_type *type,
                        Onnx__TypeProto *proto) {
    if (type->kind == C2S_KIND_SPARSE) {
        Onnx__TypeProto__SparseTensor *sparse =
            NEW(arena, Onnx__TypeProto__SparseTensor, ONNX__TYPE_PROTO__SPARSE_TENSOR__INIT);
        sparse->has_elem_type = 1;
        sparse->elem_type = (int32_t)type->dtype;
        sparse->shape = save_shape(arena, dims, type);
        proto->value_case = ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE;
        proto->sparse_tensor_type = sparse;
        return;
    }
    Onnx__TypeProto__Tensor *tensor =
        NEW(arena, Onnx__TypeProto__Tensor, ONNX__TYPE_PROTO__TENSOR__INIT);
    tensor->has_elem_type = 1;
    tensor->elem_type = (int32_t)type->dtype;
    tensor->shape = save_shape(arena, dims, type);
    proto->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    proto->tensor_type = tensor;
}

static void save_container(c2s_arena *arena, c2s_dims *dims, const c2s_type *type,
                           Onnx__TypeProto *proto) {
    Onnx__TypeProto *element = type->element ? c2s_type_save(arena, dims, type->element) : NULL;
    if (type->kind == C2S_KIND_SEQUENCE) {
        proto->value_case = ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE;
        proto->sequence_type =
            NEW(arena, Onnx__TypeProto__Sequence, ONNX__TYPE_PROTO__SEQUENCE__INIT);
        proto->sequence_type->elem_type = element;
    } else if (type->kind == C2S_KIND_OPTIONAL) {
        proto->value_case = ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE;
        proto->optional_type =
            NEW(arena, Onnx__TypeProto__Optional, ONNX__TYPE_PROTO__OPTIONAL__INIT);
        proto->optional_type->elem_type = element;
    } else {
        proto->value_case = ONNX__TYPE_PROTO__VALUE_MAP_TYPE;
        proto->map_type = NEW(arena, Onnx__TypeProto__Map, ONNX__TYPE_PROTO__MAP__INIT);
        proto->map_type->has_key_type = 1;
        proto->map_type->key_type = (int32_t)type->dtype;
        proto->map_type->value_type = element;
    }
}

Onnx__TypeProto *c2s_type_save(c2s_arena *arena, c2s_dims *dims, const c2s_type *type) {
    if (type->kind == C2S_KIND_UNKNOWN)
        return NULL;
    Onnx__TypeProto *proto = NEW(arena, Onnx__TypeProto, ONNX__TYPE_PROTO__INIT);
    if (type->kind == C2S_KIND_TENSOR || type->kind == C2S_KIND_SPARSE) {
        save_tensor(arena, dims, type, proto);
    } else if (type->kind == C2S_KIND_OPAQUE) {
        proto->value_case = ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE;
        proto->opaque_type = NEW(arena, Onnx__TypeProto__Opaque, ONNX__TYPE_PROTO__OPAQUE__INIT);
    } else {
        save_container(arena, dims, type, proto);
    }
    return proto;
}

/* ---- comparison ---- */

static bool shape_holds(int32_t elem_type, const Onnx__TensorShapeProto *shape,
                        const c2s_type *type, bool exact) {
    if (type->dtype != C2S_UNDEFINED && (int32_t)type->dtype != elem_type)
        return false;
    if (type->rank < 0)
        return true;
    if (!shape || shape->n_dim > C2S_MAX_RANK)
        return !exact;
    if (shape->n_dim != (size_t)type->rank)
        return false;
    for (int i = 0; i < type->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
        bool given = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
                     dim->dim_value >= 0;
        if (c2s_dim_is_known(type->dim[i]) && (given ? dim->dim_value != type->dim[i] : exact))
            return false;
    }
    return true;
}

static bool element_holds(const Onnx__TypeProto *proto, const c2s_type *type, bool exact) {
    return !type->element || c2s_type_proto_holds(proto, type->element, exact);
}

bool c2s_type_proto_holds(const Onnx__TypeProto *proto, const c2s_type *type, bool exact) {
    if (type->kind == C2S_KIND_UNKNOWN)
        return true;
    switch (proto ? proto->value_case : ONNX__TYPE_PROTO__VALUE__NOT_SET) {
    case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
        return type->kind == C2S_KIND_TENSOR &&
               shape_holds(proto->tensor_type->elem_type, proto->tensor_type->shape, type, exact);
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
        return type->kind == C2S_KIND_SPARSE &&
               shape_holds(proto->sparse_tensor_type->elem_type, proto->sparse_tensor_type->shape,
                           type, exact);
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
        return type->kind == C2S_KIND_SEQUENCE &&
               element_holds(proto->sequence_type->elem_type, type, exact);
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
        return type->kind == C2S_KIND_OPTIONAL &&
               element_holds(proto->optional_type->elem_type, type, exact);
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
        return type->kind == C2S_KIND_MAP &&
               element_holds(proto->map_type->value_type, type, exact);
    case ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
        return type->kind == C2S_KIND_OPAQUE;
    default:
        return !exact;
    }
}
