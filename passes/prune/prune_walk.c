/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/prune_walk.h"

#include <stdlib.h>

#include "base/disjoint_sets.h"
#include "base/map.h"
#include "base/memory.h"

/* Walks that may enter one space. There are few ways to group it, but where channels are shuffled,
 * many walks end in a single class. */
enum { MOST_VISITS = 48 };

/* Atoms that cannot be removed. */
typedef struct fixed {
    size_t first, count;
    c2s_pin pin;
} fixed;

/* A node next to an axis. */
typedef struct side {
    size_t axis; /* number of the axis in the component */
    c2s_node *node;
    bool output;
    unsigned slot;
} side;

typedef struct walk {
    c2s_tie_index *index;
    c2s_component *c;
    c2s_disjoint_sets atoms;
    C2S_VEC(fixed) fixed;
    C2S_VEC(side) open; /* no factor of the axis fits so far */
    c2s_map axis_at, space_at;
    size_t next_axis;
    uint32_t seed; /* elements that the walk starts from; they are the first atoms */
    uint32_t left; /* classes that these are in */
} walk;

/* ---- atoms ---- */

static void unite(walk *w, size_t a, size_t b) {
    const uint32_t x = c2s_disjoint_sets_find(&w->atoms, a);
    const uint32_t y = c2s_disjoint_sets_find(&w->atoms, b);
    w->left -= x != y && x < w->seed && y < w->seed;
    c2s_disjoint_sets_unite(&w->atoms, x, y);
}

static void pin(walk *w, size_t first, size_t count, const c2s_node *node, const char *reason) {
    if (count > 0)
        c2s_vec_push(&w->fixed, (fixed){first, count, {node, reason}});
}

/* ---- axes and spaces ---- */

bool c2s_is_shared_vector(const c2s_value *value, int axis) {
    return value->constant && value->use_count > 1 && value->type.rank > 0 &&
           value->constant->count == (size_t)value->type.dim[axis];
}

uint64_t c2s_axis_key(const c2s_value *value, const c2s_use *use, int axis) {
    const uint64_t place =
        use ? 1ull << 63 | (uint64_t)use->user->id << 28 | (uint64_t)use->slot << 4
            : (uint64_t)value->id << 4;
    return place | (unsigned)axis;
}

static size_t reach(walk *w, c2s_node *node, bool output, unsigned slot, int axis) {
    c2s_value *value = output ? node->outputs[slot] : node->inputs[slot].value;
    c2s_use *use = !output && c2s_is_shared_vector(value, axis) ? &node->inputs[slot] : NULL;
    const uint64_t key = c2s_axis_key(value, use, axis);
    const size_t known = (size_t)(uintptr_t)c2s_map_get_u64(&w->axis_at, key);
    if (known)
        return known - 1;
    const size_t extent = (size_t)value->type.dim[axis];
    const size_t at = w->c->axes.count;
    c2s_map_put_u64(&w->axis_at, key, (void *)(uintptr_t)(at + 1));
    c2s_vec_push(&w->c->axes, (c2s_coupled_axis){value, use, axis,
                                                 c2s_disjoint_sets_add(&w->atoms, extent), extent});
    return at;
}

static uint64_t space_key(const c2s_node *node, unsigned space) {
    return (uint64_t)node->id << 32 | space;
}

static bool is_entered(const walk *w, const c2s_node *node, unsigned space) {
    return c2s_map_get_u64(&w->space_at, space_key(node, space)) != NULL;
}

static void enter(walk *w, c2s_node *node, unsigned space) {
    c2s_node_ties *n = &w->index->of[node->id];
    const size_t extent = (size_t)n->ties.spaces.at[space].extent,
                 first = c2s_disjoint_sets_add(&w->atoms, extent);
    c2s_map_put_u64(&w->space_at, space_key(node, space), node);
    c2s_vec_push(&w->c->spaces, (c2s_coupled_space){node, space, first, extent});
    n->visits[space]++;
    const c2s_tie_range ties = c2s_ties_of_space(n, space);
    for (size_t k = 0; k < ties.count; k++) {
        const c2s_tie *tie = &n->ties.ties.at[ties.at[k]];
        const size_t axis = reach(w, node, tie->output, tie->slot, tie->axis);
        const size_t from = w->c->axes.at[axis].first + (size_t)tie->start;
        for (size_t i = 0; i < (size_t)tie->count; i++)
            unite(w, first + i / (size_t)tie->repeat % extent, from + i);
    }
}

/* ---- from an axis to the nodes around it ---- */

