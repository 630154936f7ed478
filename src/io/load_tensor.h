/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorProto and SparseTensorProto as tensors.
 */
#ifndef C2S_IO_LOAD_TENSOR_H
#define C2S_IO_LOAD_TENSOR_H

#include "io/load_message.h"

/* Bytes that the elements take, from data_type and dims; C2S_ERR_INVALID if those are not sound.
 * Strings: bytes of their c2s_string. */
c2s_status c2s_tensor_proto_size(const Onnx__TensorProto *proto, size_t *bytes);

/* A tensor with one reference. Refers to the message's memory (and keeps `origin` alive) where the
 * layout allows it, else decodes. Failures name the tensor, what was found and expected. */
c2s_status c2s_tensor_load(const Onnx__TensorProto *proto, struct c2s_origin *origin,
                           c2s_tensor **out);
/* The dense form. C2S_ERR_UNSUPPORTED for strings and for elements of less than a byte. */
c2s_status c2s_tensor_load_sparse(const Onnx__SparseTensorProto *proto, struct c2s_origin *origin,
                                  c2s_tensor **out);

#endif
