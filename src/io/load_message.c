/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/mapping.h"
#include "io/external.h"
#include "io/load_tensor.h"
#include "io/wire.h"

/* Above this size an allocation of the unpacker is from malloc, so that its scratch memory is
 * given back and a size that the file decides cannot end the program. */
#define LARGE_ALLOCATION 32768

typedef struct large_block {
    struct large_block *prev, *next;
} large_block;

typedef struct parsed {
    struct c2s_origin base;
    c2s_arena *arena;
    large_block large; /* ring head */
    c2s_map is_large;  /* address to block */
    bool out_of_memory;
    void *data; /* the file */
    bool mapped;
    c2s_wire wire;
    c2s_external *external;
} parsed;

/* ---- memory of the message tree ---- */

static void *unpack_alloc(void *user, size_t size) {
    parsed *p = user;
    if (size < LARGE_ALLOCATION)
        return c2s_arena_alloc(p->arena, size);
    /* 16 bytes of header keep the payload aligned. */
    large_block *block = size <= SIZE_MAX - sizeof *block ? malloc(sizeof *block + size) : NULL;
    if (!block) {
        p->out_of_memory = true;
        return NULL;
    }
    block->prev = &p->large;
    block->next = p->large.next;
    block->next->prev = p->large.next = block;
    c2s_map_put(&p->is_large, block + 1, block);
    return block + 1;
}

static void unpack_free(void *user, void *memory) {
    parsed *p = user;
    large_block *block = memory ? c2s_map_get(&p->is_large, memory) : NULL;
    if (!block)
        return;
    c2s_map_put(&p->is_large, memory, NULL);
    block->prev->next = block->next;
    block->next->prev = block->prev;
    free(block);
}

static void release_file(parsed *p) {
    if (p->mapped)
        c2s_mapping_destroy(p->data);
    else
        free(p->data);
    p->data = NULL;
}

static void parsed_release(struct c2s_origin *origin) {
    parsed *p = (parsed *)origin;
    while (p->large.next != &p->large) {
        large_block *block = p->large.next;
        p->large.next = block->next;
        free(block);
    }
    c2s_map_free(&p->is_large);
    c2s_arena_destroy(p->arena);
    c2s_external_destroy(p->external);
    c2s_wire_free(&p->wire);
    release_file(p);
    free(p);
}

struct c2s_origin *c2s_origin_ref(struct c2s_origin *origin) {
    atomic_fetch_add_explicit(&origin->refs, 1, memory_order_relaxed);
    return origin;
}

void c2s_origin_unref(struct c2s_origin *origin) {
    if (origin && atomic_fetch_sub_explicit(&origin->refs, 1, memory_order_acq_rel) == 1)
        origin->release(origin);
}

bool c2s_message_has_external(const struct c2s_origin *origin) {
    return origin && ((const parsed *)origin)->wire.external;
}

bool c2s_message_needs(const struct c2s_origin *origin, const char *path, const char *model_path) {
    const c2s_external *external = ((const parsed *)origin)->external;
    return c2s_external_reads(external, path) && !c2s_external_is_of(external, model_path);
}

typedef struct origin_bytes {
    c2s_bytes base;
    struct c2s_origin *origin;
} origin_bytes;

static void origin_bytes_release(c2s_bytes *bytes) {
    origin_bytes *self = (origin_bytes *)bytes;
    c2s_origin_unref(self->origin);
    if (bytes->unaligned) {
        void *copy = atomic_load(&bytes->aligned);
        if (copy)
            c2s_memory_count(-(int64_t)bytes->size);
        free(copy);
    }
    free(self);
}

c2s_bytes *c2s_origin_bytes(struct c2s_origin *origin, const void *data, size_t size,
                            bool aligned) {
    origin_bytes *bytes = c2s_zalloc(sizeof *bytes);
    if (aligned)
        bytes->base.data = (void *)(uintptr_t)data;
    else
        bytes->base.unaligned = data;
    bytes->base.size = size;
    bytes->base.release = origin_bytes_release;
    atomic_init(&bytes->base.refs, 1);
    bytes->origin = c2s_origin_ref(origin);
    return &bytes->base;
}

/* ---- payloads ---- */

c2s_status c2s_message_each(ProtobufCMessage *message,
                            c2s_status (*visit)(void *user, const ProtobufCFieldDescriptor *field,
                                                ProtobufCMessage **child),
                            void *user) {
    const ProtobufCMessageDescriptor *type = message->descriptor;
    char *base = (char *)message;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = *(size_t *)(void *)(base + field->quantifier_offset);
            ProtobufCMessage **list = *(ProtobufCMessage ***)(void *)(base + field->offset);
            for (size_t k = 0; k < count; k++)
                C2S_TRY(visit(user, field, &list[k]));
            continue;
        }
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
            *(uint32_t *)(void *)(base + field->quantifier_offset) != field->id)
            continue;
        ProtobufCMessage **child = (ProtobufCMessage **)(void *)(base + field->offset);
        if (*child)
            C2S_TRY(visit(user, field, child));
    }
    return C2S_OK;
}

static void restore_bytes(const c2s_wire *wire, ProtobufCBinaryData *bytes) {
    const c2s_wire_blob *blob = c2s_wire_blob_at(wire, bytes->data, bytes->len);
    if (blob)
        *bytes = (ProtobufCBinaryData){.len = blob->size, .data = blob->data};
}