static const char *reason_of(const c2s_node *node, const c2s_node_ties *n) {
    if (node->op == &c2s_op_opaque)
        return "its operator is not known";
    if (node->op->flags & C2S_OP_HAS_BODY)
        return "its body takes the axis as it is";
    if (!c2s_op_states_ties(node->op))
        return "its operator does not say how axes belong together";
    if (n->ties.ties.count == 0)
        return "extents that it works with are not known before it runs";
    return "it needs the axis as it is";
}

/* How many classes the indices of a tie are in, and how many would be left of these if the elements
 * of its space were united with them. */
typedef struct fit {
    size_t now, then;
} fit;

static fit fit_of(const walk *w, const c2s_tie *tie, int64_t extent, size_t first) {
    const size_t count = (size_t)tie->count, elements = (size_t)extent;
    c2s_disjoint_sets sets = {0}; /* elements, then classes */
    c2s_map local = {0};
    fit f = {0, elements};
    c2s_disjoint_sets_add(&sets, elements);
    for (size_t i = 0; i < count; i++) {
        const uint32_t root = c2s_disjoint_sets_find(&w->atoms, first + (size_t)tie->start + i);
        size_t class = (size_t)(uintptr_t)c2s_map_get_u64(&local, root);
        if (!class) {
            class = ++f.now;
            c2s_map_put_u64(&local, root, (void *)(uintptr_t) class);
            c2s_disjoint_sets_add(&sets, 1);
        }
        const uint32_t a = c2s_disjoint_sets_find(&sets, elements + class - 1);
        const uint32_t b = c2s_disjoint_sets_find(&sets, i / (size_t)tie->repeat % elements);
        f.then -= a < elements && a != b; /* what has an element is known by one */
        c2s_disjoint_sets_unite(&sets, a, b);
    }
    c2s_map_free(&local);
    c2s_disjoint_sets_free(&sets);
    return f;
}

/* Another factor of an axis that the space is one of has been entered: following this one as well
 * would unite the elements of both. */
static bool crosses(const walk *w, const c2s_node *node, const c2s_node_ties *n, unsigned space) {
    const c2s_tie_range ties = c2s_ties_of_space(n, space);
    for (size_t k = 0; k < ties.count; k++) {
        const c2s_tie_range same = c2s_ties_beside(n, &n->ties.ties.at[ties.at[k]]);
        for (size_t i = 0; i < same.count; i++) {
            const unsigned other = n->ties.ties.at[same.at[i]].space;
            if (other != space && n->ties.spaces.at[other].extent > 1 && is_entered(w, node, other))
                return true;
        }
    }
    return false;
}

/* The one that leaves most classes, if that are two; without `force` only one for which nothing has
 * to be united that is not. */
static const c2s_tie *best_factor(const walk *w, const side *s, const c2s_tie_range *same,
                                  size_t first, bool force, bool crossing) {
    const c2s_node_ties *n = &w->index->of[s->node->id];
    const c2s_tie *best = NULL;
    size_t most = 1;
    for (size_t k = 0; k < same->count; k++) {
        const c2s_tie *tie = &n->ties.ties.at[same->at[k]];
        const int64_t extent = n->ties.spaces.at[tie->space].extent;
        if (extent < 2 || n->visits[tie->space] >= MOST_VISITS ||
            crosses(w, s->node, n, tie->space) != crossing)
            continue;
        const fit f = fit_of(w, tie, extent, first);
        if (f.then > most && (force || f.then == f.now)) {
            best = tie;
            most = f.then;
        }
    }
    return best;
}

/* Enters one of the spaces of ties at the same indices, rather one that crosses no other. False:
 * there is none. */
static bool enter_factor(walk *w, const side *s, const c2s_tie_range *same, size_t first,
                         bool force) {
    const c2s_node_ties *n = &w->index->of[s->node->id];
    const c2s_tie *alone = NULL;
    for (size_t k = 0; k < same->count; k++)
        if (is_entered(w, s->node, n->ties.ties.at[same->at[k]].space))
            return true;
    size_t factors = 0;
    for (size_t k = 0; k < same->count; k++) {
        const c2s_tie *tie = &n->ties.ties.at[same->at[k]];
        const bool wide = n->ties.spaces.at[tie->space].extent > 1;
        factors += wide;
        alone = wide || !alone ? tie : alone;
    }
    if (factors <= 1 && n->visits[alone->space] < MOST_VISITS) {
        enter(w, s->node, alone->space);
        return true;
    }
    const c2s_tie *best = factors < 2 ? NULL : best_factor(w, s, same, first, force, false);
    if (!best && factors > 1)
        best = best_factor(w, s, same, first, force, true);
    if (best)
        enter(w, s->node, best->space);
    return best != NULL;
}

