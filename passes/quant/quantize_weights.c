/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: weights of matrix products, convolutions, recurrent cells; tables of Gather
 * After:  codes of 8, 4 or 2 bits with scales, which DequantizeLinear (or an operator of
 *         com.microsoft) makes floats of; activations stay as they are
 * Leaves alone what would not be smaller, and weights with NaN or infinity.
 */
#include <string.h>

#include "base/log.h"
#include "io/opset.h"
#include "passes/pass.h"
#include "passes/measure/linear_site.h"
#include "passes/quant/weight_bias.h"
#include "passes/quant/weight_forms.h"
#include "passes/quant/weight_samples.h"

typedef struct job {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_stats *stats;
    c2s_weight_options weights;
    bool gptq;
    c2s_weight_samples samples;
    c2s_name_filter include, exclude;
    c2s_weight_plan plan;
    size_t count, bytes; /* of weights that were written, and of their codes */
} job;

/* ---- options ---- */

static const c2s_option_spec options[] = {
    {"bits", "8", "of a code: 8, 4 or 2"},
    {"type", "auto",
     "int: codes around 0; uint: unsigned ones with zero points; auto: int for 8 bits, else uint; "
     "float8e4m3fn, float8e5m2, float4e2m1: small floats"},
    {"block", "auto",
     "weights that share a scale, along the axis that is summed; 0: those of an output channel; "
     "auto: 0 for 8 bits, else 32"},
    {"method", "auto",
     "nearest: scales by the greatest weight; mse: by least squared error; gptq: rounded by what "
     "the samples say about the outputs; adaround: likewise, as a relaxation, slower; auto: gptq "
     "if "
     "there are samples, else mse"},
    C2S_TARGET_OPTION(
        "generic: DequantizeLinear; ort-cpu: MatMulNBits and GatherBlockQuantized where "
        "they suit"),
    {"damping", "auto",
     "gptq: of the second moments, as part of the mean of their diagonal; auto: by the number of "
     "rows"},
    {"memory", "1G", "gptq: bytes that second moments may take at a time"},
    {"stages", "24",
     "gptq: how often the samples are run at most; weights learn from what those before them have "
     "become"},
    {"bias_correction", "auto",
     "gptq: biases make up for the mean error of their layer: yes or no; auto: yes"},
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
    return c2s_fail(C2S_ERR_USAGE, "option %s is \"%s\", expected %s", name, text, expected);
}

/* Small floats have the bits that their type says. */
static c2s_status read_type(job *j, const c2s_options *o) {
    static const char *const types[] = {"int",        "uint",       "auto", "float8e4m3fn",
                                        "float8e5m2", "float4e2m1", NULL};
    unsigned type;
    C2S_TRY(read_choice(o, "type", types, "int, uint, auto, float8e4m3fn, float8e5m2 or float4e2m1",
                        &type));
    j->weights.is_signed = type == 0 || (type == 2 && j->weights.bits == 8);
    if (type < 3)
        return C2S_OK;
    j->weights.small = c2s_dtype_from_name(types[type]);
    j->weights.is_signed = true;
    j->weights.bits = c2s_dtype_bits(j->weights.small);
    return C2S_OK;
}

