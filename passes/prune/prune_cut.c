/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/prune_cut.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

/* An axis of a value or constant operand, with what all groups together remove of it. */
typedef struct lost_axis {
    c2s_value *value;
    c2s_use *use;
    int axis;
    size_t extent;
    bool *gone;
} lost_axis;

/* What a node loses. */
typedef struct lost_node {
    c2s_node *node;
    bool **removed; /* [space][element]; NULL: none */
} lost_node;

typedef struct cut {
    c2s_prune_groups *groups;
    c2s_arena *arena;
    C2S_VEC(lost_axis) axes; /* those of one value or operand behind one another */
    C2S_VEC(lost_node) nodes;
    c2s_map axis_at, node_at;
    c2s_map same; /* from constant and what it loses to what is left */
} cut;

/* ---- what goes ---- */

static bool any_of(const bool *flags, size_t count) {
    return count > 0 && memchr(flags, true, count) != NULL;
}

static bool *axis_gone(cut *c, const c2s_group_axis *a) {
    const uint64_t key = c2s_axis_key(a->value, a->use, a->axis);
    size_t at = (size_t)(uintptr_t)c2s_map_get_u64(&c->axis_at, key);
    if (!at) {
        c2s_vec_push(&c->axes, (lost_axis){a->value, a->use, a->axis, a->map.extent,
                                           c2s_arena_alloc(c->arena, a->map.extent + 1)});
        at = c->axes.count;
        c2s_map_put_u64(&c->axis_at, key, (void *)(uintptr_t)at);
    }
    return c->axes.at[at - 1].gone;
}

static bool *space_gone(cut *c, const c2s_group_space *s) {
    const c2s_ties *t = &c->groups->index.of[s->node->id].ties;
    size_t at = (size_t)(uintptr_t)c2s_map_get(&c->node_at, s->node);
    if (!at) {
        bool **removed = c2s_arena_array(c->arena, t->spaces.count + 1, sizeof *removed);
        c2s_vec_push(&c->nodes, (lost_node){s->node, removed});
        at = c->nodes.count;
        c2s_map_put(&c->node_at, s->node, (void *)(uintptr_t)at);
    }
    bool **of = &c->nodes.at[at - 1].removed[s->space];
    if (!*of)
        *of = c2s_arena_alloc(c->arena, s->map.extent + 1);
    return *of;
}

static c2s_status gather(cut *c, const bool *const *removed) {
    for (size_t k = 0; k < c->groups->groups.count; k++) {
        const c2s_prune_group *g = &c->groups->groups.at[k];
        char why[512];
        if (!removed[k] || !any_of(removed[k], g->units))
            continue;
        if (g->pin.reason)
            return c2s_fail(C2S_ERR_USAGE, "group \"%s\" is pinned: %s", g->name,
                            c2s_pin_text(&g->pin, why, sizeof why));
        for (size_t i = 0; i < g->axes.count; i++)
            c2s_unit_map_mark(&g->axes.at[i].map, removed[k], axis_gone(c, &g->axes.at[i]));
        for (size_t i = 0; i < g->spaces.count; i++)
            c2s_unit_map_mark(&g->spaces.at[i].map, removed[k], space_gone(c, &g->spaces.at[i]));
    }
    for (size_t k = 0; k < c->axes.count; k++)
        if (memchr(c->axes.at[k].gone, false, c->axes.at[k].extent) == NULL)
            return c2s_fail(C2S_ERR_USAGE, "nothing would be left of axis %d of \"%s\"",
                            c->axes.at[k].axis, c->axes.at[k].value->name);
    return C2S_OK;
}

/* ---- constants ---- */

static int compare_axes(const void *x, const void *y) {
    const lost_axis *a = x, *b = y;
    if (a->value != b->value)
        return a->value->id < b->value->id ? -1 : 1;
    if (a->use != b->use) {
        if (!a->use || !b->use)
            return !a->use ? -1 : 1;
        if (a->use->user != b->use->user)
            return a->use->user->id < b->use->user->id ? -1 : 1;
        return a->use->slot < b->use->slot ? -1 : 1;
    }
    return (a->axis > b->axis) - (a->axis < b->axis);
}

static size_t end_of_value(const cut *c, size_t first) {
    size_t end = first + 1;
    while (end < c->axes.count && c->axes.at[end].value == c->axes.at[first].value &&
           c->axes.at[end].use == c->axes.at[first].use)
        end++;
    return end;
}

/* What an operand is now: vectors that were shared may have been replaced since. */
static c2s_value *current(const lost_axis *a) {
    return a->use ? a->use->value : a->value;
}

