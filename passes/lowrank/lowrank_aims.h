/* SPDX-License-Identifier: Apache-2.0
 *
 * What is fitted when all layers of a model are fitted together, and what it aims at.
 */
#ifndef C2S_PASSES_LOWRANK_AIMS_H
#define C2S_PASSES_LOWRANK_AIMS_H

#include "base/vec.h"
#include "passes/measure/joint_fit.h"

typedef struct c2s_lowrank_aims {
    C2S_VEC(c2s_joint_parameter) parameters; /* weights, biases and tables of layers */
    /* Outputs, in front of a last Softmax, and then what layers read. */
    C2S_VEC(c2s_joint_point) points;
    size_t outputs; /* points of these */
} c2s_lowrank_aims;

/* `first`: the graph as it was, whose values have the same names. */
void c2s_lowrank_aims_find(const c2s_graph *graph, const c2s_graph *first, c2s_lowrank_aims *out);
void c2s_lowrank_aims_close(c2s_lowrank_aims *aims);

/* The parameters as they are: to be given back any number of times, and dropped. */
c2s_tensor **c2s_lowrank_aims_hold(const c2s_lowrank_aims *aims);
void c2s_lowrank_aims_restore(const c2s_lowrank_aims *aims, c2s_tensor *const *held);
void c2s_lowrank_aims_drop(const c2s_lowrank_aims *aims, c2s_tensor **held);

#endif
