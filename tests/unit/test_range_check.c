/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges of quantized models held against data: shares of clipped numbers and of codes that are not
 * used are those that counting by hand gives; what the codes clamp on purpose is not called
 * clipped.
 */
#include <math.h>

#include "eval/evaluator.h"
#include "passes/quant/range_check.h"
#include "run_text.h"

enum { COUNT = 2000 };

/* Evenly from -1 to 1, but for rounding. */
static c2s_status even(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                       c2s_tensor **in) {
    (void)feed;
    (void)index;
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, 1, (int64_t[]){COUNT}, &in[k]));
        float *x = c2s_tensor_mutable(in[k]);
        for (int i = 0; i < COUNT; i++)
            x[i] = (float)(2 * i + 1 - COUNT) / COUNT;
    }
    return C2S_OK;
}

static void check(const char *text, c2s_range_report *out) {
    const c2s_feed feed = {.count = 2, .get = even};
    const c2s_eval_options eval = {.threads = 1};
    c2s_model *model = model_of_text(17, text);
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    if (c2s_range_check_run(model, &feed, &c2s_evaluator_reference, &eval, 0, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_int_equal(out->samples, 2);
    c2s_model_destroy(model);
}

#define QUANTIZED(scale, zero)                                                                     \
    "g (float[2000] x) => (float[2000] y) <float s = {" scale "}, uint8 z = {" zero "}>\n"         \
    "{ q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z) }"

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %g, expected %g", found, expected);
}

static void fitting_ranges_are_good(void **state) {
    (void)state;
    c2s_range_report r;
    check(QUANTIZED("0.0078740157", "127"), &r);
    assert_int_equal(r.checks.count, 1);
    assert_string_equal(r.checks.at[0].value, "x");
    assert_int_equal(r.poor, 0);
    near(r.checks.at[0].clipped, 0, 0);
    near(r.checks.at[0].unused, 0, 0.01);
    near((double)r.checks.at[0].most, 1, 0.01);
    c2s_range_report_free(&r);
}

static void wide_ranges_waste_codes(void **state) {
    (void)state;
    c2s_range_report r;
    check(QUANTIZED("0.0787401575", "127"), &r);
    assert_int_equal(r.poor, 1);
    near(r.checks.at[0].clipped, 0, 0);
    near(r.checks.at[0].unused, 1 - 27.0 / 256, 0);
    near(r.checks.at[0].gain_db, 20, 0.5); /* a tenth of the step */
    near((double)r.checks.at[0].better_high, 1, 0.02);
    near((double)r.checks.at[0].better_low, -1, 0.02);
    c2s_range_report_free(&r);
}

static void narrow_ranges_clip(void **state) {
    (void)state;
    c2s_range_report r;
    check(QUANTIZED("0.0039370079", "127"), &r); /* -0.5 .. 0.504 */
    assert_int_equal(r.poor, 1);
    near(r.checks.at[0].clipped, 0.496, 0.003);
    near(r.checks.at[0].unused, 0, 0);
    assert_true(r.checks.at[0].gain_db > 20);
    c2s_range_report_free(&r);
}

/* The Relu was left to the codes: what is below 0 is not clipped by mistake. */
static void clamps_are_no_faults(void **state) {
    (void)state;
    c2s_range_report r;
    check("g (float[2000] x) => (float[2000] y) <float s = {0.0078740157}, uint8 z = {127}, float "
          "t = "
          "{0.0078740157}, uint8 o = {0}>\n"
          "{ q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) a = Add(d, d)"
          "  p = QuantizeLinear(a, t, o) y = DequantizeLinear(p, t, o) }",
          &r);
    assert_int_equal(r.checks.count, 2);
    assert_string_equal(r.checks.at[1].value, "a");
    near((double)r.checks.at[1].least, 0, 0);
    near(r.checks.at[1].clipped, 0, 0);
    near((double)r.checks.at[1].most, 2, 0.01);
    c2s_range_report_free(&r);
}

/* Operators on codes have ranges, too, under the names of their codes; computed scales cannot be
 * judged. */
static void operators_on_codes_are_checked(void **state) {
    (void)state;
    c2s_range_report r;
    check("g (float[2000] x) => (float[2000] y, float[2000] w) <float s = {0.0078740157}, uint8 z "
          "= {127}>\n"
          "{ q = QuantizeLinear(x, s, z) a = com.microsoft.QLinearAdd(q, s, z, q, s, z, s, z)"
          "  y = DequantizeLinear(a, s, z) m = ReduceMax(y) n = Div(m, m)"
          "  p = QuantizeLinear(y, n, z) w = DequantizeLinear(p, n, z) }",
          &r);
    assert_int_equal(r.checks.count, 2);
    assert_int_equal(r.skipped, 1);
    assert_string_equal(r.checks.at[1].value, "a");
    near(r.checks.at[1].clipped, 0.496, 0.003);
    assert_true(r.checks.at[1].poor);
    c2s_range_report_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fitting_ranges_are_good),
        cmocka_unit_test(wide_ranges_waste_codes),
        cmocka_unit_test(narrow_ranges_clip),
        cmocka_unit_test(clamps_are_no_faults),
        cmocka_unit_test(operators_on_codes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
