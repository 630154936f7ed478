/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that draw numbers: the same ones in every run, others for another seed, and of the
 * distribution that the specification names. ONNX prescribes no generator, so the stored outputs of
 * its cases cannot be expected; these tests stand for them. Seeds are fixed: no test is left to
 * chance, the limits are those that one true sample in a thousand would pass.
 */
#include <stdlib.h>

#include "run_text.h"

enum { N = 20000 };

/* Runs `text`, which draws [N] numbers (or [rows, N / rows]) into its only output. */
static c2s_tensor *drawn(const char *text) {
    c2s_model *model = model_of_text(22, text);
    c2s_tensor *out[16] = {0};
    if (run_model(model, out) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), text);
    assert_int_equal(out[0]->count, N);
    c2s_model_destroy(model);
    return out[0];
}

/* ---- distributions ---- */

static double uniform_cdf(double x, double low, double high) {
    return x < low ? 0 : x > high ? 1 : (x - low) / (high - low);
}

static double normal_cdf(double x, double mean, double deviation) {
    return 0.5 * erfc((mean - x) / deviation / sqrt(2));
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov: the largest distance of the empirical from the true distribution times
 * sqrt(N) is above 1.95 in one true sample of a thousand. Neighbours must not be correlated. */
static void expect_distribution(const char *text, double (*cdf)(double, double, double), double a,
                                double b) {
    c2s_tensor *tensor = drawn(text);
    double *x = malloc(N * sizeof *x), distance = 0, mean = 0, variance = 0, together = 0;
    assert_non_null(x);
    for (size_t k = 0; k < N; k++) {
        x[k] = c2s_tensor_f64_at(tensor, k);
        mean += x[k] / N;
    }
    for (size_t k = 0; k < N; k++) {
        variance += (x[k] - mean) * (x[k] - mean);
        together += k ? (x[k] - mean) * (x[k - 1] - mean) : 0;
    }
    assert_true(fabs(together / variance) * sqrt(N) < 3.29);
    qsort(x, N, sizeof *x, ascending);
    for (size_t k = 0; k < N; k++) {
        const double f = cdf(x[k], a, b);
        distance = fmax(distance, fmax(fabs(f - (double)k / N), fabs(f - (double)(k + 1) / N)));
    }
    if (distance * sqrt(N) > 1.95)
        fail_msg("%s\nthe distribution is off by %g", text, distance);
    free(x);
    c2s_tensor_unref(tensor);
}

static void uniform_and_normal(void **state) {
    (void)state;
    expect_distribution("g () => (y) { y = RandomUniform <shape = [20000]> () }", uniform_cdf, 0, 1);
    expect_distribution("g () => (y) { y = RandomUniform <shape = [20000], low = -1.0, high = 3.0,"
                        " seed = 5.0, dtype = 11> () }",
                        uniform_cdf, -1, 3);
    expect_distribution("g () => (y) { y = RandomNormal <shape = [20000]> () }", normal_cdf, 0, 1);
    expect_distribution("g () => (y) { y = RandomNormal <shape = [200, 100], mean = 2.0,"
                        " scale = 3.0, seed = 7.5, dtype = 11> () }",
                        normal_cdf, 2, 3);
    expect_distribution("g () => (y) { n = Constant <value = int64[1] {20000}> ()"
                        " x = ConstantOfShape (n)"
                        " y = RandomUniformLike <high = 0.5> (x) }",
                        uniform_cdf, 0, 0.5);
    expect_distribution("g () => (y) { n = Constant <value = int64[2] {10, 2000}> ()"
                        " x = ConstantOfShape (n)"
                        " y = RandomNormalLike <mean = -1.0, scale = 0.25> (x) }",
                        normal_cdf, -1, 0.25);
}

/* The share of non-zero elements, which must be `value`, has to be p. */
static void expect_share(const char *text, double p, double value) {
    c2s_tensor *tensor = drawn(text);
    unsigned set = 0;
    for (size_t k = 0; k < N; k++) {
        const double x = c2s_tensor_f64_at(tensor, k);
        assert_true(x == 0 || x == value);
        set += x != 0;
    }
    const double share = (double)set / N;
    if (fabs(share - p) > 3.29 * sqrt(p * (1 - p) / N))
        fail_msg("%s\n%g of the elements are set, expected %g", text, share, p);
    c2s_tensor_unref(tensor);
}

#define PROBABILITY(p)                                                                             \
    "g () => (y) { n = Constant <value = int64[1] {20000}> ()"                                      \
    " x = ConstantOfShape <value = float[1] {" p "}> (n) "

static void bernoulli(void **state) {
    (void)state;
    expect_share(PROBABILITY("0.1") "y = Bernoulli (x) }", 0.1, 1);
    expect_share(PROBABILITY("0.5") "y = Bernoulli <dtype = 7> (x) }", 0.5, 1);
    expect_share(PROBABILITY("0.9") "y = Bernoulli <seed = 3.0, dtype = 9> (x) }", 0.9, 1);
    expect_share(PROBABILITY("0.0") "y = Bernoulli (x) }", 0, 1);
    expect_share(PROBABILITY("1.0") "y = Bernoulli (x) }", 1, 1);
}

#define TRAINING(ratio)                                                                            \
    PROBABILITY("3.0")                                                                             \
    "r = Constant <value = float {" ratio "}> () t = Constant <value = bool {1}> () "

/* What is kept is scaled by 1 / (1 - ratio). */
static void dropout(void **state) {
    (void)state;
    expect_share(TRAINING("0.25") "y = Dropout (x, r, t) }", 0.75, 4);
    expect_share(TRAINING("0.5") "z, y = Dropout <seed = 4> (x, r, t) }", 0.5, 1);
    expect_share(TRAINING("0.0") "y = Dropout (x, r, t) }", 1, 3);
    expect_share(TRAINING("0.5") "y = Dropout (x, r) }", 1, 3);
}

/* Pearson's sum over the classes, of 3 degrees of freedom: above 16.3 once in a thousand. */
static void multinomial(void **state) {
    (void)state;
    static const double share[2][4] = {{0.1, 0.2, 0.3, 0.4}, {0.25, 0.25, 0.25, 0.25}};
    c2s_tensor *tensor =
        drawn("g () => (y) { p = Constant <value = float[2, 4] {0.1, 0.2, 0.3, 0.4,"
              " 5.0, 5.0, 5.0, 5.0}> () x = Log (p)"
              " y = Multinomial <sample_size = 10000, dtype = 7, seed = 1.0> (x) }");
    for (size_t row = 0; row < 2; row++) {
        double seen[4] = {0}, sum = 0;
        for (size_t k = 0; k < N / 2; k++) {
            int64_t class;
            assert_true(c2s_tensor_i64_at(tensor, row * N / 2 + k, &class));
            assert_in_range(class, 0, 3);
            seen[class]++;
        }
        for (size_t class = 0; class < 4; class++) {
            const double expected = share[row][class] * N / 2;
            sum += (seen[class] - expected) * (seen[class] - expected) / expected;
        }
        assert_true(sum < 16.3);
    }
    c2s_tensor_unref(tensor);
}

/* ---- seeds ---- */

static void expect_equal(const char *a, const char *b, bool equal) {
    c2s_tensor *x = drawn(a), *y = drawn(b);
    if (c2s_tensor_equal(x, y) != equal)
        fail_msg("%s\n%s\nare %s", a, b, equal ? "not equal" : "equal");
    c2s_tensor_unref(x);
    c2s_tensor_unref(y);
}

#define NORMAL(name, seed) "g () => (" name ") { " name " = RandomNormal <shape = [20000]" seed "> () }"

/* The seed alone decides if there is one, else the name of the output. */
static void seeds_decide(void **state) {
    (void)state;
    expect_equal(NORMAL("y", ", seed = 2.0"), NORMAL("y", ", seed = 2.0"), true);
    expect_equal(NORMAL("y", ", seed = 2.0"), NORMAL("z", ", seed = 2.0"), true);
    expect_equal(NORMAL("y", ", seed = 2.0"), NORMAL("y", ", seed = 3.0"), false);
    expect_equal(NORMAL("y", ""), NORMAL("y", ""), true);
    expect_equal(NORMAL("y", ""), NORMAL("z", ""), false);
    expect_equal(PROBABILITY("0.5") "y = Bernoulli <seed = 1.0> (x) }",
                 PROBABILITY("0.5") "y = Bernoulli <seed = 1.0> (x) }", true);
    expect_equal(PROBABILITY("0.5") "y = Bernoulli <seed = 1.0> (x) }",
                 PROBABILITY("0.5") "y = Bernoulli <seed = 2.0> (x) }", false);
    expect_equal(TRAINING("0.5") "y = Dropout <seed = 1> (x, r, t) }",
                 TRAINING("0.5") "y = Dropout <seed = 2> (x, r, t) }", false);
    /* Two nodes of one graph draw different numbers. */
    expect_run(22,
               "g () => (e) { a = RandomUniform <shape = [4]> () b = RandomUniform <shape = [4]> ()"
               " e = Equal (a, b) }",
               "[4] 0 0 0 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_and_normal), cmocka_unit_test(bernoulli),
        cmocka_unit_test(dropout),            cmocka_unit_test(multinomial),
        cmocka_unit_test(seeds_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
