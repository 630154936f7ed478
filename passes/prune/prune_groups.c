/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/prune_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "passes/prune/component_groups.h"
#include "passes/prune/describe_group.h"

/* ---- names ---- */

/* Names that groups have in common get a number. */
static void name_groups(c2s_prune_groups *all) {
    c2s_map taken = {0};
    for (size_t k = 0; k < all->groups.count; k++) {
        c2s_prune_group *g = &all->groups.at[k];
        const char *name = c2s_node_name(g->maker);
        const uint64_t key = c2s_hash_bytes(name, strlen(name), 1);
        const size_t before = (size_t)(uintptr_t)c2s_map_get_u64(&taken, key);
        c2s_map_put_u64(&taken, key, (void *)(uintptr_t)(before + 1));
        if (before) {
            const size_t size = strlen(name) + 24;
            char *numbered = c2s_arena_alloc(all->arena, size);
            snprintf(numbered, size, "%s#%zu", name, before + 1);
            name = numbered;
        }
        g->name = name;
    }
    c2s_map_free(&taken);
}

/* ---- all groups ---- */

/* Nodes by id: their place in the lists, bodies behind their owners. */
static void number_nodes(const c2s_graph *graph, size_t *next, size_t *order) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        order[node->id] = (*next)++;
        for (unsigned b = 0; c2s_node_body(node, b); b++)
            number_nodes(c2s_node_body(node, b), next, order);
    }
}

typedef struct placed_space {
    size_t place;
    c2s_group_space space;
} placed_space;

