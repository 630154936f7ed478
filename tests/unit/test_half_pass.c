/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass half: what computes in float16, what stays in float, and why; where Casts stand. The
 * results are held against those of the model in float; that ONNX Runtime takes what comes out is
 * for ort.half.
 */
#include "unit/quantized_case.h"

#include "eval/quality.h"

static char letter_of(const c2s_value *value) {
    if (!value || value->type.kind != C2S_KIND_TENSOR)
        return '.';
    switch (value->type.dtype) {
    case C2S_FLOAT:
        return 'f';
    case C2S_FLOAT16:
        return 'h';
    case C2S_BFLOAT16:
        return 'b';
    default:
        return 'i';
    }
}

/* "Conv hh>h": the types of operands and results. */
static void describe_types(const c2s_graph *graph, char *text, size_t size) {
    size_t at = 0;
    text[0] = '\0';
    for (const c2s_node *node = graph->first; node; node = node->next) {
        at += (size_t)snprintf(text + at, size - at, "%s%s ", at ? " " : "", node->type);
        for (unsigned k = 0; k < node->formal_count; k++)
            at += (size_t)snprintf(text + at, size - at, "%c", letter_of(node->inputs[k].value));
        at += (size_t)snprintf(text + at, size - at, ">");
        for (unsigned k = 0; k < node->output_count; k++)
            at += (size_t)snprintf(text + at, size - at, "%c", letter_of(node->outputs[k]));
    }
}

static void check(const char *options, double tolerance, const char *text, const char *expected,
                  const char *reason) {
    const c2s_feed feed = {.count = 3, .get = wave};
    char passes[200], found[2000];
    c2s_model *model = quantized_model(17, text), *original = c2s_model_copy(model);
    snprintf(passes, sizeof passes, "half%s%s%s", options[0] ? "(" : "", options,
             options[0] ? ")" : "");
    case_feed = &feed;
    run_passes(model, passes);
    describe_types(model->graph, found, sizeof found);
    if (strcmp(found, expected) != 0)
        fail_msg("%s of\n%s\nfound    %s\nexpected %s\n%s", passes, text, found, expected,
                 refusals);
    if (reason && !strstr(refusals, reason))
        fail_msg("%s\nexpected a refusal with \"%s\", found:\n%s", text, reason, refusals);
    if (tolerance >= 0) {
        const double difference = largest_difference(original, model);
        if (!(difference <= tolerance))
            fail_msg("%s\nresults differ by %g, expected %g", text, difference, tolerance);
    }
    c2s_model_destroy(original);
    c2s_model_destroy(model);
}

#define IMAGES(weights, body)                                                                      \
    "g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w = {1.0, -2.0, 0.5, 0.25}, "      \
    "float[2] b = {0.5, -1.0}" weights "> {" body "}"
#define VECTOR(weights, body) "g (float[2,8] x) => (float[2,8] y) " weights " {" body "}"

static void computes_in_half(void **state) {
    (void)state;
    check("", 0.005, IMAGES("", "a = Conv(x, w, b) y = Relu(a)"),
          "Cast f>h Conv hhh>h Relu h>h Cast h>f", NULL);
    /* The types of the interface follow on request. */
    check("io=half", -1, IMAGES("", "a = Conv(x, w, b) y = Relu(a)"), "Conv hhh>h Relu h>h", NULL);
    /* One Cast for all readers. */
    check("", 0.005, IMAGES("", "a = Conv(x, w, b) c = Conv(x, w) y = Add(a, c)"),
          "Cast f>h Conv hhh>h Conv hh>h Add hh>h Cast h>f", NULL);
    check("exclude=Tanh", 0.005, IMAGES("", "a = Conv(x, w, b) t = Tanh(a) y = Conv(t, w)"),
          "Cast f>h Conv hhh>h Cast h>f Tanh f>f Cast f>h Conv hh>h Cast h>f",
          "left out on request");
    check("include=Conv", 0.005, IMAGES("", "t = Tanh(x) y = Conv(t, w)"),
          "Tanh f>f Cast f>h Conv hh>h Cast h>f", "left out on request");
}

