/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/readers.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "ir/node_walk.h"

static bool is_bias(const c2s_value *value, size_t outputs) {
    return c2s_is_output_vector(value, outputs) && value->type.dtype == C2S_FLOAT;
}

/* The Add that alone reads a product and adds a constant vector. */
static void find_added(c2s_reader *r) {
    const c2s_value *y = r->node->outputs[0];
    c2s_node *next = y->use_count == 1 ? y->uses->user : NULL;
    if (!next || !c2s_node_is(next, "Add"))
        return;
    const unsigned slot = 1 - y->uses->slot;
    if (!is_bias(next->inputs[slot].value, r->site.n))
        return;
    r->bias_node = next;
    r->bias_slot = slot;
}

/* [directions, 2 * gates * hidden] */
static void find_cell_bias(c2s_reader *r) {
    enum { B = 3 };
    const c2s_value *bias = c2s_node_in(r->node, B);
    const c2s_type *w = &r->site.weight->type;
    if (!bias || !bias->constant || bias->type.dtype != C2S_FLOAT || bias->type.rank != 2 ||
        bias->type.dim[0] != w->dim[0] || bias->type.dim[1] != 2 * w->dim[1])
        return;
    r->bias_node = r->node;
    r->bias_slot = B;
    r->bias_block = (size_t)w->dim[1];
}

static void find_bias(c2s_reader *r) {
    const c2s_value *bias = c2s_node_in(r->node, 2);
    if (c2s_node_is_recurrent(r->node)) {
        find_cell_bias(r);
    } else if (r->node->op == &c2s_op_matmul) {
        find_added(r);
    } else if (is_bias(bias, r->site.groups * r->site.n) &&
               c2s_attr_float(r->node, "alpha", 1) == 1 &&
               c2s_attr_float(r->node, "beta", 1) == 1) {
        r->bias_node = r->node;
        r->bias_slot = 2;
    }
}

static bool is_site(c2s_node *node, c2s_reader *r) {
    const c2s_value *weight = c2s_node_in(node, 1);
    *r = (c2s_reader){.node = node};
    return !c2s_linear_reader_of(node, &r->site) && weight->constant && weight->use_count == 1 &&
           !weight->def && weight->type.dtype == C2S_FLOAT;
}

bool c2s_reader_of(c2s_node *node, c2s_reader *out) {
    if (c2s_node_is_recurrent(node) || !is_site(node, out))
        return false;
    find_bias(out);
    return true;
}

/* The space sums over rows of its weight. */
static bool is_reader(const c2s_group_space *s, c2s_reader *r) {
    if (s->role != C2S_TIE_SUM || !is_site(s->node, r) || r->site.k % s->map.extent != 0)
        return false;
    r->kernel = r->site.k / s->map.extent;
    return true;
}

/* `number_of`: from node to number of the reader, from 1. */
static void find_readers(c2s_readers *out, c2s_map *number_of, const c2s_prune_group *g,
                         c2s_group_readers *of) {
    for (size_t k = 0; k < g->spaces.count; k++) {
        const c2s_group_space *s = &g->spaces.at[k];
        c2s_reader r;
        if (!is_reader(s, &r)) {
            const bool cell = s->role == C2S_TIE_MIX && c2s_node_is_recurrent(s->node);
            of->cells |= cell;
            of->others |= s->role != C2S_TIE_KEEP && !cell;
            continue;
        }
        size_t number = (size_t)(uintptr_t)c2s_map_get(number_of, s->node);
        if (!number) {
            c2s_vec_push(&out->at, r);
            number = out->at.count;
            c2s_map_put(number_of, s->node, (void *)(uintptr_t)number);
        }
        c2s_vec_push(&of->at, (c2s_group_reader){number - 1, &s->map});
    }
}

/* Depthwise convolutions, and what reads no group. */
static void find_others(c2s_readers *out, c2s_map *number_of, c2s_graph *graph) {
    c2s_reader r;
    for (c2s_node *n = graph->first; n; n = c2s_node_walk(graph, n)) {
        if (c2s_map_get(number_of, n) || !is_site(n, &r))
            continue;
        c2s_vec_push(&out->at, r);
        c2s_map_put(number_of, n, (void *)(uintptr_t)out->at.count);
    }
}

/* Numbers readers anew, in the order of the nodes. */
static void order_readers(c2s_readers *out, const c2s_map *number_of, const c2s_graph *graph) {
    size_t *place = c2s_alloc_array(out->at.count + 1, sizeof *place), count = 0;
    c2s_reader *ordered = c2s_alloc_array(out->at.count + 1, sizeof *ordered);
    for (c2s_node *n = graph->first; n; n = c2s_node_walk(graph, n)) {
        const size_t number = (size_t)(uintptr_t)c2s_map_get(number_of, n);
        if (!number)
            continue;
        place[number - 1] = count;
        ordered[count] = out->at.at[number - 1];
        find_bias(&ordered[count++]);
    }
    for (size_t k = 0; k < count; k++)
        out->at.at[k] = ordered[k];
    for (size_t k = 0; k < out->group_count; k++)
        for (size_t i = 0; i < out->groups[k].at.count; i++)
            out->groups[k].at.at[i].reader = place[out->groups[k].at.at[i].reader];
    free(place);
    free(ordered);
}

void c2s_readers_find(const c2s_prune_groups *groups, c2s_readers *out) {
    c2s_map number_of = {0};
    *out = (c2s_readers){.group_count = groups->groups.count};
    out->groups = c2s_zalloc((out->group_count + 1) * sizeof *out->groups);
    for (size_t k = 0; k < out->group_count; k++)
        if (!groups->groups.at[k].pin.reason)
            find_readers(out, &number_of, &groups->groups.at[k], &out->groups[k]);
    find_others(out, &number_of, groups->model->graph);
    order_readers(out, &number_of, groups->model->graph);
    c2s_map_free(&number_of);
}

void c2s_reader_write(c2s_node *node, unsigned slot, c2s_tensor *tensor) {
    c2s_use *use = &node->inputs[slot];
    if (use->value->use_count == 1 && !use->value->def)
        c2s_value_set_constant(use->value, tensor);
    else
        c2s_use_set(use, c2s_value_constant(node->graph, use->value->name, c2s_tensor_ref(tensor)));
}

void c2s_readers_free(c2s_readers *readers) {
    for (size_t k = 0; k < readers->group_count; k++)
        c2s_vec_free(&readers->groups[k].at);
    free(readers->groups);
    c2s_vec_free(&readers->at);
    *readers = (c2s_readers){0};
}
