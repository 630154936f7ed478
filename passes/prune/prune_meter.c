/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/prune_meter.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "ir/node_walk.h"

/* A part of the work of a node, or a constant: `base` times what is left of each factor. */
typedef struct item {
    double base, now;
    const c2s_layer_table *table; /* the time at each width; NULL: a product */
    uint32_t first_factor;        /* number from 1 of the first one, chained; 0: none */
} item;

/* A space or an axis. Several groups may remove the same element. */
typedef struct factor {
    uint32_t item, next;
    size_t extent, gone;
    bool summed;     /* a space of the inputs */
    uint16_t *times; /* by element: how many groups have removed it */
} factor;

/* What a unit removes: elements of factors. */
typedef struct element {
    uint32_t factor, index;
} element;

typedef struct group_elements {
    size_t *first; /* by unit, and behind the last */
    element *at;
} group_elements;

struct c2s_prune_meter {
    c2s_arena *arena;
    C2S_VEC(item) items;
    C2S_VEC(factor) factors;
    c2s_map item_at, factor_at;
    group_elements *groups;
    const c2s_node_works *works;
    const c2s_layer_times *times; /* NULL: seconds are not asked for */
    double now;
};

static uint32_t item_of(c2s_prune_meter *m, uint64_t key, double base) {
    const size_t known = (size_t)(uintptr_t)c2s_map_get_u64(&m->item_at, key);
    if (known)
        return (uint32_t)(known - 1);
    c2s_vec_push(&m->items, (item){.base = base, .now = base});
    c2s_map_put_u64(&m->item_at, key, (void *)(uintptr_t)m->items.count);
    return (uint32_t)(m->items.count - 1);
}

static uint32_t factor_of(c2s_prune_meter *m, uint64_t key, uint32_t of, size_t extent) {
    const size_t known = (size_t)(uintptr_t)c2s_map_get_u64(&m->factor_at, key);
    if (known)
        return (uint32_t)(known - 1);
    item *i = &m->items.at[of];
    c2s_vec_push(&m->factors,
                 (factor){.item = of,
                          .next = i->first_factor,
                          .extent = extent,
                          .times = c2s_arena_array(m->arena, extent, sizeof(uint16_t))});
    i->first_factor = (uint32_t)m->factors.count;
    c2s_map_put_u64(&m->factor_at, key, (void *)(uintptr_t)m->factors.count);
    return i->first_factor - 1;
}

/* ---- what units remove ---- */

/* The maps of a group that count, with their factors. */
typedef struct counted {
    const c2s_unit_map *map;
    uint32_t factor;
} counted;
typedef C2S_VEC(counted) counted_maps;

/* Of a node that has a table, or, if seconds are not asked for, of any that computes; how many. */
static const c2s_work_part *work_of(const c2s_prune_meter *m, const c2s_node *node, size_t *count) {
    static const c2s_work_part whole = {.whole = true};
    if (!m->times)
        return c2s_node_work(m->works, node, count);
    *count = c2s_layer_times_of(m->times, node) != NULL;
    return &whole;
}

static uint32_t item_of_part(c2s_prune_meter *m, const c2s_node *node, size_t number,
                             const c2s_work_part *part) {
    const c2s_layer_table *table = m->times ? c2s_layer_times_of(m->times, node) : NULL;
    const uint32_t of = item_of(m, (uint64_t)node->id << 32 | number,
                                table ? c2s_layer_seconds(table, 1, 1) : part->macs);
    m->items.at[of].table = table;
    return of;
}

static void list_spaces(c2s_prune_meter *m, const c2s_tie_index *index, const c2s_prune_group *g,
                        counted_maps *out) {
    for (size_t k = 0; k < g->spaces.count; k++) {
        const c2s_group_space *s = &g->spaces.at[k];
        size_t count;
        const c2s_work_part *parts = work_of(m, s->node, &count);
        for (size_t i = 0; i < count; i++) {
            const uint32_t of = item_of_part(m, s->node, i, &parts[i]);
            const unsigned power = c2s_work_power(&index->of[s->node->id], s->space, &parts[i]);
            for (unsigned time = 0; time < power; time++) {
                const uint64_t key =
                    (uint64_t)s->node->id << 32 | i << 28 | time << 24 | (s->space & 0xffffff);
                const uint32_t by = factor_of(m, key, of, s->map.extent);
                m->factors.at[by].summed = s->role == C2S_TIE_SUM;
                c2s_vec_push(out, (counted){&s->map, by});
            }
        }
    }
}