static void islands_hold_what_half_cannot(void **state) {
    (void)state;
    /* Inputs are within 3. */
    check("", 0.005,
          VECTOR("<float k = {20000.0}, float s = {0.00001}>", "a = Mul(x, k) y = Mul(a, s)"),
          "Mul ff>f Mul ff>f", "near 65504");
    check("", 0.005, VECTOR("<float k = {0.000001}>", "a = Mul(x, k) t = Tanh(x) y = Add(a, t)"),
          "Mul ff>f Tanh f>f Add ff>f", "below 2^-14");
    check("", 0.005, VECTOR("<float e = {0.0000001}>", "a = Abs(x) y = Add(a, e)"),
          "Abs f>f Add ff>f", "a constant vanishes");
    check("terms=4", 0.005, VECTOR("", "y = Softmax(x)"), "Softmax f>f", "adds up many numbers");
    check("terms=8", 0.005, VECTOR("", "y = Softmax(x)"), "Cast f>h Softmax h>h Cast h>f", NULL);
    check("", 0.005,
          VECTOR("<float k = {1000.0}, float[8] s = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0}>",
                 "a = Mul(x, k) y = LayerNormalization(a, s)"),
          "Mul ff>f LayerNormalization ff>f", "squares numbers");
    check("", 0.01,
          VECTOR("<float[8] s = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0}>",
                 "y = LayerNormalization(x, s)"),
          "Cast f>h LayerNormalization hh>h Cast h>f", NULL);
    check("", 0, VECTOR("", "y = Celu(x)"), "Celu f>f", "knows no float16");
    check(
        "", -1,
        "g (float[4] x) => (int64[4] y) <float k = {1000.0}> { a = Mul(x, k) y = Cast<to = 7>(a) }",
        "Mul ff>f Cast f>i", "whole numbers beyond 2048");
}

static void what_runtimes_fail_on_stays(void **state) {
    (void)state;
    check("", 0.005,
          "g (float[2,3,4] x) => (float[3,2,2] y) <float[4,2] w = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, "
          "7.0, 8.0}> { s = Sin(x) t = Transpose<perm = [1, 0, 2]>(s) y = MatMul(t, w) }",
          "Sin f>f Transpose f>f MatMul ff>f", "Transpose of leading axes");
    check("", -1,
          "g (float[4,2] x) => (float[4,2] y) <int64[1,1] i = {2}, float[1,2] u = {0.5, 1.0}> "
          "{ s = Sin(x) y = ScatterND<reduction = \"add\">(s, i, u) }",
          "Sin f>f ScatterND fif>f", "reduces no float16");
    check("", 0.005,
          "g (float[4,2] x) => (float[4,2] y) <int64[1,1] i = {2}, float[1,2] u = {0.5, 1.0}> "
          "{ s = Sin(x) y = ScatterND(s, i, u) }",
          "Cast f>h Sin h>h ScatterND hih>h Cast h>f", NULL);
}

static void moves_join_islands(void **state) {
    (void)state;
    check("", 0.005,
          VECTOR("<int64[2] p = {8, 2}, int64[2] q = {2, 8}>",
                 "a = Celu(x) r = Reshape(a, p) t = Reshape(r, q) y = Celu(t)"),
          "Celu f>f Reshape fi>f Reshape fi>f Celu f>f", "around it");
}

static void masks_hide_as_before(void **state) {
    (void)state;
    check("", 0.002,
          VECTOR("<float[8] m = {0.0, -1000000000.0, 0.0, 0.0, -1000000000.0, 0.0, 0.0, 0.0}>",
                 "a = Add(x, m) y = Softmax(a)"),
          "Cast f>h Add hh>h Softmax h>h Cast h>f", NULL);
    /* Not below all scores: no mask. */
    check("", 0.002,
          VECTOR("<float[8] m = {0.0, 1000000000.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0}>",
                 "a = Mul(x, m) y = Tanh(a)"),
          "Mul ff>f Tanh f>f", "beyond 65504");
}

