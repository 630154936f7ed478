/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: weights of convolutions and matrix products
 * After:  the same shapes with many zeros: a part of all weights, or N of every M
 * Leaves alone weights that several nodes read, and depthwise convolutions, which have few.
 *
 * Files compress better, or are smaller at once where the target reads sparse initializers;
 * hardware that knows 2:4 gains speed. Other runtimes compute as before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "ir/convert.h"
#include "passes/pass.h"
#include "passes/prune/readers.h"
#include "passes/prune/sparse_weight.h"
#include "passes/quant/name_filter.h"

#define KIND "sparse-weight"

/* Weights of an output channel from which on some can be left out. */
enum { LEAST_INPUTS = 16 };

typedef struct job {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_stats *stats;
    c2s_sparse_pattern pattern;
    bool by_size;
    double damping;
    size_t stages, samples;
    c2s_name_filter include, exclude;
    C2S_VEC(c2s_reader) layers;
    c2s_map layer_of; /* from node to number of the layer, from 1 */
    size_t weights, zeros;
    c2s_status refused; /* of layers without moments */
} job;

/* ---- options ---- */

static const c2s_option_spec options[] = {
    {"ratio", "0.5", "part of the weights that becomes 0"},
    {"pattern", "", "N:M, such as 2:4: of M weights along the inputs N stay; instead of ratio"},
    {"method", "auto",
     "which go: size, or obs (what the others make up for least, and they do); auto: obs with "
     "data"},
    {"damping", "0.03", "obs: of second moments, in parts of their mean"},
    {"samples", "512", "of the data, to learn from at most; 0: all"},
    {"stages", "8",
     "obs: steps from input to output, each learns from what those before have left"},
    {"include", "", "only weights of these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave those of these alone: likewise"},
    C2S_TARGET_OPTION(
        "ort-cpu reads sparse initializers, which are written where they are smaller"),
    {0}};

static c2s_status read_pattern(job *j, const c2s_options *o) {
    const char *text = c2s_option_text(o, "pattern");
    unsigned keep, of;
    int end = 0;
    if (!*text)
        return C2S_OK;
    if (sscanf(text, "%3u:%3u%n", &keep, &of, &end) != 2 || text[end] || keep < 1 || of > 64 ||
        keep >= of)
        return c2s_fail(C2S_ERR_USAGE,
                        "pass %s: option pattern is \"%s\", expected N:M with 0 < N < M <= 64",
                        o->pass, text);
    j->pattern.keep = keep;
    j->pattern.of = of;
    return C2S_OK;
}

static c2s_status read_options(job *j, const c2s_options *o) {
    const char *method = c2s_option_text(o, "method");
    const bool data = j->context->feed && j->context->feed->count > 0;
    double stages, samples;
    bool ort;
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    C2S_TRY(c2s_option_number(o, "ratio", 0, 1, &j->pattern.ratio));
    C2S_TRY(read_pattern(j, o));
    C2S_TRY(c2s_option_number(o, "damping", 0, 1, &j->damping));
    C2S_TRY(c2s_option_number(o, "samples", 0, 1e9, &samples));
    C2S_TRY(c2s_option_number(o, "stages", 1, 1e6, &stages));
    C2S_TRY(c2s_option_target(o, j->context, &ort));
    if (strcmp(method, "auto") != 0 && strcmp(method, "size") != 0 && strcmp(method, "obs") != 0)
        return c2s_fail(C2S_ERR_USAGE,
                        "pass %s: option method is \"%s\", expected auto, size or obs", o->pass,
                        method);
    if (strcmp(method, "obs") == 0 && !data)
        return c2s_fail(C2S_ERR_USAGE, "pass %s: method=obs needs data", o->pass);
    j->by_size = strcmp(method, "size") == 0 || !data;
    j->stages = (size_t)stages;
    j->samples = (size_t)samples;
    j->model->sparse |= ort;
    return C2S_OK;
}

/* ---- layers ---- */

static const char *why_not(job *j, c2s_node *node, c2s_reader *r) {
    const char *reason = c2s_name_filter_refuse(&j->include, &j->exclude, node);
    if (reason)
        return reason;
    if (!c2s_reader_of(node, r))
        return "its weights are computed, or no floats, or others read them, too";
    return r->site.k < LEAST_INPUTS ? "it has few weights" : NULL;
}

static c2s_status find_layers(job *j) {
    for (c2s_node *node = j->model->graph->first; node; node = node->next) {
        c2s_linear_site site;
        c2s_reader r;
        if (c2s_linear_site_of(node, &site))
            continue;
        const char *where = c2s_node_text(node), *reason = why_not(j, node, &r);
        if (reason) {
            c2s_stats_refuse(j->stats, KIND, where, reason);
            continue;
        }
        if (c2s_stats_skips(j->stats, KIND, where) || !c2s_stats_may_apply(j->stats))
            continue;
        c2s_stats_apply(j->stats, KIND, where);
        c2s_stats_looked(j->stats, node);
        c2s_vec_push(&j->layers, r);
        c2s_map_put(&j->layer_of, node, (void *)(uintptr_t)j->layers.count);
    }
    C2S_TRY(c2s_name_filter_check(&j->include, "include"));
    return c2s_name_filter_check(&j->exclude, "exclude");
}

