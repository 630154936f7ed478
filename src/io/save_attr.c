/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save_attr.h"

#include <string.h>

#include "io/save_tensor.h"
#include "io/save_type.h"

static char *text(const char *interned) {
    return (char *)(uintptr_t)interned;
}

/* What the file said beside the value of the attribute that this one replaced. */
static void keep_surroundings(const c2s_node *node, const c2s_attr *attr,
                              Onnx__AttributeProto *proto) {
    const Onnx__NodeProto *origin = node->origin;
    for (size_t i = 0; origin && i < origin->n_attribute; i++) {
        const Onnx__AttributeProto *old = origin->attribute[i];
        if (old->name && strcmp(old->name, attr->name) == 0) {
            proto->doc_string = old->doc_string;
            proto->base.n_unknown_fields = old->base.n_unknown_fields;
            proto->base.unknown_fields = old->base.unknown_fields;
            return;
        }
    }
}

static ProtobufCBinaryData bytes_of(const c2s_string *string) {
    return (ProtobufCBinaryData){.len = string->size, .data = (uint8_t *)text(string->data)};
}

static c2s_status save_single(c2s_saver *saver, const c2s_attr *attr, Onnx__AttributeProto *proto) {
    switch (attr->kind) {
    case C2S_ATTR_FLOAT:
        proto->has_f = 1;
        proto->f = attr->f;
        return C2S_OK;
    case C2S_ATTR_INT:
        proto->has_i = 1;
        proto->i = attr->i;
        return C2S_OK;
    case C2S_ATTR_STRING:
        proto->has_s = 1;
        proto->s = bytes_of(&attr->s);
        return C2S_OK;
    case C2S_ATTR_TENSOR:
        return c2s_tensor_save(saver->arena, attr->t, NULL, NULL, &proto->t);
    case C2S_ATTR_GRAPH:
        return c2s_graph_save(saver, attr->g, &proto->g);
    default:
        if (!attr->type)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "a type that is not known cannot be written");
        proto->tp = c2s_type_save(saver->arena, saver->model->dims, attr->type);
        return C2S_OK;
    }
}

static c2s_status save_graphs(c2s_saver *saver, const c2s_attr *attr, Onnx__AttributeProto *proto) {
    proto->n_graphs = attr->count;
    proto->graphs = c2s_arena_array(saver->arena, attr->count, sizeof *proto->graphs);
    for (size_t i = 0; i < attr->count; i++)
        C2S_TRY(c2s_graph_save(saver, attr->graphs[i], &proto->graphs[i]));
    return C2S_OK;
}

static c2s_status save_list(c2s_saver *saver, const c2s_attr *attr, Onnx__AttributeProto *proto) {
    c2s_arena *arena = saver->arena;
    switch (attr->kind) {
    case C2S_ATTR_FLOATS:
        proto->n_floats = attr->count;
        proto->floats = (float *)(uintptr_t)attr->floats;
        return C2S_OK;
    case C2S_ATTR_INTS:
        proto->n_ints = attr->count;
        proto->ints = (int64_t *)(uintptr_t)attr->ints;
        return C2S_OK;
    case C2S_ATTR_STRINGS:
        proto->n_strings = attr->count;
        proto->strings = c2s_arena_array(arena, attr->count, sizeof *proto->strings);
        for (size_t i = 0; i < attr->count; i++)
            proto->strings[i] = bytes_of(&attr->strings[i]);
        return C2S_OK;
    case C2S_ATTR_TENSORS:
        proto->n_tensors = attr->count;
        proto->tensors = c2s_arena_array(arena, attr->count, sizeof *proto->tensors);
        for (size_t i = 0; i < attr->count; i++)
            C2S_TRY(c2s_tensor_save(arena, attr->tensors[i], NULL, NULL, &proto->tensors[i]));
        return C2S_OK;
    case C2S_ATTR_GRAPHS:
        return save_graphs(saver, attr, proto);
    default:
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "found an attribute of kind %d that was not read from a file",
                        (int)attr->kind);
    }
}

static c2s_status build(c2s_saver *saver, const c2s_node *node, const c2s_attr *attr,
                        Onnx__AttributeProto *proto) {
    proto->name = text(attr->name);
    keep_surroundings(node, attr, proto);
    c2s_attr_kind kind = attr->reference ? attr->reference_kind : attr->kind;
    proto->has_type = kind != C2S_ATTR_UNDEFINED;
    proto->type = (Onnx__AttributeProto__AttributeType)kind;
    if (attr->reference)
        proto->ref_attr_name = text(attr->reference);
    if (attr->kind == C2S_ATTR_UNDEFINED)
        return C2S_OK;
    switch (attr->kind) {
    case C2S_ATTR_FLOAT:
    case C2S_ATTR_INT:
    case C2S_ATTR_STRING:
    case C2S_ATTR_TENSOR:
    case C2S_ATTR_GRAPH:
    case C2S_ATTR_TYPE:
        return save_single(saver, attr, proto);
    default:
        return save_list(saver, attr, proto);
    }
}

c2s_status c2s_attr_save(c2s_saver *saver, const c2s_node *node, const c2s_attr *attr,
                         Onnx__AttributeProto **out) {
    bool bodies = attr->kind == C2S_ATTR_GRAPH || attr->kind == C2S_ATTR_GRAPHS;
    if (attr->origin && !bodies) {
        *out = (Onnx__AttributeProto *)(uintptr_t)attr->origin;
        return C2S_OK;
    }
    Onnx__AttributeProto *proto = c2s_arena_alloc(saver->arena, sizeof *proto);
    c2s_status status;
    if (attr->origin) {
        *proto = *(const Onnx__AttributeProto *)attr->origin;
        status = attr->kind == C2S_ATTR_GRAPH ? c2s_graph_save(saver, attr->g, &proto->g)
                                              : save_graphs(saver, attr, proto);
    } else {
        onnx__attribute_proto__init(proto);
        status = build(saver, node, attr, proto);
    }
    if (status != C2S_OK)
        c2s_note("attribute \"%s\"", attr->name);
    *out = proto;
    return status;
}
