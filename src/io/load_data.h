/* SPDX-License-Identifier: Apache-2.0
 *
 * Values in the protobuf files of ONNX test data sets (input_0.pb): a serialized TensorProto,
 * SequenceProto or OptionalProto, which only the expected type tells apart.
 */
#ifndef C2S_IO_LOAD_DATA_H
#define C2S_IO_LOAD_DATA_H

#include "ir/tensor.h"

/* `type` is the type of the graph input or output that the file is for; where it is a scalar, a
 * vector of one element becomes one. Failures name the file. */
c2s_status c2s_tensor_load_pb(const char *path, const c2s_type *type, c2s_tensor **out);

#endif
