/* SPDX-License-Identifier: Apache-2.0
 *
 * Every field of a message wrong in turn, by the descriptors that protobuf-c makes of
 * proto/onnx.proto: left out, emptied, doubled, or with values at the limits of its type.
 */
#ifndef C2S_TESTS_WRONG_FIELDS_H
#define C2S_TESTS_WRONG_FIELDS_H

#include <math.h>

#include "unit/make_proto.h"

typedef struct wrong_fields {
    void (*seen)(struct wrong_fields *w); /* `root` is wrong at `place` now */
    ProtobufCMessage *root;
    char place[1024]; /* "graph.node[3].op_type = \"\"" */
    size_t length;
    void *user;
} wrong_fields;

static void wrong_seen(wrong_fields *w, const char *how) {
    snprintf(w->place + w->length, sizeof w->place - w->length, " %s", how);
    w->seen(w);
    w->place[w->length] = '\0';
}

/* Puts `bytes` at `member` for one look. */
static void wrong_try(wrong_fields *w, void *member, const void *bytes, size_t size,
                      const char *how) {
    char before[sizeof(ProtobufCBinaryData)];
    memcpy(before, member, size);
    memcpy(member, bytes, size);
    wrong_seen(w, how);
    memcpy(member, before, size);
}

#define WRONG_VALUES(type, ...)                                                                    \
    do {                                                                                           \
        static const type values_[] = {__VA_ARGS__};                                               \
        for (size_t k_ = 0; k_ < sizeof values_ / sizeof *values_; k_++) {                         \
            char how_[32];                                                                         \
            snprintf(how_, sizeof how_, "= %g", (double)values_[k_]);                              \
            wrong_try(w, member, &values_[k_], sizeof values_[k_], how_);                          \
        }                                                                                          \
    } while (0)

/* Elements of a list cannot be left out. */
static void wrong_text(wrong_fields *w, char **member, bool listed) {
    static char empty[] = "", not_utf8[] = "\xff\xfe\xc0", spaces[] = " \t\n",
                odd[] = "..//%s%n\\\"";
    static char longest[5001];
    memset(longest, 'n', sizeof longest - 1);
    char *const texts[] = {empty, not_utf8, spaces, odd, longest, NULL};
    static const char *const how[] = {"empty", "not UTF-8", "blank", "odd", "long", "left out"};
    for (size_t k = 0; k < sizeof texts / sizeof *texts - listed; k++)
        wrong_try(w, member, &texts[k], sizeof texts[k], how[k]);
}

static void wrong_bytes(wrong_fields *w, ProtobufCBinaryData *member) {
    const size_t size = member->len;
    ProtobufCBinaryData other = *member;
    other.data = c2s_arena_alloc(proto_arena, size + 9);
    if (size)
        memcpy(other.data, member->data, size);
    static const int changes[] = {-1, 1, 8};
    for (size_t k = 0; k < 3; k++) {
        char how[32];
        if (changes[k] < 0 && !size)
            continue;
        other.len = (size_t)((int64_t)size + changes[k]);
        snprintf(how, sizeof how, "%+d bytes", changes[k]);
        wrong_try(w, member, &other, sizeof other, how);
    }
    other.len = 0;
    wrong_try(w, member, &other, sizeof other, "empty");
    other.len = size;
    memset(other.data, 0xff, size);
    wrong_try(w, member, &other, sizeof other, "all ones");
}

static void wrong_message(wrong_fields *w, ProtobufCMessage *message);

