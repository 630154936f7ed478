/* SPDX-License-Identifier: Apache-2.0
 *
 * GraphProto and FunctionProto as graphs: names become values, bodies see what they capture, the
 * node list becomes topological.
 */
#ifndef C2S_IO_LOAD_GRAPH_H
#define C2S_IO_LOAD_GRAPH_H

#include <onnx.pb-c.h>

#include "ir/graph.h"

/* Fills the empty main graph. Refused with C2S_ERR_INVALID, naming node and value: names that
 * nothing defines or that two things define, cycles, nodes without operator. */
c2s_status c2s_graph_load(c2s_graph *graph, const Onnx__GraphProto *proto,
                          struct c2s_origin *origin);
/* Fills the empty graph of a function; values have no types but those of its value_info. */
c2s_status c2s_graph_load_function(c2s_graph *graph, const Onnx__FunctionProto *proto,
                                   struct c2s_origin *origin);

#endif
