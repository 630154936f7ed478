/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/value_match.h"

#include <string.h>

#include "base/map.h"
#include "ir/graph_digest.h"
#include "ops/op.h"

/* A model: of each value, by id. */
typedef struct side {
    const c2s_graph *graph; /* that is matched now: the main one, or a body */
    const c2s_value **partner;
    uint64_t *hash; /* of how it is computed, from matched values on */
} side;

typedef struct matching {
    side x, y;
    c2s_map number; /* of pairs, the same on both sides, and of what stands for them in bodies */
    uintptr_t last_number;
    bool *by_name; /* by id of values of x */
} matching;

static bool is_quantizer(const c2s_node *node) {
    return c2s_node_is(node, "QuantizeLinear") || c2s_node_is(node, "DequantizeLinear");
}

static bool is_comparable(const c2s_value *value) {
    return value && value->def && value->def != value->graph->entry && !value->constant &&
           c2s_type_is_tensor(&value->type) && c2s_dtype_is_float(value->type.dtype);
}

static void pair_up(side *x, side *y, const c2s_value *a, const c2s_value *b) {
    x->partner[a->id] = b;
    y->partner[b->id] = a;
}

/* ---- by name ---- */

static uint64_t hash_name(const char *name) {
    return c2s_hash_bytes(name, strlen(name), 0);
}

static void add_names(const c2s_graph *graph, c2s_map *names) {
    for (const c2s_node *node = graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count; k++)
            if (is_comparable(node->outputs[k])) {
                c2s_map_put_u64(names, hash_name(node->outputs[k]->name), node->outputs[k]);
            }
}

static void match_names(side *x, side *y) {
    c2s_map names = {0};
    add_names(y->graph, &names);
    for (const c2s_node *node = x->graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count; k++) {
            const c2s_value *a = node->outputs[k];
            if (!is_comparable(a))
                continue;
            const c2s_value *b = c2s_map_get_u64(&names, hash_name(a->name));
            if (b && strcmp(a->name, b->name) == 0)
                pair_up(x, y, a, b);
        }
    c2s_map_free(&names);
}

/* The names of outputs belong to the interface: the value behind one may have another. Bodies have
 * none that matter, so that a pass may have taken one away. */
static void match_outputs(side *x, side *y) {
    const unsigned count = c2s_graph_output_count(x->graph);
    if (x->graph->owner && count != c2s_graph_output_count(y->graph))
        return;
    for (unsigned k = 0; k < count && k < c2s_graph_output_count(y->graph); k++) {
        const c2s_value *a = c2s_graph_output(x->graph, k), *b = c2s_graph_output(y->graph, k);
        if (is_comparable(a) && is_comparable(b) && !x->partner[a->id] && !y->partner[b->id])
            pair_up(x, y, a, b);
    }
}

/* ---- by structure ---- */

/* What a node computes, but for its operands. Constants of the two models may differ by design. */
static uint64_t hash_operator(const c2s_node *node) {
    uint64_t hash = c2s_hash_bytes(node->type, strlen(node->type), 1);
    hash = c2s_hash_bytes(node->domain, strlen(node->domain), hash);
    uint64_t attributes = 0; /* in any order */
    for (unsigned i = 0; i < node->attr_count; i++)
        attributes += c2s_attr_hash(&node->attrs[i]);
    return c2s_hash_mix(hash, attributes);
}

static uint64_t hash_constant(const c2s_value *value) {
    const c2s_tensor *t = value->constant;
    uint64_t hash = 2;
    for (int i = 0; i < t->type.rank; i++)
        hash = c2s_hash_mix(hash, (uint64_t)t->type.dim[i]);
    return hash;
}

static uint64_t hash_value(const side *s, const c2s_value *value, const c2s_map *number) {
    if (!value)
        return 3;
    if (value->constant)
        return hash_constant(value);
    const void *pair = c2s_map_get(number, value);
    if (pair)
        return c2s_hash_mix(4, (uint64_t)(uintptr_t)pair);
    if (value->def == s->graph->entry)
        return c2s_hash_bytes(value->name, strlen(value->name), 5);
    return s->hash[value->id];
}

