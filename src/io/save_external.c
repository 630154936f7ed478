/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save_external.h"

#include <inttypes.h>
#include <string.h>

#include "io/load_message.h"
#include "io/save_tensor.h"

/* ---- one tensor ---- */

static Onnx__StringStringEntryProto *new_entry(c2s_arena *arena, const char *key,
                                               const char *value) {
    Onnx__StringStringEntryProto *entry = c2s_arena_alloc(arena, sizeof *entry);
    onnx__string_string_entry_proto__init(entry);
    entry->key = (char *)(uintptr_t)key;
    entry->value = c2s_arena_strdup(arena, value);
    return entry;
}

/* The keys that describe the place of the data, which is another now. */
static bool describes_place(const char *key) {
    return !key || strcmp(key, "location") == 0 || strcmp(key, "offset") == 0 ||
           strcmp(key, "length") == 0 || strcmp(key, "checksum") == 0;
}

static void set_place(c2s_externalizer *e, Onnx__TensorProto *tensor, uint64_t offset,
                      size_t size) {
    Onnx__StringStringEntryProto **entries =
        c2s_arena_array(e->arena, tensor->n_external_data + 3, sizeof *entries);
    char number[24];
    size_t count = 0;
    entries[count++] = new_entry(e->arena, "location", e->location);
    snprintf(number, sizeof number, "%" PRIu64, offset);
    entries[count++] = new_entry(e->arena, "offset", number);
    snprintf(number, sizeof number, "%zu", size);
    entries[count++] = new_entry(e->arena, "length", number);
    for (size_t i = 0; i < tensor->n_external_data; i++)
        if (!describes_place(tensor->external_data[i]->key))
            entries[count++] = tensor->external_data[i];
    tensor->external_data = entries;
    tensor->n_external_data = count;
    tensor->has_data_location = 1;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    e->used = true;
}

static void drop_elements(Onnx__TensorProto *tensor) {
    tensor->has_raw_data = 0;
    tensor->n_float_data = tensor->n_int32_data = tensor->n_int64_data = 0;
    tensor->n_double_data = tensor->n_uint64_data = 0;
}

typedef struct written_piece {
    size_t size;
    uint64_t offset;
} written_piece;

/* Tensors that share their bytes share them in the file too. */
static c2s_status write_once(c2s_externalizer *e, const void *data, size_t size, uint64_t *offset) {
    written_piece *piece = c2s_map_get(&e->written, data);
    if (piece && piece->size == size) {
        *offset = piece->offset;
        return C2S_OK;
    }
    C2S_TRY(c2s_external_append(e->writer, data, size, offset));
    piece = c2s_arena_alloc(e->arena, sizeof *piece);
    *piece = (written_piece){size, *offset};
    c2s_map_put(&e->written, data, piece);
    return C2S_OK;
}

static bool is_initializer(const ProtobufCFieldDescriptor *field) {
    return field && field->descriptor == &onnx__tensor_proto__descriptor &&
           strcmp(field->name, "initializer") == 0;
}

static c2s_status move_tensor(c2s_externalizer *e, const ProtobufCFieldDescriptor *field,
                              const Onnx__TensorProto *old, Onnx__TensorProto **out) {
    bool external = c2s_tensor_is_external(old);
    const void *data;
    size_t size;
    bool wanted = e->writer && e->all && is_initializer(field) && !external;
    if ((!external && !wanted) || !c2s_tensor_proto_raw(old, &data, &size) ||
        (wanted && (size < e->threshold || !size)))
        return C2S_OK;
    Onnx__TensorProto *tensor = c2s_arena_alloc(e->arena, sizeof *tensor);
    *tensor = *old;
    *out = tensor;
    if (!e->writer) {
        tensor->has_raw_data = 1;
        tensor->has_data_location = 0;
        tensor->n_external_data = 0;
        return C2S_OK;
    }
    uint64_t offset;
    C2S_TRY(write_once(e, data, size, &offset));
    drop_elements(tensor);
    set_place(e, tensor, offset, size);
    return C2S_OK;
}

/* ---- the tree ---- */

