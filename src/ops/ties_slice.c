/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of Slice. What is kept of a cut axis is a space, and so is what is dropped before and behind
 * it; other axes pass. Steps backwards are pinned.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

/* One axis of a slice in steps: indices start, start + step, ... of which there are `count`. */
typedef struct cut {
    int axis;
    int64_t start, step, count;
} cut;

enum { DATA, STARTS, ENDS, AXES, STEPS };

typedef struct slice {
    int64_t starts[C2S_MAX_RANK], ends[C2S_MAX_RANK], axes[C2S_MAX_RANK], steps[C2S_MAX_RANK];
    size_t count;
} slice;

/* False unless all is constant. */
static bool read_slice(const c2s_node *node, slice *s) {
    size_t ends, axes, steps;
    if (!c2s_node_ints(node, STARTS, s->starts, C2S_MAX_RANK, &s->count) ||
        !c2s_node_ints(node, ENDS, s->ends, C2S_MAX_RANK, &ends) || ends != s->count)
        return false;
    for (size_t k = 0; k < s->count; k++) {
        s->axes[k] = (int64_t)k;
        s->steps[k] = 1;
    }
    return (!c2s_node_in(node, AXES) ||
            (c2s_node_ints(node, AXES, s->axes, C2S_MAX_RANK, &axes) && axes == s->count)) &&
           (!c2s_node_in(node, STEPS) ||
            (c2s_node_ints(node, STEPS, s->steps, C2S_MAX_RANK, &steps) && steps == s->count));
}

static int64_t clamp(int64_t at, int64_t extent) {
    at = at < 0 ? at + extent : at;
    return at < 0 ? 0 : at > extent ? extent : at;
}

/* Entry k on an axis of the given extent; false for steps backwards. */
static bool find_cut(const slice *s, size_t k, int rank, int64_t extent, cut *c) {
    int64_t start = clamp(s->starts[k], extent), end = clamp(s->ends[k], extent);
    c->axis = (int)(s->axes[k] < 0 ? s->axes[k] + rank : s->axes[k]);
    c->start = start;
    c->step = s->steps[k];
    c->count = c->step > 0 && end > start ? (end - start - 1) / c->step + 1 : 0;
    return c->step > 0 && c->axis >= 0 && c->axis < rank;
}

/* A space for a part of the input's axis that no output has. */
static void tie_dropped(c2s_ties *t, int axis, int64_t start, int64_t end) {
    if (end > start)
        c2s_ties_part(t, c2s_ties_space(t, C2S_TIE_KEEP, end - start), false, DATA, axis, start,
                      end - start, 1);
}

/* `count` kept indices from the output's index `at` on; with steps, an element is a kept index and
 * the dropped ones behind it. */
static void tie_kept(c2s_ties *t, const cut *c, int64_t at, int64_t count, int64_t step) {
    unsigned kept = c2s_ties_space(t, C2S_TIE_KEEP, count);
    c2s_ties_part(t, kept, false, DATA, c->axis, c->start + at * c->step, count * step, step);
    c2s_ties_part(t, kept, true, 0, c->axis, at, count, 1);
}

/* One of every `step` indices is kept, all through the axis: every second one from 1 on shares its
 * elements with every second one from 0 on. */
static bool is_one_of_each(const cut *c, int64_t extent) {
    return c->step > 1 && c->start < c->step && extent % c->step == 0 &&
           c->count == extent / c->step;
}

static void tie_cut(c2s_ties *t, const cut *c, int64_t extent) {
    int64_t last = c->start + (c->count - 1) * c->step;
    if (c->count == 0)
        return;
    if (is_one_of_each(c, extent)) {
        tie_kept(t, &(cut){c->axis, 0, c->step, c->count}, 0, c->count, c->step);
        return;
    }
    tie_dropped(t, c->axis, 0, c->start);
    if (extent - last >= c->step) {
        tie_kept(t, c, 0, c->count, c->step);
        tie_dropped(t, c->axis, last + c->step, extent);
        return;
    }
    if (c->count > 1)
        tie_kept(t, c, 0, c->count - 1, c->step);
    tie_kept(t, c, c->count - 1, 1, 1);
    tie_dropped(t, c->axis, last + 1, extent);
}

void c2s_ties_slice(c2s_ties *t) {
    slice s;
    cut c;
    int rank = c2s_ties_rank(t, false, DATA);
    bool is_cut[C2S_MAX_RANK] = {false};
    if (rank < 0 || !read_slice(t->node, &s))
        return;
    for (size_t k = 0; k < s.count; k++) {
        int64_t axis = s.axes[k] < 0 ? s.axes[k] + rank : s.axes[k];
        if (axis < 0 || axis >= rank || is_cut[axis])
            return;
        is_cut[axis] = true;
    }
    for (int axis = 0; axis < rank; axis++)
        if (!is_cut[axis])
            c2s_ties_over(t, C2S_TIE_KEEP, DATA, axis, axis);
    for (size_t k = 0; k < s.count; k++) {
        int64_t extent = c2s_ties_extent(t, false, DATA, (int)s.axes[k]);
        if (extent > 0 && find_cut(&s, k, rank, extent, &c))
            tie_cut(t, &c, extent);
    }
}

/* How many of the first `count` indices of an axis of the data are left. */
static int64_t left_of(const c2s_refit *r, int axis, int64_t extent, int64_t count) {
    bool *gone = c2s_zalloc((size_t)extent + 1);
    int64_t left = 0;
    c2s_ties_mark(r->before, r->removed, false, DATA, axis, gone);
    for (int64_t i = 0; i < count; i++)
        left += !gone[i];
    free(gone);
    return left;
}

/* Extent of an axis of the data before: the indices that some tie names. */
static int64_t extent_before(const c2s_refit *r, int axis) {
    int64_t extent = 0;
    for (size_t k = 0; k < r->before->ties.count; k++) {
        const c2s_tie *tie = &r->before->ties.at[k];
        if (!tie->output && tie->slot == DATA && tie->axis == axis &&
            tie->start + tie->count > extent)
            extent = tie->start + tie->count;
    }
    return extent;
}

c2s_status c2s_refit_slice(const c2s_refit *r) {
    slice s;
    const c2s_type *x = &c2s_node_in(r->node, DATA)->type;
    if (!read_slice(r->node, &s))
        return C2S_OK; /* then all is pinned */
    for (size_t k = 0; k < s.count; k++) {
        cut old, now, same;
        int axis = (int)(s.axes[k] < 0 ? s.axes[k] + x->rank : s.axes[k]);
        int64_t extent = extent_before(r, axis);
        if (extent == 0 || !find_cut(&s, k, x->rank, extent, &old) || old.count == 0)
            continue;
        now = old;
        const bool each = is_one_of_each(&old, extent);
        if (!each)
            now.start = left_of(r, axis, extent, old.start);
        int64_t behind = each ? extent : old.start + (old.count - 1) * old.step + 1;
        int64_t kept = left_of(r, axis, extent, behind);
        now.count = kept > now.start ? (kept - now.start - 1) / old.step + 1 : 0;
        find_cut(&s, k, x->rank, x->dim[axis], &same);
        if (same.start == now.start && same.count == now.count)
            continue;
        s.starts[k] = now.start;
        s.ends[k] = kept;
    }
    C2S_TRY(c2s_refit_ints(r, STARTS, s.starts, s.count));
    return c2s_refit_ints(r, ENDS, s.ends, s.count);
}
