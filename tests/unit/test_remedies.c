/* SPDX-License-Identifier: Apache-2.0
 *
 * What the pass quantize does when results have to be better than codes of 8 bits make them. The
 * SQNR is that of the plain evaluator, which computes in floats what codes stand for.
 */
#include "unit/quantized_case.h"

/* The same for any seed: a few layers, some of whose channels are much larger than others. */
static char *network(void) {
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    fprintf(to, "g (float[1,2,6,6] x) => (float[1,3,6,6] y) <");
    for (int w = 0; w < 3; w++) {
        const int in = w == 0 ? 2 : 4, out = w == 2 ? 3 : 4;
        fprintf(to, "%sfloat[%d,%d,3,3] w%d = {", w ? ", " : "", out, in, w);
        for (int k = 0; k < out * in * 9; k++)
            fprintf(to, "%s%.5f", k ? ", " : "",
                    sin(k * 7.3 + w) * (w == 0 && k / (in * 9) == 1 ? 20 : 1));
        fprintf(to, "}, float[%d] b%d = {", out, w);
        for (int k = 0; k < out; k++)
            fprintf(to, "%s%.2f", k ? ", " : "", 0.3 * k - 0.2);
        fprintf(to, "}");
    }
    fprintf(to, "> { a = Conv<pads = [1, 1, 1, 1]>(x, w0, b0) r = Relu(a)"
                " c = Conv<pads = [1, 1, 1, 1]>(r, w1, b1) s = Relu(c)"
                " y = Conv<pads = [1, 1, 1, 1]>(s, w2, b2) }");
    fclose(to);
    return text;
}

typedef struct outcome {
    unsigned on_codes,
        wide; /* convolutions whose operands are dequantized; quantizers of 16 bits */
    double sqnr_db;
    c2s_remedy remedies[8]; /* the last ones, without `where` */
    size_t layers, tried;   /* those with, and all */
    char log[sizeof refusals];
} outcome;

static void keep_log(void *user, int level, const char *text) {
    outcome *o = user;
    (void)level;
    const size_t length = strlen(o->log);
    snprintf(o->log + length, sizeof o->log - length, "%s\n", text);
}

static outcome quantized(const char *options, double min_sqnr_db) {
    static const c2s_feed feed = {.count = 6, .get = wave};
    static outcome o;
    o = (outcome){.on_codes = 0};
    const c2s_log_sink sink = {.verbosity = 1, .line = keep_log, .user = &o};
    char *text = network(), passes[200];
    c2s_model *model = quantized_model(21, text);
    c2s_pass_context context = {.evaluator = &c2s_evaluator_reference,
                                .eval = {.threads = 1},
                                .feed = &feed,
                                .budget = {.max_drop = (double)NAN, .min_sqnr_db = min_sqnr_db}};
    assert_int_equal(c2s_quality_open(model->graph, &c2s_evaluator_reference, &context.eval, &feed,
                                      0, &context.quality),
                     C2S_OK);
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    const c2s_pipeline_options how = {.context = &context};
    snprintf(passes, sizeof passes, "quantize(%s)", options);
    assert_int_equal(c2s_pipeline_parse(passes, &pipeline), C2S_OK);
    const c2s_log_sink *before = c2s_log_set_sink(&sink);
    if (c2s_pipeline_run(pipeline, model, &how, &result) != C2S_OK)
        fail_msg("%s", c2s_error());
    c2s_log_set_sink(before);
    c2s_quality_result quality;
    assert_int_equal(c2s_quality_measure(context.quality, model->graph, 0, &quality), C2S_OK);
    o.sqnr_db = quality.sqnr_db;
    const c2s_stats *stats = &result.steps.at[0].stats;
    for (size_t i = 0; i < stats->remedies.count; i++) {
        const c2s_remedy *r = &stats->remedies.at[i];
        if (!r->where && o.tried < 8)
            o.remedies[o.tried++] = *r;
        o.layers += r->where != NULL && !isnan(r->alone_db) && isnan(r->after_db);
    }
    for (const c2s_node *node = model->graph->first; node; node = node->next) {
        o.wide += is_quantizer(node) && c2s_dtype_bits(node->outputs[0]->type.dtype) == 16;
        o.on_codes += node->op == &c2s_op_conv && operand_letter(node->inputs[0].value) == 'q' &&
                      operand_letter(node->inputs[1].value) == 'W';
    }
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    c2s_quality_close(context.quality);
    c2s_model_destroy(model);
    free(text);
    return o;
}

static void wider_codes_where_they_are_mixed(void **state) {
    (void)state;
    const double bits8 = quantized("force, target=generic", 5).sqnr_db;
    outcome o = quantized("force, target=generic", bits8 - 1);
    assert_int_equal(o.wide, 0);
    assert_int_equal(o.on_codes, 3);
    o = quantized("force, target=generic", bits8 + 3);
    if (o.on_codes != 3 || o.wide == 0 || o.sqnr_db < bits8 + 3)
        fail_msg("%u layers on codes, %u quantizers of 16 bits, %.1f dB after %.1f\n%s", o.on_codes,
                 o.wide, o.sqnr_db, bits8, o.log);
    assert_non_null(strstr(o.log, "gets activations of 16 bits"));
    /* Those of the user are kept. */
    o = quantized("force, target=generic, activations=uint8", bits8 + 3);
    assert_int_equal(o.wide, 0);
    assert_true(o.on_codes < 3 && o.sqnr_db >= bits8 + 3);
}

static void float_where_nothing_else_helps(void **state) {
    (void)state;
    const double bits8 = quantized("force", 5).sqnr_db;
    outcome o = quantized("force", bits8 + 6);
    if (o.on_codes == 3 || o.wide != 0 || o.sqnr_db < bits8 + 6)
        fail_msg("%u layers on codes, %u quantizers of 16 bits, %.1f dB after %.1f\n%s", o.on_codes,
                 o.wide, o.sqnr_db, bits8, o.log);
    assert_non_null(strstr(o.log, "it stays in float"));
    assert_int_equal(o.layers, 3);
    assert_true(o.tried > 0 && o.remedies[o.tried - 1].after_db >= bits8 + 6);
    o = quantized("force", 150);
    assert_int_equal(o.on_codes, 0);
    assert_true(isinf(o.sqnr_db));
    assert_non_null(strstr(o.log, "left in float: on codes the quality that is wanted"));
}

/* What the user left to the pass is tried first, and what it bought is said. */
static void remedies_come_first(void **state) {
    (void)state;
    const double plain = quantized("force, bias_correction=no, rounding=nearest, method=percentile,"
                                   " percentile=90",
                                   -100)
                             .sqnr_db;
    const outcome o = quantized("force, bias_correction=no, rounding=nearest, method=percentile, "
                                "percentile=90",
                                plain + 1);
    if (o.on_codes != 3 || o.sqnr_db < plain + 1 || !strstr(o.log, "ranges by another method"))
        fail_msg("%u layers on codes, %.1f dB after %.1f\n%s", o.on_codes, o.sqnr_db, plain, o.log);
    /* The record says what it bought: from what there was to what there is. */
    assert_true(o.tried > 0 && o.layers == 0 && o.remedies[0].kept);
    assert_true(fabs(o.remedies[0].before_db - plain) < 0.01);
    assert_true(fabs(o.remedies[o.tried - 1].after_db - o.sqnr_db) < 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wider_codes_where_they_are_mixed),
        cmocka_unit_test(float_where_nothing_else_helps),
        cmocka_unit_test(remedies_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
