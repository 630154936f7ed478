/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of operators that cut, join and extend axes: Concat, Split, Slice, Pad. Each part of the cut
 * axis is a space of its own, also a part that is dropped or added; other axes pass.
 */
#include <string.h>

#include "ops/op.h"
#include "ops/ties_rules.h"

/* All axes of input `slot` but one, tied to those of all outputs. */
static void tie_others(c2s_ties *t, unsigned slot, int but) {
    for (int axis = 0; axis < c2s_ties_rank(t, false, slot); axis++)
        if (axis != but)
            c2s_ties_over(t, C2S_TIE_KEEP, slot, axis, axis);
}

/* ---- Concat ---- */

/* Parts are in slots first, first + step, ... */
static void tie_joined(c2s_ties *t, unsigned first, unsigned step) {
    int rank = c2s_ties_rank(t, true, 0), axis = c2s_ties_axis(t, "axis", 0, rank);
    int64_t start = 0;
    if (axis < 0)
        return;
    tie_others(t, first, axis);
    for (unsigned k = first + step; k < t->node->formal_count; k += step)
        for (int a = 0, space = 0; a < rank; a++)
            if (a != axis)
                c2s_ties_in(t, (unsigned)space++, k, a, 1);
    for (unsigned k = first; k < t->node->formal_count; k += step) {
        int64_t extent = c2s_ties_extent(t, false, k, axis);
        if (extent > 0) {
            unsigned part = c2s_ties_space(t, C2S_TIE_KEEP, extent);
            c2s_ties_part(t, part, false, k, axis, 0, extent, 1);
            c2s_ties_part(t, part, true, 0, axis, start, extent, 1);
        } else if (!c2s_node_in(t->node, k) || c2s_ties_rank(t, false, k) != rank ||
                   c2s_node_in(t->node, k)->type.dim[axis] != 0) {
            return; /* where the rest begins is not known */
        }
        start += extent;
    }
}

void c2s_ties_concat(c2s_ties *t) {
    tie_joined(t, 0, 1);
}

void c2s_ties_qlinear_concat(c2s_ties *t) {
    tie_joined(t, 2, 3);
}

/* ---- Split ---- */

void c2s_ties_split(c2s_ties *t) {
    int axis = c2s_ties_axis(t, "axis", 0, c2s_ties_rank(t, false, 0));
    const c2s_value *lengths = c2s_node_in(t->node, 1);
    bool known = !lengths || lengths->constant;
    int64_t start = 0;
    if (axis < 0)
        return;
    tie_others(t, 0, axis);
    for (unsigned k = 0; k < t->node->output_count; k++)
        known &= c2s_ties_extent(t, true, k, axis) > 0;
    for (unsigned k = 0; known && k < t->node->output_count; k++) {
        int64_t extent = c2s_ties_extent(t, true, k, axis);
        unsigned part = c2s_ties_space(t, C2S_TIE_KEEP, extent);
        c2s_ties_part(t, part, false, 0, axis, start, extent, 1);
        c2s_ties_part(t, part, true, k, axis, 0, extent, 1);
        start += extent;
    }
}

/* The lengths become explicit where equal ones do not say it any more. */
c2s_status c2s_refit_split(const c2s_refit *r) {
    enum { MOST = 1024 };
    c2s_node *node = r->node;
    int axis = c2s_ties_axis(r->before, "axis", 0, c2s_node_in(node, 0)->type.rank);
    int64_t length[MOST], sum = 0, count = (int64_t)node->output_count;
    if (axis < 0 || node->output_count > MOST)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%u outputs", node->output_count);
    for (unsigned k = 0; k < node->output_count; k++) {
        const c2s_value *y = c2s_node_out(node, k);
        if (!y || !c2s_dim_is_known(y->type.dim[axis]))
            return C2S_OK; /* then the axis is pinned */
        length[k] = y->type.dim[axis];
        sum += length[k];
    }
    /* Without num_outputs all parts have one length, with it the last one may be shorter. */
    bool equal = c2s_attr_has(node, "num_outputs") || sum % count == 0;
    for (int64_t k = 0, all = (sum + count - 1) / count; k < count; k++)
        equal &= length[k] == (k < count - 1 ? all : sum - all * (count - 1));
    if (equal && !c2s_node_in(node, 1))
        return C2S_OK;
    C2S_TRY(c2s_refit_ints(r, 1, length, node->output_count));
    c2s_attr_remove(node, "num_outputs");
    return C2S_OK;
}

