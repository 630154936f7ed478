/* SPDX-License-Identifier: Apache-2.0 */
#ifndef C2S_IR_NODE_WALK_H
#define C2S_IR_NODE_WALK_H

#include "ir/graph.h"

/* The nodes of a graph and of all bodies in it, from top->first on, the bodies of a node behind it:
 * the one that follows; NULL behind the last. Copies of a graph have theirs in the same order. */
c2s_node *c2s_node_walk(const c2s_graph *top, const c2s_node *node);

#endif