static int compare_places(const void *a, const void *b) {
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static void order_spaces(c2s_prune_group *g, const size_t *order) {
    placed_space *placed = c2s_alloc_array(g->spaces.count + 1, sizeof *placed);
    for (size_t k = 0; k < g->spaces.count; k++) {
        const c2s_group_space *s = &g->spaces.at[k];
        placed[k] = (placed_space){order[s->node->id] * 64 + (s->space & 63), *s};
    }
    qsort(placed, g->spaces.count, sizeof *placed, compare_places);
    for (size_t k = 0; k < g->spaces.count; k++)
        g->spaces.at[k] = placed[k].space;
    free(placed);
}

static bool has_weights(const c2s_prune_group *g) {
    for (size_t k = 0; k < g->axes.count; k++)
        if (c2s_holds_weights(g->axes.at[k].value))
            return true;
    return false;
}

static void free_group(c2s_prune_group *g) {
    c2s_vec_free(&g->axes);
    c2s_vec_free(&g->spaces);
}

/* Completes the groups from `first` on and drops those that nobody needs to know of. */
static void finish(c2s_prune_groups *all, size_t first, const size_t *order) {
    size_t count = first;
    for (size_t k = first; k < all->groups.count; k++) {
        c2s_prune_group *g = &all->groups.at[k];
        if (!has_weights(g) || g->spaces.count == 0 || g->units < 2) {
            free_group(g);
            continue;
        }
        order_spaces(g, order);
        c2s_describe_group(&all->index, &all->works, g);
        g->graph = g->maker->graph;
        all->groups.at[count++] = *g;
    }
    all->groups.count = count;
}

/* Does the space share indices of an axis with another one? */
static bool is_factor(const c2s_node_ties *n, unsigned space) {
    const c2s_tie_range ties = c2s_ties_of_space(n, space);
    for (size_t k = 0; k < ties.count; k++) {
        const c2s_tie *mine = &n->ties.ties.at[ties.at[k]];
        const c2s_tie_range same = c2s_ties_beside(n, mine);
        for (size_t i = 0; i < same.count; i++) {
            const c2s_tie *other = &n->ties.ties.at[same.at[i]];
            if (other->space != space && n->ties.spaces.at[other->space].extent > 1)
                return true;
        }
    }
    return false;
}

static bool ties_constant(const c2s_node *node, const c2s_node_ties *n, unsigned space) {
    const c2s_tie_range ties = c2s_ties_of_space(n, space);
    for (size_t k = 0; k < ties.count; k++) {
        const c2s_tie *tie = &n->ties.ties.at[ties.at[k]];
        if (!tie->output && node->inputs[tie->slot].value->constant)
            return true;
    }
    return false;
}

/* Factors of axes first: what they lead to includes the spaces that have no choice. */
static void walk_graph(c2s_prune_groups *all, c2s_graph *graph, bool factors, const size_t *order) {
    for (c2s_node *node = graph->first; node; node = node->next) {
        const c2s_node_ties *n = &all->index.of[node->id];
        for (unsigned space = 0; space < n->ties.spaces.count; space++) {
            c2s_component component;
            if (n->ties.spaces.at[space].extent < 2 || n->visits[space] > 0 ||
                !(factors ? is_factor(n, space) : ties_constant(node, n, space)))
                continue;
            const size_t first = all->groups.count;
            if (c2s_component_of(&all->index, node, space, &component)) {
                c2s_component_groups(all, &component);
                finish(all, first, order);
            }
            c2s_component_free(&component);
        }
        for (unsigned b = 0; c2s_node_body(node, b); b++)
            walk_graph(all, c2s_node_body(node, b), factors, order);
    }
}

typedef struct placed_group {
    size_t place;
    c2s_prune_group group;
} placed_group;

/* In the order of their makers, pinned ones behind others. */
static void order_groups(c2s_prune_groups *all, const size_t *order) {
    placed_group *placed = c2s_alloc_array(all->groups.count + 1, sizeof *placed);
    /* qsort need not be stable: the place in the list decides among groups of one maker. */
    for (size_t k = 0; k < all->groups.count; k++) {
        const c2s_prune_group *g = &all->groups.at[k];
        const size_t of_maker = order[g->maker->id] * 2 + (g->pin.reason != NULL);
        placed[k] = (placed_group){of_maker * (all->groups.count + 1) + k, *g};
    }
    qsort(placed, all->groups.count, sizeof *placed, compare_places);
    for (size_t k = 0; k < all->groups.count; k++)
        all->groups.at[k] = placed[k].group;
    free(placed);
}

void c2s_prune_groups_find(c2s_model *model, c2s_prune_groups *out) {
    *out = (c2s_prune_groups){.model = model, .arena = c2s_arena_create()};
    size_t *order = c2s_zalloc((model->nodes.count + 1) * sizeof *order), next = 0;
    number_nodes(model->graph, &next, order);
    c2s_tie_index_create(model, &out->index);
    c2s_node_works_find(model, &out->works);
    walk_graph(out, model->graph, true, order);
    walk_graph(out, model->graph, false, order);
    order_groups(out, order);
    name_groups(out);
    free(order);
}

void c2s_prune_groups_free(c2s_prune_groups *groups) {
    for (size_t k = 0; k < groups->groups.count; k++)
        free_group(&groups->groups.at[k]);
    c2s_vec_free(&groups->groups);
    c2s_tie_index_free(&groups->index);
    c2s_node_works_free(&groups->works);
    c2s_arena_destroy(groups->arena);
    *groups = (c2s_prune_groups){0};
}

bool c2s_holds_weights(const c2s_value *value) {
    return value && value->constant && value->type.dtype != C2S_BOOL &&
           (c2s_dtype_is_float(value->type.dtype) || c2s_dtype_bits(value->type.dtype) <= 8);
}

void c2s_unit_map_mark(const c2s_unit_map *map, const bool *removed, bool *gone) {
    for (size_t i = 0; i < map->count; i++)
        if (map->unit_of[i] != C2S_NO_UNIT && removed[map->unit_of[i]])
            gone[map->start + i] = true;
}

const char *c2s_pin_text(const c2s_pin *pin, char *buffer, size_t size) {
    snprintf(buffer, size, "%s%s%s", pin->node ? c2s_node_text(pin->node) : "",
             pin->node ? ": " : "", pin->reason ? pin->reason : "");
    return buffer;
}