static void hash_graph(side *s, const c2s_map *number) {
    for (const c2s_node *node = s->graph->first; node; node = node->next) {
        uint64_t hash = 0;
        if (is_quantizer(node)) {
            hash = hash_value(s, c2s_node_in(node, 0), number);
        } else {
            hash = hash_operator(node);
            for (unsigned k = 0; k < node->input_count; k++)
                hash = c2s_hash_mix(hash, hash_value(s, node->inputs[k].value, number));
        }
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k])
                s->hash[node->outputs[k]->id] =
                    is_quantizer(node) ? hash : c2s_hash_mix(hash, k + 6);
    }
}

typedef C2S_VEC(const c2s_value *) value_list;

/* Values that have no partner, by their hash: a list of each in the order of the graph. */
static void add_unmatched(const side *s, c2s_map *lists) {
    for (const c2s_node *node = s->graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count && !is_quantizer(node); k++) {
            const c2s_value *value = node->outputs[k];
            if (!is_comparable(value) || s->partner[value->id])
                continue;
            value_list *list = c2s_map_get_u64(lists, s->hash[value->id]);
            if (!list) {
                list = c2s_zalloc(sizeof *list);
                c2s_map_put_u64(lists, s->hash[value->id], list);
            }
            c2s_vec_push(list, value);
        }
}

static void free_lists(c2s_map *lists) {
    for (size_t i = 0; i < lists->capacity; i++)
        if (lists->slots[i].used) {
            value_list *list = lists->slots[i].value;
            c2s_vec_free(list);
            free(list);
        }
    c2s_map_free(lists);
}

/* Values that are computed alike match one by one if there are as many on both sides. */
static void match_structure(side *x, side *y) {
    c2s_map of_x = {0}, of_y = {0};
    add_unmatched(x, &of_x);
    add_unmatched(y, &of_y);
    for (size_t i = 0; i < of_x.capacity; i++) {
        const value_list *a = of_x.slots[i].used ? of_x.slots[i].value : NULL;
        const value_list *b = a ? c2s_map_get_u64(&of_y, of_x.slots[i].key) : NULL;
        for (size_t k = 0; b && a->count == b->count && k < a->count; k++)
            pair_up(x, y, a->at[k], b->at[k]);
    }
    free_lists(&of_x);
    free_lists(&of_y);
}

/* Pairs get numbers, which stand for them in the hashes of both sides. */
static void number_pairs(matching *m) {
    for (const c2s_node *node = m->x.graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count; k++) {
            const c2s_value *a = node->outputs[k];
            if (!a || !m->x.partner[a->id] || c2s_map_get(&m->number, a))
                continue;
            m->last_number++;
            c2s_map_put(&m->number, a, (void *)m->last_number);
            c2s_map_put(&m->number, m->x.partner[a->id], (void *)m->last_number);
        }
}

/* ---- bodies ---- */

static void match_graphs(matching *m, const c2s_graph *a, const c2s_graph *b);

/* What a body captures has the number of what it is outside. */
static void number_captures(matching *m, const c2s_graph *body) {
    const unsigned count = body->entry->output_count - body->formal_inputs;
    const unsigned slot = count ? c2s_graph_hidden_slot(body) : 0;
    for (unsigned j = 0; j < count; j++) {
        void *number = c2s_map_get(&m->number, body->owner->inputs[slot + j].value);
        if (number)
            c2s_map_put(&m->number, body->entry->outputs[body->formal_inputs + j], number);
    }
}

static void number_inputs(matching *m, const c2s_graph *a, const c2s_graph *b) {
    number_captures(m, a);
    number_captures(m, b);
    for (unsigned k = 0; a->formal_inputs == b->formal_inputs && k < a->formal_inputs; k++) {
        m->last_number++;
        c2s_map_put(&m->number, a->entry->outputs[k], (void *)m->last_number);
        c2s_map_put(&m->number, b->entry->outputs[k], (void *)m->last_number);
    }
}

