/* SPDX-License-Identifier: Apache-2.0
 *
 * Which nodes of the graph are layers of the job, and what they cost on a sample.
 */
#include <string.h>

#include "base/log.h"
#include "eval/random_feed.h"
#include "passes/lowrank/lowrank_job.h"

/* ---- which ---- */

static bool is_candidate(const c2s_node *node) {
    return node->op == &c2s_op_matmul || node->op == &c2s_op_gemm || node->op == &c2s_op_conv ||
           node->op == &c2s_op_gather || c2s_node_is_recurrent(node);
}

bool c2s_lowrank_is_named(c2s_lowrank_job *j, const c2s_node *node) {
    const bool excluded = c2s_name_filter_names(&j->exclude, node);
    const bool included =
        c2s_name_filter_names(&j->include, node) || j->include.patterns.count == 0;
    return included && !excluded;
}

static c2s_status list_layers(c2s_lowrank_job *j) {
    for (c2s_node *node = j->model->graph->first; node; node = node->next) {
        c2s_lowrank_item item = {.weight = 1, .effect = 1, .readers = 1, .chosen = C2S_RANK_AS_IS};
        if (!c2s_lowrank_is_named(j, node) || !is_candidate(node))
            continue;
        const char *reason = c2s_lowrank_layer_of(node, &item.layer);
        if (reason && node->op == &c2s_op_gather)
            continue;
        if (reason) {
            c2s_stats_refuse(j->stats, C2S_LOWRANK_KIND, c2s_node_text(node), reason);
            continue;
        }
        if (c2s_stats_skips(j->stats, C2S_LOWRANK_KIND, c2s_node_text(node)))
            continue;
        if (c2s_node_is_recurrent(node))
            c2s_log(
                1, "lowrank: %s: its recurrent matrix stays, the operator has no place for factors",
                c2s_node_text(node));
        item.counted = item.layer.site;
        item.parameters = (double)item.layer.site.weight->constant->count;
        c2s_vec_push(&j->plan.items, item);
    }
    c2s_lowrank_tie_layers(j);
    C2S_TRY(c2s_name_filter_check(&j->include, "include"));
    return c2s_name_filter_check(&j->exclude, "exclude");
}

/* ---- what a sample has ---- */

static c2s_status observe(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    c2s_type *types = user;
    types[value->id] = tensor->type;
    return C2S_OK;
}

/* Rows of outputs for an input like this; 0: not known, or nothing is multiplied. The window is
 * resolved. */
static double rows_for(const c2s_lowrank_layer *layer, const c2s_type *x, c2s_window *window) {
    const c2s_linear_site *site = &layer->site;
    double elements = 1;
    if (x->kind != C2S_KIND_TENSOR || layer->node->op == &c2s_op_gather)
        return 0;
    for (int a = 0; a < x->rank; a++)
        elements *= (double)x->dim[a];
    if (!site->is_conv)
        return elements / (double)site->k;
    if (x->rank != site->window.rank + 2 || c2s_window_resolve(window, x->dim + 2) != C2S_OK)
        return 0;
    return (double)x->dim[0] * (double)c2s_window_out_size(window);
}

/* `types`: by value id. */
static void count_rows(c2s_lowrank_item *item, const c2s_type *types) {
    const c2s_linear_site *site = &item->layer.site;
    item->input = types[site->input->id];
    const double own = rows_for(&item->layer, &item->input, &item->counted.window);
    item->rows = own;
    for (size_t t = 0; t < item->layer.tied_count; t++) {
        const c2s_lowrank_layer *other = &item->layer.tied[t];
        c2s_window window = other->site.window;
        item->rows += rows_for(other, &types[other->site.input->id], &window);
    }
    item->readers = own > 0 ? item->rows / own : (double)(1 + item->layer.tied_count);
    item->macs = item->rows * (double)site->groups * (double)site->k * (double)site->n;
}

/* Runs the first sample, or a random one. `types`: by value id. */
static c2s_status run_sample(c2s_lowrank_job *j, c2s_type *types) {
    c2s_graph *graph = j->model->graph;
    const c2s_evaluator *e = j->context->evaluator;
    c2s_eval_options eval = j->context->eval;
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_feed *random = NULL;
    const c2s_feed *feed = j->context->feed;
    c2s_session *session = NULL;
    if (!feed || feed->count == 0) {
        C2S_TRY(c2s_random_feed_open(graph, e, &j->context->eval, j->context->seed, &random));
        feed = random;
    }
    bool *wanted = c2s_zalloc(j->model->values.count + 1);
    c2s_tensor **in = c2s_zalloc((inputs + outputs + 1u) * sizeof(c2s_tensor *));
    for (size_t i = 0; i < j->plan.items.count; i++) {
        const c2s_lowrank_layer *layer = &j->plan.items.at[i].layer;
        wanted[layer->site.input->id] = true;
        for (size_t t = 0; t < layer->tied_count; t++)
            wanted[layer->tied[t].site.input->id] = true;
    }
    eval.observe = observe;
    eval.observe_user = types;
    eval.observe_value = wanted;
    c2s_status status = feed->get(feed, graph, 0, in);
    if (status == C2S_OK)
        status = e->open(graph, &eval, &session);
    if (status == C2S_OK)
        status = e->run(session, (const c2s_tensor *const *)in, in + inputs);
    if (session)
        e->close(session);
    for (unsigned k = 0; k < inputs + outputs; k++)
        c2s_tensor_unref(in[k]);
    free(in);
    free(wanted);
    c2s_random_feed_close(random);
    return status;
}

static c2s_status count_work(c2s_lowrank_job *j) {
    c2s_type *types = c2s_zalloc((j->model->values.count + 1) * sizeof *types);
    c2s_status status = run_sample(j, types);
    for (size_t i = 0; i < j->plan.items.count && status == C2S_OK; i++)
        count_rows(&j->plan.items.at[i], types);
    free(types);
    if (status == C2S_OK || status == C2S_ERR_MEMORY || j->plan.unit != C2S_LOWRANK_PARAMETERS)
        return status;
    c2s_log(0, "lowrank: the model does not run, so chains are not timed: %s", c2s_error());
    return C2S_OK;
}

c2s_status c2s_lowrank_find_layers(c2s_lowrank_job *j) {
    C2S_TRY(c2s_lowrank_tie_turned(j));
    C2S_TRY(list_layers(j));
    return j->plan.items.count > 0 ? count_work(j) : C2S_OK;
}
