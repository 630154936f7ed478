/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rules of several files take: see form_rules.h.
 */
#include "passes/constants.h"
#include "passes/quant/form_rules.h"

/* ---- what is there ---- */

c2s_node *c2s_form_maker(const c2s_value *value) {
    return value && value->def && value->def != value->graph->entry ? value->def : NULL;
}

const c2s_node *c2s_form_dequantizer(const c2s_value *value) {
    const c2s_node *node = c2s_form_maker(value);
    return node && node->op == &c2s_op_dequantize_linear ? node : NULL;
}

bool c2s_form_is_byte(c2s_dtype dtype) {
    return dtype == C2S_UINT8 || dtype == C2S_INT8;
}

bool c2s_form_moves(const c2s_node *node) {
    const c2s_op *op = node->op;
    const bool picks =
        op == &c2s_op_max_pool || op == &c2s_op_reduce_max || op == &c2s_op_reduce_min;
    return ((op->flags & C2S_OP_MOVES_DATA) || picks) && !c2s_node_body(node, 0) &&
           node->formal_count <= C2S_FORM_INPUTS;
}

/* ---- what is built ---- */

c2s_value *c2s_form_scalar(c2s_builder *b, c2s_value *value) {
    c2s_tensor *scalar;
    if (!value || !value->constant || value->constant->count != 1 || value->type.rank == 0 ||
        !c2s_build_ok(b, c2s_tensor_reshape(value->constant, 0, NULL, &scalar)))
        return value;
    return c2s_build_constant_like(b, value, scalar);
}

bool c2s_form_zero_fits(const c2s_value *scale, const c2s_value *zero) {
    size_t count;
    if (!zero || (zero->constant && (zero->constant->count == 1 || c2s_constant_is_all(zero, 0))))
        return true;
    if (scale->type.rank == 1)
        return zero->type.rank == 1 && zero->type.dim[0] == scale->type.dim[0];
    return c2s_type_is_static(&zero->type) && c2s_type_elements(&zero->type, &count) && count == 1;
}

/* There are as many zero points as scales, or none, which stands for 0. */
static c2s_value *spread_zero(c2s_builder *b, const c2s_value *scale, c2s_value *zero) {
    if (!zero || !scale || !zero->constant)
        return zero;
    const int64_t count = scale->type.rank == 1 ? scale->type.dim[0] : 1;
    if ((int64_t)zero->constant->count == count)
        return zero;
    if (c2s_constant_is_all(zero, 0))
        return NULL;
    int64_t *same = c2s_zalloc((size_t)count * sizeof *same);
    for (int64_t i = 0; i < count; i++)
        c2s_tensor_i64_at(zero->constant, 0, &same[i]);
    c2s_tensor *tensor = NULL;
    c2s_build_ok(b, c2s_tensor_from_i64(zero->type.dtype, 1, &count, same, &tensor));
    free(same);
    return c2s_build_constant_like(b, zero, tensor);
}

c2s_value *c2s_form_dequantize(c2s_builder *b, c2s_value *codes, c2s_value *scale, c2s_value *zero,
                               int axis) {
    zero = spread_zero(b, scale, zero);
    c2s_value *in[] = {codes, c2s_form_scalar(b, scale), c2s_form_scalar(b, zero)};
    c2s_node *node = c2s_build_start(b, "DequantizeLinear", in, zero ? 3 : 2);
    if (node && in[1] && in[1]->type.rank == 1 && axis >= 0)
        c2s_attr_set_int(node, "axis", axis);
    return c2s_build_finish(b, node);
}
