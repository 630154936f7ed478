/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of operators that work along some axes while the others pass: reductions, softmax,
 * cumulative sums, transforms; and of those that work row by row.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

/* ---- reductions ---- */

/* False if the axes are not constant. */
static bool find_reduced(const c2s_node *node, int rank, bool reduced[C2S_MAX_RANK]) {
    int64_t axes[C2S_MAX_RANK];
    size_t count = 0;
    const int64_t *given = c2s_attr_ints(node, "axes", &count);
    if (!given && c2s_node_in(node, 1)) {
        if (!c2s_node_ints(node, 1, axes, C2S_MAX_RANK, &count))
            return false;
        given = axes;
    }
    bool all = count == 0 && c2s_attr_int(node, "noop_with_empty_axes", 0) == 0;
    for (int axis = 0; axis < rank; axis++)
        reduced[axis] = all;
    for (size_t k = 0; k < count; k++) {
        int64_t axis = given[k] < 0 ? given[k] + rank : given[k];
        if (axis < 0 || axis >= rank)
            return false;
        reduced[axis] = true;
    }
    return true;
}

/* Axes that are left are tied to the output's in their order; with keepdims at their place. */
static void tie_reduction(c2s_ties *t, const bool *reduced, c2s_tie_role role) {
    int rank = c2s_ties_rank(t, false, 0), out = 0;
    bool stays = c2s_attr_int(t->node, "keepdims", 1) != 0;
    for (int axis = 0; axis < rank; axis++) {
        if (reduced[axis])
            c2s_ties_over(t, role, 0, axis, C2S_TIES_NO_AXIS);
        else
            c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, out);
        out += !reduced[axis] || stays;
    }
}

static void tie_reduce(c2s_ties *t, c2s_tie_role role) {
    bool reduced[C2S_MAX_RANK];
    if (find_reduced(t->node, c2s_ties_rank(t, false, 0), reduced))
        tie_reduction(t, reduced, role);
}

void c2s_ties_reduce_sum(c2s_ties *t) {
    tie_reduce(t, C2S_TIE_SUM);
}

void c2s_ties_reduce(c2s_ties *t) {
    tie_reduce(t, C2S_TIE_MIX);
}

void c2s_ties_arg_reduce(c2s_ties *t) {
    int axis = c2s_ties_axis(t, "axis", 0, c2s_ties_rank(t, false, 0));
    bool reduced[C2S_MAX_RANK] = {false};
    if (axis < 0)
        return;
    reduced[axis] = true;
    tie_reduction(t, reduced, C2S_TIE_MIX);
}

/* ---- along one axis ---- */

/* All axes of input 0 but two (-1: none) pass to the same axes of the outputs. */
static void tie_all_but(c2s_ties *t, int a, int b) {
    for (int axis = 0; axis < c2s_ties_rank(t, false, 0); axis++)
        if (axis != a && axis != b)
            c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
}

void c2s_ties_top_k(c2s_ties *t) {
    int axis = c2s_ties_axis(t, "axis", -1, c2s_ties_rank(t, false, 0));
    if (axis >= 0)
        tie_all_but(t, axis, -1);
}

void c2s_ties_softmax(c2s_ties *t) {
    int axis = c2s_ties_axis(t, "axis", -1, c2s_ties_rank(t, true, 0));
    if (axis >= 0)
        c2s_ties_broadcast(t, 1, 1u << axis);
}

void c2s_ties_bias_softmax(c2s_ties *t) {
    int axis = c2s_ties_axis(t, "axis", 1, c2s_ties_rank(t, true, 0));
    if (axis >= 0)
        c2s_ties_broadcast(t, 2, ~0u << axis);
}

void c2s_ties_cumulative(c2s_ties *t) {
    int rank = c2s_ties_rank(t, true, 0);
    int64_t axis;
    size_t count;
    if (c2s_node_ints(t->node, 1, &axis, 1, &count) && count == 1 && axis >= -rank && axis < rank)
        c2s_ties_broadcast(t, 1, 1u << (axis < 0 ? axis + rank : axis));
}

/* The last axis holds real and imaginary parts. */
void c2s_ties_dft(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0);
    int64_t axis = c2s_attr_int(t->node, "axis", -2);
    size_t count;
    if (c2s_node_in(t->node, 2) && !c2s_node_ints(t->node, 2, &axis, 1, &count))
        return;
    tie_all_but(t, (int)(axis < 0 ? axis + rank : axis), rank - 1);
}

/* ---- rows ---- */

void c2s_ties_first_input(c2s_ties *t) {
    c2s_ties_broadcast(t, 1, 0);
}

void c2s_ties_batch(c2s_ties *t) {
    if (c2s_ties_rank(t, false, 0) >= 2)
        c2s_ties_over(t, C2S_TIE_KEEP, 0, 0, 0);
}

void c2s_ties_all_batches(c2s_ties *t) {
    if (c2s_ties_rank(t, false, 0) < 2)
        return;
    unsigned rows = c2s_ties_over(t, C2S_TIE_KEEP, 0, 0, 0);
    for (unsigned k = 1; k < t->node->formal_count; k++)
        c2s_ties_in(t, rows, k, 0, 1);
}

void c2s_ties_new_last(c2s_ties *t) {
    tie_all_but(t, -1, -1);
}

void c2s_ties_but_last(c2s_ties *t) {
    tie_all_but(t, c2s_ties_rank(t, false, 0) - 1, -1);
}