/* One element of a field, singular or repeated. */
static void wrong_element(wrong_fields *w, const ProtobufCFieldDescriptor *field, void *member) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE: {
        ProtobufCMessage **child = member;
        if (!*child)
            return;
        ProtobufCMessage *empty =
            c2s_arena_alloc(proto_arena, (*child)->descriptor->sizeof_message);
        (*child)->descriptor->message_init(empty);
        wrong_try(w, member, &empty, sizeof empty, "empty");
        wrong_message(w, *child);
        return;
    }
    case PROTOBUF_C_TYPE_STRING:
        wrong_text(w, member, field->label == PROTOBUF_C_LABEL_REPEATED);
        return;
    case PROTOBUF_C_TYPE_BYTES:
        wrong_bytes(w, member);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        WRONG_VALUES(float, NAN, INFINITY, -1.0f, 0.0f, 3.4e38f);
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        WRONG_VALUES(double, (double)NAN, -1.0, 1e308);
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        WRONG_VALUES(int64_t, -1, 0, 1, 2, 65537, INT32_MAX, (int64_t)1 << 32, INT64_MAX,
                     INT64_MIN);
        return;
    default: /* 32 bits: numbers and enumerators */
        WRONG_VALUES(int32_t, -1, 0, 1, 2, 7, 8, 16, 22, 99, INT32_MAX, INT32_MIN);
        return;
    }
}

static size_t wrong_width(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    default:
        return 8;
    }
}

static void wrong_list(wrong_fields *w, const ProtobufCFieldDescriptor *field, size_t *count,
                       void *member) {
    enum { MOST_NUMBERS = 3 };
    char *list = *(char **)member;
    const size_t n = *count, width = wrong_width(field->type), length = w->length;
    char *more = c2s_arena_alloc(proto_arena, (n + 1) * width);
    if (n > 0) {
        const size_t none = 0, less = n - 1, twice = n + 1;
        wrong_try(w, count, &none, sizeof none, "none");
        wrong_try(w, count, &less, sizeof less, "one less");
        memcpy(more, list, n * width);
        memcpy(more + n * width, list, width);
        *count = twice;
        wrong_try(w, member, &more, sizeof more, "the first twice");
        *count = n;
        for (size_t k = 0; k + 1 < n; k++) /* the other way round */
            memcpy(more + k * width, list + (n - 1 - k) * width, width);
        memcpy(more + (n - 1) * width, list, width);
        wrong_try(w, member, &more, sizeof more, "backwards");
    } else if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_BYTES) {
        static char word[] = "word";
        char *text = word;
        if (field->type == PROTOBUF_C_TYPE_STRING)
            memcpy(more, &text, sizeof text);
        *count = 1;
        wrong_try(w, member, &more, sizeof more, "one that was not there");
        *count = n;
    }
    for (size_t k = 0; k < n; k++) {
        if (field->type != PROTOBUF_C_TYPE_MESSAGE && k >= MOST_NUMBERS)
            break;
        w->length =
            length + (size_t)snprintf(w->place + length, sizeof w->place - length, "[%zu]", k);
        wrong_element(w, field, list + k * width);
    }
    w->place[w->length = length] = '\0';
}

static void wrong_field(wrong_fields *w, const ProtobufCFieldDescriptor *field, char *message) {
    void *member = message + field->offset, *quantifier = message + field->quantifier_offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        wrong_list(w, field, quantifier, member);
        return;
    }
    const void *nothing = NULL;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        const uint32_t none = 0;
        if (*(uint32_t *)quantifier != field->id)
            return;
        wrong_try(w, quantifier, &none, sizeof none, "left out");
    } else if (field->quantifier_offset) {
        const protobuf_c_boolean was = *(protobuf_c_boolean *)quantifier, other = !was;
        wrong_try(w, quantifier, &other, sizeof other, was ? "left out" : "there");
        if (!was)
            return;
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(void **)member) {
        wrong_try(w, member, &nothing, sizeof nothing, "left out");
    }
    wrong_element(w, field, member);
}

/* Each field of `message`, and of the messages in it. */
static void wrong_message(wrong_fields *w, ProtobufCMessage *message) {
    const size_t length = w->length;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const int size = snprintf(w->place + length, sizeof w->place - length, "%s%s",
                                  length ? "." : "", field->name);
        w->length = length + (size_t)size;
        wrong_field(w, field, (char *)message);
    }
    w->place[w->length = length] = '\0';
}

#endif
