/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Gemm without a third operand, then Add of a matrix, or of what is broadcast to one
 * After:  Gemm with that operand
 * Refuses when the addend may be larger than the result, and when Gemm adds something already.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { A = C2S_LETTER_A, B, C, Y, M };

/* Broadcast to the result, never the other way round. */
static bool is_addend(const c2s_type *addend, const c2s_type *result) {
    if (addend->kind != C2S_KIND_TENSOR || addend->rank < 0 || addend->rank > 2 ||
        result->rank != 2)
        return false;
    for (int i = 0; i < addend->rank; i++)
        if (addend->dim[i] != 1 && addend->dim[i] != result->dim[i + 2 - addend->rank])
            return false;
    return true;
}

static const char *refuse(const c2s_match *m) {
    if (m->value[M] == m->value[Y])
        return c2s_no_match;
    if (m->value[C])
        return "Gemm adds something already";
    return is_addend(&m->value[M]->type, &m->value[Y]->type)
               ? NULL
               : "the addend is not known to fit into the result";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[A], m->value[B], m->value[M]};
    c2s_node *gemm = c2s_build_like(b, m->node[0], in, 3);
    if (gemm)
        c2s_attr_remove(gemm, "beta"); /* it was that of nothing */
    return c2s_build_finish(b, gemm);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_gemm, .out = Y, .in = {A, B, C | C2S_OPTIONAL}},
    {.op = &c2s_op_add, .in = {Y, M}},
};
const c2s_rule c2s_rule_gemm_sum = {.name = "gemm-sum",
                                    .summary =
                                        "Gemm, then Add of a matrix or a bias -> Gemm with it",
                                    C2S_ROWS(rows),
                                    .refuse = refuse,
                                    .build = build};
