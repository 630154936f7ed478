/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/vector_math.h against the C library in double. */
#include <math.h>
#include <stdio.h>

#include "unit/make_graph.h"

#include "base/random.h"
#include "runtime/dnnl_processor.h"
#include "runtime/vector_math.h"

#define FUNCTION(name)                                                                             \
    C2S_V8 static void run_##name(float x[8]) {                                                    \
        v8_store(x, name(v8_load(x)));                                                             \
    }
FUNCTION(v8_exp)
FUNCTION(v8_sigmoid)
FUNCTION(v8_tanh)
FUNCTION(v8_erf)
FUNCTION(v8_gelu)
FUNCTION(v8_gelu_tanh)

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double gelu(double x) {
    return 0.5 * x * erfc(-x / sqrt(2));
}

static double gelu_tanh(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

static const struct {
    const char *name;
    void (*run)(float[8]);
    double (*exact)(double);
    double relative, absolute; /* the error is below one of the two */
} functions[] = {
    {"exp", run_v8_exp, exp, 4e-7, 1.2e-38},
    {"sigmoid", run_v8_sigmoid, sigmoid, 6e-7, 1e-37},
    {"tanh", run_v8_tanh, tanh, 6e-7, 0},
    {"erf", run_v8_erf, erf, 6e-7, 0},
    {"gelu", run_v8_gelu, gelu, 8e-7, 1.5e-6},
    {"gelu_tanh", run_v8_gelu_tanh, gelu_tanh, 8e-7, 1.5e-6},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, ROUNDS = 20000 };

static void check_one(unsigned f, float x, float y) {
    double want = functions[f].exact((double)x), error = fabs((double)y - want);
    if (isnan(x) ? !isnan(y)
        : isinf((float)want)
            ? y != (float)want
            : !(error <= functions[f].relative * fabs(want) || error <= functions[f].absolute))
        fail_msg("%s(%.9g) = %.9g, expected %.9g", functions[f].name, (double)x, (double)y, want);
}

static void check_eight(unsigned f, const float x[8]) {
    float y[8];
    memcpy(y, x, sizeof y);
    functions[f].run(y);
    for (int i = 0; i < 8; i++)
        check_one(f, x[i], y[i]);
}

static void test_accuracy(void **state) {
    (void)state;
    if (!c2s_processor_has_fma())
        skip();
    c2s_random random = {7};

    for (unsigned f = 0; f < FUNCTIONS; f++)
        for (int round = 0; round < ROUNDS; round++) {
            float x[8];
            double reach = round % 3 == 0 ? 1e-3 : round % 3 == 1 ? 6 : 110;
            for (int i = 0; i < 8; i++)
                x[i] = (float)(reach * (2 * c2s_random_uniform(&random) - 1));
            check_eight(f, x);
        }
}

static void test_ends(void **state) {
    (void)state;
    if (!c2s_processor_has_fma())
        skip();
    static const float ends[8] = {0, NAN, INFINITY, 1e30f, 88.72283f, 88.72284f, -87.33f, 3.92f},
                       low[8] = {-INFINITY, -1e30f, -88.8f, -3.93f, -9.02f, 1e-30f, -1e-30f, 9};
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        check_eight(f, ends);
        if (functions[f].run != run_v8_gelu && functions[f].run != run_v8_gelu_tanh)
            check_eight(f, low);
    }
}

/* Infinity times zero, as the formula says. */
static void test_gelu_of_minus_infinity(void **state) {
    (void)state;
    if (!c2s_processor_has_fma())
        skip();
    float x[8] = {-INFINITY, -200, -1e30f, 1, 2, 3, 4, 5};
    run_v8_gelu(x);
    assert_true(isnan(x[0]));
    assert_true(x[1] == 0 && x[2] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_gelu_of_minus_infinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
