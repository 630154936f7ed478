/* SPDX-License-Identifier: Apache-2.0
 *
 * Orders of axes: what the perm of a Transpose says, and what becomes of it on the way through a
 * graph.
 */
#ifndef C2S_PASSES_AXIS_ORDER_H
#define C2S_PASSES_AXIS_ORDER_H

#include "ir/graph.h"

/* Axis i of the reordered tensor is axis[i] of the tensor. */
typedef struct c2s_axis_order {
    unsigned rank;
    uint8_t axis[C2S_MAX_RANK]; /* zero from `rank` on */
} c2s_axis_order;

/* The order that a Transpose of a tensor of known rank makes. */
bool c2s_axis_order_of(const c2s_node *transpose, c2s_axis_order *out);
c2s_axis_order c2s_axis_order_inverse(const c2s_axis_order *order);
/* Reordering by `first`, then by `second`; of the same rank. */
c2s_axis_order c2s_axis_order_then(const c2s_axis_order *first, const c2s_axis_order *second);
bool c2s_axis_order_equal(const c2s_axis_order *a, const c2s_axis_order *b);
bool c2s_axis_order_is_identity(const c2s_axis_order *order);
/* Where axis `axis` of the tensor is in the reordered one. */
unsigned c2s_axis_order_find(const c2s_axis_order *order, unsigned axis);
/* The axes move that a tensor aligned to the last ones has, and no others: the order for that
 * tensor of rank `rank`. False if leading axes move, too. */
bool c2s_axis_order_last(const c2s_axis_order *order, unsigned rank, c2s_axis_order *out);

/* Reordering gives the same tensor: what moves are extents of 1, to places of extents of 1. */
bool c2s_axis_order_is_idle(const c2s_axis_order *order, const c2s_type *type);
/* Reordering moves no element: the axes with more than one keep their order. */
bool c2s_axis_order_is_view(const c2s_axis_order *order, const c2s_type *type);

#endif
