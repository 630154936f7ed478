/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/half_operators.h"

#define BIT(slot) (1u << (slot))

/* Elementwise operators and those that move elements need no row unless they have something to
 * beware of. */
static const c2s_half_operator rows[] = {
    {.op = &c2s_op_add, .clamps = true},
    {.op = &c2s_op_arg_max, .follows = true},
    {.op = &c2s_op_arg_min, .follows = true},
    {.op = &c2s_op_attention},
    {.op = &c2s_op_average_pool},
    {.op = &c2s_op_batch_normalization},
    {.op = &c2s_op_cast},
    {.op = &c2s_op_clip, .clamps = true},
    {.op = &c2s_op_constant_of_shape, .clamps = true},
    {.op = &c2s_op_conv},
    {.op = &c2s_op_conv_transpose},
    {.op = &c2s_op_cum_sum, .sums = true},
    {.op = &c2s_op_dropout, .keep = BIT(1)},
    {.op = &c2s_op_einsum},
    {.op = &c2s_op_equal, .follows = true},
    {.op = &c2s_op_gemm},
    {.op = &c2s_op_global_average_pool, .sums = true},
    {.op = &c2s_op_global_max_pool, .follows = true},
    {.op = &c2s_op_greater, .follows = true},
    {.op = &c2s_op_greater_or_equal, .follows = true},
    {.op = &c2s_op_grid_sample, .keep = BIT(1)},
    {.op = &c2s_op_group_normalization, .sums = true, .squares = true},
    {.op = &c2s_op_gru},
    {.op = &c2s_op_hardmax},
    {.op = &c2s_op_instance_normalization, .sums = true, .squares = true},
    {.op = &c2s_op_is_inf, .opset = 20, .follows = true},
    {.op = &c2s_op_is_nan, .follows = true},
    {.op = &c2s_op_layer_normalization, .sums = true, .squares = true},
    {.op = &c2s_op_less, .follows = true},
    {.op = &c2s_op_less_or_equal, .follows = true},
    {.op = &c2s_op_log_softmax, .sums = true},
    {.op = &c2s_op_lp_normalization, .sums = true, .squares = true},
    {.op = &c2s_op_lp_pool, .squares = true},
    {.op = &c2s_op_lrn, .squares = true},
    {.op = &c2s_op_lstm},
    {.op = &c2s_op_matmul},
    {.op = &c2s_op_max, .clamps = true},
    {.op = &c2s_op_max_pool, .follows = true},
    {.op = &c2s_op_mean_variance_normalization, .sums = true, .squares = true},
    {.op = &c2s_op_min, .clamps = true},
    {.op = &c2s_op_non_zero, .follows = true},
    {.op = &c2s_op_one_hot, .follows = true},
    {.op = &c2s_op_pad, .follows = true, .clamps = true},
    {.op = &c2s_op_random_normal},
    {.op = &c2s_op_random_normal_like},
    {.op = &c2s_op_random_uniform},
    {.op = &c2s_op_random_uniform_like},
    {.op = &c2s_op_reduce_l1, .sums = true},
    {.op = &c2s_op_reduce_l2, .sums = true, .squares = true},
    {.op = &c2s_op_reduce_log_sum, .sums = true},
    {.op = &c2s_op_reduce_log_sum_exp, .sums = true},
    {.op = &c2s_op_reduce_max, .follows = true},
    {.op = &c2s_op_reduce_mean, .sums = true},
    {.op = &c2s_op_reduce_min, .follows = true},
    {.op = &c2s_op_reduce_prod, .sums = true},
    {.op = &c2s_op_reduce_sum, .sums = true},
    {.op = &c2s_op_reduce_sum_square, .sums = true, .squares = true},
    {.op = &c2s_op_resize, .keep = BIT(1) | BIT(2)},
    {.op = &c2s_op_rms_normalization, .sums = true, .squares = true},
    {.op = &c2s_op_rnn},
    {.op = &c2s_op_rotary_embedding},
    {.op = &c2s_op_scatter_elements, .follows = true},
    {.op = &c2s_op_scatter_nd, .follows = true},
    {.op = &c2s_op_shape, .follows = true},
    {.op = &c2s_op_size, .follows = true},
    {.op = &c2s_op_softmax, .sums = true},
    {.op = &c2s_op_top_k, .follows = true},
    {.op = &c2s_op_where, .follows = true, .clamps = true},
};

/* Float alone, as ONNX has it. */
static const c2s_op *const never[] = {
    &c2s_op_bernoulli,         &c2s_op_cast_like,      &c2s_op_celu,
    &c2s_op_dequantize_linear, &c2s_op_multinomial,    &c2s_op_quantize_linear,
    &c2s_op_qlinear_conv,      &c2s_op_qlinear_matmul, &c2s_op_bit_cast,
};

static bool has_containers(const c2s_node *node) {
    for (unsigned k = 0; k < node->formal_count; k++)
        if (node->inputs[k].value && node->inputs[k].value->type.kind != C2S_KIND_TENSOR)
            return true;
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k] && node->outputs[k]->type.kind != C2S_KIND_TENSOR)
            return true;
    return false;
}

const c2s_half_operator *c2s_half_operator_of(const c2s_node *node) {
    static const c2s_half_operator elementwise = {0}, mover = {.follows = true};
    if (node->domain[0] || node->op->flags & C2S_OP_HAS_BODY || has_containers(node))
        return NULL;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (node->op == never[i])
            return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (node->op == rows[i].op)
            return c2s_model_opset(node->graph->model, "") >= rows[i].opset ? &rows[i] : NULL;
    return node->op->flags & C2S_OP_MOVES_DATA    ? &mover
           : node->op->flags & C2S_OP_ELEMENTWISE ? &elementwise
                                                  : NULL;
}

static size_t extent(const c2s_type *type, int64_t from, int64_t to) {
    size_t count = 1;
    for (int64_t k = from; k < to; k++)
        count *= c2s_dim_is_known(type->dim[k]) ? (size_t)type->dim[k] : 0;
    return count;
}

size_t c2s_half_terms(const c2s_node *node) {
    const c2s_type *in = &node->inputs[0].value->type;
    size_t count, results;
    if (in->rank < 1)
        return 0;
    if (node->op == &c2s_op_instance_normalization || node->op == &c2s_op_group_normalization ||
        node->op == &c2s_op_global_average_pool)
        return extent(in, in->rank < 2 ? in->rank : 2, in->rank);
    int64_t axis = c2s_attr_int(node, "axis", -1);
    axis += axis < 0 ? in->rank : 0;
    if (axis < 0 || axis >= in->rank)
        return 0;
    if (node->op == &c2s_op_layer_normalization || node->op == &c2s_op_rms_normalization)
        return extent(in, axis, in->rank);
    if (node->op == &c2s_op_softmax || node->op == &c2s_op_log_softmax ||
        node->op == &c2s_op_lp_normalization)
        return extent(in, axis, axis + 1);
    if (!c2s_type_elements(in, &count) || !c2s_type_elements(&node->outputs[0]->type, &results) ||
        results == 0)
        return 0;
    return node->op == &c2s_op_cum_sum || node->op == &c2s_op_mean_variance_normalization
               ? count
               : count / results;
}