static void attributes_say_half(void **state) {
    (void)state;
    check("", 0.005,
          VECTOR("<int64[2] d = {2, 8}>",
                 "c = ConstantOfShape<value = float[1] {2.5}>(d) y = Mul(c, x)"),
          "Cast f>h ConstantOfShape i>h Mul hh>h Cast h>f", NULL);
    check("", 0.005,
          "g (float[2,8] x, int64[2,8] n) => (float[2,8] y) { c = Cast<to = 1>(n) y = Add(c, x) }",
          "Cast f>h Cast i>h Add hh>h Cast h>f", NULL);
    check("", -1, VECTOR("", "r = RandomNormalLike<dtype = 1>(x) y = Add(r, x)"),
          "Cast f>h RandomNormalLike h>h Add hh>h Cast h>f", NULL);
    check("", 0.005,
          "g (float[1,1,2,2] x) => (float[1,1,4,4] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}> "
          "{ y = Resize<mode = \"linear\">(x, \"\", s) }",
          "Cast f>h Resize h.f>h Cast h>f", NULL);
}

/* Casts of a model that has halves already lose their purpose. */
static void casts_are_merged(void **state) {
    (void)state;
    check("", 0.005,
          "g (float16[2,8] x) => (float16[2,8] y) { a = Cast<to = 1>(x) t = Tanh(a) y = Cast<to = "
          "10>(t) }",
          "Tanh h>h", NULL);
    check("", 0.005, "g (float16[2,8] x) => (float16[2,8] y) { y = Tanh(x) }", "Tanh h>h", NULL);
}

static void bodies_stay_float(void **state) {
    (void)state;
    const char *text =
        "g (float[2,2] x, bool c) => (float[2,2] y) <float k = {2.0}, float[2,2] w = {1.0, 2.0, "
        "3.0, 4.0}> { a = MatMul(x, w) y = If(c) <then_branch = t () => (float[2,2] u) { u = "
        "Mul(a, k) }, else_branch = e () => (float[2,2] v) { v = MatMul(a, w) }> }";
    check("", 0.005, text, "Cast f>h MatMul hh>h Cast h>f If i>f", "knows no float16");
}

static void quantizers_are_left_alone(void **state) {
    (void)state;
    check("", 0,
          VECTOR("<float s = {0.05}, uint8 z = {128}>",
                 "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) t = Tanh(d) r = "
                 "QuantizeLinear(t, s, z) y = DequantizeLinear(r, s, z)"),
          "QuantizeLinear ffi>i DequantizeLinear ifi>f Tanh f>f QuantizeLinear ffi>i "
          "DequantizeLinear ifi>f",
          "at a quantizer");
}

/* Scales are what a runtime wants to know before it runs. */
static void scales_are_left_alone(void **state) {
    (void)state;
    char text[4000];
    size_t at = (size_t)sprintf(text, "g (float[2,2] x) => (float[2,64] y) <int8[2,64] w = {1");
    for (int k = 1; k < 128; k++)
        at += (size_t)sprintf(text + at, ", %d", k % 7 - 3);
    at += (size_t)sprintf(text + at, "}, float[64] s = {0.5");
    for (int k = 1; k < 64; k++)
        at += (size_t)sprintf(text + at, ", %.3f", 0.25 + k % 5 * 0.125);
    sprintf(text + at, "}> { f = DequantizeLinear<axis = 1>(w, s) y = MatMul(x, f) }");
    check("compute=no", 0, text, "DequantizeLinear if>f MatMul ff>f", NULL);
}

/* A matrix of 64 weights; `special` is one of them. */
static const char *product(const char *special) {
    static char text[2000];
    size_t at =
        (size_t)sprintf(text, "g (float[2,8] x) => (float[2,8] y) <float[8,8] w = {%s", special);
    for (int k = 1; k < 64; k++)
        at += (size_t)sprintf(text + at, ", %.3f", (k * 7 % 13 - 6) / 8.0);
    sprintf(text + at, "}> { y = MatMul(x, w) }");
    return text;
}

