/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/component_groups.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"

typedef struct sorting {
    c2s_prune_groups *out;
    const c2s_component *c;
    size_t first;        /* of the component's groups */
    uint64_t *form;      /* by class: what it meets */
    uint32_t *group_of;  /* by class, beyond `first` */
    uint32_t *unit_of;   /* by class: within its group */
    size_t *start, *end; /* by group: its atoms of an axis or space; end 0: it has none */
    C2S_VEC(size_t) seen;
} sorting;

static uint64_t pin_hash(const c2s_pin *pin) {
    return pin->reason
               ? c2s_hash_mix((uint64_t)(uintptr_t)pin->reason, pin->node ? pin->node->id : 0)
               : 0;
}

static void find_forms(sorting *s) {
    const c2s_component *c = s->c;
    for (size_t k = 0; k < c->spaces.count; k++)
        for (size_t e = 0; e < c->spaces.at[k].extent; e++) {
            uint64_t *form = &s->form[c->class_of.at[c->spaces.at[k].first + e]];
            *form = c2s_hash_mix(*form, k + 1);
        }
    for (size_t k = 0; k < c->classes; k++)
        s->form[k] = c2s_hash_mix(s->form[k], pin_hash(&c->pins[k]));
}

static void number_units(sorting *s) {
    c2s_map group_at = {0};
    for (size_t k = 0; k < s->c->classes; k++) {
        size_t known = (size_t)(uintptr_t)c2s_map_get_u64(&group_at, s->form[k]);
        if (!known) {
            known = s->out->groups.count - s->first + 1;
            c2s_map_put_u64(&group_at, s->form[k], (void *)(uintptr_t)known);
            c2s_vec_push(&s->out->groups, (c2s_prune_group){.pin = s->c->pins[k]});
        }
        s->group_of[k] = (uint32_t)(known - 1);
        s->unit_of[k] = (uint32_t)s->out->groups.at[s->first + known - 1].units++;
    }
    c2s_map_free(&group_at);
}

/* The units of one group among some atoms. Other groups may have atoms there, too. */
static c2s_unit_map units_at(const sorting *s, size_t group, size_t first, size_t extent) {
    const size_t start = s->start[group];
    c2s_unit_map map = {.extent = extent, .start = start, .count = s->end[group] - start};
    uint32_t *units = c2s_arena_array(s->out->arena, map.count, sizeof *units);
    for (size_t i = 0; i < map.count; i++) {
        const uint32_t class = s->c->class_of.at[first + map.start + i];
        units[i] = s->group_of[class] == group ? s->unit_of[class] : C2S_NO_UNIT;
    }
    map.unit_of = units;
    return map;
}

/* Calls of `add` for each group that has atoms there, once. */
static void each_group(sorting *s, size_t first, size_t extent,
                       void (*add)(sorting *, size_t group, size_t number), size_t number) {
    s->seen.count = 0;
    for (size_t i = 0; i < extent; i++) {
        const size_t group = s->group_of[s->c->class_of.at[first + i]];
        if (s->end[group] == 0) {
            c2s_vec_push(&s->seen, group);
            s->start[group] = i;
        }
        s->end[group] = i + 1;
    }
    for (size_t k = 0; k < s->seen.count; k++) {
        add(s, s->seen.at[k], number);
        s->end[s->seen.at[k]] = 0;
    }
}

static void add_axis(sorting *s, size_t group, size_t number) {
    const c2s_coupled_axis *a = &s->c->axes.at[number];
    c2s_prune_group *g = &s->out->groups.at[s->first + group];
    c2s_vec_push(&g->axes, (c2s_group_axis){a->value, a->use, a->axis,
                                            units_at(s, group, a->first, a->extent)});
}

static void add_space(sorting *s, size_t group, size_t number) {
    const c2s_coupled_space *e = &s->c->spaces.at[number];
    c2s_prune_group *g = &s->out->groups.at[s->first + group];
    const c2s_tie_role role = s->out->index.of[e->node->id].ties.spaces.at[e->space].role;
    c2s_vec_push(&g->spaces, (c2s_group_space){e->node, e->space, role,
                                               units_at(s, group, e->first, e->extent)});
}

void c2s_component_groups(c2s_prune_groups *out, const c2s_component *c) {
    sorting s = {.out = out, .c = c, .first = out->groups.count};
    s.form = c2s_zalloc((c->classes + 1) * sizeof *s.form);
    s.group_of = c2s_alloc_array(c->classes + 1, sizeof *s.group_of);
    s.unit_of = c2s_alloc_array(c->classes + 1, sizeof *s.unit_of);
    find_forms(&s);
    number_units(&s);
    const size_t found = out->groups.count - s.first;
    s.start = c2s_alloc_array(found + 1, sizeof *s.start);
    s.end = c2s_zalloc((found + 1) * sizeof *s.end);
    for (size_t k = 0; k < c->axes.count; k++)
        each_group(&s, c->axes.at[k].first, c->axes.at[k].extent, add_axis, k);
    for (size_t k = 0; k < c->spaces.count; k++)
        each_group(&s, c->spaces.at[k].first, c->spaces.at[k].extent, add_space, k);
    c2s_vec_free(&s.seen);
    free(s.start);
    free(s.end);
    free(s.form);
    free(s.group_of);
    free(s.unit_of);
}
