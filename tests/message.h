/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of protobuf-c messages, field by field and unknown fields included. */
#ifndef C2S_TESTS_MESSAGE_H
#define C2S_TESTS_MESSAGE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

/* Where two messages differ: "ModelProto.graph.node[3].name". */
typedef struct message_place {
    char text[512];
} message_place;

static inline bool message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b,
                                 message_place *place);

static inline size_t field_size(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return 8;
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        return 0; /* not used by ONNX */
    }
}

static inline bool element_equal(const ProtobufCFieldDescriptor *field, const char *a,
                                 const char *b, message_place *place) {
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *x = (const void *)a, *y = (const void *)b;
        return x->len == y->len && (x->len == 0 || memcmp(x->data, y->data, x->len) == 0);
    }
    if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
        return field_size(field->type) && memcmp(a, b, field_size(field->type)) == 0;
    const void *x = *(void *const *)(const void *)a, *y = *(void *const *)(const void *)b;
    if (!x || !y)
        return x == y;
    return field->type == PROTOBUF_C_TYPE_STRING ? strcmp(x, y) == 0 : message_equal(x, y, place);
}

static inline bool field_equal(const ProtobufCFieldDescriptor *field, const char *a, const char *b,
                               message_place *place) {
    size_t length = strlen(place->text), size = sizeof place->text - length;
    snprintf(place->text + length, size, ".%s", field->name);
    bool equal = true;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)(const void *)(a + field->quantifier_offset);
        const char *x = *(char *const *)(const void *)(a + field->offset);
        const char *y = *(char *const *)(const void *)(b + field->offset);
        equal = n == *(const size_t *)(const void *)(b + field->quantifier_offset);
        for (size_t i = 0; i < n && equal; i++) {
            size_t width = field_size(field->type);
            snprintf(place->text + length, size, ".%s[%zu]", field->name, i);
            equal = element_equal(field, x + i * width, y + i * width, place);
        }
    } else {
        bool present = true;
        if (field->quantifier_offset && (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)) {
            uint32_t x = *(const uint32_t *)(const void *)(a + field->quantifier_offset);
            uint32_t y = *(const uint32_t *)(const void *)(b + field->quantifier_offset);
            equal = x == y;
            present = x == field->id;
        } else if (field->quantifier_offset) {
            int x = *(const protobuf_c_boolean *)(const void *)(a + field->quantifier_offset);
            int y = *(const protobuf_c_boolean *)(const void *)(b + field->quantifier_offset);
            equal = x == y;
            present = x != 0;
        }
        if (equal && present)
            equal = element_equal(field, a + field->offset, b + field->offset, place);
    }
    if (equal)
        place->text[length] = 0;
    return equal;
}

static inline bool message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b,
                                 message_place *place) {
    if (a->descriptor != b->descriptor)
        return false;
    if (!place->text[0])
        snprintf(place->text, sizeof place->text, "%s", a->descriptor->short_name);
    for (unsigned i = 0; i < a->descriptor->n_fields; i++)
        if (!field_equal(&a->descriptor->fields[i], (const char *)a, (const char *)b, place))
            return false;
    if (a->n_unknown_fields != b->n_unknown_fields)
        return false;
    for (unsigned i = 0; i < a->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *x = &a->unknown_fields[i], *y = &b->unknown_fields[i];
        if (x->tag != y->tag || x->wire_type != y->wire_type || x->len != y->len ||
            memcmp(x->data, y->data, x->len) != 0)
            return false;
    }
    return true;
}

#endif
