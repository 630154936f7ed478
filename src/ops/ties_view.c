/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of Reshape, Flatten, Squeeze, Unsqueeze: the extents of both shapes are taken apart into
 * common factors, from the last axis and then from the first; each common factor is a space.
 * [8, 6] as [2, 4, 6] has the factors 2, 4 and 6; [4, 6] as [6, 4] has 2 outside and 2 inside, and
 * what lies between is pinned.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

/* One shape while it is taken apart. */
typedef struct side {
    const c2s_type *type;
    bool output;
    int axis;                    /* where taking apart has come to */
    int64_t left[C2S_MAX_RANK];  /* factor of each axis that is not taken yet */
    int64_t inner[C2S_MAX_RANK]; /* product of the factors taken on its inner side */
    bool taken[C2S_MAX_RANK];    /* a symbolic axis that equals one of the other side */
} side;

static int64_t gcd(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool is_done(const side *s, int axis) {
    return s->left[axis] == 1 || s->taken[axis];
}

/* Passes axes that are done; false at the end. */
static bool find_next(side *s, int step) {
    while (s->axis >= 0 && s->axis < s->type->rank && is_done(s, s->axis))
        s->axis += step;
    return s->axis >= 0 && s->axis < s->type->rank;
}

static bool is_symbolic(const side *s) {
    return !c2s_dim_is_known(s->type->dim[s->axis]);
}

/* Takes `factor` from the inner (step -1) or the outer end of what is left of the axis. */
static void take(c2s_ties *t, side *s, unsigned space, int64_t factor, int step) {
    s->left[s->axis] /= factor;
    int64_t repeat = step < 0 ? s->inner[s->axis] : s->inner[s->axis] * s->left[s->axis];
    if (step < 0)
        s->inner[s->axis] *= factor;
    c2s_ties_part(t, space, s->output, 0, s->axis, 0, s->type->dim[s->axis], repeat);
}

static void match(c2s_ties *t, side *in, side *out, int step) {
    in->axis = step < 0 ? in->type->rank - 1 : 0;
    out->axis = step < 0 ? out->type->rank - 1 : 0;
    for (;;) {
        bool more_in = find_next(in, step), more_out = find_next(out, step);
        if (!more_in || !more_out)
            return;
        if (is_symbolic(in) || is_symbolic(out)) {
            if (in->type->dim[in->axis] != out->type->dim[out->axis])
                return;
            in->taken[in->axis] = out->taken[out->axis] = true;
            continue;
        }
        int64_t factor = gcd(in->left[in->axis], out->left[out->axis]);
        if (factor == 1)
            return;
        unsigned space = c2s_ties_space(t, C2S_TIE_KEEP, factor);
        take(t, in, space, factor, step);
        take(t, out, space, factor, step);
    }
}

/* False for shapes without elements. */
static bool open_side(side *s, const c2s_value *value, bool output) {
    *s = (side){.type = &value->type, .output = output};
    for (int axis = 0; axis < s->type->rank; axis++) {
        s->left[axis] = c2s_dim_is_known(s->type->dim[axis]) ? s->type->dim[axis] : 0;
        s->inner[axis] = 1;
        if (s->type->dim[axis] == 0)
            return false;
    }
    return true;
}

void c2s_ties_view(c2s_ties *t) {
    side in, out;
    if (c2s_ties_rank(t, false, 0) < 0 || c2s_ties_rank(t, true, 0) < 0 ||
        !open_side(&in, c2s_node_in(t->node, 0), false) ||
        !open_side(&out, c2s_node_out(t->node, 0), true))
        return;
    match(t, &in, &out, -1);
    match(t, &in, &out, 1);
}

/* ---- Reshape ---- */

static bool copies(const c2s_type *x, const c2s_type *y, int axis) {
    return axis < x->rank && x->dim[axis] == y->dim[axis];
}

/* A target shape for y; entries of the old one (`count` of them, 0: there is none) stay where they
 * still say the same. False if two extents would have to be computed. */
static bool find_target(const c2s_node *node, const int64_t *old, size_t count, int64_t *target) {
    const c2s_type *x = &c2s_node_in(node, 0)->type, *y = &c2s_node_out(node, 0)->type;
    bool zero_copies = c2s_attr_int(node, "allowzero", 0) == 0;
    int computed = 0;
    for (int axis = 0; axis < y->rank; axis++) {
        bool has_old = (size_t)axis < count, copied = zero_copies && copies(x, y, axis);
        if (has_old && (old[axis] == -1 || (old[axis] == 0 && copied)))
            target[axis] = old[axis];
        else if (c2s_dim_is_known(y->dim[axis]))
            target[axis] = y->dim[axis];
        else
            target[axis] = copied ? 0 : -1;
        computed += target[axis] == -1;
    }
    return computed <= 1;
}

static bool read_target(const c2s_node *node, int64_t *target) {
    int64_t old[C2S_MAX_RANK];
    size_t count = 0;
    if (!c2s_node_ints(node, 1, old, C2S_MAX_RANK, &count))
        count = 0;
    return find_target(node, old, count, target);
}

void c2s_ties_reshape(c2s_ties *t) {
    int64_t target[C2S_MAX_RANK];
    if (c2s_ties_rank(t, false, 0) >= 0 && c2s_ties_rank(t, true, 0) >= 0 &&
        read_target(t->node, target))
        c2s_ties_view(t);
}

c2s_status c2s_refit_reshape(const c2s_refit *r) {
    int64_t target[C2S_MAX_RANK];
    if (!read_target(r->node, target))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the target shape is computed and has two extents that are not known");
    return c2s_refit_ints(r, 1, target, (size_t)c2s_node_out(r->node, 0)->type.rank);
}

/* Without axes every axis of extent 1 goes: also one that has lost all but one index. */
c2s_status c2s_refit_squeeze(const c2s_refit *r) {
    const c2s_type *x = &c2s_node_in(r->node, 0)->type;
    int64_t axes[C2S_MAX_RANK];
    bool stays[C2S_MAX_RANK] = {false};
    size_t count = 0;
    if (c2s_node_in(r->node, 1))
        return C2S_OK;
    for (size_t k = 0; k < r->before->ties.count; k++) {
        const c2s_tie *tie = &r->before->ties.at[k];
        if (!tie->output && tie->slot == 0)
            stays[tie->axis] = true;
    }
    for (int axis = 0; axis < x->rank; axis++)
        if (x->dim[axis] == 1 && !stays[axis])
            axes[count++] = axis;
    return c2s_refit_ints(r, 1, axes, count);
}
