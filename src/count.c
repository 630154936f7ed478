/* SPDX-License-Identifier: Apache-2.0 */
#include "count.h"

#include <stdlib.h>
#include <string.h>

#include "eval/concrete.h"
#include "eval/random_inputs.h"
#include "io/normalise.h"
#include "io/save.h"
#include "ir/clone.h"
#include "ir/graph_list.h"
#include "ops/op.h"

/* ---- content ---- */

static void count_graph(const c2s_graph *graph, c2s_counts *counts) {
    const bool function = c2s_graph_is_function(graph);
    counts->nodes += graph->node_count;
    for (size_t i = 0; i < graph->initializers.count; i++) {
        const c2s_value *value = graph->initializers.at[i];
        counts->nodes += value && function; /* which become Constant nodes in the file */
        if (value && value->constant)
            counts->parameters += value->constant->count;
    }
    for (unsigned i = 0; i < graph->formal_inputs; i++)
        if (graph->entry->outputs[i]->initial)
            counts->parameters += graph->entry->outputs[i]->initial->count;
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (c2s_node_is(node, "Constant") && node->output_count == 1 && node->outputs[0] &&
            node->outputs[0]->constant)
            counts->parameters += node->outputs[0]->constant->count;
}

c2s_status c2s_count_content(c2s_model *model, c2s_counts *counts) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < model->functions.count; i++)
        c2s_graph_list_add(&graphs, model->functions.at[i]->graph);
    counts->nodes = counts->parameters = 0;
    for (size_t i = 0; i < graphs.count; i++)
        count_graph(graphs.at[i], counts);
    c2s_vec_free(&graphs);
    return c2s_model_file_size(model, &counts->bytes);
}

/* ---- cost ---- */

static uint64_t value_bytes(const c2s_value *value) {
    const c2s_type *type = &value->type;
    if (type->kind != C2S_KIND_TENSOR || type->rank < 0)
        return 0;
    size_t count = 1, bytes;
    for (int i = 0; i < type->rank; i++)
        if (c2s_dim_is_known(type->dim[i]) && !c2s_mul_size(count, (size_t)type->dim[i], &count))
            return 0;
    return c2s_dtype_size(type->dtype, count, &bytes) ? bytes : 0;
}

typedef struct liveness {
    const c2s_value **root; /* by value id: whose memory it is; NULL: no activation */
    unsigned *left;         /* by value id of a root: uses still to come */
    uint64_t now, peak;
} liveness;

static void start_value(liveness *live, const c2s_value *value, const c2s_value *root) {
    if (value->constant)
        return;
    live->root[value->id] = root;
    live->left[root->id] += value->use_count;
    if (root == value) {
        live->now += value_bytes(value);
        live->peak = live->now > live->peak ? live->now : live->peak;
    }
}

static void end_use(liveness *live, const c2s_value *value, unsigned uses) {
    const c2s_value *root = value ? live->root[value->id] : NULL;
    if (!root)
        return;
    live->left[root->id] -= uses;
    if (live->left[root->id] == 0)
        live->now -= value_bytes(root);
}

static uint64_t peak_activations(const c2s_graph *graph) {
    size_t count = graph->model->values.count + 1;
    liveness live = {.root = c2s_zalloc(count * sizeof *live.root),
                     .left = c2s_zalloc(count * sizeof *live.left)};
    for (unsigned i = 0; i < graph->entry->output_count; i++)
        start_value(&live, graph->entry->outputs[i], graph->entry->outputs[i]);
    for (const c2s_node *node = graph->first; node; node = node->next) {
        const c2s_value *viewed = c2s_node_in(node, 0);
        bool view = (node->op->flags & C2S_OP_KEEPS_ORDER) && viewed && live.root[viewed->id];
        for (unsigned i = 0; i < node->output_count; i++)
            if (node->outputs[i])
                start_value(&live, node->outputs[i],
                            view && i == 0 ? live.root[viewed->id] : node->outputs[i]);
        for (unsigned i = 0; i < node->input_count; i++)
            end_use(&live, node->inputs[i].value, 1);
        for (unsigned i = 0; i < node->output_count; i++)
            if (node->outputs[i] && !node->outputs[i]->uses)
                end_use(&live, node->outputs[i], 0);
    }
    free(live.root);
    free(live.left);
    return live.peak;
}

