/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/zero_code.h"

#include "ops/op.h"

/* Slots of a weight and of its zero point, which, if it is a vector, belongs to this axis. */
static const struct {
    const c2s_op *op;
    unsigned weight, zero;
    int axis;
} operands[] = {
    {&c2s_op_dequantize_linear, 0, 2, 1},
    {&c2s_op_ms_dequantize_linear, 0, 2, 1},
    {&c2s_op_conv_integer, 1, 3, 0},
    {&c2s_op_qlinear_conv, 3, 5, 0},
    {&c2s_op_ms_qlinear_conv, 3, 5, 0},
    {&c2s_op_matmul_integer, 1, 3, -1},
    {&c2s_op_qlinear_matmul, 3, 5, -1},
    {&c2s_op_ms_matmul_integer_to_float, 1, 5, -1},
    {&c2s_op_ms_dynamic_quantize_matmul, 1, 3, -1},
    {&c2s_op_ms_qgemm, 3, 5, -1},
    {&c2s_op_ms_qattention, 1, 7, -1},
};

static int axis_of(const c2s_node *node, size_t row, int rank) {
    int64_t axis = operands[row].axis;
    if (c2s_attr_has(node, "axis"))
        axis = c2s_attr_int(node, "axis", axis);
    else if (node->op == &c2s_op_ms_qgemm && c2s_attr_int(node, "transB", 0) != 0)
        axis = 0;
    return (int)(axis < 0 ? axis + rank : axis);
}

c2s_zero_codes c2s_zero_codes_of(const c2s_use *use) {
    c2s_zero_codes z = {.rank = use->value->type.rank};
    for (size_t k = 0; k < sizeof operands / sizeof *operands; k++) {
        const c2s_value *zero = c2s_node_in(use->user, operands[k].zero);
        if (use->user->op != operands[k].op || use->slot != operands[k].weight || !zero ||
            !zero->constant || zero->constant->count == 0)
            continue;
        const c2s_type *type = &zero->constant->type;
        const int axis = axis_of(use->user, k, z.rank);
        z.points = zero->constant;
        for (int a = 0; a < z.rank; a++) {
            z.dim[a] = use->value->type.dim[a];
            z.of[a] = type->rank > 1 && type->rank == z.rank ? type->dim[a]
                      : type->rank == 1 && a == axis         ? type->dim[0]
                                                             : 1;
        }
    }
    return z;
}

double c2s_zero_code_at(const c2s_zero_codes *z, size_t element) {
    size_t at = 0, step = 1;
    for (int a = z->rank; z->points && a-- > 0;) {
        const size_t extent = (size_t)z->dim[a], of = (size_t)z->of[a];
        const size_t block = of > 0 ? (extent + of - 1) / of : 1;
        at += element % extent / block * step;
        step *= of;
        element /= extent;
    }
    return z->points && at < z->points->count ? c2s_tensor_f64_at(z->points, at) : 0;
}
