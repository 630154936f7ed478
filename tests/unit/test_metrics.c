/* SPDX-License-Identifier: Apache-2.0 */
/* Distances, rows and classes: small cases by hand; against numpy they are held by cli.compare. */
#include <math.h>

#include "shared.h"

#include "eval/class_scores.h"
#include "eval/row_scores.h"
#include "eval/tensor_distance.h"

static c2s_tensor *matrix(int64_t rows, int64_t columns, const double *values) {
    c2s_tensor *tensor;
    const int64_t dim[] = {rows, columns};
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, dim, values, &tensor), C2S_OK);
    return tensor;
}

static void clear(double value[C2S_METRIC_COUNT]) {
    for (int id = 0; id < C2S_METRIC_COUNT; id++)
        value[id] = (double)NAN;
}

static void expect(double found, double wanted) {
    if (!(fabs(found - wanted) <= 1e-6 * fmax(1, fabs(wanted))) && found != wanted)
        fail_msg("found %.12g, expected %.12g", found, wanted);
}

static void add(c2s_distance *d, int64_t columns, const double *a, const double *b) {
    c2s_tensor *x = matrix(1, columns, a), *y = matrix(1, columns, b);
    c2s_distance_add(d, x, y);
    c2s_tensor_unref(x);
    c2s_tensor_unref(y);
}

static void sums_over_samples(void **state) {
    (void)state;
    c2s_distance d = C2S_DISTANCE_INIT;
    double value[C2S_METRIC_COUNT];
    add(&d, 2, (double[]){3, 4}, (double[]){3, 5});
    add(&d, 2, (double[]){-1, 0}, (double[]){-1.5, 0});
    clear(value);
    c2s_distance_metrics(&d, value);
    expect(value[C2S_METRIC_MAX_ABS], 1);
    expect(value[C2S_METRIC_MEAN_ABS], 1.5 / 4);
    expect(value[C2S_METRIC_MAX_REL], 0.5); /* 0.5 of 1, against 1 of 4 */
    expect(value[C2S_METRIC_MEAN_REL], 1.5 / 8);
    expect(value[C2S_METRIC_SQNR], 10 * log10(26 / 1.25));
    expect(value[C2S_METRIC_SQNR_SAMPLE], 10 * log10(1 / 0.25));
    expect(value[C2S_METRIC_PSNR], 10 * log10(25 / (1.25 / 4)));
    expect(value[C2S_METRIC_COSINE], (9 + 20 + 1.5) / sqrt(26 * (9 + 25 + 2.25)));
}

static void equal_is_infinitely_good(void **state) {
    (void)state;
    c2s_distance d = C2S_DISTANCE_INIT;
    double value[C2S_METRIC_COUNT];
    add(&d, 4, (double[]){NAN, INFINITY, -INFINITY, 2}, (double[]){NAN, INFINITY, -INFINITY, 2});
    clear(value);
    c2s_distance_metrics(&d, value);
    assert_true(value[C2S_METRIC_SQNR] == INFINITY && value[C2S_METRIC_MAX_ABS] == 0);
    assert_true(value[C2S_METRIC_COSINE] == 1 && value[C2S_METRIC_MEAN_REL] == 0);
}

static void broken_is_infinitely_bad(void **state) {
    (void)state;
    static const double broken[][2] = {
        {1, NAN}, {NAN, 1}, {1, INFINITY}, {INFINITY, -INFINITY}, {INFINITY, 5}};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        c2s_distance d = C2S_DISTANCE_INIT;
        double value[C2S_METRIC_COUNT];
        add(&d, 2, (double[]){2, broken[i][0]}, (double[]){2, broken[i][1]});
        clear(value);
        c2s_distance_metrics(&d, value);
        assert_true(value[C2S_METRIC_SQNR] == -INFINITY && value[C2S_METRIC_MAX_ABS] == INFINITY);
        assert_true(value[C2S_METRIC_COSINE] == -1);
    }
}

/* The largest number of the type is no signal. */
static void marks_are_no_signal(void **state) {
    (void)state;
    const double most = 0x1.fffffep127;
    for (int marked = 0; marked < 2; marked++) {
        c2s_distance d = C2S_DISTANCE_INIT;
        double value[C2S_METRIC_COUNT];
        add(&d, 2 + marked, (double[]){3, 4, -most}, (double[]){3, 4.5, -most});
        clear(value);
        c2s_distance_metrics(&d, value);
        expect(value[C2S_METRIC_SQNR], 20);
        expect(value[C2S_METRIC_MAX_REL], 0.125);
        expect(value[C2S_METRIC_PSNR], 10 * log10(1 / (0.25 / (2 + marked))));
    }
}

static void other_shapes_are_counted_alone(void **state) {
    (void)state;
    c2s_distance d = C2S_DISTANCE_INIT;
    double value[C2S_METRIC_COUNT];
    c2s_tensor *x = matrix(1, 2, (double[]){1, 2}), *y = matrix(2, 1, (double[]){1, 2});
    c2s_distance_add(&d, x, y);
    assert_int_equal(d.other_shape, 1);
    assert_int_equal(d.samples, 0);
    clear(value);
    c2s_distance_metrics(&d, value);
    assert_true(isnan(value[C2S_METRIC_SQNR]) && isnan(c2s_distance_sqnr(&d)));
    c2s_tensor_unref(x);
    c2s_tensor_unref(y);
}

