/* SPDX-License-Identifier: Apache-2.0
 *
 * From one index space of one node to everything that it is coupled with.
 *
 * Elements of spaces and indices of operand axes are atoms. A tie unites an index with the element
 * that it belongs to; a value unites what its maker and its readers tie to its axes. What is united
 * in the end, a class, can be removed together, and nothing less can.
 *
 * Where several spaces of a node are factors of one axis (groups and channels of a group, heads and
 * channels of a head), one of them is followed: the one that is reached another way, too, or the
 * one that fits what is united already, or else the one that needs least to be united beyond that
 * (a shuffle of channels between grouped convolutions). So such a space leads to a component of its
 * own.
 */
#ifndef C2S_PASSES_PRUNE_PRUNE_WALK_H
#define C2S_PASSES_PRUNE_PRUNE_WALK_H

#include "passes/prune/tie_index.h"

/* An axis of a value, or of a small constant as one node reads it (`use`; else NULL): vectors that
 * several nodes share are cut for each by itself. */
typedef struct c2s_coupled_axis {
    c2s_value *value;
    c2s_use *use;
    int axis;
    size_t first, extent; /* its atoms */
} c2s_coupled_axis;

/* A constant vector, or one that is broadcast, which several nodes read: it couples none of them.
 */
bool c2s_is_shared_vector(const c2s_value *value, int axis);

/* A key for a c2s_map: of each such axis another one. */
uint64_t c2s_axis_key(const c2s_value *value, const c2s_use *use, int axis);

typedef struct c2s_coupled_space {
    c2s_node *node;
    unsigned space;
    size_t first, extent; /* its atoms */
} c2s_coupled_space;

/* Why a class cannot be removed. */
typedef struct c2s_pin {
    const c2s_node *node; /* NULL: the interface of the graph */
    const char *reason;   /* static text; NULL: it can */
} c2s_pin;

typedef struct c2s_component {
    C2S_VEC(c2s_coupled_axis) axes;
    C2S_VEC(c2s_coupled_space) spaces;
    size_t classes;
    C2S_VEC(uint32_t) class_of; /* by atom */
    c2s_pin *pins;              /* by class */
} c2s_component;

/* All that is coupled with the elements of a node's space. False: these are all one class. Counts
 * what it enters in the index's `visits`; no walk enters a space that many have entered, so that
 * all together stay linear. */
bool c2s_component_of(c2s_tie_index *index, c2s_node *node, unsigned space, c2s_component *out);
void c2s_component_free(c2s_component *component);

#endif