/* Bodies are told by the attribute that holds them. */
static void match_bodies_of(matching *m, const c2s_node *a, const c2s_node *b) {
    for (unsigned i = 0; i < a->attr_count; i++) {
        if (a->attrs[i].kind != C2S_ATTR_GRAPH)
            continue;
        const c2s_graph *body = c2s_attr_graph(b, a->attrs[i].name);
        if (!body)
            continue;
        number_inputs(m, a->attrs[i].g, body);
        match_graphs(m, a->attrs[i].g, body);
    }
}

/* By a value that both make, or by the name of one. */
static c2s_node *owner_like(const matching *m, const c2s_node *a, const c2s_map *by_output_name) {
    for (unsigned k = 0; k < a->output_count; k++) {
        const c2s_value *value = a->outputs[k];
        const c2s_value *partner = value ? m->x.partner[value->id] : NULL;
        c2s_node *b = !value    ? NULL
                      : partner ? partner->def
                                : c2s_map_get_u64(by_output_name, hash_name(value->name));
        if (b && b->body_attrs && strcmp(a->type, b->type) == 0)
            return b;
    }
    return NULL;
}

static void match_bodies(matching *m) {
    const c2s_graph *a = m->x.graph, *b = m->y.graph;
    c2s_map by_output_name = {0}, taken = {0};
    for (c2s_node *node = b->first; node; node = node->next)
        for (unsigned k = 0; node->body_attrs && k < node->output_count; k++)
            if (node->outputs[k])
                c2s_map_put_u64(&by_output_name, hash_name(node->outputs[k]->name), node);
    for (const c2s_node *node = a->first; node; node = node->next) {
        c2s_node *like = node->body_attrs ? owner_like(m, node, &by_output_name) : NULL;
        if (!like || c2s_map_get(&taken, like))
            continue;
        c2s_map_put(&taken, like, like);
        match_bodies_of(m, node, like);
    }
    c2s_map_free(&by_output_name);
    c2s_map_free(&taken);
}

/* ---- all ---- */

static void match_graphs(matching *m, const c2s_graph *a, const c2s_graph *b) {
    const c2s_graph *around_a = m->x.graph, *around_b = m->y.graph;
    m->x.graph = a;
    m->y.graph = b;
    match_names(&m->x, &m->y);
    match_outputs(&m->x, &m->y);
    for (const c2s_node *node = a->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count; k++) {
            const c2s_value *value = node->outputs[k];
            const c2s_value *partner = value ? m->x.partner[value->id] : NULL;
            if (partner) /* outputs of a body match without */
                m->by_name[value->id] = !a->owner || strcmp(value->name, partner->name) == 0;
        }
    number_pairs(m);
    hash_graph(&m->x, &m->number);
    hash_graph(&m->y, &m->number);
    match_structure(&m->x, &m->y);
    number_pairs(m);
    match_bodies(m);
    m->x.graph = around_a;
    m->y.graph = around_b;
}

/* In the order in which they are computed: what a body computes before what comes out of it. */
static void list_pairs(const matching *m, const c2s_graph *graph, c2s_value_pairs *out) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        const c2s_graph *body;
        for (unsigned i = 0; (body = c2s_node_body(node, i)) != NULL; i++)
            list_pairs(m, body, out);
        for (unsigned k = 0; k < node->output_count; k++) {
            const c2s_value *value = node->outputs[k];
            if (value && m->x.partner[value->id])
                c2s_vec_push(
                    out, ((c2s_value_pair){value, m->x.partner[value->id], m->by_name[value->id]}));
        }
    }
}

static side open_side(const c2s_graph *graph) {
    const size_t count = graph->model->values.count + 1;
    side s = {.graph = graph};
    s.partner = c2s_zalloc(count * sizeof *s.partner);
    s.hash = c2s_zalloc(count * sizeof *s.hash);
    return s;
}

static void close_side(side *s) {
    free(s->partner);
    free(s->hash);
}

void c2s_values_match(const c2s_graph *a, const c2s_graph *b, c2s_value_pairs *out) {
    matching m = {.x = open_side(a), .y = open_side(b)};
    m.by_name = c2s_zalloc(a->model->values.count + 1);
    match_graphs(&m, a, b);
    list_pairs(&m, a, out);
    c2s_map_free(&m.number);
    free(m.by_name);
    close_side(&m.x);
    close_side(&m.y);
}
