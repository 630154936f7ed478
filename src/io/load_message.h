/* SPDX-License-Identifier: Apache-2.0
 *
 * A file as a tree of protobuf-c messages that owns all its memory: what c2s_model.origin is.
 * Every payload (raw_data, float_data, text, ...) can be read from the tree; large ones point into
 * the file's buffer, those of external tensors into mapped files.
 */
#ifndef C2S_IO_LOAD_MESSAGE_H
#define C2S_IO_LOAD_MESSAGE_H

#include <onnx.pb-c.h>

#include "ir/graph.h"

/* Reads and unpacks `path` ("-": standard input) as a message of type `type`; the result has one
 * reference. `type` may be any message; (*out)->message is of that type.
 *
 * A TensorProto whose data_location is EXTERNAL gets raw_data.data and .len pointed at its bytes
 * with has_raw_data left 0: reading code sees the data, packing writes what the file had. */
c2s_status c2s_message_load(const char *path, const ProtobufCMessageDescriptor *type,
                            struct c2s_origin **out);
/* The same from memory: takes over `data`, which is from malloc, also on failure. External data is
 * looked for beside `path`; NULL: nowhere. */
c2s_status c2s_message_parse(void *data, size_t size, const char *path,
                             const ProtobufCMessageDescriptor *type, struct c2s_origin **out);
/* Some tensor below has external data. */
bool c2s_message_has_external(const struct c2s_origin *origin);
/* Who wrote to `path` for a model at `model_path` would take the data of the model away that this
 * was read from, which is another one. */
bool c2s_message_needs(const struct c2s_origin *origin, const char *path, const char *model_path);

struct c2s_origin *c2s_origin_ref(struct c2s_origin *origin);
void c2s_origin_unref(struct c2s_origin *origin); /* NULL is allowed */

/* Bytes of the tree as shared bytes that keep the tree alive. `aligned`: they can be used in place. */
c2s_bytes *c2s_origin_bytes(struct c2s_origin *origin, const void *data, size_t size,
                            bool aligned);

/* The tensor's external_data entry of that key, or NULL. */
const char *c2s_external_entry(const Onnx__TensorProto *tensor, const char *key);
static inline bool c2s_tensor_is_external(const Onnx__TensorProto *tensor) {
    return tensor->has_data_location &&
           tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

/* Calls `visit` for each submessage that `message` holds directly, in field order. */
c2s_status c2s_message_each(ProtobufCMessage *message,
                            c2s_status (*visit)(void *user, const ProtobufCFieldDescriptor *field,
                                                ProtobufCMessage **child),
                            void *user);

#endif
