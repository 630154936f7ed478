/* SPDX-License-Identifier: Apache-2.0
 *
 * All graphs of a model or below a graph, for code that treats every body alike.
 */
#ifndef C2S_IR_GRAPH_LIST_H
#define C2S_IR_GRAPH_LIST_H

#include "ir/graph.h"

/* Zero-initialise; free with c2s_vec_free. */
typedef C2S_VEC(c2s_graph *) c2s_graph_list;

/* Appends `graph` and the bodies in it, at any depth, outer graphs before inner ones. */
void c2s_graph_list_add(c2s_graph_list *list, c2s_graph *graph);

#endif
