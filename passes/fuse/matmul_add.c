/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: MatMul of two matrices, then Add of one number per column (or one for all)
 * After:  Gemm
 * Refuses when a rank is not known to be 2 or the addend is larger than the result. For stacks of
 * matrices Gemm would need reshaping around it.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, W, Y, B };

static bool is_matrix(const c2s_value *value) {
    return value->type.kind == C2S_KIND_TENSOR && value->type.rank == 2;
}

static const char *refuse(const c2s_match *m) {
    const c2s_type *bias = &m->value[B]->type;
    if (!is_matrix(m->value[X]) || !is_matrix(m->value[W]) || m->value[B] == m->value[Y])
        return c2s_no_match;
    if (!c2s_is_float_value(m->value[X]))
        return "Gemm is not common for this type";
    if (bias->kind != C2S_KIND_TENSOR || bias->rank < 0 || bias->rank > 2)
        return "the rank of the addend is not known, or above 2";
    c2s_dim columns = m->value[W]->type.dim[1];
    for (int i = 0; i < bias->rank; i++)
        if (bias->dim[i] != 1 && !(i == bias->rank - 1 && bias->dim[i] == columns))
            return "the addend is not one number per column";
    return NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[X], m->value[W], m->value[B]};
    return c2s_build(b, "Gemm", in, 3);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_matmul, .out = Y, .in = {X, W}},
    {.op = &c2s_op_add, .in = {Y, B}},
};
const c2s_rule c2s_rule_matmul_add = {.name = "matmul-add",
                                      .summary = "MatMul of matrices, then Add of a bias -> Gemm",
                                      C2S_ROWS(rows),
                                      .refuse = refuse,
                                      .build = build};
