/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/pruning.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ir/node_walk.h"
#include "passes/constants.h"

/* ---- before and after ---- */

static void lift_constant(c2s_node *node) {
    c2s_value *value = node->outputs[0];
    if (!c2s_node_is(node, "Constant") || !value || !value->constant)
        return;
    c2s_value_replace(
        value, c2s_value_constant(node->graph, value->name, c2s_tensor_ref(value->constant)));
}

static void give_bias(c2s_pruning *p, c2s_node *node) {
    c2s_linear_site site;
    c2s_tensor *zeros;
    if (c2s_linear_site_of(node, &site) || node->op == &c2s_op_matmul || c2s_node_in(node, 2) ||
        !site.weight->constant || site.weight->type.dtype != C2S_FLOAT)
        return;
    const int64_t channels = (int64_t)(site.groups * site.n);
    if (c2s_tensor_create(C2S_FLOAT, 1, &channels, &zeros) != C2S_OK)
        return; /* then its moments are not centred */
    memset(c2s_tensor_mutable(zeros), 0, c2s_tensor_size(zeros));
    if (node->formal_count < 3)
        c2s_node_resize_inputs(node, 3);
    c2s_use_set(&node->inputs[2], c2s_value_constant(node->graph, "bias", zeros));
    c2s_vec_push(&p->given_bias, node);
}

/* Weights that a body alone reads become its own. */
static void take_constants(c2s_graph *body) {
    const unsigned slot = c2s_graph_hidden_slot(body);
    for (unsigned k = body->formal_inputs; k < body->entry->output_count; k++) {
        const c2s_value *outer = body->owner->inputs[slot + k - body->formal_inputs].value;
        c2s_value *capture = body->entry->outputs[k];
        if (capture && capture->constant && !outer->def && outer->use_count == 1)
            c2s_value_replace(capture, c2s_value_constant(body, capture->name,
                                                          c2s_tensor_ref(capture->constant)));
    }
}

void c2s_pruning_prepare(c2s_pruning *p) {
    const c2s_graph *graph = p->model->graph;
    for (c2s_node *node = graph->first; node; node = c2s_node_walk(graph, node)) {
        c2s_graph *body;
        lift_constant(node);
        for (unsigned b = 0; (body = c2s_node_body(node, b)) != NULL; b++)
            take_constants(body);
    }
    for (c2s_node *node = graph->first; node && (p->refit || p->by_laws);
         node = c2s_node_walk(graph, node))
        give_bias(p, node);
    if (p->by_laws)
        c2s_channel_laws_find(graph, &p->laws);
    p->first = c2s_model_copy(p->model);
}

void c2s_pruning_tidy(c2s_pruning *p) {
    for (size_t k = 0; k < p->given_bias.count; k++) {
        c2s_node *node = p->given_bias.at[k];
        if (c2s_constant_is_all(c2s_node_in(node, 2), 0)) {
            c2s_use_set(&node->inputs[2], NULL);
            c2s_node_trim_inputs(node);
        }
    }
}

static const c2s_tensor *constant_of(const c2s_node *node, unsigned slot) {
    return c2s_node_in(node, slot)->constant;
}

/* Both models have the same nodes in the same order. */
static void look_back(c2s_pruning *p) {
    const c2s_graph *graph = p->model->graph;
    const c2s_node *first = p->first->graph->first;
    p->same = c2s_zalloc((p->model->nodes.count + 1) * sizeof *p->same);
    for (const c2s_node *n = graph->first; n; n = c2s_node_walk(graph, n)) {
        p->same[n->id] = first;
        first = c2s_node_walk(p->first->graph, first);
    }
    p->before = c2s_zalloc((p->readers.at.count + 1) * sizeof *p->before);
    for (size_t k = 0; k < p->readers.at.count; k++) {
        const c2s_reader *r = &p->readers.at.at[k];
        c2s_map_put(&p->reader_of, r->node, (void *)(uintptr_t)(k + 1));
        c2s_map_put(&p->reader_of, p->same[r->node->id], (void *)(uintptr_t)(k + 1));
        p->before[k] = (c2s_reader_first){
            .weight = constant_of(p->same[r->node->id], 1),
            .bias = r->bias_node ? constant_of(p->same[r->bias_node->id], r->bias_slot) : NULL,
            .removed = c2s_zalloc(r->site.k + 1)};
    }
}

void c2s_pruning_open(c2s_pruning *p) {
    const size_t count = p->groups.groups.count;
    c2s_readers_find(&p->groups, &p->readers);
    look_back(p);
    p->chosen = c2s_zalloc((count + 1) * sizeof *p->chosen);
    p->orders = c2s_zalloc((count + 1) * sizeof *p->orders);
    p->counts = c2s_zalloc((count + 1) * sizeof *p->counts);
    p->removed = c2s_zalloc((count + 1) * sizeof *p->removed);
    p->worth = c2s_zalloc((count + 1) * sizeof *p->worth);
    p->grams = c2s_zalloc((p->readers.at.count + 1) * sizeof *p->grams);
}

void c2s_pruning_close(c2s_pruning *p) {
    for (size_t k = 0; k < p->groups.groups.count; k++) {
        c2s_unit_order_free(&p->orders[k]);
        free(p->removed[k]);
    }
    for (size_t k = 0; k < p->readers.at.count; k++) {
        free(p->before[k].removed);
        c2s_gram_unref(p->grams[k]);
    }
    free(p->grams);
    free(p->before);
    free(p->same);
    free(p->chosen);
    free(p->orders);
    free(p->counts);
    free(p->removed);
    free(p->worth);
    c2s_channel_laws_free(&p->laws);
    c2s_quality_close(p->outputs);
    c2s_layer_times_free(p->times);
    c2s_vec_free(&p->given_bias);
    c2s_map_free(&p->reader_of);
    c2s_readers_free(&p->readers);
    c2s_prune_groups_free(&p->groups);
    c2s_model_destroy(p->first);
}

void c2s_pruning_mark_rows(c2s_pruning *p, size_t group, const bool *removed) {
    const c2s_group_readers *of = &p->readers.groups[group];
    for (size_t i = 0; i < of->at.count; i++) {
        const c2s_unit_map *map = of->at.at[i].map;
        const c2s_reader *reader = &p->readers.at.at[of->at.at[i].reader];
        bool *elements = c2s_zalloc(map->extent + 1);
        c2s_unit_map_mark(map, removed, elements);
        for (size_t row = 0; row < reader->site.k; row++)
            p->before[of->at.at[i].reader].removed[row] |= elements[row / reader->kernel];
        free(elements);
    }
}

size_t c2s_pruning_reader(const c2s_pruning *p, const c2s_node *node) {
    return (size_t)(uintptr_t)c2s_map_get(&p->reader_of, node) - 1;
}
