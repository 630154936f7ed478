/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Slice(Slice(x)) with constant bounds
 * After:  one Slice, where they cut different axes, or the same axis with steps of 1 and bounds
 *         that count from the front
 * Refuses when bounds are computed, or count from the back of an axis that both cut.
 */

#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y };

typedef struct cut {
    int64_t axis, start, end, step;
} cut;

typedef struct cuts {
    cut at[C2S_MAX_RANK];
    unsigned count;
} cuts;

static bool read_cuts(const c2s_node *node, int rank, cuts *out) {
    c2s_ints starts, ends, axes, steps = {0};
    bool given;
    if (!c2s_constant_ints(c2s_node_in(node, 1), &starts) ||
        !c2s_constant_ints(c2s_node_in(node, 2), &ends) ||
        !c2s_node_axes(node, 3, rank, &axes, &given) ||
        (c2s_node_in(node, 4) && !c2s_constant_ints(c2s_node_in(node, 4), &steps)))
        return false;
    if (starts.count > (unsigned)rank || ends.count != starts.count ||
        (given && axes.count != starts.count) || (steps.count && steps.count != starts.count))
        return false;
    out->count = starts.count;
    for (unsigned i = 0; i < out->count; i++)
        out->at[i] = (cut){given ? axes.at[i] : (int64_t)i, starts.at[i], ends.at[i],
                           steps.count ? steps.at[i] : 1};
    return true;
}

static int64_t saturating_add(int64_t a, int64_t b) {
    int64_t sum;
    return c2s_add_i64(a, b, &sum) ? sum : INT64_MAX;
}

static bool counts_from_front(const cut *c) {
    return c->step == 1 && c->start >= 0 && c->end >= 0;
}

/* Adds a cut of the second Slice to those of the first. */
static bool add_cut(cuts *all, const cut *next) {
    for (unsigned i = 0; i < all->count; i++) {
        cut *c = &all->at[i];
        if (c->axis != next->axis)
            continue;
        if (!counts_from_front(c) || !counts_from_front(next))
            return false;
        int64_t end = saturating_add(c->start, next->end);
        c->start = saturating_add(c->start, next->start);
        c->end = end < c->end ? end : c->end;
        return true;
    }
    if (all->count == C2S_MAX_RANK)
        return false;
    all->at[all->count++] = *next;
    return true;
}

static bool compose(const c2s_match *m, cuts *all) {
    const c2s_type *type = &m->value[X]->type;
    cuts second;
    if (type->kind != C2S_KIND_TENSOR || type->rank < 0 ||
        !read_cuts(m->node[0], type->rank, all) || !read_cuts(m->root, type->rank, &second))
        return false;
    for (unsigned i = 0; i < second.count; i++)
        if (!add_cut(all, &second.at[i]))
            return false;
    return true;
}

static const char *refuse(const c2s_match *m) {
    cuts all = {0};
    return compose(m, &all) ? NULL : "the bounds are computed, or count from the back";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    cuts all = {0};
    int64_t column[4][C2S_MAX_RANK];
    compose(m, &all);
    for (unsigned i = 0; i < all.count; i++) {
        column[0][i] = all.at[i].start;
        column[1][i] = all.at[i].end;
        column[2][i] = all.at[i].axis;
        column[3][i] = all.at[i].step;
    }
    static const char *const hints[] = {"starts", "ends", "axes", "steps"};
    c2s_value *in[5] = {m->value[X]};
    for (unsigned k = 0; k < 4; k++)
        in[k + 1] = c2s_build_ints(b, hints[k], column[k], all.count);
    return c2s_build(b, "Slice", in, 5);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_slice, .out = Y, .in = {X}},
    {.op = &c2s_op_slice, .in = {Y}},
};
const c2s_rule c2s_rule_slice_slice = {.name = "slice-slice",
                                       .summary = "Slice of Slice -> one Slice",
                                       C2S_ROWS(rows),
                                       .refuse = refuse,
                                       .build = build};
