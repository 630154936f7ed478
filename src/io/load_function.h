/* SPDX-License-Identifier: Apache-2.0
 *
 * FunctionProto as model-local functions.
 */
#ifndef C2S_IO_LOAD_FUNCTION_H
#define C2S_IO_LOAD_FUNCTION_H

#include <onnx.pb-c.h>

#include "ir/graph.h"

/* Appends all functions of the model. Refused with C2S_ERR_INVALID: two of the same domain, name
 * and overload; functions that call each other in a circle. */
c2s_status c2s_functions_load(c2s_model *model, const Onnx__ModelProto *proto);

#endif
