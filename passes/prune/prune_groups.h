/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a model can be made narrower: groups of coupled channels, heads, hidden units, neurons.
 * A group has units; removing some of them is a change of many nodes at once that leaves the graph
 * valid (prune_cut.h), and each unit is the least that can go.
 *
 * Groups are found from axis ties (ops/ties.h) alone. Several groups may share an axis: the parts
 * of a concatenation one behind the other; heads and the channels of a head as factors. They can be
 * cut independently of each other, also at once.
 */
#ifndef C2S_PASSES_PRUNE_PRUNE_GROUPS_H
#define C2S_PASSES_PRUNE_PRUNE_GROUPS_H

#include "passes/prune/node_work.h"
#include "passes/prune/prune_walk.h"

/* In `unit_of`: the index belongs to no unit of the group. */
#define C2S_NO_UNIT UINT32_MAX

/* Which index goes with which unit: unit_of[i - start] for start <= i < start + count. */
typedef struct c2s_unit_map {
    size_t extent; /* of the axis or space */
    size_t start, count;
    const uint32_t *unit_of;
} c2s_unit_map;

typedef struct c2s_group_axis {
    c2s_value *value;
    c2s_use *use; /* a constant as this node reads it, see c2s_coupled_axis; else NULL */
    int axis;
    c2s_unit_map map;
} c2s_group_axis;

typedef struct c2s_group_space {
    c2s_node *node;
    unsigned space;
    c2s_tie_role role;
    c2s_unit_map map;
} c2s_group_space;

typedef struct c2s_prune_group {
    const char *name; /* of the first node that makes its channels; unique in the model */
    c2s_graph *graph;
    size_t units;
    size_t granularity;              /* indices of the node it is named by that make a unit */
    const c2s_node *maker;           /* the node it is named by */
    C2S_VEC(c2s_group_axis) axes;    /* of constants and of values that are computed */
    C2S_VEC(c2s_group_space) spaces; /* in the order of the graph's nodes */
    size_t nodes;
    uint64_t parameters, macs; /* that would go with all of its units */
    c2s_pin pin;               /* reason NULL: it can be pruned */
    /* A node whose results change by more than what is removed: a normalisation over the channels,
     * say; NULL: there is none. */
    const c2s_node *mixed_by;
} c2s_prune_group;

typedef struct c2s_prune_groups {
    c2s_model *model;
    c2s_arena *arena;
    c2s_tie_index index;
    c2s_node_works works;
    C2S_VEC(c2s_prune_group) groups; /* in the order of their makers */
} c2s_prune_groups;

/* All groups of two or more units that govern weights. Types must be inferred. The model must not
 * change while the groups are used, but by cutting them. */
void c2s_prune_groups_find(c2s_model *model, c2s_prune_groups *out);
void c2s_prune_groups_free(c2s_prune_groups *groups);

/* A constant of floats or codes, and none of indices, extents or flags. */
bool c2s_holds_weights(const c2s_value *value);

/* Sets gone[i] for each index that goes with a removed unit. */
void c2s_unit_map_mark(const c2s_unit_map *map, const bool *removed, bool *gone);

/* "node \"head\" (Gemm): an output of the graph has the axis" */
const char *c2s_pin_text(const c2s_pin *pin, char *buffer, size_t size);

#endif
