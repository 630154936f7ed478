/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_type.h"

#include <ctype.h>
#include <string.h>

/* A hyphen between letters is part of a name ("past-seq"), not a subtraction. */
static bool is_expression(const char *text) {
    bool operators = false;
    for (const char *at = text; *at; at++) {
        if (strchr("+*/(,", *at) || (*at == '-' && at[1] == ' '))
            operators = true;
        else if (!isalnum((unsigned char)*at) && !strchr("_ )", *at))
            return false;
    }
    return operators;
}

static c2s_dim load_dim(c2s_dims *dims, const Onnx__TensorShapeProto__Dimension *proto) {
    c2s_dim dim;
    if (proto->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
        return proto->dim_value >= 0 ? proto->dim_value : c2s_dim_fresh(dims);
    if (proto->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM ||
        !proto->dim_param[0])
        return c2s_dim_fresh(dims);
    if (is_expression(proto->dim_param) && c2s_dim_parse(dims, proto->dim_param, &dim) &&
        (!c2s_dim_is_known(dim) || dim >= 0))
        return dim;
    return c2s_dim_symbol(dims, proto->dim_param);
}

static c2s_type load_tensor(c2s_dims *dims, int32_t elem_type,
                            const Onnx__TensorShapeProto *shape) {
    c2s_dtype dtype = c2s_dtype_is_valid(elem_type) ? (c2s_dtype)elem_type : C2S_UNDEFINED;
    if (!shape || shape->n_dim > C2S_MAX_RANK)
        return c2s_type_tensor(dtype, -1, NULL);
    c2s_dim dim[C2S_MAX_RANK];
    for (size_t i = 0; i < shape->n_dim; i++)
        dim[i] = load_dim(dims, shape->dim[i]);
    return c2s_type_tensor(dtype, (int)shape->n_dim, dim);
}

static c2s_type load_container(c2s_model *model, c2s_kind kind, const Onnx__TypeProto *element) {
    c2s_type *inner = c2s_arena_alloc(model->arena, sizeof *inner);
    *inner = c2s_type_load(model, element);
    c2s_type type = c2s_type_unknown();
    type.kind = kind;
    type.element = inner;
    return type;
}

c2s_type c2s_type_load(c2s_model *model, const Onnx__TypeProto *proto) {
    c2s_type type = c2s_type_unknown();
    switch (proto ? proto->value_case : ONNX__TYPE_PROTO__VALUE__NOT_SET) {
    case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
        return load_tensor(model->dims, proto->tensor_type->elem_type, proto->tensor_type->shape);
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
        type = load_tensor(model->dims, proto->sparse_tensor_type->elem_type,
                           proto->sparse_tensor_type->shape);
        type.kind = C2S_KIND_SPARSE;
        return type;
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
        return load_container(model, C2S_KIND_SEQUENCE, proto->sequence_type->elem_type);
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
        return load_container(model, C2S_KIND_OPTIONAL, proto->optional_type->elem_type);
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
        type = load_container(model, C2S_KIND_MAP, proto->map_type->value_type);
        if (c2s_dtype_is_valid(proto->map_type->key_type))
            type.dtype = (c2s_dtype)proto->map_type->key_type;
        return type;
    case ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
        type.kind = C2S_KIND_OPAQUE;
        return type;
    default:
        return type;
    }
}
