/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs as GraphProto and FunctionProto. What no pass changed is the message that was read; what
 * was changed is built anew and keeps doc strings, metadata, unknown fields and device
 * configurations of the message it came from. Nothing that was read is modified: a message with
 * changed parts is a copy that shares the others.
 */
#ifndef C2S_IO_SAVE_GRAPH_H
#define C2S_IO_SAVE_GRAPH_H

#include <onnx.pb-c.h>

#include "io/save_names.h"

typedef struct c2s_saver {
    c2s_model *model;
    c2s_arena *arena; /* owns what is built */
    c2s_save_names names;
} c2s_saver;

c2s_status c2s_graph_save(c2s_saver *saver, const c2s_graph *graph, Onnx__GraphProto **out);
/* One message per opset; those of the file where the version is the same. */
Onnx__OperatorSetIdProto **c2s_opsets_save(c2s_saver *saver, const c2s_opset *opsets, size_t count);
c2s_status c2s_function_save(c2s_saver *saver, const c2s_function *f, Onnx__FunctionProto **out);

#endif