/* False: the indices of some ties fit none of their spaces. With `force` these are pinned. */
static bool visit(walk *w, const side *s, bool force) {
    const c2s_node_ties *n = &w->index->of[s->node->id];
    const c2s_coupled_axis a = w->c->axes.at[s->axis];
    const c2s_tie_range all = c2s_ties_of_operand(n, s->output, s->slot, a.axis);
    size_t next = 0;
    bool whole = true;
    for (size_t k = 0, end; k < all.count; k = end) {
        const c2s_tie *tie = &n->ties.ties.at[all.at[k]];
        const size_t start = (size_t)tie->start, count = (size_t)tie->count;
        for (end = k + 1; end < all.count && n->ties.ties.at[all.at[end]].start == tie->start;)
            end++;
        if (start > next)
            pin(w, a.first + next, start - next, s->node, reason_of(s->node, n));
        const c2s_tie_range same = {all.at + k, end - k};
        if (!enter_factor(w, s, &same, a.first, force)) {
            whole = false;
            if (force)
                pin(w, a.first + start, count, s->node, "it takes its channels in another order");
        }
        next = start + count > next ? start + count : next;
    }
    if (next < a.extent)
        pin(w, a.first + next, a.extent - next, s->node, reason_of(s->node, n));
    return whole;
}

static void visit_or_wait(walk *w, size_t axis, c2s_node *node, bool output, unsigned slot) {
    const side s = {axis, node, output, slot};
    if (!visit(w, &s, false))
        c2s_vec_push(&w->open, s);
}

static void visit_axis(walk *w, size_t at) {
    const c2s_coupled_axis a = w->c->axes.at[at];
    c2s_value *value = a.value;
    if (a.use)
        return; /* its only node has led here */
    if (value->def == value->graph->entry && !value->constant)
        pin(w, a.first, a.extent, NULL, "an input of the graph has the axis");
    else if (value->def && !value->constant)
        visit_or_wait(w, at, value->def, true, value->def_slot);
    c2s_value_each_use(use, value) {
        if (use->user == value->graph->exit)
            pin(w, a.first, a.extent, NULL, "an output of the graph has the axis");
        else
            visit_or_wait(w, at, use->user, false, use->slot);
    }
}

/* Sides for which no factor was found may have one now that more is united. If none has, the first
 * gets the best one. */
static void settle(walk *w) {
    bool progress = true;
    while ((w->open.count > 0 || w->next_axis < w->c->axes.count) && w->left > 1) {
        while (w->next_axis < w->c->axes.count && w->left > 1)
            visit_axis(w, w->next_axis++);
        size_t left = 0;
        const size_t spaces = w->c->spaces.count;
        for (size_t k = 0; k < w->open.count; k++) {
            const side s = w->open.at[k];
            if (!visit(w, &s, !progress && k == 0) && (progress || k > 0))
                w->open.at[left++] = s;
        }
        w->open.count = left;
        progress = w->c->spaces.count > spaces;
    }
}

/* ---- classes ---- */

static void number_classes(walk *w) {
    c2s_component *c = w->c;
    const size_t atoms = w->atoms.parent.count;
    c2s_vec_reserve(&c->class_of, atoms + 1);
    c->class_of.count = atoms;
    c->classes = c2s_disjoint_sets_number(&w->atoms, c->class_of.at);
    c->pins = c2s_zalloc((c->classes + 1) * sizeof *c->pins);
    for (size_t k = 0; k < w->fixed.count; k++) {
        const fixed *f = &w->fixed.at[k];
        for (size_t i = 0; i < f->count; i++) {
            c2s_pin *p = &c->pins[c->class_of.at[f->first + i]];
            if (!p->reason)
                *p = f->pin;
        }
    }
}

bool c2s_component_of(c2s_tie_index *index, c2s_node *node, unsigned space, c2s_component *out) {
    *out = (c2s_component){0};
    const uint32_t extent = (uint32_t)index->of[node->id].ties.spaces.at[space].extent;
    walk w = {.index = index, .c = out, .seed = extent, .left = extent};
    enter(&w, node, space);
    settle(&w);
    if (w.left > 1)
        number_classes(&w);
    c2s_disjoint_sets_free(&w.atoms);
    c2s_vec_free(&w.fixed);
    c2s_vec_free(&w.open);
    c2s_map_free(&w.axis_at);
    c2s_map_free(&w.space_at);
    return w.left > 1;
}

void c2s_component_free(c2s_component *component) {
    c2s_vec_free(&component->axes);
    c2s_vec_free(&component->spaces);
    c2s_vec_free(&component->class_of);
    free(component->pins);
    *component = (c2s_component){0};
}
