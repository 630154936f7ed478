/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Transpose, then Reshape, Squeeze and Unsqueeze that only put extents of 1 elsewhere
 * After:  one Transpose
 * Refuses nothing: what splits or joins other extents is no match.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, T };

/* perm: where each axis of the result is in x. The result has the extents of the transposed tensor
 * in order, and as many of 1, anywhere. */
static bool compose(const c2s_match *m, c2s_ints *perm) {
    const c2s_type *x = &m->value[X]->type, *t = &m->value[T]->type;
    const c2s_type *result = &m->root->outputs[0]->type;
    c2s_ints first;
    if (x->kind != C2S_KIND_TENSOR || x->rank < 0 || t->rank != x->rank ||
        result->kind != C2S_KIND_TENSOR || result->rank != x->rank ||
        !c2s_attr_int_list(m->node[0], "perm", &first) || first.count != (unsigned)x->rank)
        return false;
    int next = 0, next_one = 0; /* axes of t */
    perm->count = first.count;
    for (int i = 0; i < result->rank; i++) {
        int *from = result->dim[i] == 1 ? &next_one : &next;
        while (*from < t->rank && (t->dim[*from] == 1) != (result->dim[i] == 1))
            (*from)++;
        if (*from == t->rank || t->dim[*from] != result->dim[i])
            return false;
        perm->at[i] = first.at[(*from)++];
    }
    return true;
}

static const char *refuse(const c2s_match *m) {
    c2s_ints perm;
    return compose(m, &perm) ? NULL : c2s_no_match;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_ints perm;
    compose(m, &perm);
    c2s_node *node = c2s_build_like(b, m->node[0], &m->value[X], 1);
    if (node)
        c2s_attr_set_ints(node, "perm", perm.at, perm.count);
    return c2s_build_finish(b, node);
}

static const c2s_op *const shapers[] = {&c2s_op_reshape, &c2s_op_squeeze, &c2s_op_unsqueeze,
                                        &c2s_op_flatten, NULL};
static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_transpose, .out = T, .in = {X}},
    {.any_of = shapers, .in = {T}},
};
const c2s_rule c2s_rule_transpose_reshape = {
    .name = "transpose-reshape",
    .summary = "Transpose, then Reshape that only moves extents of 1 -> one Transpose",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
