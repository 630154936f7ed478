/* SPDX-License-Identifier: Apache-2.0
 *
 * Derivatives of single operators, backward: from those of some number by what a node gives to
 * those by what it takes. For backward.h.
 */
#ifndef C2S_PASSES_MEASURE_SLOPE_RULES_H
#define C2S_PASSES_MEASURE_SLOPE_RULES_H

#include "ops/op.h"

/* Memory for floats that grows as needed and is used again. */
typedef struct c2s_float_room {
    float *at;
    size_t count;
} c2s_float_room;
c2s_status c2s_float_room_for(c2s_float_room *room, size_t count);

/* A node that has been computed; all its operands that matter are floats. */
typedef struct c2s_slope {
    const c2s_node *node;
    const c2s_tensor *const *in; /* NULL: left out */
    const c2s_tensor *out;       /* output 0; the others count as constant */
    const float *dy;             /* derivatives by its elements */
    float *const *dx;            /* by input: they are added here; NULL: they are not wanted */
    c2s_float_room *scratch;
} c2s_slope;

typedef c2s_status c2s_slope_rule(const c2s_slope *s);
/* NULL: none is known for the node. */
c2s_slope_rule *c2s_slope_rule_of(const c2s_node *node);

/* Which are the rules' families, each in its file. */
c2s_slope_rule *c2s_slope_linear(const c2s_node *node);
c2s_slope_rule *c2s_slope_pointwise(const c2s_node *node);
c2s_slope_rule *c2s_slope_functions(const c2s_node *node);
c2s_slope_rule *c2s_slope_reduction(const c2s_node *node);
c2s_slope_rule *c2s_slope_movement(const c2s_node *node);

/* Adds slopes of something that `operand` was broadcast to to those of the operand. */
void c2s_slope_unbroadcast(const c2s_type *out, const float *dy, const c2s_type *operand,
                           float *dx);

#endif
