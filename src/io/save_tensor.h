/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors as TensorProto.
 */
#ifndef C2S_IO_SAVE_TENSOR_H
#define C2S_IO_SAVE_TENSOR_H

#include <onnx.pb-c.h>

#include "ir/graph.h"

/* The message refers to the tensor's bytes (raw_data; string_data for strings) and to `name`; it
 * takes doc_string, metadata and unknown fields from `like`, which may be NULL.
 * C2S_ERR_UNSUPPORTED for sequences and the like. */
c2s_status c2s_tensor_save(c2s_arena *arena, const c2s_tensor *tensor, const char *name,
                           const Onnx__TensorProto *like, Onnx__TensorProto **out);

/* The elements as raw_data would hold them, where the message has them in that form (raw_data, an
 * external file, or a typed field of the same layout); false if not. */
bool c2s_tensor_proto_raw(const Onnx__TensorProto *proto, const void **data, size_t *size);

#endif
