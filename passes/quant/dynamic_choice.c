/* SPDX-License-Identifier: Apache-2.0
 *
 * Which products gain from activations that are quantized while the model runs.
 */
#include "ops/op.h"
#include "passes/constants.h"
#include "passes/quant/dynamic.h"

/* Measured with ONNX Runtime 1.30 on an AVX2 processor without VNNI, against float: 64 x 64 weights
 * take 1.25 of the time for 1 row, 0.9 for 64; 128 x 128 take 0.73 for 64; 256 x 256 take 0.5 to
 * 0.7; 768 x 768 take 0.35 to 0.65. Of 32 columns and fewer the quantizer costs what the product
 * saves. */
enum { LEAST_WEIGHTS = 1 << 14, LEAST_SIDE = 32 };

static bool is_float(const c2s_value *value) {
    return value && c2s_type_is_tensor(&value->type) && value->type.dtype == C2S_FLOAT;
}

bool c2s_dynamic_is_candidate(const c2s_node *node) {
    const c2s_value *x = c2s_node_in(node, 0), *w = c2s_node_in(node, 1);
    const bool product =
        node->op == &c2s_op_matmul || node->op == &c2s_op_gemm || node->op == &c2s_op_conv;
    return (product || node->op == &c2s_op_lstm) && is_float(x) && !x->constant && is_float(w) &&
           w->constant && w->type.rank >= 2;
}

static const char *refuse_matrix(const c2s_node *node, const c2s_dynamic_options *o) {
    const c2s_value *w = node->inputs[1].value;
    if (w->type.rank != 2)
        return "its weights are several matrices";
    if (node->inputs[0].value->type.rank == 1)
        return "its first operand is a vector";
    if (node->op == &c2s_op_gemm &&
        (c2s_attr_float(node, "alpha", 1) != 1 || c2s_attr_int(node, "transA", 0) ||
         (c2s_node_in(node, 2) && c2s_attr_float(node, "beta", 1) != 1)))
        return "its sums are scaled, or its first operand is transposed";
    if (!o->force && w->constant->count < LEAST_WEIGHTS)
        return "it has too few weights to be faster on integers";
    if (!o->force && (w->type.dim[0] < LEAST_SIDE || w->type.dim[1] < LEAST_SIDE))
        return "it has too few rows or columns to be faster on integers";
    return NULL;
}

static const char *refuse_conv(const c2s_node *node, const c2s_dynamic_options *o) {
    if (!o->force)
        return "convolutions take several times as long with quantizers at run time";
    return node->inputs[0].value->type.rank == 4 ? NULL : "ConvInteger has two spatial axes";
}

const char *c2s_dynamic_refuse(const c2s_node *node, const c2s_dynamic_options *o) {
    for (unsigned i = 0; i < node->attr_count; i++)
        if (node->attrs[i].reference)
            return "an attribute is that of a function's caller";
    const char *reason = c2s_name_filter_refuse(o->include, o->exclude, node);
    if (reason)
        return reason;
    if (!c2s_constant_is_finite(node->inputs[1].value))
        return "a weight is NaN or infinite";
    if (node->op == &c2s_op_lstm)
        return c2s_dynamic_refuse_cell(node, o);
    return node->op == &c2s_op_conv ? refuse_conv(node, o) : refuse_matrix(node, o);
}