static void rows_agree_or_not(void **state) {
    (void)state;
    /* The second row's largest moves; of six, one leaves the five largest. */
    c2s_tensor *x = matrix(2, 6, (double[]){9, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5});
    c2s_tensor *y = matrix(2, 6, (double[]){9, 1, 2, 3, 4, 5, 7, 1, 2, 3, 4, 5});
    c2s_row_scores s = {0};
    double value[C2S_METRIC_COUNT];
    assert_int_equal(c2s_row_scores_add(&s, x, y), C2S_OK);
    clear(value);
    c2s_row_scores_metrics(&s, value);
    expect(value[C2S_METRIC_TOP1_AGREEMENT], 50);
    expect(value[C2S_METRIC_TOP5_AGREEMENT], 90);
    c2s_tensor_unref(x);
    c2s_tensor_unref(y);
}

static double divergence(int64_t width, const double *p, const double *q) {
    c2s_tensor *x = matrix(1, width, p), *y = matrix(1, width, q);
    c2s_row_scores s = {0};
    double value[C2S_METRIC_COUNT];
    assert_int_equal(c2s_row_scores_add(&s, x, y), C2S_OK);
    clear(value);
    c2s_row_scores_metrics(&s, value);
    c2s_tensor_unref(x);
    c2s_tensor_unref(y);
    return value[C2S_METRIC_KL];
}

static void divergence_of_distributions_and_scores(void **state) {
    (void)state;
    expect(divergence(2, (double[]){0.5, 0.5}, (double[]){0.25, 0.75}),
           0.5 * log(2) + 0.5 * log(2.0 / 3));
    /* The same as logarithms, shifted: softmax takes any shift away. */
    expect(divergence(2, (double[]){3, 3}, (double[]){log(0.25) + 7, log(0.75) + 7}),
           0.5 * log(2) + 0.5 * log(2.0 / 3));
    expect(divergence(2, (double[]){1, 0}, (double[]){1, 0}), 0);
    assert_true(divergence(2, (double[]){0.5, 0.5}, (double[]){1, 0}) > 10);
    assert_true(divergence(2, (double[]){1, 2}, (double[]){NAN, 2}) == INFINITY);
}

static void classes_lose_apart(void **state) {
    (void)state;
    /* Three classes; all rows of class 2 are lost, one of class 0 is gained. */
    static const double first[] = {1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1};
    static const double now[] = {1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0};
    static const int64_t labels[] = {0, 0, 1, 2, 2};
    c2s_class_scores s = C2S_CLASS_SCORES_INIT;
    c2s_tensor *x = matrix(5, 3, first), *y = matrix(5, 3, now);
    c2s_metrics m;
    c2s_class_scores_add(&s, x, y, labels);
    c2s_metrics_clear(&m);
    c2s_class_scores_metrics(&s, &m);
    expect(m.reference[C2S_METRIC_TOP1], 80);
    expect(m.value[C2S_METRIC_TOP1], 60);
    expect(m.value[C2S_METRIC_TOP1_DROP], 20);
    expect(m.reference[C2S_METRIC_CLASS_MEAN], (50 + 100 + 100) / 3.0);
    expect(m.value[C2S_METRIC_CLASS_MEAN], (100 + 100 + 0) / 3.0);
    expect(m.value[C2S_METRIC_CLASS_WORST], 0);
    expect(m.value[C2S_METRIC_CLASS_WORST_DROP], 100);
    assert_int_equal(c2s_class_scores_worst(&s), 2);
    assert_true(isnan(m.value[C2S_METRIC_TOP5])); /* there are no five others */
    expect(m.value[C2S_METRIC_TOP1_DROP_ERROR], 100 * sqrt(3 - 1 / 5.0) / 5);
    c2s_class_scores_free(&s);
    c2s_tensor_unref(x);
    c2s_tensor_unref(y);
}

static void labels_may_be_anything(void **state) {
    (void)state;
    static const double rows[] = {1, 0, 0, 1, 0, 1};
    static const int64_t labels[] = {-1, INT64_MAX, 1000000};
    c2s_class_scores s = C2S_CLASS_SCORES_INIT;
    c2s_tensor *y = matrix(3, 2, rows);
    c2s_class_scores_add(&s, NULL, y, labels);
    const c2s_class_tally *t = c2s_class_scores_tally(&s);
    assert_int_equal(t->top1, 0);
    assert_true(t->classes.count <= 2);
    assert_int_equal(c2s_class_scores_worst(&s), -1);
    c2s_class_scores_free(&s);
    c2s_tensor_unref(y);
}

static void worse_is_kept(void **state) {
    (void)state;
    double sqnr = (double)NAN, error = (double)NAN;
    const double values[] = {20, 30, (double)NAN, 25};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        c2s_metric_worsen(C2S_METRIC_SQNR, &sqnr, values[i]);
        c2s_metric_worsen(C2S_METRIC_MAX_ABS, &error, values[i]);
    }
    assert_true(sqnr == 20 && error == 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_over_samples),
        cmocka_unit_test(equal_is_infinitely_good),
        cmocka_unit_test(broken_is_infinitely_bad),
        cmocka_unit_test(marks_are_no_signal),
        cmocka_unit_test(other_shapes_are_counted_alone),
        cmocka_unit_test(rows_agree_or_not),
        cmocka_unit_test(divergence_of_distributions_and_scores),
        cmocka_unit_test(classes_lose_apart),
        cmocka_unit_test(labels_may_be_anything),
        cmocka_unit_test(worse_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
