/* SPDX-License-Identifier: Apache-2.0
 *
 * Types and tensors at the border between a control-flow node and its bodies.
 */
#ifndef C2S_OPS_BODY_H
#define C2S_OPS_BODY_H

#include "ops/op.h"

/* Gives the formal inputs of the node's bodies the types that follow from the node's inputs. Does
 * nothing for operators without bodies, and where the counts do not fit (infer reports that). */
void c2s_body_enter(c2s_node *node);

/* Values that a body hands from one run to the next: node inputs from `first` on are the first body
 * inputs from `lead` on, then body outputs from `lead_out` on are. */
typedef struct c2s_carry {
    c2s_graph *body;
    unsigned first, lead, lead_out, count;
    bool keeps_shape; /* by definition (Scan): symbols that a run changes only seem to differ */
} c2s_carry;
/* Infers the body under types of these values that every run keeps, and sets the node's first
 * `count` outputs. The types are those of the node's input values, the extents of what a run leaves
 * alone those that `i` knows. */
c2s_status c2s_body_infer_carried(c2s_infer *i, const c2s_carry *carry);

/* What is common to both: the type of a value that may come from either. Extents that differ become
 * fresh dimensions of `dims`; element types live in `arena`. */
c2s_type c2s_type_join(c2s_dims *dims, c2s_arena *arena, const c2s_type *a, const c2s_type *b);
/* The type without / with one axis; unknown rank stays. `axis` in [0, rank) / [0, rank]. */
c2s_type c2s_type_drop_axis(const c2s_type *type, int axis);
c2s_status c2s_type_add_axis(const c2s_type *type, int axis, c2s_dim extent, c2s_type *out);

/* The body of attribute `name`, with the given number of formal inputs (-1: any). */
c2s_status c2s_body_find(const c2s_node *node, const char *name, int64_t inputs, c2s_graph **body);

/* Slice `index` along `axis`, without that axis. Shares the bytes where it can. */
c2s_status c2s_tensor_take(const c2s_tensor *tensor, int axis, int64_t index, c2s_tensor **out);
/* Slices [begin, end) along `axis`. */
c2s_status c2s_tensor_part(const c2s_tensor *tensor, int axis, int64_t begin, int64_t end,
                           c2s_tensor **out);
/* Concatenates along an existing axis. At least one item; same type but for that axis. */
c2s_status c2s_tensor_concat(const c2s_tensor *const *items, size_t count, int axis,
                             c2s_tensor **out);
/* Stacks equal shapes along a new axis; with no items, `element` says the shape, unknown extents
 * being 0. `reverse`: the last item first. */
c2s_status c2s_tensor_stack(const c2s_tensor *const *items, size_t count, int axis, bool reverse,
                            const c2s_type *element, c2s_tensor **out);

#endif
