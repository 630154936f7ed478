/* SPDX-License-Identifier: Apache-2.0
 *
 * The content of Constant nodes.
 */
#ifndef C2S_IO_LOAD_CONSTANT_H
#define C2S_IO_LOAD_CONSTANT_H

#include "ir/graph.h"

/* Marks the output of a Constant node as constant, with the content of whichever of its attributes
 * is given. Does nothing where the content is a function's parameter. */
c2s_status c2s_constant_load(c2s_node *node, struct c2s_origin *origin);

#endif
