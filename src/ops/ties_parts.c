/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of operators that cut, join and extend axes: Concat, Split, Pad. Each part of the cut axis
 * is a space of its own, also a part that is added; other axes pass.
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
    if (axis < 0 || c2s_ties_rank(t, false, first) != rank)
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
        if (!c2s_add_i64(start, extent, &start))
            return;
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
        if (!c2s_add_i64(start, extent, &start))
            return;
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
        int64_t all = c2s_ties_extent(t, true, 0, axis);
        bool whole = before >= 0 && behind >= 0 && before <= all && behind <= all - before &&
                     extent > 0 && extent == all - before - behind;
        bool follows = whole && (constant || extent == all);
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
