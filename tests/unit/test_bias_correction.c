/* SPDX-License-Identifier: Apache-2.0
 *
 * Biases that make up for mean errors: with weights half of which rounding makes larger, the
 * outputs of the quantized model are off on the average, and on samples that the pass has not seen
 * they are not any more. Means are taken here from outputs of the plain evaluator.
 */
#include "unit/quantized_case.h"

#include "eval/runner.h"

enum { SEEN = 16, UNSEEN = 16, CHANNELS = 6, IMAGE = 8 * 8 };

/* Above 0 on the average, other numbers in each sample. */
static c2s_status bright(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                         c2s_tensor **in) {
    const size_t sample = index + (feed->user ? SEEN : 0);
    for (unsigned i = 0; i < graph->formal_inputs; i++) {
        const c2s_type *type = &graph->entry->outputs[i]->type;
        size_t count;
        assert_true(c2s_type_elements(type, &count));
        double *values = calloc(count + 1, sizeof *values);
        for (size_t k = 0; k < count; k++)
            values[k] = 1 + sin((double)(k * (sample + 3)) * 0.37 + (double)sample);
        C2S_TRY(c2s_tensor_from_f64(type->dtype, type->rank, type->dim, values, &in[i]));
        free(values);
    }
    return C2S_OK;
}

/* Half of them round up: the step is 1 / 127. */
static void print_weights(FILE *to, const char *name, int rows, int each, const char *dims) {
    fprintf(to, "float[%s] %s = {", dims, name);
    for (int r = 0; r < rows; r++)
        for (int k = 0; k < each; k++)
            fprintf(to, "%s%.6f", r + k ? ", " : "",
                    k % 2 ? 0.0042 + 0.0001 * (k % 5) : cos(r * 13 + k * 7.0));
    fprintf(to, "}");
}

static char *with_weights(const char *interface, const char *body) {
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    fprintf(to, "%s <", interface);
    print_weights(to, "w", CHANNELS, 24 * 9, "6,24,3,3");
    fprintf(to, ", ");
    print_weights(to, "v", CHANNELS, 6 * 9, "6,6,3,3");
    fprintf(to, ", ");
    print_weights(to, "m", CHANNELS, IMAGE, "6,64"); /* for transB */
    fprintf(to, ", ");
    print_weights(to, "n", 1, IMAGE * CHANNELS, "64,6");
    fprintf(to, ", float[6] b = {0.5, -1.0, 0.1, 0.2, 0.0, 1.0}> { %s }", body);
    fclose(to);
    return text;
}

static void run_sample(const c2s_model *model, const c2s_feed *feed, size_t index,
                       c2s_tensor **out) {
    const c2s_eval_options options = {.threads = 1};
    c2s_tensor *in[1];
    c2s_runner *runner;
    assert_int_equal(bright(feed, model->graph, index, in), C2S_OK);
    assert_int_equal(c2s_runner_open(model->graph, &c2s_evaluator_reference, &options, &runner),
                     C2S_OK);
    assert_int_equal(c2s_runner_run(runner, (const c2s_tensor *const *)in, out), C2S_OK);
    c2s_runner_close(runner);
    c2s_tensor_unref(in[0]);
}

/* The mean error of each channel of the output, on samples that were not for learning: the largest.
 * `inner`: elements of a channel that lie together. */
static double largest_mean_error(const c2s_model *a, const c2s_model *b, size_t inner) {
    const c2s_feed unseen = {.count = UNSEEN, .get = bright, .user = (void *)1};
    double sums[CHANNELS] = {0}, largest = 0;
    for (size_t s = 0; s < UNSEEN; s++) {
        c2s_tensor *x[1], *y[1];
        run_sample(a, &unseen, s, x);
        run_sample(b, &unseen, s, y);
        for (size_t i = 0; i < x[0]->count; i++)
            sums[i / inner % CHANNELS] += c2s_tensor_f64_at(y[0], i) - c2s_tensor_f64_at(x[0], i);
        for (size_t c = 0; c < CHANNELS && s + 1 == UNSEEN; c++)
            largest = fmax(largest, fabs(sums[c]) * CHANNELS / (double)(x[0]->count * UNSEEN));
        c2s_tensor_unref(x[0]);
        c2s_tensor_unref(y[0]);
    }
    return largest;
}

