/* SPDX-License-Identifier: Apache-2.0
 *
 * TypeProto as a type.
 */
#ifndef C2S_IO_LOAD_TYPE_H
#define C2S_IO_LOAD_TYPE_H

#include <onnx.pb-c.h>

#include "ir/graph.h"

/* What is not understood or not said (an element type of a later standard, a negative extent, no
 * shape) is unknown in the result; unnamed dimensions are fresh. Shapes beyond C2S_MAX_RANK become
 * shapes of unknown rank. NULL gives the unknown type. */
c2s_type c2s_type_load(c2s_model *model, const Onnx__TypeProto *proto);

#endif
