/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/recompose/attention_parts.h"

#include <math.h>

c2s_node *c2s_maker(const c2s_value *value, const c2s_op *op) {
    c2s_node *node = value ? value->def : NULL;
    if (!node || node == value->graph->entry || node->op != op || value->def_slot != 0 ||
        node->graph != value->graph)
        return NULL;
    for (unsigned i = 0; i < node->attr_count; i++)
        if (node->attrs[i].reference)
            return NULL;
    return node;
}

c2s_value *c2s_heads_turned(const c2s_value *value) {
    c2s_node *node = c2s_maker(value, &c2s_op_transpose);
    c2s_ints perm;
    if (!node || !c2s_attr_int_list(node, "perm", &perm) || perm.count != 4 || perm.at[0] != 0 ||
        perm.at[1] != 2 || perm.at[2] != 1 || perm.at[3] != 3)
        return NULL;
    return c2s_node_in(node, 0);
}

void c2s_unscaled(c2s_value *value, c2s_value **of, double *factor) {
    double number;
    *of = value;
    c2s_node *node = c2s_maker(value, &c2s_op_mul);
    for (unsigned i = 0; node && i < 2; i++)
        if (c2s_constant_scalar(c2s_node_in(node, i), &number) && isfinite(number)) {
            *factor *= number;
            *of = c2s_node_in(node, 1 - i);
            return;
        }
    node = node ? NULL : c2s_maker(value, &c2s_op_div);
    if (node && c2s_constant_scalar(c2s_node_in(node, 1), &number) && isfinite(number) &&
        number != 0) {
        *factor /= number;
        *of = c2s_node_in(node, 0);
    }
}

bool c2s_is_float_rank(const c2s_value *value, int rank) {
    return value && c2s_is_float_value(value) && value->type.rank == rank;
}

bool c2s_is_extent(c2s_dim dim) {
    return c2s_dim_is_known(dim) && dim > 0;
}