static void weights_are_stored(void **state) {
    (void)state;
    check("compute=no", 0.005, product("0.3"), "Cast h>f MatMul ff>f", NULL);
    check("type=bfloat16", 0.03, product("0.3"), "Cast b>f MatMul ff>f", NULL);
    /* What an island reads is stored so, too. */
    check("exclude=MatMul", 0.005, product("0.3"), "Cast h>f MatMul ff>f", "left out");
    /* float16 has no such number; bfloat16 does. */
    snprintf(left_alone, sizeof left_alone, "half-weights");
    check("compute=no", 0, product("100000.0"), "MatMul ff>f", NULL);
    left_alone[0] = '\0';
    check("type=bfloat16", 0.03, product("100000.0"), "Cast b>f MatMul ff>f", NULL);
    /* Both types of one weight. */
    check(
        "exclude=Gemm", 0.005,
        "g (float[2,2] x) => (float[2,2] y) <float[2,2] w = {1.0, 2.0, 3.0, 4.0}> { a = MatMul(x, "
        "w) b = Gemm(x, w) y = Add(a, b) }",
        "Cast f>h MatMul hh>h Gemm ff>f Cast f>h Add hh>h Cast h>f", "left out");
}

/* 20000 and back: three digits are lost, if each operator rounds. */
static void what_costs_too_much_stays(void **state) {
    (void)state;
    const char *text = VECTOR("<float k = {20000.0}>",
                              "t = Tanh(x) a = Add(t, k) d = Sub(a, k) s = Sin(d) c = Cos(s) e = "
                              "Exp(c) y = Mul(e, d)");
    const c2s_feed feed = {.count = 3, .get = wave};
    c2s_model *model = quantized_model(17, text), *first = c2s_model_copy(model);
    c2s_quality *quality;
    c2s_quality_result result;
    assert_int_equal(c2s_quality_open(first->graph, &c2s_evaluator_reference,
                                      &(c2s_eval_options){0}, &feed, 0, &quality),
                     C2S_OK);
    const c2s_pass_context context = {.evaluator = &c2s_evaluator_reference,
                                      .feed = &feed,
                                      .quality = quality,
                                      .budget = {(double)NAN, (double)NAN}};
    c2s_pipeline_options o = {.context = &context};
    c2s_pipeline *pipeline;
    c2s_pipeline_result done = {0};
    assert_int_equal(c2s_pipeline_parse("half", &pipeline), C2S_OK);
    assert_int_equal(c2s_pipeline_run(pipeline, model, &o, &done), C2S_OK);
    char found[1000];
    describe_types(model->graph, found, sizeof found);
    assert_non_null(strstr(found, "Sub ff>f"));
    assert_non_null(strstr(found, "hh>h")); /* something was worth it */
    assert_int_equal(c2s_quality_measure(quality, model->graph, 0, &result), C2S_OK);
    assert_true(result.sqnr_db >= 40);
    c2s_pipeline_result_free(&done);
    c2s_pipeline_free(pipeline);
    c2s_quality_close(quality);
    c2s_model_destroy(first);
    c2s_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_in_half),
        cmocka_unit_test(islands_hold_what_half_cannot),
        cmocka_unit_test(moves_join_islands),
        cmocka_unit_test(what_runtimes_fail_on_stays),
        cmocka_unit_test(masks_hide_as_before),
        cmocka_unit_test(attributes_say_half),
        cmocka_unit_test(casts_are_merged),
        cmocka_unit_test(bodies_stay_float),
        cmocka_unit_test(quantizers_are_left_alone),
        cmocka_unit_test(weights_are_stored),
        cmocka_unit_test(scales_are_left_alone),
        cmocka_unit_test(what_costs_too_much_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
