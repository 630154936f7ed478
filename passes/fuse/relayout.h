/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes that compute the same whatever the order of their operands' axes, if what they say of axes
 * follows: elementwise operators, Concat, Softmax, reductions, Resize, ...
 */
#ifndef C2S_PASSES_RELAYOUT_H
#define C2S_PASSES_RELAYOUT_H

#include "passes/fuse/axis_order.h"
#include "rewrite/builder.h"

/* A node with its first operand (for elementwise operators: the broadcast one) reordered, and what
 * that makes of its results. */
typedef struct c2s_relayout {
    c2s_axis_order in, out;
} c2s_relayout;

/* The node may be of that kind, to judge by its operator. */
bool c2s_relayout_takes(const c2s_node *node);
/* If results (`backward`) or else operands are reordered by `order`. Returns NULL, or why the node
 * must stay as it is. */
const char *c2s_relayout_of(const c2s_node *node, bool backward, const c2s_axis_order *order,
                            c2s_relayout *out);

typedef enum c2s_follow {
    C2S_FOLLOW_NOT,      /* no tensor of that layout, or the same in both */
    C2S_FOLLOW,          /* reordered by `order` */
    C2S_FOLLOW_CONSTANT, /* the same; a constant, of which c2s_relayout_build makes another one */
    C2S_FOLLOW_REFUSED   /* would have to be, and cannot */
} c2s_follow;
c2s_follow c2s_relayout_input(const c2s_node *node, unsigned slot, const c2s_relayout *relayout,
                              c2s_axis_order *order);
c2s_follow c2s_relayout_output(const c2s_node *node, unsigned slot, const c2s_relayout *relayout,
                               c2s_axis_order *order);

/* The node goes along this operand axis by axis, which runtimes do by moving it to the end and
 * back: an operator along an axis that is not the last one. */
bool c2s_relayout_is_slow(const c2s_node *node, const c2s_relayout *relayout);

/* The node reordered. `in`: its operands; those that follow are reordered already. NULL: failed. */
c2s_node *c2s_relayout_build(c2s_builder *b, const c2s_node *node, const c2s_relayout *relayout,
                             c2s_value *const *in);

#endif
