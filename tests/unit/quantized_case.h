/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph as text, quantized for a target, and in a few letters what came out: each node that is
 * not QuantizeLinear or DequantizeLinear, with its operands and what becomes of its result.
 *
 *     q  an activation after QuantizeLinear and DequantizeLinear
 *     w  dequantized codes of a constant; W with a scale per channel
 *     b  dequantized int32 codes, a bias
 *     .  floats
 *     >  the result of the node; >q if only QuantizeLinear reads it
 */
#ifndef C2S_TESTS_QUANTIZED_CASE_H
#define C2S_TESTS_QUANTIZED_CASE_H

#include "unit/pass_case.h"

#include "io/normalise.h"
#include "io/text.h"

static inline c2s_status wave(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                              c2s_tensor **in) {
    (void)feed;
    for (unsigned i = 0; i < graph->formal_inputs; i++) {
        const c2s_type *type = &graph->entry->outputs[i]->type;
        int64_t dim[C2S_MAX_RANK], count = 1;
        for (int k = 0; k < type->rank; k++) {
            dim[k] = c2s_dim_is_known(type->dim[k]) ? type->dim[k] : 2;
            count *= dim[k];
        }
        double *values = calloc((size_t)count + 1, sizeof *values);
        for (int64_t k = 0; k < count; k++)
            values[k] = type->dtype == C2S_FLOAT
                            ? 3 * sin((double)(k * (int64_t)(i + 1) + 17 * (int64_t)index) + 0.5)
                            : (double)(k % 2);
        C2S_TRY(c2s_tensor_from_f64(type->dtype, type->rank, dim, values, &in[i]));
        free(values);
    }
    return C2S_OK;
}

static inline c2s_model *quantized_model(int opset, const char *text) {
    char *whole = NULL;
    size_t size;
    FILE *stream = open_memstream(&whole, &size);
    fprintf(stream, "<ir_version: 10, opset_import: [\"\" : %d]>\n%s", opset, text);
    fclose(stream);
    c2s_model *model = NULL;
    if (c2s_text_read(whole, size, "case", &model) != C2S_OK ||
        c2s_model_normalise(model) != C2S_OK || c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), whole);
    free(whole);
    return model;
}

/* In any domain. */
static inline bool is_quantizer(const c2s_node *node) {
    return strcmp(node->type, "QuantizeLinear") == 0;
}
static inline bool is_dequantizer(const c2s_node *node) {
    return strcmp(node->type, "DequantizeLinear") == 0;
}

static inline char operand_letter(const c2s_value *value) {
    const c2s_node *def = value->def;
    if (!def || !is_dequantizer(def))
        return '.';
    if (!def->inputs[0].value->constant)
        return 'q';
    if (def->inputs[0].value->type.dtype == C2S_INT32)
        return 'b';
    return def->inputs[1].value->constant->count > 1 ? 'W' : 'w';
}

static inline void describe(const c2s_graph *graph, char *text, size_t size) {
    text[0] = '\0';
    for (const c2s_node *node = graph->first; node; node = node->next) {
        if (is_quantizer(node) || is_dequantizer(node))
            continue;
        size_t length = strlen(text);
        length +=
            (size_t)snprintf(text + length, size - length, "%s%s ", length ? " " : "", node->type);
        for (unsigned k = 0; k < node->formal_count; k++)
            if (node->inputs[k].value && node->inputs[k].value->type.dtype == C2S_FLOAT)
                length += (size_t)snprintf(text + length, size - length, "%c",
                                           operand_letter(node->inputs[k].value));
        bool quantized = node->outputs[0]->use_count > 0;
        c2s_value_each_use(use, node->outputs[0]) {
            quantized &= is_quantizer(use->user);
        }
        snprintf(text + length, size - length, quantized ? ">q" : ">");
    }
}

/* With `options` the pass makes `expected` of the graph, biases as they are; results stay within
 * `tolerance`, relative to the largest element. Refusals are kept for the caller. */
static inline void check_quantized(int opset, const char *options, double tolerance,
                                   const char *text, const char *expected) {
    const c2s_feed feed = {.count = 3, .get = wave};
    char passes[200], found[2000];
    c2s_model *model = quantized_model(opset, text), *original = c2s_model_copy(model);
    snprintf(passes, sizeof passes, "quantize(bias_correction=no%s%s)", *options ? ", " : "",
             options);
    case_feed = &feed;
    run_passes(model, passes);
    describe(model->graph, found, sizeof found);
    if (strcmp(found, expected) != 0)
        fail_msg("%s of\n%s\nfound    %s\nexpected %s\n%s", passes, text, found, expected,
                 refusals);
    const double difference = largest_difference(original, model);
    if (!(difference <= tolerance))
        fail_msg("%s of\n%s\nresults differ by %g, expected %g", passes, text, difference,
                 tolerance);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
}

/* The same where a refusal with this reason is expected. */
static inline void check_left(int opset, const char *options, const char *text,
                              const char *expected, const char *reason) {
    check_quantized(opset, options, 0.2, text, expected);
    if (!strstr(refusals, reason))
        fail_msg("expected a refusal with \"%s\", found:\n%s", reason, refusals);
}

/* The pass fails with this status and a message that contains `part`. */
static inline void check_fails(const char *options, const char *text, c2s_status expected,
                               const char *part) {
    const c2s_feed feed = {.count = 1, .get = wave};
    const c2s_pass_context context = {.evaluator = &c2s_evaluator_reference, .feed = &feed};
    c2s_pipeline_options o = {.context = &context};
    char passes[200];
    c2s_model *model = quantized_model(17, text);
    c2s_pipeline *pipeline;
    c2s_pipeline_result result = {0};
    snprintf(passes, sizeof passes, "quantize(%s)", options);
    assert_int_equal(c2s_pipeline_parse(passes, &pipeline), C2S_OK);
    const c2s_status status = c2s_pipeline_run(pipeline, model, &o, &result);
    if (status != expected || !strstr(c2s_error(), part))
        fail_msg("%s: status %d: %s\nexpected %d: ... %s ...", passes, (int)status, c2s_error(),
                 (int)expected, part);
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    c2s_model_destroy(model);
}

#endif
