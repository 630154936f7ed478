/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/recompose/attention_parts.h"

#include <math.h>

c2s_node *c2s_maker(const c2s_value *value, const c2s_op *op) {
    c2s_node *node = value ? value->def : NULL;
    if (!node || node == value->graph->entry || node->op != op || value->def_slot != 0 ||
        node->graph != value->graph)
        return NULL;
    if (c2s_attr_any_reference(node))
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

c2s_value *c2s_build_extent(c2s_builder *b, c2s_dim dim) {
    if (c2s_dim_is_known(dim))
        return c2s_build_ints(b, "extent", &dim, 1);
    const c2s_graph *graph = b->graph;
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        c2s_value *input = c2s_graph_input(graph, i);
        for (int axis = 0; axis < input->type.rank && c2s_type_is_tensor(&input->type); axis++) {
            if (input->type.dim[axis] != dim)
                continue;
            c2s_node *shape = c2s_build_start(b, "Shape", &input, 1);
            if (shape) {
                c2s_attr_set_int(shape, "start", axis);
                c2s_attr_set_int(shape, "end", axis + 1);
            }
            return c2s_build_finish(b, shape);
        }
    }
    return NULL;
}

bool c2s_is_joined(c2s_dims *dims, const c2s_type *three, const c2s_type *four) {
    return three->kind == C2S_KIND_TENSOR && three->rank == 3 && four->rank == 4 &&
           three->dim[0] == four->dim[0] && three->dim[1] == four->dim[1] &&
           three->dim[2] == c2s_dim_mul(dims, four->dim[2], four->dim[3]);
}

c2s_value *c2s_build_joined(c2s_builder *b, c2s_value *four) {
    c2s_node *split = c2s_maker(four, &c2s_op_reshape);
    c2s_value *from = split ? c2s_node_in(split, 0) : NULL;
    if (from && c2s_is_joined(b->graph->model->dims, &from->type, &four->type))
        return from;
    const int64_t target[] = {0, 0, four->type.dim[2] * four->type.dim[3]};
    c2s_value *in[] = {four, c2s_build_ints(b, "shape", target, 3)};
    return c2s_build(b, "Reshape", in, 2);
}
