/* SPDX-License-Identifier: Apache-2.0
 *
 * Types at the border between a control-flow node and its bodies.
 */
#ifndef C2S_OPS_BODY_H
#define C2S_OPS_BODY_H

#include "ir/graph.h"

/* Gives the formal inputs of the node's bodies the types that follow from the node's inputs. Does
 * nothing for operators without bodies. C2S_ERR_INVALID if that contradicts what is declared. */
c2s_status c2s_body_enter(c2s_node *node);

#endif
