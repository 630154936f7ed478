/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/vnni.h"
#include "passes/quant/quantizing.h"

const c2s_option_spec c2s_quantize_options[] = {
    {"target", "ort-cpu", "the runtime: ort-cpu, tensorrt, openvino, qnn or generic"},
    {"activations", "auto",
     "type of their codes: uint8, int8, uint16, int16, float8e4m3fn, float8e5m2; auto: the "
     "target's"},
    {"weights", "auto",
     "type of their codes: int8, uint8, float8e4m3fn, float8e5m2; auto: the target's"},
    {"per_channel", "yes", "a scale per output channel of weights, where the target can"},
    {"method", "auto", "ranges of activations: minmax, average, percentile, entropy, mse, auto"},
    {"percentile", "99.99", "of method=percentile: the share of numbers that lie in the range"},
    {"symmetric", "no", "zero points of activations in the middle, whatever the target wants"},
    {"portable", "yes",
     "sums are the same on processors without VNNI, for activations as the samples have them; "
     "always: for any; no"},
    {"rounding", "auto",
     "of weights: nearest; gptq: by what the samples say about the outputs of each layer; "
     "adaround: "
     "likewise, as a relaxation, slower; auto: gptq if there are samples"},
    {"bias_correction", "auto",
     "biases make up for the mean error of a layer: measured with the samples; analytic: that of "
     "the rounded weights; no; auto: measured if there are samples"},
    {"sensitivity", "auto",
     "which layers stay in float to keep the quality that is wanted: sqnr: by the noise in the "
     "outputs; kl: by what becomes of their classes; auto: kl with --max-drop, else sqnr"},
    {"include", "", "quantize only these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave these in float: likewise"},
    {"requantize", "no",
     "a model that is quantized already is brought back to floats first; else what has codes stays "
     "as it is"},
    {"cpu", "auto",
     "what the target runs on, for what pays: avx2 or vnni; auto: what this machine has"},
    {"force", "no", "quantize sums of products also where that costs time"},
    {0}};

static c2s_status read_dtype(const c2s_options *o, const char *name, c2s_dtype *out) {
    const char *text = c2s_option_text(o, name);
    *out = c2s_dtype_from_name(text);
    if (*out != C2S_UNDEFINED || strcmp(text, "auto") == 0)
        return C2S_OK;
    return c2s_fail(C2S_ERR_USAGE, "option %s is \"%s\", expected a type such as int8, or auto",
                    name, text);
}

static c2s_status read_correction(c2s_quantizing *j, const c2s_options *o) {
    const char *text = c2s_option_text(o, "bias_correction");
    const bool data = c2s_quantizing_has_data(j);
    j->keep_biases = strcmp(text, "auto") != 0;
    if (!j->keep_biases)
        j->correction = data ? C2S_CORRECT_MEASURED : C2S_CORRECT_NOTHING;
    else if (strcmp(text, "analytic") == 0)
        j->correction = C2S_CORRECT_ANALYTIC;
    else {
        bool yes;
        C2S_TRY(c2s_option_flag(o, "bias_correction", &yes));
        j->correction = yes ? C2S_CORRECT_MEASURED : C2S_CORRECT_NOTHING;
    }
    return C2S_OK;
}

static c2s_status read_cpu(c2s_quantizing *j, const c2s_options *o) {
    const char *text = c2s_option_text(o, "cpu");
    const bool is_auto = strcmp(text, "auto") == 0;
    j->vnni = is_auto ? c2s_has_vnni() : strcmp(text, "vnni") == 0;
    if (is_auto || j->vnni || strcmp(text, "avx2") == 0)
        return C2S_OK;
    return c2s_fail(C2S_ERR_USAGE, "option cpu is \"%s\", expected avx2, vnni or auto", text);
}

static c2s_status read_rounding(c2s_quantizing *j, const c2s_options *o) {
    static const struct {
        const char *name;
        c2s_rounding rounding;
    } ways[] = {
        {"nearest", C2S_ROUND_NEAREST}, {"gptq", C2S_ROUND_GPTQ}, {"adaround", C2S_ROUND_RELAXED}};
    const char *text = c2s_option_text(o, "rounding");
    const bool data = c2s_quantizing_has_data(j);
    j->keep_rounding = strcmp(text, "auto") != 0;
    j->rounding = data ? C2S_ROUND_GPTQ : C2S_ROUND_NEAREST;
    if (!j->keep_rounding)
        return C2S_OK;
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        if (strcmp(text, ways[k].name) != 0)
            continue;
        j->rounding = ways[k].rounding;
        return data || j->rounding == C2S_ROUND_NEAREST
                   ? C2S_OK
                   : c2s_fail(C2S_ERR_USAGE, "rounding %s needs samples, expected --calib", text);
    }
    return c2s_fail(C2S_ERR_USAGE,
                    "option rounding is \"%s\", expected nearest, gptq, adaround or auto", text);
}

static c2s_status read_sensitivity(c2s_quantizing *j, const c2s_options *o) {
    const char *text = c2s_option_text(o, "sensitivity");
    const bool is_auto = strcmp(text, "auto") == 0;
    j->by_divergence = is_auto ? !isnan(j->context->budget.max_drop) : strcmp(text, "kl") == 0;
    if (is_auto || j->by_divergence || strcmp(text, "sqnr") == 0)
        return C2S_OK;
    return c2s_fail(C2S_ERR_USAGE, "option sensitivity is \"%s\", expected sqnr, kl or auto", text);
}

c2s_status c2s_quantizing_read(c2s_quantizing *j, const c2s_options *o) {
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    C2S_TRY(c2s_target_read(c2s_option_text(o, "target"), &j->target));
    C2S_TRY(read_cpu(j, o));
    C2S_TRY(read_dtype(o, "activations", &j->activations));
    C2S_TRY(read_dtype(o, "weights", &j->weights));
    if (!c2s_range_method_named(c2s_option_text(o, "method"), &j->method))
        return c2s_fail(C2S_ERR_USAGE,
                        "option method is \"%s\", expected minmax, average, percentile, entropy, "
                        "mse or auto",
                        c2s_option_text(o, "method"));
    C2S_TRY(c2s_option_number(o, "percentile", 50, 100, &j->percentile));
    C2S_TRY(c2s_option_flag(o, "per_channel", &j->per_channel));
    C2S_TRY(c2s_option_flag(o, "symmetric", &j->symmetric));
    C2S_TRY(read_correction(j, o));
    C2S_TRY(read_rounding(j, o));
    C2S_TRY(read_sensitivity(j, o));
    j->always = strcmp(c2s_option_text(o, "portable"), "always") == 0;
    j->portable = j->always;
    if (!j->always)
        C2S_TRY(c2s_option_flag(o, "portable", &j->portable));
    return c2s_option_flag(o, "force", &j->force);
}
