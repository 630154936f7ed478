/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: operators on floats
 * After:  those that the target computes on integers stand between DequantizeLinear and
 *         QuantizeLinear, their weights and biases are codes
 * Leaves alone what the target does not compute on integers, or not faster.
 */
#include "base/log.h"
#include "eval/random_feed.h"
#include "ir/graph_list.h"
#include "ir/swap.h"
#include "passes/quant/quantizing.h"

static const char kind[] = "quantize-node";

/* ---- placing ---- */

static const char *ask(void *user, const c2s_node *node) {
    c2s_quantizing *j = user;
    const char **why = &j->vetoed[node->id];
    if (j->stats->rewrites + j->asked >= j->stats->limit)
        *why = "the limit of rewrites is reached";
    else if (c2s_stats_skips(j->stats, kind, c2s_node_text(node)))
        *why = "left out on request";
    else
        j->asked++;
    return *why;
}

static c2s_placement_options placement_options(c2s_quantizing *j) {
    return (c2s_placement_options){.target = j->target,
                                   .activations = j->activations,
                                   .weights = j->weights,
                                   .wide = j->wide,
                                   .per_channel = j->per_channel,
                                   .vnni = j->vnni,
                                   .force = j->force,
                                   .include = &j->include,
                                   .exclude = &j->exclude,
                                   .veto = ask,
                                   .user = j};
}

static c2s_status place(c2s_quantizing *j) {
    const c2s_placement_options o = placement_options(j);
    j->vetoed = c2s_zalloc((j->model->nodes.count + 1) * sizeof *j->vetoed);
    return c2s_placement_make(j->model->graph, &o, &j->placement);
}

/* Next to something that is quantized, people ask why a node is not. */
static bool is_asked_about(const c2s_placement *p, const c2s_node *node) {
    const c2s_placed_node *n = &p->nodes[node->id];
    bool asked = n->row || n->rule.kind == C2S_QUANT_LINEAR;
    for (unsigned k = 0; k < node->formal_count && !asked; k++)
        asked = node->inputs[k].value && p->values[node->inputs[k].value->id].role;
    for (unsigned k = 0; k < node->output_count && !asked; k++)
        asked = node->outputs[k] && p->values[node->outputs[k]->id].role;
    return asked && n->reason && n->rule.kind != C2S_QUANT_NONE;
}

/* Values in bodies are not observed, and have no ranges. */
static void report_bodies(c2s_quantizing *j, const c2s_graph *graph) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, (c2s_graph *)graph);
    for (size_t i = 1; i < graphs.count; i++)
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next) {
            if (c2s_node_quant_rule(node).kind != C2S_QUANT_LINEAR)
                continue;
            c2s_stats_refuse(j->stats, kind, c2s_node_text(node),
                             "it is in a body of If, Loop or Scan; quantize_weights and "
                             "quantize_dynamic go there");
            c2s_stats_looked(j->stats, node);
        }
    c2s_vec_free(&graphs);
}

static void report(c2s_quantizing *j, const c2s_graph *graph, const c2s_placement *placement) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        const c2s_placed_node *n = &placement->nodes[node->id];
        if (n->integer)
            c2s_stats_apply(j->stats, kind, c2s_node_text(node));
        else if (is_asked_about(placement, node))
            c2s_stats_refuse(j->stats, kind, c2s_node_text(node), n->reason);
        else
            continue;
        c2s_stats_looked(j->stats, node);
    }
    report_bodies(j, graph);
}

/* ---- building ---- */

static const char *refer(void *user, const c2s_node *node) {
    const char *const *vetoed = user;
    return vetoed[node->id];
}

static void log_insertion(const c2s_placement *p, const c2s_insert_result *r) {
    c2s_log(1, "quantize: %u nodes, %u pairs of quantizers, %u weights", p->integer_count, r->pairs,
            r->weights);
    if (r->clipped + r->rescaled > 0)
        c2s_log(1, "quantize: %u weights are clipped and %u scales larger for sums not to saturate",
                r->clipped, r->rescaled);
    if (r->repaired)
        c2s_log(1, "quantize: %u channels have larger scales for their biases to fit", r->repaired);
}