static bool may_hold_tensors(const ProtobufCMessageDescriptor *type) {
    return type == &onnx__model_proto__descriptor || type == &onnx__graph_proto__descriptor ||
           type == &onnx__node_proto__descriptor || type == &onnx__attribute_proto__descriptor ||
           type == &onnx__tensor_proto__descriptor ||
           type == &onnx__sparse_tensor_proto__descriptor ||
           type == &onnx__function_proto__descriptor ||
           type == &onnx__training_info_proto__descriptor;
}

static c2s_status rewrite(c2s_externalizer *e, const ProtobufCFieldDescriptor *field,
                          ProtobufCMessage *message, ProtobufCMessage **out);

/* The message to change: a copy of the original, made at the first change. */
static char *own(c2s_externalizer *e, const ProtobufCMessage *message, ProtobufCMessage **out) {
    if (*out == message) {
        *out = (ProtobufCMessage *)(void *)c2s_arena_memdup(e->arena, message,
                                                            message->descriptor->sizeof_message);
    }
    return (char *)*out;
}

static c2s_status rewrite_list(c2s_externalizer *e, const ProtobufCFieldDescriptor *field,
                               ProtobufCMessage *message, ProtobufCMessage **out) {
    char *base = (char *)message;
    size_t count = *(size_t *)(void *)(base + field->quantifier_offset);
    ProtobufCMessage **list = *(ProtobufCMessage ***)(void *)(base + field->offset);
    bool owned = false;
    for (size_t k = 0; k < count; k++) {
        ProtobufCMessage *child;
        C2S_TRY(rewrite(e, field, list[k], &child));
        if (child == list[k])
            continue;
        if (!owned) {
            list =
                (ProtobufCMessage **)(void *)c2s_arena_memdup(e->arena, list, count * sizeof *list);
            *(ProtobufCMessage ***)(void *)(own(e, message, out) + field->offset) = list;
            owned = true;
        }
        list[k] = child;
    }
    return C2S_OK;
}

static c2s_status rewrite(c2s_externalizer *e, const ProtobufCFieldDescriptor *field,
                          ProtobufCMessage *message, ProtobufCMessage **out) {
    *out = message;
    const ProtobufCMessageDescriptor *type = message->descriptor;
    if (type == &onnx__tensor_proto__descriptor) {
        Onnx__TensorProto *tensor = (Onnx__TensorProto *)message;
        C2S_TRY(move_tensor(e, field, tensor, &tensor));
        *out = &tensor->base;
        return C2S_OK;
    }
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *inner = &type->fields[i];
        if (inner->type != PROTOBUF_C_TYPE_MESSAGE || !may_hold_tensors(inner->descriptor))
            continue;
        if (inner->label == PROTOBUF_C_LABEL_REPEATED) {
            C2S_TRY(rewrite_list(e, inner, message, out));
            continue;
        }
        ProtobufCMessage *old = *(ProtobufCMessage **)(void *)((char *)message + inner->offset);
        ProtobufCMessage *child = old;
        if (old)
            C2S_TRY(rewrite(e, inner, old, &child));
        if (child != old)
            *(ProtobufCMessage **)(void *)(own(e, message, out) + inner->offset) = child;
    }
    return C2S_OK;
}

c2s_status c2s_externalize(c2s_externalizer *e, ProtobufCMessage *message, ProtobufCMessage **out) {
    c2s_status status = rewrite(e, NULL, message, out);
    c2s_map_free(&e->written);
    return status;
}

/* ---- size ---- */

static c2s_status add_size(void *user, const ProtobufCFieldDescriptor *field,
                           ProtobufCMessage **child) {
    (void)field;
    if ((*child)->descriptor == &onnx__tensor_proto__descriptor) {
        const Onnx__TensorProto *tensor = (const Onnx__TensorProto *)*child;
        if (c2s_tensor_is_external(tensor))
            *(uint64_t *)user += tensor->raw_data.len;
    } else if (may_hold_tensors((*child)->descriptor)) {
        return c2s_message_each(*child, add_size, user);
    }
    return C2S_OK;
}

uint64_t c2s_external_size(const ProtobufCMessage *message) {
    uint64_t size = 0;
    ProtobufCMessage *root = (ProtobufCMessage *)(uintptr_t)message;
    add_size(&size, NULL, &root);
    return size;
}
