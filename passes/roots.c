/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/roots.h"

#include "ops/op.h"

static bool has_opset_of(const c2s_function *function, const c2s_model *model) {
    const int64_t version = c2s_model_opset(model, "");
    for (size_t i = 0; i < function->opsets.count; i++)
        if (!function->opsets.at[i].domain[0])
            return function->opsets.at[i].version == version;
    return false;
}

void c2s_roots_list(const c2s_model *model, c2s_graph_list *roots) {
    c2s_vec_push(roots, model->graph);
    for (size_t i = 0; i < model->functions.count; i++)
        if (has_opset_of(model->functions.at[i], model))
            c2s_vec_push(roots, model->functions.at[i]->graph);
}

void c2s_roots_list_deep(const c2s_model *model, c2s_graph_list *graphs) {
    c2s_graph_list roots = {0};
    c2s_roots_list(model, &roots);
    for (size_t i = 0; i < roots.count; i++)
        c2s_graph_list_add(graphs, roots.at[i]);
    c2s_vec_free(&roots);
}

c2s_status c2s_roots_infer(c2s_model *model) {
    c2s_graph_list roots = {0};
    c2s_roots_list(model, &roots);
    for (size_t i = 1; i < roots.count; i++)
        (void)c2s_graph_infer(roots.at[i]);
    c2s_vec_free(&roots);
    return c2s_graph_infer(model->graph);
}

c2s_status c2s_roots_rewrite(c2s_model *model, const c2s_rule *const *rules, c2s_stats *stats) {
    c2s_graph_list roots = {0};
    c2s_status status = C2S_OK;
    c2s_roots_list(model, &roots);
    for (size_t i = 0; i < roots.count && status == C2S_OK; i++)
        status = c2s_rewrite(roots.at[i], rules, stats);
    c2s_vec_free(&roots);
    return status;
}

unsigned c2s_roots_sweep(c2s_model *model) {
    c2s_graph_list roots = {0};
    unsigned removed = 0;
    c2s_roots_list(model, &roots);
    for (size_t i = 0; i < roots.count; i++)
        removed += c2s_graph_sweep(roots.at[i]);
    c2s_vec_free(&roots);
    return removed;
}
