/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_aims.h"

#include <stdlib.h>
#include <string.h>

#include "passes/measure/linear_site.h"
#include "passes/quant/logits.h"

/* What all inner values together count beside each output. */
#define INNER_WEIGHT 4
/* Rows of scores have so many elements at least. */
enum { LEAST_CLASSES = 2 };

/* ---- what is fitted ---- */

static void add_parameter(c2s_lowrank_aims *a, c2s_node *node, unsigned slot, int axis) {
    const c2s_value *value = c2s_node_in(node, slot);
    if (value && value->constant && !value->initial && value->use_count == 1 &&
        value->type.dtype == C2S_FLOAT && value->constant->count > 0)
        c2s_vec_push(&a->parameters, ((c2s_joint_parameter){node, slot, false, axis}));
}

static void find_parameters(const c2s_graph *graph, c2s_lowrank_aims *a) {
    for (c2s_node *node = graph->first; node; node = node->next) {
        c2s_linear_site site;
        if (node->op == &c2s_op_gather && c2s_node_in(node, 0) &&
            c2s_node_in(node, 0)->type.rank == 2 && c2s_attr_int(node, "axis", 0) == 0)
            add_parameter(a, node, 0, 1);
        if (c2s_linear_site_of(node, &site))
            continue;
        add_parameter(a, node, 1, site.n_step >= site.k ? 0 : site.weight->type.rank - 1);
        if (node->op != &c2s_op_matmul)
            add_parameter(a, node, 2, -1);
    }
}

/* ---- what comes out ---- */

static bool has_scores(const c2s_value *value) {
    const c2s_type *type = &value->type;
    return type->rank > 1 && type->dim[type->rank - 1] >= LEAST_CLASSES;
}

/* In front of a last Softmax; where rows may be scores of classes, these count as such as well. */
static void find_outputs(const c2s_graph *graph, const c2s_graph *first, c2s_lowrank_aims *a) {
    for (unsigned k = 0; k < c2s_graph_output_count(graph); k++) {
        const c2s_node *now = c2s_logits_softmax(graph, k), *was = c2s_logits_softmax(first, k);
        const bool both = now && was;
        const c2s_value *value = both ? now->inputs[0].value : graph->exit->inputs[k].value;
        const c2s_value *same = both ? was->inputs[0].value : first->exit->inputs[k].value;
        if (!value->def || value->def == graph->entry || value->type.dtype != C2S_FLOAT)
            continue;
        c2s_joint_point q = {.value = value, .same = same, .weight = 1, .axis = -1};
        c2s_vec_push(&a->points, q);
        q.scores = true;
        if (has_scores(value))
            c2s_vec_push(&a->points, q);
    }
}

/* NULL: the first model has no value of that name, or it is none to compare with. */
static const c2s_value *same_in(const c2s_graph *first, const c2s_value *value) {
    for (const c2s_node *node = first->first; node; node = node->next) {
        const c2s_value *same = node->outputs[0];
        if (same && strcmp(same->name, value->name) == 0)
            return node->op == value->def->op && c2s_type_equal(&same->type, &value->type) ? same
                                                                                           : NULL;
    }
    return NULL;
}

static bool is_point(const c2s_lowrank_aims *a, const c2s_value *value) {
    for (size_t k = 0; k < a->points.count; k++)
        if (a->points.at[k].value == value)
            return true;
    return false;
}

/* What layers read. */
static void find_inner(const c2s_graph *graph, const c2s_graph *first, c2s_lowrank_aims *a) {
    a->outputs = a->points.count;
    for (c2s_node *node = graph->first; node; node = node->next) {
        c2s_linear_site site;
        if (c2s_linear_site_of(node, &site))
            continue;
        const c2s_value *value = site.input;
        const bool inner = value->def && value->def != graph->entry && !value->constant &&
                           value->type.dtype == C2S_FLOAT && !is_point(a, value);
        const c2s_value *same = inner ? same_in(first, value) : NULL;
        if (same)
            c2s_vec_push(&a->points,
                         ((c2s_joint_point){
                             .value = value, .same = same, .weight = INNER_WEIGHT, .axis = -1}));
    }
    for (size_t k = a->outputs; k < a->points.count; k++)
        a->points.at[k].weight /= (double)(a->points.count - a->outputs);
}

/* ---- parameters that are kept ---- */

static c2s_value *value_of(const c2s_joint_parameter *q) {
    return c2s_node_in(q->node, q->slot);
}

c2s_tensor **c2s_lowrank_aims_hold(const c2s_lowrank_aims *a) {
    c2s_tensor **held = c2s_zalloc((a->parameters.count + 1) * sizeof *held);
    for (size_t k = 0; k < a->parameters.count; k++)
        held[k] = c2s_tensor_ref(value_of(&a->parameters.at[k])->constant);
    return held;
}

void c2s_lowrank_aims_restore(const c2s_lowrank_aims *a, c2s_tensor *const *held) {
    for (size_t k = 0; k < a->parameters.count; k++)
        c2s_value_set_constant(value_of(&a->parameters.at[k]), held[k]);
}

void c2s_lowrank_aims_drop(const c2s_lowrank_aims *a, c2s_tensor **held) {
    for (size_t k = 0; k < a->parameters.count; k++)
        c2s_tensor_unref(held[k]);
    free(held);
}

/* ---- all ---- */

void c2s_lowrank_aims_find(const c2s_graph *graph, const c2s_graph *first, c2s_lowrank_aims *out) {
    *out = (c2s_lowrank_aims){.outputs = 0};
    find_parameters(graph, out);
    find_outputs(graph, first, out);
    find_inner(graph, first, out);
}

void c2s_lowrank_aims_close(c2s_lowrank_aims *a) {
    c2s_vec_free(&a->parameters);
    c2s_vec_free(&a->points);
}
