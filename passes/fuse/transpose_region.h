/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Transposes around operators that compute the same in any layout: elementwise ones,
 *         Concat, Split, Pad, Softmax, reductions, Resize, ... with branches and constants
 * After:  the operators in the layout in which the fewest elements are moved
 * Refuses when no fewer elements would be moved, or nodes or constants would become more.
 *
 * A region has two layouts, 0 and 1: that of the operand and that of the result of the Transpose
 * with which it began. Its tensors are classes of values that Transposes between these layouts make
 * of each other: one tensor in two layouts. Each of its operators (actors) runs in one of them. A
 * tensor whose maker and readers do not agree costs a Transpose, as many elements as it has; who
 * cannot change pulls to the layout it has. The cheapest choice is a minimum cut.
 */
#ifndef C2S_PASSES_TRANSPOSE_REGION_H
#define C2S_PASSES_TRANSPOSE_REGION_H

#include "base/map.h"
#include "passes/fuse/relayout.h"
#include "rewrite/stats.h"

typedef struct c2s_region_member {
    c2s_value *value;
    c2s_axis_order flip; /* reorders it to the other layout */
    unsigned layout;     /* the one it has */
    unsigned tensor;
} c2s_region_member;

typedef struct c2s_region_actor {
    c2s_node *node;
    c2s_relayout relayout; /* to the other layout */
    unsigned layout;       /* the one it has */
    unsigned chosen;
} c2s_region_actor;

typedef struct c2s_region_tensor {
    c2s_value *root;    /* the member that no Transpose of the region makes */
    unsigned maker;     /* index of an actor, or: */
    unsigned chosen;    /* the layout in which it is made */
    bool needed[2];     /* some reader wants it in this layout */
    c2s_value *form[2]; /* for the rewrite */
} c2s_region_tensor;

/* Makers of tensors that are no actors: what has one layout; a Transpose from elsewhere, which can
 * make either. */
#define C2S_MAKER_FIXED (UINT_MAX - 1)
#define C2S_MAKER_FREE  UINT_MAX

typedef struct c2s_region {
    c2s_graph *graph;
    C2S_VEC(c2s_region_member) members;
    C2S_VEC(c2s_region_actor) actors;
    C2S_VEC(c2s_region_tensor) tensors;
    c2s_map member_of; /* value -> index + 1 */
    c2s_map actor_of;  /* node -> index + 1; C2S_REGION_NO_ACTOR: it was looked at */
} c2s_region;

#define C2S_REGION_NO_ACTOR SIZE_MAX

/* NULL if it is none. */
c2s_region_member *c2s_region_member_of(const c2s_region *region, const c2s_value *value);
c2s_region_actor *c2s_region_actor_of(const c2s_region *region, const c2s_node *node);
/* The actor, which makes the value, makes it in the layout in which it runs; else it makes it as it is
 * in either. */
bool c2s_region_makes(const c2s_region_actor *actor, const c2s_value *value);
/* The Transpose leads from one layout of a tensor of the region to the other: it goes. */
bool c2s_region_is_inner(const c2s_region *region, const c2s_node *node);

/* How a use of a member reads it. */
typedef enum c2s_reading {
    C2S_READ_INNER, /* by a Transpose of the region */
    C2S_READ_ACTOR,
    C2S_READ_EITHER, /* by Transpose or Shape, which can read both layouts */
    C2S_READ_FIXED
} c2s_reading;
c2s_reading c2s_region_reading(const c2s_region *region, const c2s_use *use);

/* The region of a Transpose, as large as it gets. `visits`: by node id, how often a region has
 * looked at the node; it bounds the time of all regions together. False: not known what the
 * Transpose does. */
bool c2s_region_grow(c2s_region *region, c2s_node *transpose, c2s_map *visits);
/* Chooses layouts. NULL, or why the region must stay. */
const char *c2s_region_choose(c2s_region *region);
/* Builds it so, removes what was there, counts that as a rewrite at `seed`, which is gone then. On
 * failure everything is as before. */
c2s_status c2s_region_rewrite(c2s_region *region, c2s_stats *stats, const c2s_node *seed);
void c2s_region_free(c2s_region *region);

/* For the fuse pass: all regions of `graph` and its bodies. */
c2s_status c2s_transpose_regions(c2s_graph *graph, c2s_stats *stats);
extern const char c2s_transpose_region[]; /* the name of the rewrite */

#endif
