/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that tell graphs, and attributes, apart by their contents.
 */
#ifndef C2S_IR_GRAPH_DIGEST_H
#define C2S_IR_GRAPH_DIGEST_H

#include "ir/graph.h"

/* Nodes in list order with operators, attributes and bodies, edges by the names of values,
 * constants by their contents, the interface. The same for copies, and on every machine. Reads all
 * weights. */
uint64_t c2s_graph_digest(const c2s_graph *graph);
/* The same for equal attributes; of bodies, types and sparse tensors the name counts alone. */
uint64_t c2s_attr_hash(const c2s_attr *attr);

#endif
