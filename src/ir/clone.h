/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying nodes within a model, and expanding calls of model-local functions.
 */
#ifndef C2S_IR_CLONE_H
#define C2S_IR_CLONE_H

#include "base/map.h"
#include "ir/graph.h"

typedef struct c2s_cloner {
    c2s_map values;       /* c2s_value -> c2s_value: what stands for it; grows with copies */
    const c2s_node *call; /* attribute references take their values from it; NULL: they stay */
    const c2s_function *callee; /* with call: whose defaults hold */
    const char *prefix;         /* before node names, or NULL */
} c2s_cloner;

/* A copy of `from` in `graph` before `before` (NULL: at the end). All that it uses, captures
 * included, must be in cloner->values unless it belongs to `graph`; its outputs are added to them.
 * Types of results are left to inference. Bodies are copied. Names are made fresh.
 * An attribute reference with neither value nor default is left out. */
c2s_status c2s_node_clone(c2s_cloner *cloner, const c2s_node *from, c2s_graph *graph,
                          c2s_node *before, c2s_node **out);

/* Copies of all initializers and nodes of `from`, likewise. */
c2s_status c2s_graph_clone(c2s_cloner *cloner, const c2s_graph *from, c2s_graph *to,
                           c2s_node *before);
/* What stands for the value: itself if nothing was put for it. */
c2s_value *c2s_cloned(const c2s_cloner *cloner, c2s_value *value);

/* For a value that takes the place of another in the same graph. */
void c2s_value_swap_names(c2s_value *a, c2s_value *b);

/* The function that a node calls; NULL: the node is an operator. Operators have precedence. */
c2s_function *c2s_node_function(const c2s_node *node);
/* Replaces a call by the function's nodes, which are copied. The node is gone afterwards; uses of
 * its outputs are uses of what the function returns. Calls inside the function stay calls. */
c2s_status c2s_node_inline(c2s_node *call);
/* The model loses its function `index`, which nobody calls. */
void c2s_function_remove(c2s_model *model, size_t index);
/* Expands all calls in the main graph and its bodies, to any depth. Functions stay, unused.
 * C2S_ERR_UNSUPPORTED when the model would pass `limit` nodes (0: 4 million). */
c2s_status c2s_model_inline(c2s_model *model, uint64_t limit);

#endif
