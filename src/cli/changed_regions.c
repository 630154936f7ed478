/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/changed_regions.h"

#include <stdlib.h>
#include <string.h>

#include "base/disjoint_sets.h"
#include "base/map.h"

/* Both graphs, their nodes numbered: those of the first, then those of the second. */
typedef struct finder {
    const c2s_graph *graph[2];
    c2s_map of_name[2]; /* hash of a value's name -> value */
    c2s_map number;     /* node -> its number + 1, of changed nodes */
    cli_nodes nodes;    /* the changed ones, by number */
    size_t before_count;
    c2s_disjoint_sets sets;
} finder;

static uint64_t hash_name(const char *name) {
    return c2s_hash_bytes(name, strlen(name), 0);
}

static void add_names(const c2s_graph *graph, c2s_map *names) {
    for (const c2s_node *node = graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k])
                c2s_map_put_u64(names, hash_name(node->outputs[k]->name), node->outputs[k]);
}

static const c2s_value *value_of_name(const finder *f, int side, const c2s_value *value) {
    const c2s_value *found = c2s_map_get_u64(&f->of_name[side], hash_name(value->name));
    return found && strcmp(found->name, value->name) == 0 ? found : NULL;
}

static bool is_same_operand(const c2s_value *x, const c2s_value *y) {
    if (!x || !y)
        return x == y;
    if (x->constant && y->constant)
        return x->constant == y->constant || c2s_tensor_equal(x->constant, y->constant);
    return !x->constant && !y->constant && strcmp(x->name, y->name) == 0;
}

/* The same operator makes the same value from as many operands, of the same names where those are
 * computed, too, and of the same numbers where they are constants. */
static bool is_kept(const finder *f, const c2s_node *node, int other) {
    const c2s_value *out = c2s_node_out(node, 0);
    const c2s_value *partner = out ? value_of_name(f, other, out) : NULL;
    if (!partner || strcmp(partner->def->type, node->type) != 0 ||
        strcmp(partner->def->domain, node->domain) != 0 ||
        partner->def->input_count != node->input_count)
        return false;
    for (unsigned k = 0; k < node->input_count; k++)
        if (!is_same_operand(node->inputs[k].value, partner->def->inputs[k].value))
            return false;
    return true;
}

static void add_changed(finder *f, int side) {
    for (const c2s_node *node = f->graph[side]->first; node; node = node->next)
        if (!c2s_node_is(node, "Constant") && !is_kept(f, node, !side)) {
            c2s_vec_push(&f->nodes, node);
            c2s_map_put(&f->number, node, (void *)(uintptr_t)f->nodes.count);
        }
}

static void unite(finder *f, size_t a, const c2s_node *node) {
    const uintptr_t b = node ? (uintptr_t)c2s_map_get(&f->number, node) : 0;
    if (b)
        c2s_disjoint_sets_unite(&f->sets, a, b - 1);
}

/* With who makes its operands, and with who makes values of the same names in the other graph. */
static void unite_neighbours(finder *f, size_t k) {
    const c2s_node *node = f->nodes.at[k];
    const int other = k < f->before_count;
    for (unsigned i = 0; i < node->input_count; i++)
        if (node->inputs[i].value)
            unite(f, k, node->inputs[i].value->def);
    for (unsigned i = 0; i < node->output_count; i++) {
        const c2s_value *partner =
            node->outputs[i] ? value_of_name(f, other, node->outputs[i]) : NULL;
        unite(f, k, partner ? partner->def : NULL);
    }
}

static uint64_t hash_nodes(const cli_nodes *nodes, uint64_t hash) {
    for (size_t i = 0; i < nodes->count; i++)
        hash = c2s_hash_bytes(nodes->at[i]->type, strlen(nodes->at[i]->type), hash);
    return c2s_hash_mix(hash, nodes->count);
}

static int larger(const void *x, const void *y) {
    const cli_region *a = x, *b = y;
    const size_t p = a->before.count + a->after.count, q = b->before.count + b->after.count;
    if (p != q)
        return p > q ? -1 : 1;
    const cli_nodes *m = a->before.count ? &a->before : &a->after;
    const cli_nodes *n = b->before.count ? &b->before : &b->after;
    return (m->at[0]->id > n->at[0]->id) - (m->at[0]->id < n->at[0]->id);
}

static void free_region(cli_region *r) {
    c2s_vec_free(&r->before);
    c2s_vec_free(&r->after);
}

static void merge_alike(cli_regions *regions) {
    c2s_map seen = {0};
    size_t kept = 0;
    for (size_t i = 0; i < regions->count; i++) {
        cli_region *r = &regions->at[i];
        const uint64_t hash = hash_nodes(&r->after, hash_nodes(&r->before, 1));
        const uintptr_t first = (uintptr_t)c2s_map_get_u64(&seen, hash);
        if (first) {
            regions->at[first - 1].alike++;
            free_region(r);
            continue;
        }
        c2s_map_put_u64(&seen, hash, (void *)(uintptr_t)(kept + 1));
        regions->at[kept++] = *r;
    }
    regions->count = kept;
    c2s_map_free(&seen);
}

static void collect(finder *f, cli_regions *out) {
    uint32_t *set_of = c2s_alloc_array(f->nodes.count + 1, sizeof *set_of);
    const size_t sets = c2s_disjoint_sets_number(&f->sets, set_of);
    for (size_t k = 0; k < sets; k++)
        c2s_vec_push(out, ((cli_region){.alike = 1}));
    for (size_t k = 0; k < f->nodes.count; k++) {
        cli_region *r = &out->at[set_of[k]];
        c2s_vec_push(k < f->before_count ? &r->before : &r->after, f->nodes.at[k]);
    }
    free(set_of);
    if (out->count > 0)
        qsort(out->at, out->count, sizeof *out->at, larger);
    merge_alike(out);
}

void cli_regions_find(const c2s_graph *before, const c2s_graph *after, cli_regions *out) {
    finder f = {.graph = {before, after}};
    add_names(before, &f.of_name[0]);
    add_names(after, &f.of_name[1]);
    add_changed(&f, 0);
    f.before_count = f.nodes.count;
    add_changed(&f, 1);
    c2s_disjoint_sets_add(&f.sets, f.nodes.count);
    for (size_t k = 0; k < f.nodes.count; k++)
        unite_neighbours(&f, k);
    collect(&f, out);
    c2s_disjoint_sets_free(&f.sets);
    c2s_vec_free(&f.nodes);
    c2s_map_free(&f.number);
    c2s_map_free(&f.of_name[0]);
    c2s_map_free(&f.of_name[1]);
}

void cli_regions_free(cli_regions *regions) {
    for (size_t i = 0; i < regions->count; i++)
        free_region(&regions->at[i]);
    c2s_vec_free(regions);
}
