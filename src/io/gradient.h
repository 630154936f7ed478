/* SPDX-License-Identifier: Apache-2.0
 *
 * ai.onnx.preview.training.Gradient as the graph that computes it: reverse-mode differentiation.
 */
#ifndef C2S_IO_GRADIENT_H
#define C2S_IO_GRADIENT_H

#include "base/map.h"
#include "io/raise.h"

bool c2s_gradient_is(const c2s_node *node);
/* Replaces the node by operators of ai.onnx. What stands before it in the graph must be in its
 * current form. C2S_ERR_UNSUPPORTED names an operator on the way that has no derivative here. */
c2s_status c2s_gradient_expand(c2s_raise *r, c2s_node *node);

/* ---- for the derivative rules ---- */

typedef struct c2s_gradient {
    c2s_raise *r;
    c2s_node *before; /* where the derivative is built */
    c2s_map of;       /* value -> its gradient so far */
} c2s_gradient;

/* Adds to the gradient of an operand. `gradient` has the shape of `result`: it is summed over the
 * axes along which the operand was broadcast to that. NULL result: the shape of the operand. NULL
 * operand: nothing. */
c2s_status c2s_gradient_add(c2s_gradient *g, c2s_value *operand, c2s_value *gradient,
                            const c2s_type *result);
c2s_value *c2s_gradient_node(c2s_gradient *g, const char *type, c2s_value *a, c2s_value *b);
/* A scalar of the type of `like`. */
c2s_status c2s_gradient_scalar(c2s_gradient *g, const c2s_value *like, double number,
                               c2s_value **out);

/* `dy`: the gradient of output 0 of `node`. */
typedef struct c2s_gradient_rule {
    const char *type;
    c2s_status (*derive)(c2s_gradient *g, const c2s_node *node, c2s_value *dy);
} c2s_gradient_rule;
/* NULL if the operator has no rule. */
const c2s_gradient_rule *c2s_gradient_rule_of(const c2s_node *node);

#endif
