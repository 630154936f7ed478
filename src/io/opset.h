/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a model in another opset of ai.onnx. What an operator's meaning or form depends on is in
 * one table (opset_table.c), a row per change; which operators, attributes and types an opset has
 * is in ops/op_versions.h.
 */
#ifndef C2S_IO_OPSET_H
#define C2S_IO_OPSET_H

#include "ir/graph.h"

enum { C2S_OPSET_OLDEST = 7 }; /* that can be written */

/* IR version that came with an opset of ai.onnx. */
int64_t c2s_opset_ir_version(int64_t opset);

/* Brings the main graph, its bodies and the functions to the forms of `opset`, C2S_OPSET_OLDEST to
 * C2S_OPSET_NEWEST, and imports it. The model is normalised; to go down or beyond opset 20 its
 * types are inferred. Functions whose operators have no form in an older opset are expanded where
 * they are called. *rewrites: nodes that changed; may be NULL.
 *
 * C2S_ERR_UNSUPPORTED names the node and why it cannot be expressed exactly. The model is then
 * partly converted and only fit for c2s_model_destroy. Linear in the graph. */
c2s_status c2s_model_convert_opset(c2s_model *model, int64_t opset, unsigned *rewrites);

/* No node of the graph, bodies included, has another form or meaning in the one opset than in the
 * other. */
bool c2s_graph_is_same(const c2s_graph *graph, int64_t a, int64_t b);

/* c2s_model_convert_opset upwards for one graph with its bodies, for normalisation. */
c2s_status c2s_graph_raise_opset(c2s_graph *graph, int64_t from, int64_t to);

#endif