/* Puts the payloads that stayed in the file back in the place of their markers. */
static void restore_payloads(const c2s_wire *wire, ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *type = message->descriptor;
    char *base = (char *)message;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        void *member = base + field->offset;
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            if (field->type == PROTOBUF_C_TYPE_BYTES)
                restore_bytes(wire, member);
            continue;
        }
        size_t *count = (size_t *)(void *)(base + field->quantifier_offset);
        if (field->type == PROTOBUF_C_TYPE_BYTES) {
            for (size_t k = 0; k < *count; k++)
                restore_bytes(wire, *(ProtobufCBinaryData **)member + k);
        } else if (field->type == PROTOBUF_C_TYPE_FLOAT || field->type == PROTOBUF_C_TYPE_DOUBLE) {
            size_t width = field->type == PROTOBUF_C_TYPE_FLOAT ? 4 : 8;
            if (*count * width != C2S_WIRE_MARKER_SIZE)
                continue;
            const c2s_wire_blob *blob =
                c2s_wire_blob_at(wire, *(void **)member, C2S_WIRE_MARKER_SIZE);
            if (blob) {
                *(void **)member = blob->data;
                *count = blob->size / width;
            }
        }
    }
}

const char *c2s_external_entry(const Onnx__TensorProto *tensor, const char *key) {
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const Onnx__StringStringEntryProto *entry = tensor->external_data[i];
        if (entry->key && strcmp(entry->key, key) == 0)
            return entry->value;
    }
    return NULL;
}

static c2s_status attach_external(parsed *p, Onnx__TensorProto *tensor) {
    if (tensor->has_raw_data && tensor->raw_data.len)
        return c2s_fail(C2S_ERR_INVALID, "found both raw_data and external data");
    c2s_external_place place = {c2s_external_entry(tensor, "location"),
                                c2s_external_entry(tensor, "offset"),
                                c2s_external_entry(tensor, "length")};
    const void *data;
    size_t size, expected;
    C2S_TRY(c2s_external_find(p->external, &place, &data, &size));
    C2S_TRY(c2s_tensor_proto_size(tensor, &expected));
    if (!place.length && size > expected)
        size = expected; /* another tensor's bytes follow */
    c2s_external_claim(p->external, data, size, tensor->name ? tensor->name : "");
    tensor->raw_data = (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)data};
    return C2S_OK;
}

/* Types without tensors or large texts below need no visit. */
static bool may_hold_payload(const ProtobufCMessageDescriptor *type) {
    return type != &onnx__type_proto__descriptor && type != &onnx__value_info_proto__descriptor &&
           type != &onnx__string_string_entry_proto__descriptor &&
           type != &onnx__tensor_annotation__descriptor &&
           type != &onnx__node_device_configuration_proto__descriptor;
}

static c2s_status complete(void *user, const ProtobufCFieldDescriptor *field,
                           ProtobufCMessage **child) {
    (void)field;
    parsed *p = user;
    ProtobufCMessage *message = *child;
    if (!may_hold_payload(message->descriptor))
        return C2S_OK;
    restore_payloads(&p->wire, message);
    if (message->descriptor == &onnx__tensor_proto__descriptor) {
        Onnx__TensorProto *tensor = (Onnx__TensorProto *)message;
        c2s_status status = C2S_OK;
        if (c2s_tensor_is_external(tensor))
            status = attach_external(p, tensor);
        if (status != C2S_OK)
            c2s_note("tensor \"%s\"", tensor->name ? tensor->name : "");
        return status;
    }
    return c2s_message_each(message, complete, p);
}

/* ---- parsing ---- */

static c2s_status unpack(parsed *p, size_t size, const ProtobufCMessageDescriptor *type) {
    C2S_TRY(c2s_wire_scan(p->data, size, !p->mapped, type, &p->wire));
    ProtobufCAllocator allocator = {unpack_alloc, unpack_free, p};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, &allocator, p->wire.skeleton_size, p->wire.skeleton);
    if (!message && p->out_of_memory)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for the structure of the model");
    if (!message)
        return c2s_fail(C2S_ERR_INVALID, "not a protobuf message of type %s", type->short_name);
    p->base.message = message;
    if (p->wire.blob_count || p->wire.external)
        C2S_TRY(complete(p, NULL, &message));
    C2S_TRY(c2s_external_check(p->external));
    /* Nothing refers to the skeleton; the file is needed only for the payloads left in it. */
    free(p->wire.owned);
    p->wire.owned = NULL;
    p->wire.skeleton = NULL;
    if (!p->wire.blob_count)
        release_file(p);
    return C2S_OK;
}

static c2s_status parse(void *data, size_t size, bool mapped, const char *path,
                        const ProtobufCMessageDescriptor *type, struct c2s_origin **out) {
    *out = NULL;
    parsed *p = c2s_zalloc(sizeof *p);
    atomic_init(&p->base.refs, 1);
    p->base.release = parsed_release;
    p->arena = c2s_arena_create();
    p->large.prev = p->large.next = &p->large;
    p->data = data;
    p->mapped = mapped;
    p->external = c2s_external_create(path);
    c2s_status status = unpack(p, size, type);
    if (status == C2S_OK) {
        *out = &p->base;
        return C2S_OK;
    }
    c2s_origin_unref(&p->base);
    c2s_note("no valid %s", type->short_name);
    if (path)
        c2s_note("%s", strcmp(path, "-") == 0 ? "standard input" : path);
    return status;
}

c2s_status c2s_message_parse(void *data, size_t size, const char *path,
                             const ProtobufCMessageDescriptor *type, struct c2s_origin **out) {
    return parse(data, size, false, path, type, out);
}

c2s_status c2s_message_load(const char *path, const ProtobufCMessageDescriptor *type,
                            struct c2s_origin **out) {
    void *data;
    size_t size;
    *out = NULL;
    bool mapped;
    C2S_TRY(c2s_file_view(path, SIZE_MAX / 4, &data, &size, &mapped));
    return parse(data, size, mapped, path, type, out);
}
