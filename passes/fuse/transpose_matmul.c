/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Transpose of a matrix, then Gemm      After: Gemm with transA or transB turned
 * Before: Transpose of a matrix, then MatMul    After: Gemm with transA or transB
 * Refuses when an operand of MatMul is not known to be a matrix, or the type is none that Gemm
 * commonly takes.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, T, OTHER, C };

static bool swaps_matrix(const c2s_node *transpose) {
    c2s_ints perm;
    const c2s_type *type = &transpose->inputs[0].value->type;
    if (type->kind != C2S_KIND_TENSOR || type->rank != 2)
        return false;
    if (!c2s_attr_has(transpose, "perm"))
        return true;
    return c2s_attr_int_list(transpose, "perm", &perm) && perm.count == 2 && perm.at[0] == 1 &&
           perm.at[1] == 0;
}

static const char *gemm_refuse(const c2s_match *m) {
    return swaps_matrix(m->node[0]) ? NULL : c2s_no_match;
}

static c2s_value *gemm_build(c2s_builder *b, const c2s_match *m, unsigned slot) {
    c2s_value *in[3] = {m->root->inputs[0].value, m->root->inputs[1].value, m->value[C]};
    const char *attr = slot == 0 ? "transA" : "transB";
    in[slot] = m->value[X];
    c2s_node *node = c2s_build_like(b, m->root, in, m->value[C] ? 3 : 2);
    if (node)
        c2s_attr_set_int(node, attr, !c2s_attr_int(node, attr, 0));
    return c2s_build_finish(b, node);
}

static c2s_value *gemm_build_a(c2s_builder *b, const c2s_match *m) {
    return gemm_build(b, m, 0);
}

static c2s_value *gemm_build_b(c2s_builder *b, const c2s_match *m) {
    return gemm_build(b, m, 1);
}

static const char *matmul_refuse(const c2s_match *m) {
    const c2s_type *other = &m->value[OTHER]->type;
    if (!swaps_matrix(m->node[0]))
        return c2s_no_match;
    if (other->kind != C2S_KIND_TENSOR || other->rank != 2)
        return "the other operand is not known to be a matrix";
    if (!c2s_is_float_value(m->value[X]))
        return "Gemm is not common for this type";
    return NULL;
}

static c2s_value *matmul_build(c2s_builder *b, const c2s_match *m, unsigned slot) {
    c2s_value *in[2] = {m->root->inputs[0].value, m->root->inputs[1].value};
    in[slot] = m->value[X];
    c2s_node *node = c2s_build_start(b, "Gemm", in, 2);
    if (node)
        c2s_attr_set_int(node, slot == 0 ? "transA" : "transB", 1);
    return c2s_build_finish(b, node);
}

static c2s_value *matmul_build_a(c2s_builder *b, const c2s_match *m) {
    return matmul_build(b, m, 0);
}

static c2s_value *matmul_build_b(c2s_builder *b, const c2s_match *m) {
    return matmul_build(b, m, 1);
}

static const c2s_pattern_row gemm_a[] = {
    {.op = &c2s_op_transpose, .out = T, .in = {X}},
    {.op = &c2s_op_gemm, .in = {T, OTHER, C | C2S_OPTIONAL}},
};
const c2s_rule c2s_rule_transpose_gemm_a = {
    .name = "transpose-gemm",
    .summary = "Transpose, then Gemm -> Gemm with transA or transB turned",
    C2S_ROWS(gemm_a),
    .shared = C2S_BIT(T),
    .refuse = gemm_refuse,
    .build = gemm_build_a};

static const c2s_pattern_row gemm_b[] = {
    {.op = &c2s_op_transpose, .out = T, .in = {X}},
    {.op = &c2s_op_gemm, .in = {OTHER, T, C | C2S_OPTIONAL}},
};
const c2s_rule c2s_rule_transpose_gemm_b = {
    .name = "transpose-gemm",
    .summary = "Transpose, then Gemm -> Gemm with transA or transB turned",
    C2S_ROWS(gemm_b),
    .shared = C2S_BIT(T),
    .refuse = gemm_refuse,
    .build = gemm_build_b};

static const c2s_pattern_row matmul_a[] = {
    {.op = &c2s_op_transpose, .out = T, .in = {X}},
    {.op = &c2s_op_matmul, .in = {T, OTHER}},
};
const c2s_rule c2s_rule_transpose_matmul_a = {
    .name = "transpose-matmul",
    .summary = "Transpose of a matrix, then MatMul -> Gemm with transA or transB",
    C2S_ROWS(matmul_a),
    .refuse = matmul_refuse,
    .build = matmul_build_a};

static const c2s_pattern_row matmul_b[] = {
    {.op = &c2s_op_transpose, .out = T, .in = {X}},
    {.op = &c2s_op_matmul, .in = {OTHER, T}},
};
const c2s_rule c2s_rule_transpose_matmul_b = {
    .name = "transpose-matmul",
    .summary = "Transpose of a matrix, then MatMul -> Gemm with transA or transB",
    C2S_ROWS(matmul_b),
    .refuse = matmul_refuse,
    .build = matmul_build_b};
