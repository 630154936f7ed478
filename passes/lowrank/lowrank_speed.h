/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a chain faster than the operator that it replaces, and how long do both take, in the runtime
 * at hand and with the extents that a sample had?
 */
#ifndef C2S_PASSES_LOWRANK_SPEED_H
#define C2S_PASSES_LOWRANK_SPEED_H

#include "passes/lowrank/lowrank_plan.h"
#include "passes/pass.h"

/* Answers that were measured, for layers alike. */
typedef struct c2s_lowrank_speeds {
    C2S_VEC(struct c2s_lowrank_speed {
        const c2s_node *node; /* one of these, or the first of a family */
        size_t members;
        c2s_type input;
        c2s_chain chain; /* of no stages: as it is */
        bool slower;
        double seconds;
    })
    known, timed;
} c2s_lowrank_speeds;

void c2s_lowrank_speeds_free(c2s_lowrank_speeds *speeds);
/* Not slower: it takes at most as long, with 95 % confidence, or cannot be told (then it is said in
 * the log): the layer's input is not known, or the operator alone cannot be run. */
c2s_status c2s_lowrank_is_slower(c2s_lowrank_speeds *speeds, const c2s_pass_context *context,
                                 const c2s_lowrank_item *item, const c2s_lowrank_way *way,
                                 bool *slower);
/* How long the way takes alone (NULL: the layer as it is), c2s_model_seconds. Its input is known.
 */
c2s_status c2s_lowrank_seconds(c2s_lowrank_speeds *speeds, const c2s_pass_context *context,
                               const c2s_lowrank_item *item, const c2s_lowrank_way *way,
                               double *seconds);

#endif
