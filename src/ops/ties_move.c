/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of operators that move or repeat elements, and of Shape.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

void c2s_ties_transpose(c2s_ties *t) {
    size_t count;
    const int64_t *order = c2s_attr_ints(t->node, "perm", &count);
    int rank = c2s_ties_rank(t, false, 0);
    for (int axis = 0; axis < rank; axis++) {
        int64_t from = order && (size_t)axis < count ? order[axis] : rank - 1 - axis;
        if (from >= 0 && from < rank)
            c2s_ties_over(t, C2S_TIE_KEEP, 0, (int)from, axis);
    }
}

/* ---- Expand ---- */

/* Space k is axis k of the output, which the input has or repeats its one index on. */
static bool find_target(const c2s_node *node, int64_t *target) {
    const c2s_type *x = &c2s_node_in(node, 0)->type, *y = &c2s_node_out(node, 0)->type;
    int64_t old[C2S_MAX_RANK];
    size_t count;
    bool known = c2s_node_ints(node, 1, old, C2S_MAX_RANK, &count) && count <= (size_t)y->rank;
    for (int k = 0; k < y->rank; k++) {
        int axis = y->rank - x->rank, given = known ? k - y->rank + (int)count : -1;
        bool same = k >= axis && x->dim[k - axis] == y->dim[k];
        if (given >= 0 && old[given] == 1 && same)
            target[k] = 1;
        else if (c2s_dim_is_known(y->dim[k]))
            target[k] = y->dim[k];
        else if (same)
            target[k] = 1;
        else
            return false;
    }
    return true;
}

void c2s_ties_expand(c2s_ties *t) {
    int64_t target[C2S_MAX_RANK];
    int rank = c2s_ties_rank(t, true, 0), mine = c2s_ties_rank(t, false, 0);
    if (mine >= 0 && rank >= mine && find_target(t->node, target))
        c2s_ties_broadcast(t, 1, 0);
}

/* A shorter target stays as long as it is where its front would only repeat the input's axes. */
c2s_status c2s_refit_expand(const c2s_refit *r) {
    int64_t target[C2S_MAX_RANK], old[C2S_MAX_RANK];
    size_t count, rank = (size_t)c2s_node_out(r->node, 0)->type.rank;
    if (!find_target(r->node, target))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the target shape is computed");
    bool shorter = c2s_node_ints(r->node, 1, old, C2S_MAX_RANK, &count) && count < rank;
    size_t skipped = shorter ? rank - count : 0;
    return c2s_refit_ints(r, 1, target + skipped, rank - skipped);
}

/* An axis that is repeated as a whole: the period of its ties. */
void c2s_ties_tile(c2s_ties *t) {
    const c2s_value *repeats = c2s_node_in(t->node, 1);
    if (repeats && repeats->constant)
        for (int axis = 0; axis < c2s_ties_rank(t, false, 0); axis++)
            c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
}

/* ---- blocks of pixels ---- */

/* Operands of rank 4: `deep` with the blocks among the channels, `wide` among the pixels. */
static void tie_blocks(c2s_ties *t, bool deep_is_output, bool channels_first) {
    int64_t block = c2s_attr_int(t->node, "blocksize", 0);
    bool wide = !deep_is_output;
    if (block < 1 || block > INT32_MAX || c2s_ties_rank(t, false, 0) != 4)
        return;
    c2s_ties_over(t, C2S_TIE_KEEP, 0, 0, 0);
    for (int axis = 1; axis < 4; axis++) {
        int64_t extent = c2s_ties_extent(t, axis == 1 ? wide : deep_is_output, 0, axis);
        unsigned space = c2s_ties_space(t, C2S_TIE_KEEP, extent);
        int64_t deep_repeat = axis > 1 ? 1 : channels_first ? block * block : 1;
        int64_t deep_extent = c2s_ties_extent(t, deep_is_output, 0, axis);
        int64_t wide_extent = c2s_ties_extent(t, wide, 0, axis);
        if (deep_extent < 1 || wide_extent < 1) {
            c2s_ties_pin(t, space);
            continue;
        }
        c2s_ties_part(t, space, deep_is_output, 0, axis, 0, deep_extent, deep_repeat);
        c2s_ties_part(t, space, wide, 0, axis, 0, wide_extent, axis > 1 ? block : 1);
    }
}