/* ---- weights ---- */

static c2s_status copy_of(const c2s_tensor *from, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, from->type.rank, from->type.dim, out));
    c2s_load_f32(from->type.dtype, c2s_tensor_data(from), 0, from->count, c2s_tensor_mutable(*out));
    return C2S_OK;
}

static void count_zeros(job *j, const c2s_tensor *weight) {
    const float *at = c2s_tensor_data(weight);
    j->weights += weight->count;
    for (size_t i = 0; i < weight->count; i++)
        j->zeros += at[i] == 0;
}

/* gram NULL: by size. */
static c2s_status sparsify(job *j, c2s_reader *r, const c2s_gram *gram) {
    c2s_tensor *weight = NULL, *bias = NULL;
    c2s_status status = copy_of(c2s_node_in(r->node, 1)->constant, &weight);
    if (status == C2S_OK && gram && r->bias_node)
        status = copy_of(c2s_node_in(r->bias_node, r->bias_slot)->constant, &bias);
    if (status == C2S_OK)
        status = gram ? c2s_sparse_by_moments(&r->site, &j->pattern, gram, j->damping,
                                              c2s_tensor_mutable(weight),
                                              bias ? c2s_tensor_mutable(bias) : NULL)
                      : c2s_sparse_by_size(&r->site, &j->pattern, c2s_tensor_mutable(weight));
    if (status == C2S_OK) {
        count_zeros(j, weight);
        c2s_reader_write(r->node, 1, weight);
        if (bias)
            c2s_reader_write(r->bias_node, r->bias_slot, bias);
    }
    c2s_tensor_unref(weight);
    c2s_tensor_unref(bias);
    return status;
}

static c2s_reader *layer_of(const job *j, const c2s_node *node) {
    return &j->layers.at[(uintptr_t)c2s_map_get(&j->layer_of, node) - 1];
}

static c2s_status take(void *user, const c2s_linear_site *site, c2s_gram *gram,
                       const c2s_cross *cross) {
    job *j = user;
    (void)cross;
    return sparsify(j, layer_of(j, site->node), gram->rows > 0 ? gram : NULL);
}

static void refuse(void *user, const c2s_node *node, const char *reason) {
    job *j = user;
    c2s_log(1, "%s: its weights go by size: %s", c2s_node_text(node), reason);
    if (j->refused == C2S_OK)
        j->refused = sparsify(j, layer_of(j, node), NULL);
}

/* Layer after layer, each on what those before it give by then. */
static c2s_status learn(job *j) {
    const size_t count = j->layers.count, stages = j->stages < count ? j->stages : count;
    const c2s_gram_options o = {.evaluator = j->context->evaluator,
                                .eval = j->context->eval,
                                .cache = j->context->gram_cache,
                                .feed = j->context->feed,
                                .samples = j->samples,
                                .take = take,
                                .refuse = refuse,
                                .user = j};
    c2s_gram_request *requests = c2s_zalloc((count + 1) * sizeof *requests);
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < count; k++)
        requests[k].node = j->layers.at[k].node;
    for (size_t s = 0; s < stages && status == C2S_OK; s++) {
        const size_t from = count * s / stages, end = count * (s + 1) / stages;
        c2s_progress("sparsifying", (double)s / (double)stages);
        status = c2s_gram_collect(j->model->graph, requests + from, end - from, &o);
    }
    free(requests);
    return status == C2S_OK ? j->refused : status;
}

static c2s_status sparsify_all(job *j) {
    C2S_TRY(find_layers(j));
    if (j->by_size)
        for (size_t k = 0; k < j->layers.count; k++)
            C2S_TRY(sparsify(j, &j->layers.at[k], NULL));
    else
        C2S_TRY(learn(j));
    if (j->weights > 0)
        c2s_log(1, "sparsify: %zu of %zu weights of %zu layers are 0", j->zeros, j->weights,
                j->layers.count);
    return C2S_OK;
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = model, .context = context, .stats = stats};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK && (j.pattern.of > 0 || j.pattern.ratio > 0))
        status = sparsify_all(&j);
    c2s_vec_free(&j.layers);
    c2s_map_free(&j.layer_of);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = KIND, .summary = "zeros in the place of the weights that matter least"}, {0}};

const c2s_pass c2s_pass_sparsify = {
    .name = "sparsify",
    .summary = "zeros among weights, anywhere or N of M, and the rest fitted",
    .options = options,
    .kinds = kinds,
    .learns = true,
    .lossy = true,
    .on_float = true,
    .for_size = true,
    .run = run};
