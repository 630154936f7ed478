/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Transpose(Transpose(x))
 * After:  one Transpose, or x where they cancel
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y };

/* The default reverses the axes, which needs the rank. */
static bool read_perm(const c2s_node *node, c2s_ints *perm) {
    const c2s_type *type = &node->inputs[0].value->type;
    if (!c2s_attr_has(node, "perm")) {
        if (type->kind != C2S_KIND_TENSOR || type->rank < 0)
            return false;
        perm->count = (unsigned)type->rank;
        for (unsigned i = 0; i < perm->count; i++)
            perm->at[i] = (int64_t)(perm->count - 1 - i);
        return true;
    }
    if (!c2s_attr_int_list(node, "perm", perm))
        return false;
    for (unsigned i = 0; i < perm->count; i++)
        if (perm->at[i] < 0 || perm->at[i] >= (int64_t)perm->count)
            return false;
    return true;
}

static bool compose(const c2s_match *m, c2s_ints *out) {
    c2s_ints first, second;
    if (!read_perm(m->node[0], &first) || !read_perm(m->node[1], &second) ||
        first.count != second.count)
        return false;
    out->count = first.count;
    for (unsigned i = 0; i < out->count; i++)
        out->at[i] = first.at[second.at[i]];
    return true;
}

static const char *refuse(const c2s_match *m) {
    c2s_ints perm;
    return compose(m, &perm) ? NULL : "a permutation is not known";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_ints perm;
    compose(m, &perm);
    bool identity = true;
    for (unsigned i = 0; i < perm.count; i++)
        identity = identity && perm.at[i] == (int64_t)i;
    if (identity)
        return m->value[X];
    c2s_node *node = c2s_build_like(b, m->root, &m->value[X], 1);
    if (node)
        c2s_attr_set_ints(node, "perm", perm.at, perm.count);
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_transpose, .out = Y, .in = {X}},
    {.op = &c2s_op_transpose, .in = {Y}},
};
const c2s_rule c2s_rule_transpose_transpose = {
    .name = "transpose-transpose",
    .summary = "Transpose of Transpose -> one Transpose, or nothing",
    C2S_ROWS(rows),
    .shared = C2S_BIT(Y),
    .refuse = refuse,
    .build = build};
