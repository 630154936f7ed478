/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: weights of matrix products, convolutions, recurrent cells; tables of Gather
 * After:  codes of 8, 4 or 2 bits with scales, which DequantizeLinear (or an operator of
 *         com.microsoft) makes floats of; activations stay as they are
 * Leaves alone what would not be smaller, and weights with NaN or infinity.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/opset.h"
#include "passes/pass.h"
#include "passes/quant/gptq.h"
#include "passes/quant/weight_forms.h"

typedef struct job {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_stats *stats;
    c2s_weight_options weights;
    bool gptq;
    double damping;
    uint64_t memory;
    c2s_name_filter include, exclude;
    c2s_weight_plan plan;
    c2s_planned_weight **planned; /* by node id: of which moments are asked for */
} job;

/* ---- options ---- */

static const c2s_option_spec options[] = {
    {"bits", "8", "of a code: 8, 4 or 2"},
    {"type", "int", "int: codes around 0; uint: unsigned ones with zero points"},
    {"block", "auto",
     "weights that share a scale, along the axis that is summed; 0: those of an output channel; "
     "auto: 0 for 8 bits, else 32"},
    {"method", "auto",
     "nearest: scales by the greatest weight; mse: by least squared error; gptq: rounded by what "
     "the samples say about the outputs; auto: gptq if there are samples, else mse"},
    {"target", "generic",
     "generic: DequantizeLinear; ort-cpu: MatMulNBits and GatherBlockQuantized where they suit"},
    {"damping", "auto",
     "gptq: of the second moments, as part of the mean of their diagonal; auto: by the number of "
     "rows"},
    {"memory", "1G", "gptq: bytes that second moments may take at a time"},
    {"include", "",
     "quantize only weights of these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave those of these in float: likewise"},
    {0}};

/* The index of an option's text among these, which end with NULL. */
static c2s_status read_choice(const c2s_options *o, const char *name, const char *const *texts,
                              const char *expected, unsigned *out) {
    const char *text = c2s_option_text(o, name);
    for (*out = 0; texts[*out]; ++*out)
        if (strcmp(text, texts[*out]) == 0)
            return C2S_OK;
    return c2s_fail(C2S_ERR_USAGE, "pass %s: option %s is \"%s\", expected %s", o->pass, name, text,
                    expected);
}

