/* SPDX-License-Identifier: Apache-2.0
 *
 * Types as TypeProto.
 */
#ifndef C2S_IO_SAVE_TYPE_H
#define C2S_IO_SAVE_TYPE_H

#include <onnx.pb-c.h>

#include "ir/graph.h"

/* NULL for the unknown type. Fresh dimensions are left without a value. */
Onnx__TypeProto *c2s_type_save(c2s_arena *arena, c2s_dims *dims, const c2s_type *type);

/* Whether what the file says of a type still holds. What only one of them knows is no
 * contradiction, as inference refines types; `exact`: except for extents that are known now. */
bool c2s_type_proto_holds(const Onnx__TypeProto *proto, const c2s_type *type, bool exact);

#endif
