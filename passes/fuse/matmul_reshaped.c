/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Reshape that flattens all axes but the last one, MatMul with a matrix, Reshape to the
 *         axes that there were
 * After:  MatMul, which does the same for any number of axes
 * Refuses when the shapes are not known to be those.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, FLAT, W, Y };

static bool has_rank(const c2s_value *value, int rank) {
    return value->type.kind == C2S_KIND_TENSOR && value->type.rank == rank;
}

static const char *refuse(const c2s_match *m) {
    const c2s_type *x = &m->value[X]->type, *y = &m->root->outputs[0]->type;
    if (!has_rank(m->value[FLAT], 2) || !has_rank(m->value[W], 2))
        return c2s_no_match;
    if (x->kind != C2S_KIND_TENSOR || x->rank < 2 || y->kind != C2S_KIND_TENSOR ||
        y->rank != x->rank)
        return "the result has not the axes that there were before";
    for (int i = 0; i + 1 < x->rank; i++)
        if (x->dim[i] != y->dim[i] || c2s_dim_is_fresh(x->dim[i]))
            return "the result has not the axes that there were before";
    if (x->dim[x->rank - 1] != m->value[W]->type.dim[0] ||
        y->dim[y->rank - 1] != m->value[W]->type.dim[1])
        return "the result has not the axes that there were before";
    return NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[X], m->value[W]};
    return c2s_build_finish(b, c2s_build_like(b, m->node[1], in, 2));
}

static const c2s_op *const views[] = {&c2s_op_reshape, &c2s_op_flatten, NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = views, .out = FLAT, .in = {X}},
    {.op = &c2s_op_matmul, .out = Y, .in = {FLAT, W}},
    {.op = &c2s_op_reshape, .in = {Y}},
};
const c2s_rule c2s_rule_matmul_reshaped = {
    .name = "matmul-reshaped",
    .summary = "Reshape, MatMul with a matrix, Reshape to the axes from before -> MatMul",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