static void list_axes(c2s_prune_meter *m, const c2s_prune_group *g, counted_maps *out) {
    for (size_t k = 0; k < g->axes.count; k++) {
        const c2s_group_axis *a = &g->axes.at[k];
        const uint64_t key = (uint64_t)a->value->id << 8; /* readers of a vector: as one */
        if (!a->value->constant)
            continue;
        const uint32_t of = item_of(m, key, (double)a->value->constant->count);
        c2s_vec_push(out,
                     (counted){&a->map, factor_of(m, key | (unsigned)a->axis, of, a->map.extent)});
    }
}

static void sort_elements(c2s_prune_meter *m, size_t units, const counted_maps *maps,
                          group_elements *out) {
    out->first = c2s_arena_array(m->arena, units + 2, sizeof *out->first);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t k = 0; k < maps->count; k++) {
            const c2s_unit_map *map = maps->at[k].map;
            for (size_t i = 0; i < map->count; i++) {
                if (map->unit_of[i] == C2S_NO_UNIT)
                    continue;
                if (pass == 0)
                    out->first[map->unit_of[i] + 2]++;
                else
                    out->at[out->first[map->unit_of[i] + 1]++] =
                        (element){maps->at[k].factor, (uint32_t)(map->start + i)};
            }
        }
        for (size_t u = 0; pass == 0 && u < units; u++)
            out->first[u + 2] += out->first[u + 1];
        if (pass == 0)
            out->at = c2s_arena_array(m->arena, out->first[units + 1] + 1, sizeof *out->at);
    }
}

/* Nodes and constants that no group has a part in. */
static void count_rest(c2s_prune_meter *m, const c2s_prune_groups *groups, c2s_meter_unit unit) {
    const c2s_model *model = groups->model;
    for (const c2s_node *n = model->graph->first; n && unit != C2S_METER_PARAMETERS;
         n = c2s_node_walk(model->graph, n)) {
        size_t count;
        const c2s_work_part *parts = work_of(m, n, &count);
        for (size_t i = 0; i < count; i++)
            item_of_part(m, n, i, &parts[i]);
    }
    for (size_t k = 0; k < model->values.count && unit == C2S_METER_PARAMETERS; k++) {
        const c2s_value *value = model->values.at[k];
        if (value && value->constant && value->use_count > 0 && !value->def)
            item_of(m, (uint64_t)value->id << 8, (double)value->constant->count);
    }
}

c2s_prune_meter *c2s_prune_meter_create(const c2s_prune_groups *groups, c2s_meter_unit unit,
                                        const c2s_layer_times *times) {
    c2s_prune_meter *m = c2s_zalloc(sizeof *m);
    m->times = times;
    m->works = &groups->works;
    const size_t count = groups->groups.count;
    m->arena = c2s_arena_create();
    m->groups = c2s_arena_array(m->arena, count + 1, sizeof *m->groups);
    for (size_t k = 0; k < count; k++) {
        const c2s_prune_group *g = &groups->groups.at[k];
        counted_maps maps = {0};
        if (g->pin.reason)
            continue;
        if (unit == C2S_METER_PARAMETERS)
            list_axes(m, g, &maps);
        else
            list_spaces(m, &groups->index, g, &maps);
        sort_elements(m, g->units, &maps, &m->groups[k]);
        c2s_vec_free(&maps);
    }
    count_rest(m, groups, unit);
    for (size_t k = 0; k < m->items.count; k++)
        m->now += m->items.at[k].base;
    return m;
}

void c2s_prune_meter_free(c2s_prune_meter *m) {
    if (!m)
        return;
    c2s_vec_free(&m->items);
    c2s_vec_free(&m->factors);
    c2s_map_free(&m->item_at);
    c2s_map_free(&m->factor_at);
    c2s_arena_destroy(m->arena);
    free(m);
}

double c2s_prune_meter_now(const c2s_prune_meter *m) {
    return m->now;
}

static void weigh(c2s_prune_meter *m, item *of) {
    double outputs = 1, inputs = 1;
    for (uint32_t k = of->first_factor; k; k = m->factors.at[k - 1].next) {
        const factor *f = &m->factors.at[k - 1];
        *(f->summed ? &inputs : &outputs) *= (double)(f->extent - f->gone) / (double)f->extent;
    }
    const double now =
        of->table ? c2s_layer_seconds(of->table, outputs, inputs) : of->base * outputs * inputs;
    m->now += now - of->now;
    of->now = now;
}

void c2s_prune_meter_move(c2s_prune_meter *m, size_t group, size_t unit, bool back) {
    const group_elements *g = &m->groups[group];
    for (size_t k = g->first[unit]; k < g->first[unit + 1]; k++) {
        factor *f = &m->factors.at[g->at[k].factor];
        uint16_t *times = &f->times[g->at[k].index];
        const bool first = *times == (back ? 1 : 0);
        *times = (uint16_t)(back ? *times - 1 : *times + 1);
        if (!first)
            continue;
        f->gone += back ? (size_t)-1 : 1;
        weigh(m, &m->items.at[f->item]);
    }
}
