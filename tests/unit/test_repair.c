/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers stay in float, for layers whose noise is known. */
#include <math.h>

#include "shared.h"

#include "passes/quant/repair.h"

enum { LAYERS = 12 };

/* Independent noise of each layer, relative to the signal, and its work. */
typedef struct layers {
    double noise[LAYERS], work[LAYERS];
    double divergence[LAYERS]; /* as if classes had another opinion of what is worse */
    unsigned measured;
} layers;

static c2s_status measure(void *user, const bool *in_float, size_t samples,
                          c2s_quality_result *result) {
    layers *l = user;
    double noise = 0, divergence = 0;
    unsigned rounded = 0;
    for (size_t i = 0; i < LAYERS; i++) {
        noise += in_float[i] ? 0 : l->noise[i];
        divergence += in_float[i] ? 0 : l->divergence[i];
        rounded += !in_float[i];
    }
    assert_true((samples == C2S_REPAIR_SAMPLES) == (rounded == 1) || samples == 0);
    l->measured++;
    *result = (c2s_quality_result){.samples = 100,
                                   .sqnr_db = noise > 0 ? -10 * log10(noise) : INFINITY,
                                   .divergence = divergence,
                                   .top1_first = 80,
                                   .top1 = 80 - 100 * noise};
    return C2S_OK;
}

static double noise_left(const layers *l, const bool *in_float) {
    double noise = 0;
    for (size_t i = 0; i < LAYERS; i++)
        noise += in_float[i] ? 0 : l->noise[i];
    return noise;
}

static c2s_repair_result repair_by(layers *l, c2s_budget budget, bool by_divergence, bool *in_float,
                                   double *noise) {
    const c2s_repair_problem problem = {.count = LAYERS,
                                        .work = l->work,
                                        .budget = budget,
                                        .by_divergence = by_divergence,
                                        .measure = measure,
                                        .what = "stays",
                                        .user = l};
    c2s_repair_layer found[LAYERS];
    c2s_repair_result result = {.layers = found};
    l->measured = 0;
    assert_int_equal(c2s_repair(&problem, &result), C2S_OK);
    assert_true(l->measured <= LAYERS + 2 * 4 + 1);
    for (size_t i = 0; i < LAYERS; i++) {
        in_float[i] = found[i].in_float;
        noise[i] = found[i].noise;
    }
    return result;
}

static c2s_repair_result repair(layers *l, c2s_budget budget, bool *in_float, double *noise) {
    return repair_by(l, budget, false, in_float, noise);
}

static layers alike(void) {
    layers l = {.measured = 0};
    for (size_t i = 0; i < LAYERS; i++) {
        l.noise[i] = 1e-3;
        l.work[i] = 1000;
    }
    return l;
}

static void nothing_to_do(void **state) {
    (void)state;
    layers l = alike();
    bool in_float[LAYERS];
    double noise[LAYERS];
    repair(&l, (c2s_budget){(double)NAN, 19}, in_float, noise);
    assert_int_equal(l.measured, 1);
    for (size_t i = 0; i < LAYERS; i++)
        assert_true(!in_float[i] && isnan(noise[i]));
}

/* One bad layer, and one that is worse but does nearly all of the work. */
static void cheap_noise_goes_first(void **state) {
    (void)state;
    layers l = alike();
    bool in_float[LAYERS];
    double noise[LAYERS];
    l.noise[3] = 0.05;
    l.noise[7] = 0.06;
    l.work[7] = 1e6;
    const c2s_repair_result result =
        repair(&l, (c2s_budget){(double)NAN, 11}, in_float, noise); /* 0.0794 */
    assert_true(fabs(result.before_db + 10 * log10(0.12)) < 1e-9);
    assert_true(fabs(result.after_db + 10 * log10(0.07)) < 1e-9);
    for (size_t i = 0; i < LAYERS; i++) {
        assert_int_equal(in_float[i], i == 3);
        assert_true(fabs(noise[i] - l.noise[i]) < 1e-9);
    }
    repair(&l, (c2s_budget){(double)NAN, 17}, in_float, noise); /* 0.02: both, whatever the work */
    assert_true(in_float[3] && in_float[7] && noise_left(&l, in_float) <= pow(10, -1.7));
    repair(&l, (c2s_budget){1.05, (double)NAN}, in_float, noise); /* by labels: 0.0105 */
    assert_true(noise_left(&l, in_float) <= 0.0105);
    assert_true(in_float[3] && in_float[7]);
}

static void all_in_float_if_nothing_else_helps(void **state) {
    (void)state;
    layers l = alike();
    bool in_float[LAYERS];
    double noise[LAYERS];
    repair(&l, (c2s_budget){(double)NAN, 90}, in_float, noise);
    for (size_t i = 0; i < LAYERS; i++)
        assert_true(in_float[i]);
}

/* Two layers are as noisy; only one of them makes classes others, and goes first if that is asked
 * for, although it comes later. */
static void classes_decide_if_asked(void **state) {
    (void)state;
    layers l = alike();
    bool in_float[LAYERS];
    double noise[LAYERS];
    l.noise[2] = l.noise[9] = 0.03;
    l.divergence[9] = 0.2;
    const c2s_budget budget = {(double)NAN, 13}; /* 0.0501 of 0.07 */
    repair(&l, budget, in_float, noise);
    assert_true(in_float[2] && !in_float[9]);
    repair_by(&l, budget, true, in_float, noise);
    assert_true(in_float[9] && !in_float[2]);
    for (size_t i = 0; i < LAYERS; i++)
        l.divergence[i] = (double)NAN; /* outputs that are no classes */
    repair_by(&l, budget, true, in_float, noise);
    assert_true(in_float[2] && !in_float[9]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(cheap_noise_goes_first),
        cmocka_unit_test(all_in_float_if_nothing_else_helps),
        cmocka_unit_test(classes_decide_if_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
