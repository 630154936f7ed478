/* SPDX-License-Identifier: Apache-2.0
 *
 * The search for ranges against noises that are known: a method for all, then others for parts,
 * and nothing for what may be chance.
 */
#include <math.h>

#include "base/random.h"
#include "passes/quant/range_trial.h"
#include "run_text.h"

enum { TENSORS = 8, NUMBERS = 4000 };

typedef struct subject {
    c2s_value value;
    c2s_value_stats stats;
    c2s_range_question questions[TENSORS];
    c2s_range_method best[TENSORS];
    double worth; /* a tensor that has not its best range adds this to a noise of 1 */
    unsigned measured;
} subject;

/* Normal numbers, some of them far away: the methods differ. */
static void make(subject *s, c2s_range_method first_half, c2s_range_method second_half,
                 double worth) {
    c2s_random random = {5};
    c2s_tensor *tensor;
    *s = (subject){.value = {.name = "t"}, .worth = worth};
    c2s_value_stats_init(&s->stats, "t", C2S_HISTOGRAM_BINS, C2S_NO_CHANNELS);
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, 1, (int64_t[]){NUMBERS}, &tensor), C2S_OK);
    float *x = c2s_tensor_mutable(tensor);
    for (int i = 0; i < NUMBERS; i++)
        x[i] = (float)(c2s_random_normal(&random) * (i % 100 == 0 ? 40 : 1));
    assert_int_equal(c2s_value_stats_add(&s->stats, tensor), C2S_OK);
    c2s_tensor_unref(tensor);
    for (int k = 0; k < TENSORS; k++) {
        s->questions[k] =
            (c2s_range_question){.value = &s->value, .stats = &s->stats, .dtype = C2S_UINT8};
        s->best[k] = k < TENSORS / 2 ? first_half : second_half;
    }
}

static bool has_range_of(const c2s_range_question *q, c2s_range_method method) {
    float low, high;
    assert_int_equal(c2s_range_choose(q->stats, method, 0, q->dtype, q->symmetric, &low, &high),
                     C2S_OK);
    return q->low == low && q->high == high;
}

static c2s_status measure(void *user, double *noise) {
    subject *s = user;
    *noise = 1;
    for (int k = 0; k < TENSORS; k++)
        *noise += has_range_of(&s->questions[k], s->best[k]) ? 0 : s->worth;
    s->measured++;
    return C2S_OK;
}

static c2s_status cannot_run(void *user, double *noise) {
    (void)user;
    *noise = 0;
    return c2s_fail(C2S_ERR_INVALID, "it does not run");
}

static c2s_status search(subject *s, size_t parts, c2s_status (*by)(void *, double *)) {
    const c2s_range_trial trial = {
        .questions = s->questions, .count = TENSORS, .parts = parts, .measure = by, .user = s};
    return c2s_range_trial_run(&trial);
}

static unsigned with_method(const subject *s, c2s_range_method method) {
    unsigned count = 0;
    for (int k = 0; k < TENSORS; k++)
        count += has_range_of(&s->questions[k], method);
    return count;
}

static void best_method_wins(void **state) {
    (void)state;
    static const c2s_range_method methods[] = {C2S_RANGE_MINMAX, C2S_RANGE_PERCENTILE,
                                               C2S_RANGE_ENTROPY, C2S_RANGE_MSE};
    for (int m = 0; m < 4; m++) {
        subject s;
        make(&s, methods[m], methods[m], 0.05);
        assert_int_equal(search(&s, 0, measure), C2S_OK);
        assert_int_equal(with_method(&s, methods[m]), TENSORS);
        assert_int_equal(s.measured, 4);
        c2s_value_stats_free(&s.stats);
    }
}

static void parts_differ(void **state) {
    (void)state;
    subject s;
    make(&s, C2S_RANGE_MINMAX, C2S_RANGE_ENTROPY, 0.05);
    assert_int_equal(search(&s, TENSORS, measure), C2S_OK);
    for (int k = 0; k < TENSORS; k++)
        assert_true(has_range_of(&s.questions[k], s.best[k]));
    assert_true(s.measured <= 4 + 3 * TENSORS);
    const unsigned singly = s.measured;
    s.measured = 0;
    assert_int_equal(search(&s, 2, measure), C2S_OK); /* halves, as they are best */
    for (int k = 0; k < TENSORS; k++)
        assert_true(has_range_of(&s.questions[k], s.best[k]));
    assert_true(s.measured < singly);
    c2s_value_stats_free(&s.stats);
}

static void chance_changes_nothing(void **state) {
    (void)state;
    subject s;
    make(&s, C2S_RANGE_MSE, C2S_RANGE_PERCENTILE, 0.005);
    assert_int_equal(search(&s, TENSORS, measure), C2S_OK);
    assert_int_equal(with_method(&s, C2S_RANGE_MINMAX), TENSORS);
    c2s_value_stats_free(&s.stats);
}

/* A method that is far worse for the whole is not tried for parts. */
static void bad_methods_are_left_out(void **state) {
    (void)state;
    subject s;
    make(&s, C2S_RANGE_MSE, C2S_RANGE_MSE, 1);
    assert_int_equal(search(&s, TENSORS, measure), C2S_OK);
    assert_int_equal(with_method(&s, C2S_RANGE_MSE), TENSORS);
    assert_int_equal(s.measured, 4);
    c2s_value_stats_free(&s.stats);
}

static void failures_are_passed_on(void **state) {
    (void)state;
    subject s;
    make(&s, C2S_RANGE_MSE, C2S_RANGE_MSE, 1);
    assert_int_equal(search(&s, 2, cannot_run), C2S_ERR_INVALID);
    c2s_value_stats_free(&s.stats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_method_wins),       cmocka_unit_test(parts_differ),
        cmocka_unit_test(chance_changes_nothing), cmocka_unit_test(bad_methods_are_left_out),
        cmocka_unit_test(failures_are_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