c2s_status c2s_quantizing_build(c2s_quantizing *j, const char **vetoed, bool force, bool last,
                                c2s_model **out) {
    c2s_model *model = c2s_model_copy(j->model);
    c2s_placement_options o = placement_options(j);
    c2s_placement placement;
    o.veto = refer;
    o.user = vetoed;
    o.force = force;
    c2s_status status = c2s_placement_make(model->graph, &o, &placement);
    if (status == C2S_OK && last)
        report(j, model->graph, &placement);
    const c2s_insert_options insert = {.spans = j->spans,
                                       .wide_spans = j->wide_spans,
                                       .rounded = j->rounded,
                                       .symmetric = j->symmetric,
                                       .portable = j->portable && j->target->saturates,
                                       .correction = j->shift,
                                       .means =
                                           j->correction == C2S_CORRECT_ANALYTIC ? j->ranges : NULL,
                                       .ranges = j->always ? NULL : j->ranges};
    c2s_insert_result result = {0};
    if (status == C2S_OK && placement.integer_count > 0)
        status = c2s_insert_quantizers(model, &placement, &insert, &result);
    if (status == C2S_OK && last && placement.integer_count > 0)
        log_insertion(&placement, &result);
    if (status == C2S_OK && last && placement.integer_count == 0 && j->placement.integer_count > 0)
        c2s_log(0,
                "quantize: left in float: on codes the quality that is wanted is kept by too few "
                "layers for that to pay");
    c2s_placement_free(&placement);
    if (status != C2S_OK) {
        c2s_model_destroy(model);
        model = NULL;
    }
    *out = model;
    return status;
}

/* ---- the pass ---- */

static c2s_status quantize(c2s_quantizing *j, c2s_model **out) {
    C2S_TRY(place(j));
    if (j->placement.integer_count > 0) {
        C2S_TRY(c2s_quantizing_measure(j));
        C2S_TRY(c2s_quantizing_learn(j, j->vetoed));
        C2S_TRY(c2s_quantizing_correct(j, j->vetoed));
        C2S_TRY(c2s_quantizing_keep_quality(j));
    }
    return c2s_quantizing_build(j, j->vetoed, j->force, true, out);
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    c2s_quantizing j = {.model = c2s_model_copy(model), .context = context, .stats = stats};
    c2s_model *quantized = NULL;
    bool requantize = false;
    c2s_status status = c2s_quantizing_read(&j, o);
    if (status == C2S_OK)
        status = c2s_option_flag(o, "requantize", &requantize);
    if (status == C2S_OK)
        status = c2s_quantizing_meet_form(&j, requantize);
    if (status == C2S_OK)
        status = quantize(&j, &quantized);
    if (quantized)
        c2s_model_swap(model, quantized);
    c2s_model_destroy(quantized);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    c2s_placement_free(&j.placement);
    c2s_ranges_free(j.ranges);
    c2s_quantizing_forget_correction(&j);
    c2s_quantizing_forget_rounding(&j);
    c2s_model_destroy(j.model);
    if (j.random)
        c2s_random_feed_close(j.random);
    free(j.wide);
    free(j.wide_spans);
    free(j.vetoed);
    free(j.spans);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = kind, .summary = "a node between DequantizeLinear and QuantizeLinear"},
    {.name = c2s_requantize, .summary = "a quantized model -> floats, to be quantized anew"},
    {0}};

const c2s_pass c2s_pass_quantize = {
    .name = "quantize",
    .summary = "static quantization for a target: what it computes on integers gets scales",
    .options = c2s_quantize_options,
    .kinds = kinds,
    .lossy = true,
    .on_float = true,
    .makes_codes = true,
    .run = run};
