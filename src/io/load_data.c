/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_data.h"

#include <stdlib.h>

#include "io/load_tensor.h"

enum { MAX_NESTING = 16 };

static c2s_status load_value(const ProtobufCMessage *message, struct c2s_origin *origin,
                             unsigned depth, c2s_tensor **out);

/* Sequence of the repeated message field `items`. */
static c2s_status load_items(size_t count, void *const *items, struct c2s_origin *origin,
                             unsigned depth, c2s_tensor **out) {
    c2s_tensor **loaded = c2s_alloc_array(count, sizeof *loaded);
    size_t done = 0;
    c2s_status status = C2S_OK;
    for (; done < count && status == C2S_OK; done++)
        status = load_value(items[done], origin, depth, &loaded[done]);
    if (status != C2S_OK)
        done--; /* the one that failed */
    if (status == C2S_OK)
        status = c2s_tensor_sequence(C2S_KIND_SEQUENCE, count ? &loaded[0]->type : NULL, count,
                                     loaded, out);
    for (size_t k = 0; k < done; k++)
        c2s_tensor_unref(loaded[k]);
    free(loaded);
    return status;
}

static c2s_status load_sequence(const Onnx__SequenceProto *s, struct c2s_origin *origin,
                                unsigned depth, c2s_tensor **out) {
    switch (s->has_elem_type ? s->elem_type : ONNX__SEQUENCE_PROTO__DATA_TYPE__UNDEFINED) {
    case ONNX__SEQUENCE_PROTO__DATA_TYPE__TENSOR:
    case ONNX__SEQUENCE_PROTO__DATA_TYPE__UNDEFINED: /* an empty sequence may leave it out */
        return load_items(s->n_tensor_values, (void *const *)s->tensor_values, origin, depth, out);
    case ONNX__SEQUENCE_PROTO__DATA_TYPE__SEQUENCE:
        return load_items(s->n_sequence_values, (void *const *)s->sequence_values, origin, depth,
                          out);
    case ONNX__SEQUENCE_PROTO__DATA_TYPE__OPTIONAL:
        return load_items(s->n_optional_values, (void *const *)s->optional_values, origin, depth,
                          out);
    default:
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a sequence of element type %d", (int)s->elem_type);
    }
}

static c2s_status load_optional(const Onnx__OptionalProto *o, struct c2s_origin *origin,
                                unsigned depth, c2s_tensor **out) {
    const ProtobufCMessage *content = o->tensor_value     ? &o->tensor_value->base
                                      : o->sequence_value ? &o->sequence_value->base
                                      : o->optional_value ? &o->optional_value->base
                                                          : NULL;
    if (!content)
        return c2s_tensor_sequence(C2S_KIND_OPTIONAL, NULL, 0, NULL, out);
    c2s_tensor *item;
    C2S_TRY(load_value(content, origin, depth, &item));
    c2s_status status = c2s_tensor_sequence(C2S_KIND_OPTIONAL, &item->type, 1, &item, out);
    c2s_tensor_unref(item);
    return status;
}

static c2s_status load_value(const ProtobufCMessage *message, struct c2s_origin *origin,
                             unsigned depth, c2s_tensor **out) {
    if (depth > MAX_NESTING)
        return c2s_fail(C2S_ERR_INVALID, "values are nested deeper than %d", MAX_NESTING);
    if (message->descriptor == &onnx__tensor_proto__descriptor)
        return c2s_tensor_load((const Onnx__TensorProto *)message, origin, out);
    if (message->descriptor == &onnx__sequence_proto__descriptor)
        return load_sequence((const Onnx__SequenceProto *)message, origin, depth + 1, out);
    if (message->descriptor == &onnx__optional_proto__descriptor)
        return load_optional((const Onnx__OptionalProto *)message, origin, depth + 1, out);
    return c2s_fail(C2S_ERR_UNSUPPORTED, "a value of type %s", message->descriptor->short_name);
}

/* Scalars are often stored with one axis of extent 1, which other runtimes take for scalars. */
static c2s_status drop_axis(const c2s_type *type, c2s_tensor **tensor) {
    c2s_tensor *scalar;
    if (type->kind != C2S_KIND_TENSOR || type->rank != 0 ||
        (*tensor)->type.kind != C2S_KIND_TENSOR || (*tensor)->type.rank != 1 ||
        (*tensor)->count != 1)
        return C2S_OK;
    C2S_TRY(c2s_tensor_reshape(*tensor, 0, NULL, &scalar));
    c2s_tensor_unref(*tensor);
    *tensor = scalar;
    return C2S_OK;
}

c2s_status c2s_tensor_load_pb(const char *path, const c2s_type *type, c2s_tensor **out) {
    const ProtobufCMessageDescriptor *message = &onnx__tensor_proto__descriptor;
    if (type->kind == C2S_KIND_SEQUENCE)
        message = &onnx__sequence_proto__descriptor;
    else if (type->kind == C2S_KIND_OPTIONAL)
        message = &onnx__optional_proto__descriptor;
    else if (type->kind == C2S_KIND_MAP)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s: maps are not read", path);
    struct c2s_origin *origin;
    C2S_TRY(c2s_message_load(path, message, &origin));
    c2s_status status = load_value(origin->message, origin, 0, out);
    c2s_origin_unref(origin);
    if (status == C2S_OK)
        status = drop_axis(type, out);
    if (status != C2S_OK)
        c2s_note("%s", path);
    return status;
}
