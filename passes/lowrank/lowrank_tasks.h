/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan asks to be written, as layers of the graph that is changed: which operators each is
 * made of, and what these should give.
 */
#ifndef C2S_PASSES_LOWRANK_TASKS_H
#define C2S_PASSES_LOWRANK_TASKS_H

#include "passes/lowrank/lowrank_fit.h"
#include "passes/lowrank/lowrank_plan.h"

/* An operator of the model that is changed, and what it should give. */
typedef struct c2s_lowrank_part {
    c2s_lowrank_layer layer;
    const c2s_value *target; /* of the reference; NULL: none */
    const c2s_value *beside; /* c2s_gram_request */
    size_t before;           /* outputs of the parts in front of it */
} c2s_lowrank_part;

typedef struct c2s_lowrank_task {
    const c2s_lowrank_item *item; /* of the plan: one layer, or the family's */
    const c2s_lowrank_family *family;
    const c2s_lowrank_way *way; /* NULL: it makes up for others */
    C2S_VEC(c2s_lowrank_part) parts;
    c2s_lowrank_layer *members; /* of a family, or readers of a weight */
    c2s_lowrank_layer layer;
    double *added; /* what Adds bring into the targets; NULL: nothing */
    c2s_lowrank_moments learnt, judging;
    c2s_lowrank_result result;
} c2s_lowrank_task;

/* In the order of the graph. */
typedef struct c2s_lowrank_tasks {
    c2s_model *model;
    const c2s_lowrank_plan *plan;
    c2s_model *reference;  /* as it was; NULL: layers have no targets */
    const c2s_node **same; /* by node id of the model: that of the reference */
    size_t *places;        /* c2s_node_places */
    size_t *of_node;       /* index of the task + 1, by node id */
    C2S_VEC(c2s_lowrank_task) at;
} c2s_lowrank_tasks;

/* `model`: that of the plan, or a copy of it whose nodes have the same order. `aims`: layers have
 * targets. To be closed whatever comes back. */
c2s_status c2s_lowrank_tasks_open(c2s_model *model, const c2s_lowrank_plan *plan, bool aims,
                                  c2s_lowrank_tasks *out);
void c2s_lowrank_tasks_close(c2s_lowrank_tasks *tasks);

#endif
