/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Slice(Slice(x)) with constant bounds
 * After:  one Slice, where they cut different axes, or the same axis with steps of 1 and bounds
 *         that count from the front
 * Refuses when bounds are computed, or count from the back of an axis that both cut.
 */
#include "passes/fuse/cuts.h"
#include "passes/fuse/fuse.h"

enum { X = C2S_LETTER_A, Y };

static int64_t saturating_add(int64_t a, int64_t b) {
    int64_t sum;
    return c2s_add_i64(a, b, &sum) ? sum : INT64_MAX;
}

static bool counts_from_front(const c2s_cut *c) {
    return c->step == 1 && c->start >= 0 && c->end >= 0;
}

/* Adds a cut of the second Slice to those of the first. */
static bool add_cut(c2s_cuts *all, const c2s_cut *next) {
    for (unsigned i = 0; i < all->count; i++) {
        c2s_cut *c = &all->at[i];
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

static bool compose(const c2s_match *m, c2s_cuts *all) {
    c2s_cuts second;
    if (!c2s_cuts_read(m->node[0], all) || !c2s_cuts_read(m->root, &second))
        return false;
    for (unsigned i = 0; i < second.count; i++)
        if (!add_cut(all, &second.at[i]))
            return false;
    return true;
}

static const char *refuse(const c2s_match *m) {
    c2s_cuts all = {0};
    return compose(m, &all) ? NULL : "the bounds are computed, or count from the back";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_cuts all = {0};
    compose(m, &all);
    return c2s_cuts_build(b, m->value[X], &all);
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