static c2s_status read_block(job *j, const c2s_options *o) {
    double block = j->weights.bits == 8 ? 0 : 32;
    if (strcmp(c2s_option_text(o, "block"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "block", 0, 1 << 30, &block));
    j->weights.block = (int64_t)block;
    return C2S_OK;
}

static c2s_status read_correction(job *j, const c2s_options *o) {
    j->samples.correct = j->gptq;
    if (strcmp(c2s_option_text(o, "bias_correction"), "auto") == 0)
        return C2S_OK;
    C2S_TRY(c2s_option_flag(o, "bias_correction", &j->samples.correct));
    return j->gptq || !j->samples.correct
               ? C2S_OK
               : c2s_fail(C2S_ERR_USAGE,
                          "bias_correction needs method gptq, and samples (--calib)");
}

static c2s_status read_method(job *j, const c2s_options *o) {
    enum { AUTO, NEAREST, MSE, GPTQ, ADAROUND };
    static const char *const methods[] = {"auto", "nearest", "mse", "gptq", "adaround", NULL};
    unsigned method;
    C2S_TRY(read_choice(o, "method", methods, "nearest, mse, gptq, adaround or auto", &method));
    const bool data = j->context->feed && j->context->feed->count > 0;
    if (method >= GPTQ && !data)
        return c2s_fail(C2S_ERR_USAGE, "method %s needs samples, expected --calib",
                        methods[method]);
    j->gptq = data && (method == AUTO || method >= GPTQ);
    j->samples.relax = method == ADAROUND;
    j->weights.method = method == NEAREST ? C2S_SCALE_MAX : C2S_SCALE_MSE;
    return read_correction(j, o);
}

static c2s_status read_options(job *j, const c2s_options *o) {
    static const char *const widths[] = {"8", "4", "2", NULL};
    unsigned width;
    double stages;
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    C2S_TRY(read_choice(o, "bits", widths, "8, 4 or 2", &width));
    j->weights = (c2s_weight_options){.bits = 8u >> width,
                                      .most_opset = j->context->opset,
                                      .dequantizes = true,
                                      .include = &j->include,
                                      .exclude = &j->exclude};
    C2S_TRY(c2s_option_target(o, j->context, &j->weights.contrib));
    C2S_TRY(read_type(j, o));
    C2S_TRY(read_block(j, o));
    if (strcmp(c2s_option_text(o, "damping"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "damping", 1e-6, 1, &j->samples.damping));
    C2S_TRY(c2s_option_bytes(o, "memory", &j->samples.memory));
    C2S_TRY(c2s_option_number(o, "stages", 1, 1e6, &stages));
    j->samples.stages = (size_t)stages;
    return read_method(j, o);
}

/* ---- opset ---- */

/* Raises the model if what is planned needs it; the plan is made again for it. */
static c2s_status raise_opset(job *j) {
    int64_t needed = 0;
    c2s_weight_plan_make(j->model->graph, &j->weights, NULL, &j->plan);
    for (size_t i = 0; i < j->plan.count; i++) {
        const int64_t own = c2s_planned_opset(&j->plan.at[i]);
        needed = own > needed ? own : needed;
    }
    c2s_weight_plan_free(&j->plan);
    if (needed <= c2s_model_opset(j->model, ""))
        return C2S_OK;
    C2S_TRY(c2s_model_convert_opset(j->model, needed, NULL));
    return c2s_graph_infer(j->model->graph);
}

/* ---- codes ---- */

static bool may_write(const job *j) {
    return c2s_stats_may_apply(j->stats);
}

/* More codes than this do not wait in memory until the model is saved. */
enum { KEPT_BYTES = 64 << 20 };

static c2s_status write_weight(void *user, c2s_planned_weight *p) {
    job *j = user;
    if (!may_write(j) || p->written)
        return C2S_OK;
    p->written = true;
    j->count++;
    c2s_stats_apply(j->stats, c2s_quantize_weight, c2s_node_text(p->node));
    c2s_stats_looked(j->stats, p->node);
    C2S_TRY(c2s_weight_bias_write(p));
    j->bytes += c2s_tensor_size(p->codes.codes);
    p->to_file = j->bytes > KEPT_BYTES;
    C2S_TRY(c2s_weight_write(p));
    c2s_codes_free(&p->codes);
    return C2S_OK;
}

static bool is_for_samples(const job *j, const c2s_planned_weight *p) {
    c2s_linear_site site;
    return j->gptq && p->slot == 1 && !c2s_linear_site_of(p->node, &site);
}

/* Weights that are not for the samples, or those for which they gave no codes. One that cannot be
 * coded stays as it is. */
static c2s_status encode_rest(job *j, bool after) {
    for (size_t i = 0; i < j->plan.count && may_write(j); i++) {
        c2s_planned_weight *p = &j->plan.at[i];
        if (p->written || p->codes.codes || (!after && is_for_samples(j, p)))
            continue;
        if (after && !is_for_samples(j, p))
            continue;
        const c2s_status status = c2s_encode(p->weight->constant, &p->coding, &p->codes);
        if (status == C2S_ERR_MEMORY)
            return status;
        if (status != C2S_OK)
            c2s_stats_refuse(j->stats, c2s_quantize_weight, c2s_node_text(p->node), c2s_error());
        else
            C2S_TRY(write_weight(j, p));
    }
    return C2S_OK;
}

/* ---- the pass ---- */

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
    C2S_TRY(encode_rest(j, false));
    if (j->count)
        C2S_TRY(c2s_graph_infer(j->model->graph));
    if (j->gptq)
        C2S_TRY(c2s_weight_samples_encode(j->model, &j->plan, &j->samples, write_weight, j));
    C2S_TRY(encode_rest(j, true));
    c2s_log(1, "quantize_weights: %zu weights", j->count);
    return j->count ? c2s_graph_infer(j->model->graph) : C2S_OK;
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = model, .context = context, .stats = stats, .samples = {.context = context}};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = quantize(&j);
    c2s_weight_plan_free(&j.plan);
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