static c2s_status shorten(const cut *c, size_t first, size_t end, c2s_tensor **out) {
    c2s_tensor *now = c2s_tensor_ref(current(&c->axes.at[first])->constant);
    c2s_status status = C2S_OK;
    for (size_t k = first; k < end && status == C2S_OK; k++) {
        c2s_tensor *less = NULL;
        if (!any_of(c->axes.at[k].gone, c->axes.at[k].extent))
            continue;
        status = c2s_tensor_drop(now, c->axes.at[k].axis, c->axes.at[k].gone, &less);
        c2s_tensor_unref(now);
        now = less;
    }
    *out = now;
    return status;
}

/* All uses of the constant, or the one that is cut alone, get what is left of it. Where an equal
 * one was cut in the same way, that serves both. */
static c2s_status cut_constant(cut *c, size_t first, size_t end) {
    c2s_value *value = current(&c->axes.at[first]);
    c2s_use *use = c->axes.at[first].use;
    uint64_t key = c2s_hash_mix(value->id, (uint64_t)(uintptr_t)value->graph);
    for (size_t k = first; k < end; k++)
        key = c2s_hash_bytes(c->axes.at[k].gone, c->axes.at[k].extent,
                             c2s_hash_mix(key, (uint64_t)c->axes.at[k].axis));
    c2s_value *known = c2s_map_get_u64(&c->same, key);
    if (known && use) {
        c2s_use_set(use, known);
        return C2S_OK;
    }
    c2s_tensor *tensor;
    C2S_TRY(shorten(c, first, end, &tensor));
    if (!value->def && (!use || value->use_count == 1)) {
        c2s_value_set_constant(value, tensor);
        c2s_value_set_type(value, &tensor->type);
        c2s_tensor_unref(tensor);
        return C2S_OK;
    }
    c2s_value *less = c2s_value_constant(value->graph, value->name, tensor);
    if (use) {
        c2s_use_set(use, less);
        c2s_map_put_u64(&c->same, key, less);
    } else {
        c2s_value_replace(value, less);
    }
    return C2S_OK;
}

static void shrink_type(const cut *c, size_t first, size_t end) {
    c2s_value *value = c->axes.at[first].value;
    c2s_type type = value->type;
    for (size_t k = first; k < end; k++)
        for (size_t i = 0; i < c->axes.at[k].extent; i++)
            type.dim[c->axes.at[k].axis] -= c->axes.at[k].gone[i];
    c2s_value_set_type(value, &type);
}

static c2s_status cut_values(cut *c) {
    if (c->axes.count > 0)
        qsort(c->axes.at, c->axes.count, sizeof *c->axes.at, compare_axes);
    for (size_t first = 0, end; first < c->axes.count; first = end) {
        end = end_of_value(c, first);
        bool loses = false;
        for (size_t k = first; k < end; k++)
            loses |= any_of(c->axes.at[k].gone, c->axes.at[k].extent);
        if (!loses)
            continue;
        if (current(&c->axes.at[first])->constant)
            C2S_TRY(cut_constant(c, first, end));
        else
            shrink_type(c, first, end);
    }
    return C2S_OK;
}

/* ---- nodes ---- */

static c2s_status refit_nodes(const cut *c) {
    for (size_t k = 0; k < c->nodes.count; k++) {
        const lost_node *n = &c->nodes.at[k];
        C2S_TRY(c2s_node_refit(&(c2s_refit){n->node, &c->groups->index.of[n->node->id].ties,
                                            (const bool *const *)n->removed}));
    }
    return C2S_OK;
}

static void close_cut(cut *c) {
    c2s_vec_free(&c->axes);
    c2s_vec_free(&c->nodes);
    c2s_map_free(&c->axis_at);
    c2s_map_free(&c->node_at);
    c2s_map_free(&c->same);
    c2s_arena_destroy(c->arena);
}

bool c2s_prune_removes_any(const c2s_prune_groups *groups, const bool *const *removed) {
    for (size_t k = 0; k < groups->groups.count; k++)
        if (removed[k] && any_of(removed[k], groups->groups.at[k].units))
            return true;
    return false;
}

c2s_status c2s_prune_cut(c2s_prune_groups *groups, const bool *const *removed) {
    if (!c2s_prune_removes_any(groups, removed))
        return C2S_OK;
    cut c = {.groups = groups, .arena = c2s_arena_create()};
    c2s_status status = gather(&c, removed);
    if (status == C2S_OK)
        status = cut_values(&c);
    if (status == C2S_OK)
        status = refit_nodes(&c);
    close_cut(&c);
    if (status == C2S_OK)
        status = c2s_graph_infer(groups->model->graph);
    if (status == C2S_OK)
        c2s_graph_sweep(groups->model->graph);
    return status == C2S_OK ? c2s_model_verify(groups->model) : status;
}
