/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving the content of a body to where its owner stands.
 */
#ifndef C2S_IR_SPLICE_H
#define C2S_IR_SPLICE_H

#include "ir/graph.h"

/* Moves nodes and initializers of `body`, which has no formal inputs, to the graph of its owner,
 * before the owner. `results` receives the values, now of that graph, that were the outputs of the
 * body. The body is left empty; the owner still stands and uses what was captured. Moved values
 * get fresh names. */
void c2s_graph_splice(c2s_graph *body, c2s_value **results);

#endif
