/* SPDX-License-Identifier: Apache-2.0
 *
 * What the pass quantize makes gives the same with the arithmetic of processors without VNNI, which
 * ort.saturation holds to ONNX Runtime's; without its option `portable` it would not.
 */
#include "unit/quantized_case.h"

#include "runtime/session.h"

static c2s_tensor *result_of(const c2s_model *model, c2s_emulation emulate) {
    const c2s_eval_options options = {.threads = 1, .emulate = emulate};
    c2s_runner *runner;
    c2s_tensor *in[1], *out[2] = {NULL, NULL};
    assert_int_equal(wave(NULL, model->graph, 1, in), C2S_OK);
    assert_int_equal(c2s_runner_open(model->graph, &c2s_evaluator_onednn, &options, &runner),
                     C2S_OK);
    assert_int_equal(c2s_runner_run(runner, (const c2s_tensor *const *)in, out), C2S_OK);
    c2s_runner_close(runner);
    c2s_tensor_unref(in[0]);
    c2s_tensor_unref(out[1]);
    return out[0];
}

static bool depends_on_processor(const c2s_model *model) {
    bool differs = false;
    c2s_tensor *exact = result_of(model, C2S_EMULATE_NOTHING);
    for (c2s_emulation e = C2S_EMULATE_AVX2; e <= C2S_EMULATE_AVX2_ONEDNN; e++) {
        c2s_tensor *emulated = result_of(model, e);
        assert_int_equal(exact->count, emulated->count);
        for (size_t i = 0; i < exact->count; i++)
            differs |= c2s_tensor_f64_at(exact, i) != c2s_tensor_f64_at(emulated, i);
        c2s_tensor_unref(emulated);
    }
    c2s_tensor_unref(exact);
    return differs;
}

/* A constant in which most numbers are near 1. */
static void print_weights(FILE *to, const char *type, const char *name, int count) {
    fprintf(to, "<%s %s = {", type, name);
    for (int k = 0; k < count; k++)
        fprintf(to, "%s%.2f", k ? ", " : "", (k % 7 == 3 ? -1 : 1) * (1 - (k * 5 % 11) * 0.02));
    fprintf(to, "}>\n");
}

static void check(const char *interface, const char *type, int count, const char *body,
                  const char *options, bool expected) {
    const c2s_feed feed = {.count = 3, .get = wave};
    char passes[100], *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    fprintf(stream, "%s\n", interface);
    print_weights(stream, type, "w", count);
    fprintf(stream, "{ %s }", body);
    fclose(stream);
    c2s_model *model = quantized_model(17, text);
    snprintf(passes, sizeof passes, "quantize(force, %s)", options);
    case_feed = &feed;
    run_passes(model, passes);
    if (depends_on_processor(model) != expected)
        fail_msg("%s of\n%s\nexpected %s results on every processor", passes, text,
                 expected ? "different" : "the same");
    c2s_model_destroy(model);
    free(text);
}

static void check_both(const char *interface, const char *type, int count, const char *body) {
    check(interface, type, count, body, "portable=no", true);
    check(interface, type, count, body, "portable=yes", false);
    check(interface, type, count, body, "portable=always", false);
    check(interface, type, count, body, "portable=yes, per_channel=no", false);
    check(interface, type, count, body, "target=openvino, portable=yes", false);
    /* Unsigned weights are multiplied exactly. */
    check(interface, type, count, body, "weights=uint8, portable=no", false);
}

static void sums_are_the_same_everywhere(void **state) {
    (void)state;
    check_both("g (float[4,30] x) => (float[4,5] y)", "float[30,5]", 150, "y = MatMul(x, w)");
    check_both("g (float[4,30] x) => (float[4,5] y)", "float[5,30]", 150,
               "y = Gemm<transB = 1>(x, w)");
    check_both("g (float[1,3,6,6] x) => (float[1,4,4,4] y)", "float[4,3,3,3]", 108,
               "y = Conv(x, w)");
    check_both("g (float[1,6,6,6] x) => (float[1,4,4,4] y)", "float[4,3,3,3]", 108,
               "y = Conv<group = 2>(x, w)");
}

/* Along the last axis indices 4 and 5 are small, channels 4 and 5 are not: what is known of the
 * ones says nothing of the others. */
static void channels_of_one_reader_are_not_those_of_another(void **state) {
    (void)state;
    static const char constants[] =
        "float[6] s = {1.0, 1.0, 1.0, 1.0, 0.01, 0.01}, float[6,1] m = {0.1, 0.2, 0.1, -0.1, 0.1, "
        "0.2}, float[4,6,1,1] k = {0.1, 0.1, 0.1, 0.1, 1.0, 0.9, 0.1, 0.1, 0.1, 0.1, 1.0, 0.9, "
        "0.1, 0.1, 0.1, 0.1, 1.0, 0.9, 0.1, 0.1, 0.1, 0.1, 1.0, 0.9}, float[1]";
    static const char interface[] = "g (float[1,6,6,6] x) => (float[1,4,6,6] y, float[1,6,6,1] z)";
    static const char body[] = "a = Mul(x, s) y = Conv(a, k) z = MatMul(a, m)";
    check(interface, constants, 1, body, "portable=no", true);
    check(interface, constants, 1, body, "portable=yes", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_the_same_everywhere),
        cmocka_unit_test(channels_of_one_reader_are_not_those_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
