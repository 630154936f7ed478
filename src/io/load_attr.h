/* SPDX-License-Identifier: Apache-2.0
 *
 * AttributeProto as an attribute.
 */
#ifndef C2S_IO_LOAD_ATTR_H
#define C2S_IO_LOAD_ATTR_H

#include <onnx.pb-c.h>

#include "ir/graph.h"

/* The kind that the message states or, where it states none (IR version 1), that its content has.
 */
c2s_attr_kind c2s_attr_proto_kind(const Onnx__AttributeProto *proto);

/* Appends the attribute to `node`. Bodies become empty graphs, to be filled by the caller from the
 * attribute's origin. Tensors refer to `origin`. */
c2s_status c2s_attr_load(c2s_node *node, const Onnx__AttributeProto *proto,
                         struct c2s_origin *origin);

#endif
