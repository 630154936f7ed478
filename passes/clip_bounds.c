/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/clip_bounds.h"

#include <math.h>

#include "passes/constants.h"

c2s_value *c2s_clip_operand(const c2s_node *node) {
    double number;
    for (unsigned slot = 0; slot < 2 && node->formal_count == 2; slot++)
        if (c2s_constant_scalar(node->inputs[slot].value, &number) &&
            node->inputs[slot].value->type.rank <= node->outputs[0]->type.rank)
            return node->inputs[slot].value;
    return NULL;
}

bool c2s_clip_bounds(const c2s_node *node, double *low, double *high) {
    *low = -(double)INFINITY;
    *high = (double)INFINITY;
    if (node->op == &c2s_op_max || node->op == &c2s_op_min)
        return c2s_constant_scalar(c2s_clip_operand(node), node->op == &c2s_op_max ? low : high);
    if (node->op == &c2s_op_relu) {
        *low = 0;
        return true;
    }
    if (node->op != &c2s_op_clip)
        return false;
    const c2s_value *least = c2s_node_in(node, 1), *most = c2s_node_in(node, 2);
    return (!least || c2s_constant_scalar(least, low)) &&
           (!most || c2s_constant_scalar(most, high)) && *low <= *high;
}
