/* SPDX-License-Identifier: Apache-2.0
 *
 * How long linear operators take alone, by how many of their input and output channels are left: in
 * the runtime at hand, for some widths, and interpolated between them.
 */
#ifndef C2S_PASSES_PRUNE_LAYER_TIMES_H
#define C2S_PASSES_PRUNE_LAYER_TIMES_H

#include "passes/pass.h"

enum { C2S_TIMED_WIDTHS = 4 };

/* Seconds of the processor on one thread, by shares of output and input channels. */
typedef struct c2s_layer_table {
    double at[C2S_TIMED_WIDTHS][C2S_TIMED_WIDTHS];
} c2s_layer_table;

/* Shares are in 0 .. 1. */
double c2s_layer_seconds(const c2s_layer_table *table, double outputs, double inputs);

typedef struct c2s_layer_times c2s_layer_times;

/* Measures all convolutions and matrix products of the main graph that have constant weights;
 * layers alike are measured once. Extents that are not known are 1. What cannot be run alone has no
 * table, and the log says so. */
c2s_status c2s_layer_times_measure(const c2s_model *model, const c2s_pass_context *context,
                                   c2s_layer_times **out);
void c2s_layer_times_free(c2s_layer_times *times); /* NULL is allowed */
/* NULL: the node was not measured. */
const c2s_layer_table *c2s_layer_times_of(const c2s_layer_times *times, const c2s_node *node);

#endif
