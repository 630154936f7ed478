/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchanging the contents of two models, so that a handle can be given what a copy became.
 */
#ifndef C2S_IR_SWAP_H
#define C2S_IR_SWAP_H

#include "ir/graph.h"

/* Everything reachable from `a` is now reachable from `b` and the other way round. Pointers to
 * graphs, nodes and values stay valid and change sides with them. Linear in the nodes. */
void c2s_model_swap(c2s_model *a, c2s_model *b);

#endif
