/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of ops/elementary.h, rounded to float, against those of the C library in double:
 * for floats at a stride through all bit patterns, and at the places where functions are special.
 */
#include <math.h>
#include <string.h>

#include "ops/elementary.h"
#include "shared.h"

/* A prime, so that all exponents and signs are met: about a million arguments a function. */
#define STRIDE UINT64_C(4099)

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Distance of `value` from `exact` in units in the last place of float. */
static double error_of(float value, double exact) {
    const float nearest = (float)exact;
    if (isnan(exact) || isinf(nearest) || isnan(value) || isinf(value))
        return (isnan(exact) && isnan(value)) || value == nearest ? 0 : INFINITY;
    const float size = fabsf(nearest), above = nextafterf(size, INFINITY);
    const double unit = isinf(above) ? 0x1p104 : (double)above - (double)size;
    return fabs((double)value - exact) / unit;
}

static double near_exp(double x) {
    return c2s_exp_near(x);
}
static double near_full_exp(double x) {
    return c2s_exp(x);
}
static double near_expm1(double x) {
    return c2s_expm1_near(x);
}
static double near_log(double x) {
    return c2s_log_near(x);
}
static double near_tanh(double x) {
    return c2s_tanh_near(x);
}
static double near_sigmoid(double x) {
    return c2s_sigmoid_near(x);
}
static double near_softplus(double x) {
    return c2s_softplus_near(x);
}
static double near_mish(double x) {
    return c2s_mish_near(x);
}
static double near_erf(double x) {
    return c2s_erf_near(x);
}
static double near_erfc(double x) {
    return c2s_erfc_near(x);
}
static double near_sin(double x) {
    return c2s_sine_near(x, 0);
}
static double near_cos(double x) {
    return c2s_sine_near(x, 1);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}
static double mish(double x) {
    return x * tanh(softplus(x));
}

typedef struct function {
    const char *name;
    double (*near)(double), (*exact)(double);
    float largest; /* argument */
} function;

static const function functions[] = {
    {"exp", near_exp, exp, INFINITY},
    {"exp of doubles", near_full_exp, exp, INFINITY},
    {"expm1", near_expm1, expm1, INFINITY},
    {"log", near_log, log, INFINITY},
    {"tanh", near_tanh, tanh, INFINITY},
    {"sigmoid", near_sigmoid, sigmoid, INFINITY},
    {"softplus", near_softplus, softplus, INFINITY},
    {"mish", near_mish, mish, INFINITY},
    {"erf", near_erf, erf, INFINITY},
    {"erfc", near_erfc, erfc, INFINITY},
    {"sin", near_sin, sin, 0x1p20f},
    {"cos", near_cos, cos, 0x1p20f},
};

static void check(const function *f, float x, double *worst) {
    if (!(fabsf(x) <= f->largest) && !(isnan(x) && isinf(f->largest)))
        return;
    const float value = (float)f->near((double)x);
    const double error = error_of(value, f->exact((double)x));
    *worst = error > *worst ? error : *worst;
    if (!(error <= 0.501))
        fail_msg("%s(%a) = %a, expected %a", f->name, (double)x, (double)value,
                 f->exact((double)x));
}

/* 0.5: correctly rounded. */
static void rounded_correctly_but_for_near_ties(void **state) {
    (void)state;
    static const float special[] = {0.0f,    -0.0f,     INFINITY,   -INFINITY, NAN,     1.0f,
                                    -1.0f,   0x1p-149f, -0x1p-149f, 0x1p-126f, 88.72f,  -103.98f,
                                    0.0625f, 200.0f,    -200.0f,    201.0f,    -201.0f, 3.92f};
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        double worst = 0;
        for (size_t s = 0; s < sizeof special / sizeof *special; s++)
            check(&functions[k], special[s], &worst);
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE)
            check(&functions[k], float_of((uint32_t)bits), &worst);
        print_message("%-16s %.6f units in the last place\n", functions[k].name, worst);
    }
}