static c2s_status read_block(job *j, const c2s_options *o) {
    double block = j->weights.bits == 8 ? 0 : 32;
    if (strcmp(c2s_option_text(o, "block"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "block", 0, 1 << 30, &block));
    j->weights.block = (int64_t)block;
    return C2S_OK;
}

static c2s_status read_method(job *j, const c2s_options *o) {
    static const char *const methods[] = {"auto", "nearest", "mse", "gptq", NULL};
    unsigned method;
    C2S_TRY(read_choice(o, "method", methods, "nearest, mse, gptq or auto", &method));
    const bool data = j->context->feed && j->context->feed->count > 0;
    if (method == 3 && !data)
        return c2s_fail(C2S_ERR_USAGE, "method gptq needs samples, expected --calib");
    j->gptq = data && (method == 0 || method == 3);
    j->weights.method = method == 1 ? C2S_SCALE_MAX : C2S_SCALE_MSE;
    return C2S_OK;
}

static c2s_status read_options(job *j, const c2s_options *o) {
    static const char *const widths[] = {"8", "4", "2", NULL}, *const types[] = {"int", "uint",
                                                                                 NULL};
    static const char *const targets[] = {"generic", "ort-cpu", NULL};
    unsigned width, type, target;
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    C2S_TRY(read_choice(o, "bits", widths, "8, 4 or 2", &width));
    C2S_TRY(read_choice(o, "type", types, "int or uint", &type));
    C2S_TRY(read_choice(o, "target", targets, "generic or ort-cpu", &target));
    j->weights = (c2s_weight_options){.bits = 8u >> width,
                                      .is_signed = type == 0,
                                      .contrib = target == 1,
                                      .include = &j->include,
                                      .exclude = &j->exclude};
    C2S_TRY(read_block(j, o));
    if (strcmp(c2s_option_text(o, "damping"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "damping", 1e-6, 1, &j->damping));
    C2S_TRY(c2s_option_bytes(o, "memory", &j->memory));
    return read_method(j, o);
}

/* ---- opset ---- */

static bool needs_opset(const job *j) {
    for (size_t i = 0; i < j->plan.count; i++)
        if (j->plan.at[i].form != C2S_FORM_NBITS)
            return c2s_model_opset(j->model, "") < c2s_weight_opset(&j->weights);
    return false;
}

/* Raises the model if what is planned needs it; the plan is made again for it. */
static c2s_status raise_opset(job *j) {
    c2s_weight_plan_make(j->model->graph, &j->weights, NULL, &j->plan);
    const bool needed = needs_opset(j);
    c2s_weight_plan_free(&j->plan);
    if (!needed)
        return C2S_OK;
    C2S_TRY(c2s_model_convert_opset(j->model, c2s_weight_opset(&j->weights), NULL));
    return c2s_graph_infer(j->model->graph);
}

/* ---- codes ---- */

static double decibels(double signal, double error) {
    return error > 0 ? 10 * log10(signal / error) : INFINITY;
}

static c2s_status take_moments(void *user, const c2s_linear_site *site, c2s_gram *gram,
                               const c2s_cross *cross) {
    job *j = user;
    c2s_planned_weight *p = j->planned[site->node->id];
    c2s_gptq_options how = c2s_gptq_usual;
    c2s_gptq_error error;
    (void)cross;
    if (gram->rows == 0)
        return C2S_OK;
    how.damping = j->damping;
    c2s_status status =
        c2s_gptq_encode(site, p->weight->constant, gram, &p->coding, &how, &p->codes, &error);
    if (status == C2S_OK)
        c2s_log(1, "%s: SQNR of its output %.1f dB, with the nearest codes %.1f dB",
                c2s_node_text(site->node), decibels(error.signal, error.error),
                decibels(error.signal, error.nearest));
    /* Moments that are not finite, or weights: the other methods may do, or say what is wrong. */
    return status == C2S_ERR_MEMORY ? status : C2S_OK;
}

static void no_moments(void *user, const c2s_node *node, const char *reason) {
    (void)user;
    c2s_log(1, "%s: rounded without samples: %s", c2s_node_text(node), reason);
}

static c2s_status encode_by_samples(job *j) {
    C2S_VEC(c2s_gram_request) requests = {0};
    j->planned = c2s_zalloc((j->model->nodes.count + 1) * sizeof(c2s_planned_weight *));
    for (size_t i = 0; i < j->plan.count; i++) {
        c2s_linear_site site;
        c2s_planned_weight *p = &j->plan.at[i];
        if (p->slot != 1 || c2s_linear_site_of(p->node, &site))
            continue;
        c2s_vec_push(&requests, (c2s_gram_request){.node = p->node});
        j->planned[p->node->id] = p;
    }
    const c2s_gram_options o = {.evaluator = j->context->evaluator,
                                .eval = j->context->eval,
                                .feed = j->context->feed,
                                .memory = j->memory,
                                .take = take_moments,
                                .refuse = no_moments,
                                .user = j};
    c2s_status status = c2s_gram_collect(j->model->graph, requests.at, requests.count, &o);
    c2s_vec_free(&requests);
    return status;
}

/* Codes for what has none yet; a weight that cannot be coded stays as it is. */
static c2s_status encode_rest(job *j) {
    for (size_t i = 0; i < j->plan.count; i++) {
        c2s_planned_weight *p = &j->plan.at[i];
        if (p->codes.codes)
            continue;
        const c2s_status status = c2s_encode(p->weight->constant, &p->coding, &p->codes);
        if (status == C2S_ERR_MEMORY)
            return status;
        if (status != C2S_OK)
            c2s_stats_refuse(j->stats, c2s_quantize_weight, c2s_node_text(p->node), c2s_error());
    }
    return C2S_OK;
}

/* ---- the pass ---- */

static c2s_status write_codes(job *j) {
    size_t count = 0;
    for (size_t i = 0; i < j->plan.count && c2s_stats_may_apply(j->stats); i++) {
        const c2s_planned_weight *p = &j->plan.at[i];
        if (!p->codes.codes)
            continue;
        c2s_stats_apply(j->stats, c2s_quantize_weight, c2s_node_text(p->node));
        c2s_stats_looked(j->stats, p->node);
        C2S_TRY(c2s_weight_write(p));
        count++;
    }
    c2s_log(1, "quantize_weights: %zu weights", count);
    return count ? c2s_graph_infer(j->model->graph) : C2S_OK;
}

static c2s_status check_names(job *j) {
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        c2s_name_filter_names(&j->include, node);
        c2s_name_filter_names(&j->exclude, node);
    }
    C2S_TRY(c2s_name_filter_check(&j->include, "include"));
    return c2s_name_filter_check(&j->exclude, "exclude");
}

static c2s_status quantize(job *j) {
    C2S_TRY(raise_opset(j));
    c2s_weight_plan_make(j->model->graph, &j->weights, j->stats, &j->plan);
    C2S_TRY(check_names(j));
    if (j->gptq)
        C2S_TRY(encode_by_samples(j));
    C2S_TRY(encode_rest(j));
    return write_codes(j);
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = model, .context = context, .stats = stats};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = quantize(&j);
    c2s_weight_plan_free(&j.plan);
    free(j.planned);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = c2s_quantize_weight, .summary = "a weight -> codes of 8, 4 or 2 bits with scales"},
    {0}};

const c2s_pass c2s_pass_quantize_weights = {
    .name = "quantize_weights",
    .summary = "weights become codes of 8, 4 or 2 bits; what is computed stays in float",
    .options = options,
    .kinds = kinds,
    .lossy = true,
    .for_size = true,
    .run = run};
