/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels that can be scaled without changing what a model computes: multiply channel c of some
 * values by t[c] > 0, the output channels of what makes them by the same, and divide the input
 * channels of what takes them. In between stand operators f with f(t x) = t f(x), channel by
 * channel; where values are added or concatenated, all of them belong to the group.
 *
 * Method: the groups of Nagel et al. 2019 (arXiv 1906.04721, section 4.1), there two layers with a
 * ReLU in between, found through axis ties (ops/ties.h).
 */
#ifndef C2S_PASSES_QUANT_CHANNEL_GROUP_H
#define C2S_PASSES_QUANT_CHANNEL_GROUP_H

#include "base/vec.h"
#include "passes/measure/linear_site.h"

/* Class of index i: class_of[first + i]; indices of one class are multiplied by one number. */
typedef struct c2s_channel_value {
    c2s_value *value;
    int axis;
    size_t first, extent;
} c2s_channel_value;

typedef struct c2s_channel_end {
    c2s_linear_site site;
    bool output;          /* its output channels belong to the group, else its input channels */
    size_t first, extent; /* of the channels */
} c2s_channel_end;

/* A normalization whose scale and shift (operands 1 and 2, the latter may be missing) are scaled.
 */
typedef struct c2s_channel_norm {
    c2s_node *node;
    size_t first, extent;
} c2s_channel_norm;

/* A constant that is added to channels, or stands beside them. */
typedef struct c2s_channel_addend {
    c2s_use *use;
    int axis;
    size_t first, extent;
} c2s_channel_addend;

/* Clip to [0, high]: nothing changes only where numbers stay below `high`, scaled and not. */
typedef struct c2s_channel_clamp {
    c2s_node *node;
    float high;
    size_t first, extent; /* of the channels of its input */
} c2s_channel_clamp;

typedef struct c2s_channel_group {
    size_t classes;
    C2S_VEC(unsigned) class_of;
    C2S_VEC(c2s_channel_value) values;
    C2S_VEC(c2s_channel_end) ends;
    C2S_VEC(c2s_channel_norm) norms;
    C2S_VEC(c2s_channel_addend) addends;
    C2S_VEC(c2s_channel_clamp) clamps;
} c2s_channel_group;

/* The group that a result of a linear operator or a normalization belongs to. NULL, or why its
 * channels cannot be scaled (a text in `*why_node`'s terms: that node is in the way; it may be
 * NULL). Free in any case. */
const char *c2s_channel_group_of(c2s_value *value, c2s_channel_group *group,
                                 const c2s_node **why_node);
void c2s_channel_group_free(c2s_channel_group *group);

/* The axis of channels of what a node makes, if it is one at which a group can begin; else -1. */
int c2s_channel_axis_made(const c2s_node *node);

#endif
