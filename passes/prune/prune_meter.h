/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model costs while units are removed from its groups: multiply-accumulates, parameters or
 * time, known at once for any choice, without cutting. A node's work is a
 * sum of products over its spaces (node_work.h), a constant's size a product over its axes, of the
 * share that is left of each.
 */
#ifndef C2S_PASSES_PRUNE_PRUNE_METER_H
#define C2S_PASSES_PRUNE_PRUNE_METER_H

#include "passes/prune/layer_times.h"
#include "passes/prune/prune_groups.h"

typedef enum c2s_meter_unit {
    C2S_METER_MACS,
    C2S_METER_PARAMETERS,
    C2S_METER_SECONDS /* of linear operators, from tables (layer_times.h) */
} c2s_meter_unit;

typedef struct c2s_prune_meter c2s_prune_meter;

/* Of the main graph and its bodies, each as if it ran once. `times` for C2S_METER_SECONDS, else
 * NULL; it and the groups must outlive the meter. */
c2s_prune_meter *c2s_prune_meter_create(const c2s_prune_groups *groups, c2s_meter_unit unit,
                                        const c2s_layer_times *times);
void c2s_prune_meter_free(c2s_prune_meter *meter); /* NULL is allowed */
double c2s_prune_meter_now(const c2s_prune_meter *meter);
/* A unit goes, or (`back`) comes again. */
void c2s_prune_meter_move(c2s_prune_meter *meter, size_t group, size_t unit, bool back);

#endif
