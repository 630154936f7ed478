/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a reduction that keeps its axes, then Squeeze of these axes, or a Reshape that does the same
 * After:  the reduction without keeping them
 * Before: a reduction that drops its axes, then Unsqueeze of these axes
 * After:  the reduction, keeping them
 * Refuses when the axes are others, or not known.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y };

static bool same_set(const c2s_ints *a, const c2s_ints *b) {
    uint64_t bits[2] = {0, 0};
    for (unsigned i = 0; i < a->count; i++)
        bits[0] |= UINT64_C(1) << a->at[i];
    for (unsigned i = 0; i < b->count; i++)
        bits[1] |= UINT64_C(1) << b->at[i];
    return bits[0] == bits[1];
}

/* The result has the extents of the reduction's without the axes. */
static bool drops(const c2s_type *kept, const c2s_type *result, const c2s_ints *axes) {
    int next = 0;
    if (kept->kind != C2S_KIND_TENSOR || result->kind != C2S_KIND_TENSOR ||
        result->rank != kept->rank - (int)axes->count)
        return false;
    for (int i = 0; i < kept->rank; i++) {
        bool dropped = false;
        for (unsigned k = 0; k < axes->count; k++)
            dropped |= axes->at[k] == i;
        if (!dropped && kept->dim[i] != result->dim[next++])
            return false;
    }
    return true;
}

static const char *refuse(const c2s_match *m) {
    const c2s_type *x = &m->value[X]->type;
    c2s_ints reduced, others;
    const bool reshapes = m->root->op == &c2s_op_reshape;
    bool given, wants_kept = reshapes || m->root->op == &c2s_op_squeeze;
    if (x->kind != C2S_KIND_TENSOR || x->rank < 0)
        return "the rank is not known";
    if ((c2s_attr_int(m->node[0], "keepdims", 1) != 0) != wants_kept)
        return c2s_no_match;
    if (!c2s_node_axes(m->node[0], 1, x->rank, &reduced, &given) || !given || reduced.count == 0)
        return "the axes are not known, or all";
    if (reshapes)
        return drops(&m->value[Y]->type, &m->root->outputs[0]->type, &reduced)
                   ? NULL
                   : "the Reshape does more than drop the axes";
    if (!c2s_node_axes(m->root, 1, x->rank, &others, &given) || !given)
        return "the axes are not known, or all";
    return same_set(&reduced, &others) ? NULL : "the axes are not those of the reduction";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_node *reduce = m->node[0];
    c2s_value *in[] = {m->value[X], c2s_node_in(reduce, 1)};
    c2s_node *node = c2s_build_like(b, reduce, in, in[1] ? 2 : 1);
    if (node)
        c2s_attr_set_int(node, "keepdims", m->root->op == &c2s_op_unsqueeze ? 1 : 0);
    return c2s_build_finish(b, node);
}

static const c2s_op *const reductions[] = {&c2s_op_reduce_sum,
                                           &c2s_op_reduce_mean,
                                           &c2s_op_reduce_max,
                                           &c2s_op_reduce_min,
                                           &c2s_op_reduce_prod,
                                           &c2s_op_reduce_l1,
                                           &c2s_op_reduce_l2,
                                           &c2s_op_reduce_sum_square,
                                           &c2s_op_reduce_log_sum,
                                           &c2s_op_reduce_log_sum_exp,
                                           NULL};
static const c2s_op *const shapers[] = {&c2s_op_squeeze, &c2s_op_unsqueeze, &c2s_op_reshape, NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = reductions, .out = Y, .in = {X}},
    {.any_of = shapers, .in = {Y}},
};
const c2s_rule c2s_rule_reduce_squeeze = {
    .name = "reduce-squeeze",
    .summary =
        "a reduction, then Squeeze, Reshape or Unsqueeze of its axes -> the reduction with keepdims turned",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
