/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: MatMul, Gemm with constant weights; LSTM
 * After:  weights as codes of 8 bits, activations quantized while the model runs:
 *         DynamicQuantizeLinear, MatMulInteger, Cast, Mul; DynamicQuantizeLSTM
 * Leaves alone what would not be faster: small matrices, and convolutions.
 */
#include <math.h>

#include "base/log.h"
#include "ir/graph_list.h"
#include "ir/swap.h"
#include "passes/pass.h"
#include "passes/quant/dynamic.h"
#include "passes/quant/repair.h"

static const char kind[] = "quantize-dynamic";

typedef struct job {
    c2s_model *model; /* a copy without holes: its own copies have the same ids */
    const c2s_pass_context *context;
    c2s_stats *stats;
    c2s_dynamic_options options;
    c2s_name_filter include, exclude;
    C2S_VEC(unsigned) layers; /* node ids, in list order */
} job;

/* ---- options ---- */

static const c2s_option_spec options[] = {
    C2S_TARGET_OPTION("generic: operators of ai.onnx, of which ONNX Runtime makes one; ort-cpu: "
                      "DynamicQuantizeLSTM, too"),
    {"weights", "int8", "type of their codes: int8, uint8"},
    {"per_channel", "yes", "a scale per column of weights"},
    {"portable", "yes", "sums are the same on processors without VNNI, for any activations"},
    {"include", "", "quantize only these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave these in float: likewise"},
    {"force", "no", "quantize also what is slower for it: small matrices, convolutions"},
    {0}};

static c2s_status read_options(job *j, const c2s_options *o) {
    c2s_dynamic_options *d = &j->options;
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    *d = (c2s_dynamic_options){.weights = c2s_dtype_from_name(c2s_option_text(o, "weights")),
                               .include = &j->include,
                               .exclude = &j->exclude};
    C2S_TRY(c2s_option_target(o, j->context, &d->contrib));
    if (d->weights != C2S_INT8 && d->weights != C2S_UINT8)
        return c2s_fail(C2S_ERR_USAGE, "option weights is \"%s\", expected int8 or uint8",
                        c2s_option_text(o, "weights"));
    C2S_TRY(c2s_option_flag(o, "per_channel", &d->per_channel));
    C2S_TRY(c2s_option_flag(o, "portable", &d->portable));
    return c2s_option_flag(o, "force", &d->force);
}

/* ---- choosing ---- */

/* In the main graph and in bodies; reasons against others go to the statistics. */
static void list_layers(job *j) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, j->model->graph);
    for (size_t i = 0; i < graphs.count; i++)
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next) {
            if (!c2s_dynamic_is_candidate(node))
                continue;
            const char *where = c2s_node_text(node);
            const char *reason = c2s_dynamic_refuse(node, &j->options);
            if (reason) {
                c2s_stats_refuse(j->stats, kind, where, reason);
                c2s_stats_looked(j->stats, node);
            } else if (j->stats->rewrites + j->layers.count < j->stats->limit &&
                       !c2s_stats_skips(j->stats, kind, where)) {
                c2s_vec_push(&j->layers, node->id);
            }
        }
    c2s_vec_free(&graphs);
}

/* ---- building ---- */

static c2s_status build(const job *j, const bool *in_float, c2s_model **out) {
    c2s_dynamic_writer writer = {.options = &j->options};
    c2s_model *model = c2s_model_copy(j->model);
    c2s_status status = C2S_OK;
    for (size_t i = 0; i < j->layers.count && status == C2S_OK; i++) {
        if (in_float[i])
            continue;
        const c2s_node *old = j->model->nodes.at[j->layers.at[i]];
        status = c2s_dynamic_write(&writer, model->nodes.at[j->layers.at[i]]);
        if (status != C2S_OK)
            c2s_note("%s", c2s_node_text(old));
    }
    c2s_dynamic_writer_free(&writer);
    if (status != C2S_OK) {
        c2s_model_destroy(model);
        model = NULL;
    }
    *out = model;
    return status;
}

/* ---- quality ---- */

static c2s_status measure(void *user, const bool *in_float, size_t samples,
                          c2s_quality_result *result) {
    const job *j = user;
    c2s_model *model;
    C2S_TRY(build(j, in_float, &model));
    const c2s_status status =
        c2s_quality_measure(j->context->quality, model->graph, samples, result);
    c2s_model_destroy(model);
    return status;
}

static c2s_status keep_quality(job *j, bool *in_float) {
    const c2s_pass_context *c = j->context;
    if (!c->quality || !c2s_budget_is_bound(&c->budget) || j->layers.count == 0)
        return C2S_OK;
    double *work = c2s_alloc_array(j->layers.count, sizeof *work);
    const c2s_node **nodes = c2s_alloc_array(j->layers.count, sizeof *nodes);
    c2s_repair_result result = {.layers = c2s_alloc_array(j->layers.count, sizeof *result.layers)};
    for (size_t i = 0; i < j->layers.count; i++) {
        const c2s_node *node = j->model->nodes.at[j->layers.at[i]];
        const int64_t macs = node->op->macs ? node->op->macs(node) : 0;
        work[i] = macs > 0 ? (double)macs : 0;
        nodes[i] = node;
    }
    const c2s_repair_problem problem = {.count = j->layers.count,
                                        .work = work,
                                        .budget = c->budget,
                                        .by_divergence = !isnan(c->budget.max_drop),
                                        .measure = measure,
                                        .what = "stays in float",
                                        .user = j};
    const c2s_status status = c2s_repair(&problem, &result);
    if (status == C2S_OK)
        c2s_repair_report(&problem, &result, nodes, j->stats);
    for (size_t i = 0; i < j->layers.count; i++)
        in_float[i] = result.layers[i].in_float;
    free(work);
    free(nodes);
    free(result.layers);
    return status;
}

static void report(const job *j, const bool *in_float) {
    for (size_t i = 0; i < j->layers.count; i++) {
        const c2s_node *node = j->model->nodes.at[j->layers.at[i]];
        if (in_float[i])
            c2s_stats_refuse(j->stats, kind, c2s_node_text(node),
                             "in float it keeps the quality that is wanted");
        else
            c2s_stats_apply(j->stats, kind, c2s_node_text(node));
        c2s_stats_looked(j->stats, node);
    }
}

/* ---- the pass ---- */

static c2s_status quantize(job *j, c2s_model **out) {
    list_layers(j);
    C2S_TRY(c2s_name_filter_check(&j->include, "include"));
    C2S_TRY(c2s_name_filter_check(&j->exclude, "exclude"));
    bool *in_float = c2s_zalloc(j->layers.count + 1);
    c2s_status status = keep_quality(j, in_float);
    if (status == C2S_OK)
        status = build(j, in_float, out);
    if (status == C2S_OK)
        report(j, in_float);
    free(in_float);
    return status;
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = c2s_model_copy(model), .context = context, .stats = stats};
    c2s_model *quantized = NULL;
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = quantize(&j, &quantized);
    if (quantized)
        c2s_model_swap(model, quantized);
    c2s_model_destroy(quantized);
    c2s_model_destroy(j.model);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    c2s_vec_free(&j.layers);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = kind,
     .summary = "a product with constant weights -> one of integers, the activations quantized "
                "while the model runs"},
    {0}};

const c2s_pass c2s_pass_quantize_dynamic = {
    .name = "quantize_dynamic",
    .summary = "8-bit weights, and activations that are quantized while the model runs: for "
               "products of matrices; needs no data",
    .options = options,
    .kinds = kinds,
    .lossy = true,
    .on_float = true,
    .makes_codes = true,
    .run = run};