static void zeros_keep_their_sign(void **state) {
    (void)state;
    assert_true(signbit(c2s_tanh_near(-0.0)) && !signbit(c2s_tanh_near(0.0)));
    assert_true(signbit(c2s_erf_near(-0.0)) && !signbit(c2s_erf_near(0.0)));
    assert_true(signbit(c2s_sine_near(-0.0, 0)) && !signbit(c2s_sine_near(0.0, 0)));
}

/* Pairs of floats; the arguments that c2s_pow_near leaves out are left out. */
static void powers(void **state) {
    (void)state;
    static const float exponents[] = {0.0f,  1.0f,  2.0f,   3.0f,        -1.0f,       -2.0f,  0.5f,
                                      -0.5f, 1.5f,  0.333f, 10.0f,       17.0f,       -31.0f, 2.2f,
                                      1e-3f, 1e10f, -1e10f, 16777215.0f, 16777217.0f, 0x1p30f};
    double worst = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE * 16) {
        const float x = float_of((uint32_t)bits);
        if (x == 0 || !isfinite(x))
            continue;
        for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++) {
            const float value = (float)c2s_pow_near((double)x, (double)exponents[k]);
            const double exact = pow((double)x, (double)exponents[k]);
            const double error = error_of(value, exact);
            worst = error > worst ? error : worst;
            if (!(error <= 0.501))
                fail_msg("pow(%a, %a) = %a, expected %a", (double)x, (double)exponents[k],
                         (double)value, exact);
        }
    }
    print_message("%-16s %.6f units in the last place\n", "pow", worst);
}

/* Doubles: the series is exact enough for them, too. */
static void exponentials_of_doubles(void **state) {
    (void)state;
    for (int k = -74500; k <= 70900; k++) {
        const double x = k * 0.01, value = c2s_exp(x), exact = exp(x);
        const double unit = nextafter(exact, INFINITY) - exact;
        if (!(fabs(value - exact) <= 1.5 * unit))
            fail_msg("exp(%.17g) = %a, expected %a", x, value, exact);
    }
}

/* Every function on n floats, one result array after the other. */
C2S_INLINE void all_loop(const float *restrict x, size_t n, float *restrict out) {
    for (size_t i = 0; i < n; i++) {
        const double v = (double)x[i];
        out[i] = (float)c2s_exp_near(v);
        out[n + i] = (float)c2s_log_near(v);
        out[2 * n + i] = (float)c2s_tanh_near(v);
        out[3 * n + i] = (float)c2s_softplus_near(v);
        out[4 * n + i] = (float)c2s_erf_near(v);
        out[5 * n + i] = (float)c2s_sine_near(v, 0);
        out[6 * n + i] = (float)c2s_pow_near(v, 1.7);
        out[7 * n + i] = (float)c2s_exp(v);
    }
}
C2S_SIMD(all, all_loop, (const float *x, size_t n, float *out), (x, n, out))

/* What is chosen for this processor gives the bits of what every processor can do. */
static void bits_do_not_depend_on_the_processor(void **state) {
    (void)state;
    enum { COUNT = 1 << 12, RESULTS = 8 };
    static float x[COUNT], chosen[RESULTS * COUNT], plain[RESULTS * COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        x[i] = float_of(i * 1048573u);
    all(x, COUNT, chosen);
    all_loop(x, COUNT, plain);
    for (size_t i = 0; i < RESULTS * COUNT; i++)
        if (memcmp(&chosen[i], &plain[i], sizeof *plain) != 0 &&
            !(isnan(chosen[i]) && isnan(plain[i])))
            fail_msg("function %zu of %a: %a, expected %a", i / COUNT, (double)x[i % COUNT],
                     (double)chosen[i], (double)plain[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounded_correctly_but_for_near_ties),
        cmocka_unit_test(zeros_keep_their_sign),
        cmocka_unit_test(powers),
        cmocka_unit_test(exponentials_of_doubles),
        cmocka_unit_test(bits_do_not_depend_on_the_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