/* ---- Slice ---- */

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

static void tie_cut(c2s_ties *t, const cut *c, int64_t extent) {
    int64_t last = c->start + (c->count - 1) * c->step;
    if (c->count == 0)
        return;
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
        now.start = left_of(r, axis, extent, old.start);
        int64_t kept = left_of(r, axis, extent, old.start + (old.count - 1) * old.step + 1);
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

/* ---- Pad ---- */

typedef struct margins {
    int64_t pads[2 * C2S_MAX_RANK], axes[C2S_MAX_RANK];
    size_t count; /* of axes; pads: all beginnings, then all ends */
} margins;

static bool read_margins(const c2s_node *node, int rank, margins *m) {
    size_t count, axes;
    if (rank < 0 || !c2s_node_ints(node, 1, m->pads, 2 * C2S_MAX_RANK, &count))
        return false;
    m->count = count / 2;
    for (size_t k = 0; k < m->count; k++)
        m->axes[k] = (int64_t)k;
    if (c2s_node_in(node, 3) &&
        (!c2s_node_ints(node, 3, m->axes, C2S_MAX_RANK, &axes) || axes != m->count))
        return false;
    for (size_t k = 0; k < m->count; k++) {
        m->axes[k] += m->axes[k] < 0 ? rank : 0;
        if (m->axes[k] < 0 || m->axes[k] >= rank)
            return false;
    }
    return count % 2 == 0;
}

/* Spaces of each padded axis: before, within, behind; then of the other axes. */
void c2s_ties_pad(c2s_ties *t) {
    margins m;
    bool constant = strcmp(c2s_attr_string(t->node, "mode", "constant"), "constant") == 0;
    bool padded[C2S_MAX_RANK] = {false};
    int rank = c2s_ties_rank(t, false, 0);
    if (!read_margins(t->node, rank, &m))
        return;
    for (size_t k = 0; k < m.count; k++) {
        int64_t before = m.pads[k], behind = m.pads[m.count + k];
        int axis = (int)m.axes[k];
        int64_t extent = c2s_ties_extent(t, false, 0, axis);
        bool follows = before >= 0 && behind >= 0 && (constant || (before == 0 && behind == 0)) &&
                       extent > 0 && c2s_ties_extent(t, true, 0, axis) > 0;
        unsigned first = c2s_ties_space(t, C2S_TIE_KEEP, follows ? before : 0);
        unsigned within = c2s_ties_space(t, C2S_TIE_KEEP, follows ? extent : 0);
        unsigned last = c2s_ties_space(t, C2S_TIE_KEEP, follows ? behind : 0);
        padded[axis] = true;
        if (!follows)
            continue;
        c2s_ties_part(t, first, true, 0, axis, 0, before, 1);
        c2s_ties_part(t, within, false, 0, axis, 0, extent, 1);
        c2s_ties_part(t, within, true, 0, axis, before, extent, 1);
        c2s_ties_part(t, last, true, 0, axis, before + extent, behind, 1);
    }
    for (int axis = 0; axis < rank; axis++)
        if (!padded[axis])
            c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
}

c2s_status c2s_refit_pad(const c2s_refit *r) {
    margins m;
    if (!read_margins(r->node, c2s_node_in(r->node, 0)->type.rank, &m))
        return C2S_OK; /* then all is pinned */
    for (size_t k = 0; k < m.count; k++) {
        unsigned first = (unsigned)(3 * k);
        if (r->before->spaces.at[first + 1].extent == 0)
            continue;
        m.pads[k] = c2s_refit_extent(r, first);
        m.pads[m.count + k] = c2s_refit_extent(r, first + 2);
    }
    return c2s_refit_ints(r, 1, m.pads, 2 * m.count);
}