static const c2s_type *extents_of(const c2s_extents *extents, const char *name) {
    for (unsigned k = 0; k < extents->count; k++)
        if (strcmp(extents->name[k], name) == 0)
            return &extents->type[k];
    return NULL;
}

/* Gives every value of the main graph its type for these inputs; what a caller may leave out has
 * the value that the model gives it. */
static void make_concrete(c2s_graph *graph, const c2s_extents *extents) {
    c2s_graph_seal_inputs(graph);
    unsigned inputs = c2s_graph_input_count(graph);
    c2s_type *types = c2s_alloc_array(inputs + 1u, sizeof *types);
    for (unsigned k = 0; k < inputs; k++) {
        const c2s_type *chosen = extents_of(extents, c2s_graph_input(graph, k)->name);
        /* What containers hold belongs to the model that the extents were chosen for. */
        types[k] = chosen && !chosen->element ? *chosen : c2s_graph_input(graph, k)->type;
    }
    c2s_concrete_apply(graph, types);
    free(types);
}

void c2s_count_cost(const c2s_model *model, const c2s_extents *extents, c2s_counts *counts) {
    c2s_model *copy = c2s_model_copy(model);
    if (c2s_model_inline(copy, 0) != C2S_OK)
        c2s_error_clear(); /* the calls that are left count as nothing */
    make_concrete(copy->graph, extents);
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, copy->graph);
    counts->macs = 0;
    for (size_t i = 0; i < graphs.count; i++)
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next)
            if (node->op->macs)
                counts->macs += (uint64_t)node->op->macs(node);
    c2s_vec_free(&graphs);
    counts->peak_activation_bytes = peak_activations(copy->graph);
    c2s_model_destroy(copy);
}

void c2s_count_node_macs(const c2s_model *model, const c2s_extents *extents, uint64_t *macs) {
    c2s_model *copy = c2s_model_copy(model);
    make_concrete(copy->graph, extents);
    for (const c2s_node *node = copy->graph->first; node; node = node->next)
        *macs++ = node->op->macs ? (uint64_t)node->op->macs(node) : 0;
    c2s_model_destroy(copy);
}

c2s_status c2s_extents_choose(const c2s_model *model, const c2s_dim_binding *dims,
                              unsigned dim_count, c2s_extents *out) {
    const c2s_graph *graph = model->graph;
    c2s_random_options random = {.dims = dims, .dim_count = dim_count};
    *out = (c2s_extents){.arena = c2s_arena_create(), .count = c2s_graph_input_count(graph)};
    out->name = c2s_arena_array(out->arena, out->count, sizeof *out->name);
    out->type = c2s_arena_array(out->arena, out->count, sizeof *out->type);
    for (unsigned k = 0; k < out->count; k++)
        out->name[k] = c2s_arena_strdup(out->arena, c2s_graph_input(graph, k)->name);
    c2s_status status = c2s_random_types(graph, &random, out->type);
    if (status != C2S_OK)
        c2s_extents_free(out);
    return status;
}

void c2s_extents_free(c2s_extents *extents) {
    c2s_arena_destroy(extents->arena);
    *extents = (c2s_extents){0};
}

c2s_status c2s_model_count(c2s_model *model, c2s_counts *counts) {
    *counts = (c2s_counts){0};
    C2S_TRY(c2s_count_content(model, counts));
    c2s_model *copy = c2s_model_copy(model);
    c2s_extents extents;
    c2s_status status = c2s_model_normalise(copy);
    if (status == C2S_OK)
        status = c2s_graph_infer(copy->graph);
    if (status == C2S_OK)
        status = c2s_extents_choose(copy, NULL, 0, &extents);
    if (status == C2S_OK) {
        c2s_count_cost(copy, &extents, counts);
        c2s_extents_free(&extents);
    }
    c2s_model_destroy(copy);
    return status;
}
