/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: ReduceMean over all axes behind the channels, which it keeps, of a value of rank 4 or 5
 * After:  GlobalAveragePool, for which runtimes and quantizers have more
 * Refuses when the mean is subtracted from the value, or is one of squares: those are parts of
 * normalizations.
 */
#include "passes/constants.h"
#include "passes/recompose/recompose.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, AXES };

static bool means_all_positions(const c2s_node *node, int rank) {
    c2s_ints axes;
    bool given, seen[C2S_MAX_RANK] = {false};
    if (c2s_attr_int(node, "keepdims", 1) != 1 || !c2s_node_axes(node, 1, rank, &axes, &given) ||
        !given || axes.count != (unsigned)rank - 2)
        return false;
    for (unsigned i = 0; i < axes.count; i++) {
        if (axes.at[i] < 2 || seen[axes.at[i]])
            return false;
        seen[axes.at[i]] = true;
    }
    return true;
}

static bool is_square(const c2s_node *node) {
    return node && (node->op == &c2s_op_mul || node->op == &c2s_op_pow) &&
           c2s_is_square(node, c2s_node_in(node, 0));
}

static const char *refuse(const c2s_match *m) {
    const c2s_value *x = m->value[X];
    if (!c2s_is_float_value(x) || x->type.rank < 4 || x->type.rank > 5 ||
        !means_all_positions(m->root, x->type.rank))
        return c2s_no_match;
    if (x->type.dtype == C2S_BFLOAT16)
        return "GlobalAveragePool is not common for this type";
    bool normalizes = is_square(x->def);
    c2s_value_each_use(use, x) normalizes = normalizes || use->user->op == &c2s_op_sub;
    return normalizes ? "the mean is part of a normalization" : NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    return c2s_build(b, "GlobalAveragePool", &m->value[X], 1);
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_reduce_mean, .in = {X, AXES | C2S_OPTIONAL}}};
const c2s_rule c2s_rule_global_pool = {
    .name = "global-average-pool",
    .summary = "ReduceMean over all positions of an image -> GlobalAveragePool",
    C2S_ROWS(rows),
    .constants = C2S_BIT(AXES),
    .refuse = refuse,
    .build = build};