void c2s_ties_depth_to_space(c2s_ties *t) {
    tie_blocks(t, false, c2s_attr_string(t->node, "mode", "DCR")[0] == 'C');
}

void c2s_ties_space_to_depth(c2s_ties *t) {
    tie_blocks(t, true, false);
}

/* ---- others ---- */

void c2s_ties_trilu(c2s_ties *t) {
    for (int axis = 0; axis < c2s_ties_rank(t, false, 0) - 2; axis++)
        c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
}

void c2s_ties_reverse_sequence(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0);
    int time = c2s_ties_axis(t, "time_axis", 0, rank);
    int batch = c2s_ties_axis(t, "batch_axis", 1, rank);
    for (int axis = 0; time >= 0 && batch >= 0 && axis < rank; axis++) {
        if (axis == time)
            continue;
        unsigned space = c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
        if (axis == batch)
            c2s_ties_in(t, space, 1, 0, 1);
    }
}

void c2s_ties_center_crop_pad(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0);
    bool cropped[C2S_MAX_RANK] = {false};
    size_t count;
    const int64_t *axes = c2s_attr_ints(t->node, "axes", &count);
    for (size_t k = 0; axes && k < count; k++) {
        int64_t axis = axes[k] < 0 ? axes[k] + rank : axes[k];
        if (axis >= 0 && axis < rank)
            cropped[axis] = true;
    }
    for (int axis = 0; axes && axis < rank; axis++)
        if (!cropped[axis])
            c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
}

/* Gather: the elements that constant indices name. */
static bool find_gathered(const c2s_node *node, int64_t count, bool *read) {
    int64_t index[C2S_MAX_RANK];
    size_t indices;
    if (!c2s_node_ints(node, 1, index, C2S_MAX_RANK, &indices))
        return false;
    for (size_t k = 0; k < indices; k++) {
        int64_t at = index[k] < 0 ? index[k] + count : index[k];
        if (at < 0 || at >= count)
            return false;
        read[at] = true;
    }
    return true;
}

/* Slice: those between constant bounds; with steps some more than it takes. */
static bool find_sliced(const c2s_node *node, int64_t count, bool *read) {
    int64_t start, end, step = 1;
    size_t one;
    if (!c2s_node_ints(node, 1, &start, 1, &one) || one != 1 ||
        !c2s_node_ints(node, 2, &end, 1, &one) || one != 1 ||
        (c2s_node_in(node, 4) && (!c2s_node_ints(node, 4, &step, 1, &one) || one != 1)) || step < 1)
        return false;
    start += start < 0 ? count : 0;
    end += end < 0 ? count : 0;
    for (int64_t k = start < 0 ? 0 : start; k < end && k < count; k++)
        read[k] = true;
    return true;
}

/* Sets read[k] for the elements of a shape that are picked of it, also once it is cast; false if
 * others may be read. */
static bool find_read(const c2s_value *shape, int64_t count, bool *read) {
    c2s_value_each_use(use, shape) {
        const c2s_node *user = use->user;
        const bool cast = c2s_node_is(user, "Cast") && !c2s_node_is(shape->def, "Cast");
        const bool known = use->slot > 0                 ? false
                           : c2s_node_is(user, "Gather") ? find_gathered(user, count, read)
                           : c2s_node_is(user, "Slice")
                               ? find_sliced(user, count, read)
                               : cast && find_read(user->outputs[0], count, read);
        if (!known)
            return false;
    }
    return true;
}

/* Extents that nobody reads may change: exporters take the batch from the shape of an activation
 * whose channels are to be pruned. */
void c2s_ties_shape(c2s_ties *t) {
    c2s_value *y = c2s_node_out(t->node, 0);
    int rank = c2s_ties_rank(t, false, 0);
    int64_t start = c2s_attr_int(t->node, "start", 0), end = c2s_attr_int(t->node, "end", rank);
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end > rank ? rank : end;
    bool read[C2S_MAX_RANK] = {false};
    if (rank < 0 || !y || start < 0 || start > end)
        return;
    if (!find_read(y, end - start, read))
        return;
    for (int axis = 0; axis < rank; axis++)
        if (axis < start || axis >= end || !read[axis - start])
            c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, C2S_TIES_NO_AXIS);
}
