/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_constant.h"

#include <string.h>

#include "io/load_tensor.h"

static c2s_status numbers(c2s_dtype dtype, const void *data, size_t count, bool scalar,
                          c2s_tensor **out) {
    int64_t extent = (int64_t)count;
    C2S_TRY(c2s_tensor_create(dtype, scalar ? 0 : 1, &extent, out));
    if (count)
        memcpy(c2s_tensor_mutable(*out), data, c2s_tensor_size(*out));
    return C2S_OK;
}

/* NULL in *out: an attribute that says nothing of the content. */
static c2s_status content(const c2s_attr *attr, struct c2s_origin *origin, c2s_tensor **out) {
    int64_t extent = (int64_t)attr->count;
    *out = NULL;
    switch (attr->kind) {
    case C2S_ATTR_TENSOR:
        *out = c2s_tensor_ref(attr->t);
        return C2S_OK;
    case C2S_ATTR_FLOAT:
        return numbers(C2S_FLOAT, &attr->f, 1, true, out);
    case C2S_ATTR_FLOATS:
        return numbers(C2S_FLOAT, attr->floats, attr->count, false, out);
    case C2S_ATTR_INT:
        return numbers(C2S_INT64, &attr->i, 1, true, out);
    case C2S_ATTR_INTS:
        return numbers(C2S_INT64, attr->ints, attr->count, false, out);
    case C2S_ATTR_STRING:
        return c2s_tensor_strings(0, NULL, &attr->s, out);
    case C2S_ATTR_STRINGS:
        return c2s_tensor_strings(1, &extent, attr->strings, out);
    case C2S_ATTR_SPARSE: {
        const Onnx__AttributeProto *proto = attr->origin;
        if (!proto || !proto->sparse_tensor)
            return c2s_fail(C2S_ERR_INVALID, "found no sparse tensor");
        return c2s_tensor_load_sparse(proto->sparse_tensor, origin, out);
    }
    default:
        return C2S_OK;
    }
}

c2s_status c2s_constant_load(c2s_node *node, struct c2s_origin *origin) {
    c2s_value *value = c2s_node_out(node, 0);
    for (unsigned i = 0; value && !value->constant && i < node->attr_count; i++) {
        const c2s_attr *attr = &node->attrs[i];
        bool named =
            strncmp(attr->name, "value", 5) == 0 || strcmp(attr->name, "sparse_value") == 0;
        if (!named || attr->reference)
            continue;
        c2s_tensor *tensor;
        c2s_status status = content(attr, origin, &tensor);
        if (status != C2S_OK) {
            c2s_note("attribute \"%s\"", attr->name);
            return status;
        }
        if (tensor)
            c2s_value_set_constant(value, tensor);
        c2s_tensor_unref(tensor);
    }
    return C2S_OK;
}
