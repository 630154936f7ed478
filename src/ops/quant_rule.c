/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/quant_rule.h"

#include <math.h>
#include <string.h>

#include "ops/op.h"

bool c2s_quant_has(uint16_t slots, unsigned k) {
    return slots >> (k < 15 ? k : 15) & 1;
}

const char *c2s_quant_kind_name(c2s_quant_kind kind) {
    static const char *const names[] = {
        [C2S_QUANT_UNSTATED] = "-",    [C2S_QUANT_NONE] = "none",     [C2S_QUANT_CODES] = "codes",
        [C2S_QUANT_FLOAT] = "float",   [C2S_QUANT_LINEAR] = "linear", [C2S_QUANT_OWN] = "own",
        [C2S_QUANT_WITHIN] = "within", [C2S_QUANT_SAME] = "same",     [C2S_QUANT_UNIFY] = "unify",
        [C2S_QUANT_CLAMP] = "clamp",   [C2S_QUANT_RANGE] = "range"};
    return names[kind];
}

static int rank_of(const c2s_value *value) {
    return value && c2s_type_is_tensor(&value->type) ? value->type.rank : -1;
}

/* ---- operators whose attributes matter ---- */

/* Input 2 is a vector of output channels, added as it is. */
static bool is_plain_bias(const c2s_node *node, int weight_axis) {
    const c2s_value *weight = c2s_node_in(node, 1), *bias = c2s_node_in(node, 2);
    const int rank = rank_of(bias);
    if (rank < 1 || rank_of(weight) != 2 || c2s_attr_float(node, "alpha", 1.0f) != 1.0f ||
        c2s_attr_float(node, "beta", 1.0f) != 1.0f)
        return false;
    for (int axis = 0; axis < rank - 1; axis++)
        if (bias->type.dim[axis] != 1)
            return false;
    return bias->type.dim[rank - 1] == weight->type.dim[weight_axis + 2];
}

static void narrow_gemm(const c2s_node *node, c2s_quant_rule *rule) {
    if (c2s_attr_int(node, "transB", 0)) {
        rule->weight_axis = -2;
        rule->sum_axis = -1;
    }
    if (!is_plain_bias(node, rule->weight_axis))
        rule->bias = 0;
}

static void narrow_fused_matmul(const c2s_node *node, c2s_quant_rule *rule) {
    const bool turned = c2s_attr_int(node, "transB", 0),
               batch = c2s_attr_int(node, "transBatchB", 0);
    const int rank = rank_of(c2s_node_in(node, 1));
    if (turned && rank != 1) {
        rule->weight_axis = -2;
        rule->sum_axis = -1;
    }
    /* The first axis takes the place before the last, before the last two change places. */
    if (batch && rank > 2)
        *(turned ? &rule->weight_axis : &rule->sum_axis) = 0;
    else if (batch && rank < 0)
        rule->weight_axis = rule->sum_axis = C2S_QUANT_NO_AXIS;
}

static void narrow_einsum(const c2s_node *node, c2s_quant_rule *rule) {
    if (node->formal_count != 2)
        rule->kind = C2S_QUANT_FLOAT;
}

static void narrow_interpolation(const c2s_node *node, c2s_quant_rule *rule) {
    const char *mode =
        c2s_attr_string(node, "mode", node->op == &c2s_op_resize ? "nearest" : "linear");
    rule->kind = strstr(mode, "nearest")  ? C2S_QUANT_SAME
                 : strstr(mode, "linear") ? C2S_QUANT_WITHIN
                                          : C2S_QUANT_OWN;
    if (c2s_attr_float(node, "extrapolation_value", 0.0f) != 0.0f)
        rule->kind = C2S_QUANT_OWN;
}

/* The updates replace elements, win over them, or are combined with them. */
static void narrow_scatter(const c2s_node *node, c2s_quant_rule *rule) {
    const char *reduction = c2s_attr_string(node, "reduction", "none");
    if (strcmp(reduction, "add") == 0 || strcmp(reduction, "mul") == 0)
        rule->kind = C2S_QUANT_OWN;
}

/* A bound that is left out is the rule's; one that is computed could be any. */
static bool read_bound(const c2s_value *value, float *bound) {
    if (!value)
        return true;
    if (!value->constant || value->constant->count != 1)
        return false;
    *bound = (float)c2s_tensor_f64_at(value->constant, 0);
    return !isnan(*bound);
}

static void narrow_clip(const c2s_node *node, c2s_quant_rule *rule) {
    if (!read_bound(c2s_node_in(node, 1), &rule->low) ||
        !read_bound(c2s_node_in(node, 2), &rule->high) || rule->low > rule->high)
        rule->kind = C2S_QUANT_OWN;
}

static const struct {
    const c2s_op *op;
    void (*narrow)(const c2s_node *node, c2s_quant_rule *rule);
} rows[] = {
    {&c2s_op_clip, narrow_clip},
    {&c2s_op_einsum, narrow_einsum},
    {&c2s_op_gemm, narrow_gemm},
    {&c2s_op_grid_sample, narrow_interpolation},
    {&c2s_op_ms_fused_gemm, narrow_gemm},
    {&c2s_op_ms_fused_matmul, narrow_fused_matmul},
    {&c2s_op_ms_fused_matmul_activation, narrow_fused_matmul},
    {&c2s_op_ms_grid_sample, narrow_interpolation},
    {&c2s_op_ms_transpose_matmul, narrow_fused_matmul},
    {&c2s_op_resize, narrow_interpolation},
    {&c2s_op_scatter_elements, narrow_scatter},
    {&c2s_op_scatter_nd, narrow_scatter},
};

/* ---- all operators ---- */

/* False only if it is known that no operand is a float. */
static bool may_be_float(const c2s_node *node, const c2s_quant_rule *rule) {
    bool known = false;
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = c2s_node_in(node, k);
        if (!value || !c2s_quant_has(rule->operands, k))
            continue;
        if (!c2s_type_is_tensor(&value->type) || !value->type.dtype ||
            c2s_dtype_is_float(value->type.dtype))
            return true;
        known = true;
    }
    return !known;
}

/* A weight with fewer than two axes has no channels; else axes count from the front. */
static void place_axes(const c2s_node *node, c2s_quant_rule *rule) {
    for (unsigned k = 0; k < node->formal_count; k++) {
        const int rank = c2s_quant_has(rule->weights, k) ? rank_of(c2s_node_in(node, k)) : -1;
        if (rank < 0)
            continue;
        int8_t *const axes[] = {&rule->weight_axis, &rule->sum_axis};
        for (size_t i = 0; i < 2; i++) {
            const int axis = *axes[i] < 0 ? *axes[i] + rank : *axes[i];
            *axes[i] = (int8_t)(rank > 1 && axis >= 0 && axis < rank ? axis : C2S_QUANT_NO_AXIS);
        }
        return;
    }
}

c2s_quant_rule c2s_node_quant_rule(const c2s_node *node) {
    c2s_quant_rule rule = node->op->quant;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].op == node->op)
            rows[i].narrow(node, &rule);
    if (c2s_node_is_random(node))
        return (c2s_quant_rule)C2S_QUANT_ONLY(FLOAT);
    if (rule.operands && !may_be_float(node, &rule))
        return (c2s_quant_rule)C2S_QUANT_ONLY(NONE);
    place_axes(node, &rule);
    return rule;
}