static c2s_model *quantized_with(const c2s_model *model, const char *options,
                                 const char *expected) {
    static const c2s_feed seen = {.count = SEEN, .get = bright};
    char passes[200], found[2000];
    c2s_model *copy = c2s_model_copy(model);
    snprintf(passes, sizeof passes, "quantize(force, rounding=nearest, %s)", options);
    case_feed = &seen;
    run_passes(copy, passes);
    describe(copy->graph, found, sizeof found);
    assert_string_equal(found, expected);
    return copy;
}

/* With `options` the mean error of what comes out is at most `share` of what it is without
 * correction. */
static void check(const char *interface, const char *body, size_t inner, const char *options,
                  const char *before, const char *after, double share) {
    char *text = with_weights(interface, body), uncorrected[200];
    c2s_model *model = quantized_model(17, text);
    snprintf(uncorrected, sizeof uncorrected, "%s", options);
    if (strstr(uncorrected, "analytic"))
        *strstr(uncorrected, ", bias") = '\0';
    strcat(uncorrected, ", bias_correction=no");
    c2s_model *plain = quantized_with(model, uncorrected, before);
    c2s_model *corrected = quantized_with(model, options, after);
    const double error = largest_mean_error(model, plain, inner),
                 rest = largest_mean_error(model, corrected, inner);
    if (!(error > 0 && rest <= share * error))
        fail_msg("%s of\n%s\nmean errors of up to %g became %g", options, body, error, rest);
    c2s_model_destroy(plain);
    c2s_model_destroy(corrected);
    c2s_model_destroy(model);
    free(text);
}

#define IMAGES "g (float[1,24,8,8] x) => (float[1,6,8,8] y)"
#define SAME   "<pads = [1, 1, 1, 1]>"

static void one_layer(void **state) {
    (void)state;
    check(IMAGES, "y = Conv" SAME "(x, w, b)", IMAGE, "per_channel=no", "Conv qwb>q", "Conv qwb>q",
          0.25);
    /* A bias is made where there is none. */
    check(IMAGES, "y = Conv" SAME "(x, w)", IMAGE, "per_channel=no", "Conv qw>q", "Conv qwb>q",
          0.25);
    check(IMAGES, "y = Conv" SAME "(x, w)", IMAGE, "per_channel=no, target=openvino", "Conv qw>",
          "Conv qw.>", 0.25);
    check("g (float[1,64] x) => (float[1,6] y)", "y = Gemm<transB = 1>(x, m)", 1, "per_channel=no",
          "Gemm qw>", "Gemm qwb>", 0.25);
    check("g (float[1,64] x) => (float[1,6] y)", "y = Gemm<transB = 1>(x, m, b)", 1,
          "per_channel=no", "Gemm qwb>", "Gemm qwb>", 0.25);
    check(IMAGES, "y = Conv" SAME "(x, w)", IMAGE, "per_channel=no, bias_correction=analytic",
          "Conv qw>q", "Conv qwb>q", 0.5);
    check("g (float[1,64] x) => (float[1,6] y)", "y = Gemm<transB = 1>(x, m)", 1,
          "per_channel=no, bias_correction=analytic", "Gemm qw>", "Gemm qwb>", 0.5);
    /* The vector behind is the bias where the runtime sees one in it. */
    check("g (float[1,64] x) => (float[1,6] y)", "a = MatMul(x, n) y = Add(a, b)", 1,
          "per_channel=no, weights=int8", "MatMul qw> Add .b>", "MatMul qw> Add .b>", 0.7);
}

/* What later layers get has been corrected: nothing is made up for twice. */
static void layers_in_a_row(void **state) {
    (void)state;
    const char *body = "a = Conv" SAME "(x, w, b) r = Relu(a) c = Conv" SAME
                       "(r, v) s = Add(c, r) t = Relu(s) y = Conv" SAME "(t, v, b)";
    check(IMAGES, body, IMAGE, "per_channel=no",
          "Conv qwb> Relu .>q Conv qw>q Add qq> Relu .>q Conv qwb>q",
          "Conv qwb> Relu .>q Conv qwb>q Add qq> Relu .>q Conv qwb>q", 0.45);
}

static void nothing_without_samples(void **state) {
    (void)state;
    char *text = with_weights(IMAGES, "y = Conv" SAME "(x, w)"), found[200];
    c2s_model *model = quantized_model(17, text);
    case_feed = NULL; /* random inputs */
    run_passes(model, "quantize(force)");
    describe(model->graph, found, sizeof found);
    assert_string_equal(found, "Conv qW>q");
    c2s_model_destroy(model);
    check_fails("bias_correction=maybe", text, C2S_ERR_USAGE, "bias_correction");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_layer),
        cmocka_unit_test(layers_in_a_row),
        cmocka_unit_test(nothing_without_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
