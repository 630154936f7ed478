/* SPDX-License-Identifier: Apache-2.0
 *
 * Codebooks against all ways to divide a few numbers, and what becomes of many; the pass
 * cluster_weights: what it writes and what it leaves alone.
 */
#include "unit/weight_case.h"

#include "io/opset.h"
#include "passes/lowrank/codebook.h"

/* ---- codebooks ---- */

static double error_of(const double *values, const double *weights, size_t count,
                       const double *centres, size_t found) {
    double error = 0;
    for (size_t i = 0; i < count; i++) {
        const double away = values[i] - centres[c2s_codebook_nearest(centres, found, values[i])];
        error += (weights ? weights[i] : 1) * away * away;
    }
    return error;
}

/* The least error of ascending values from `first` on in `most` runs of neighbours. */
static double best_division(const double *values, const double *weights, size_t first, size_t count,
                            size_t most) {
    double best = INFINITY;
    if (first == count)
        return 0;
    if (most == 0)
        return INFINITY;
    for (size_t end = first + 1; end <= count; end++) {
        double weight = 0, sum = 0, square = 0;
        for (size_t i = first; i < end; i++) {
            weight += weights[i];
            sum += weights[i] * values[i];
            square += weights[i] * values[i] * values[i];
        }
        best = fmin(best, square - sum * sum / weight +
                              best_division(values, weights, end, count, most - 1));
    }
    return best;
}

static void finds_the_best(void **state) {
    (void)state;
    enum { COUNT = 11 };
    c2s_random random = {1};
    for (int trial = 0; trial < 40; trial++) {
        double values[COUNT], weights[COUNT], centres[8];
        const size_t most = (size_t)(2 + trial % 4);
        size_t found;
        double at = -3;
        for (int i = 0; i < COUNT; i++) {
            at += 0.01 + c2s_random_uniform(&random) * (i % 3 ? 0.3 : 2);
            values[i] = at;
            weights[i] = 0.1 + c2s_random_uniform(&random);
        }
        assert_int_equal(c2s_codebook_fit(values, weights, COUNT, most, centres, &found), C2S_OK);
        assert_int_equal(found, most);
        const double error = error_of(values, weights, COUNT, centres, found);
        const double best = best_division(values, weights, 0, COUNT, most);
        if (!(fabs(error - best) <= 1e-9))
            fail_msg("trial %d: error %g, the best is %g", trial, error, best);
    }
}

/* Of a normal distribution: Lloyd 1957 and Max 1960 give 0.009497 for 16 numbers. */
static void many_values(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    double *values = malloc(COUNT * sizeof *values), centres[256];
    c2s_random random = {5};
    size_t found;
    for (int i = 0; i < COUNT; i += 2) { /* Box and Muller */
        const double r = sqrt(-2 * log(1 - c2s_random_uniform(&random)));
        const double angle = 6.283185307179586 * c2s_random_uniform(&random);
        values[i] = r * cos(angle);
        values[i + 1] = r * sin(angle);
    }
    assert_int_equal(c2s_codebook_fit(values, NULL, COUNT, 16, centres, &found), C2S_OK);
    assert_int_equal(found, 16);
    const double error = error_of(values, NULL, COUNT, centres, found) / COUNT;
    if (!(fabs(error - 0.009497) < 0.0003))
        fail_msg("mean squared error %g", error);
    free(values);
}

static void special_values(void **state) {
    (void)state;
    double centres[4];
    size_t found;
    const double few[] = {2, -1, 2, 2, -1};
    assert_int_equal(c2s_codebook_fit(few, NULL, 5, 4, centres, &found), C2S_OK);
    assert_true(found == 2 && centres[0] == -1 && centres[1] == 2);
    /* most are 0, and stay it */
    double sparse[100] = {0};
    c2s_random random = {2};
    for (int i = 0; i < 100; i += 3)
        sparse[i] = c2s_random_normal(&random);
    assert_int_equal(c2s_codebook_fit(sparse, NULL, 100, 4, centres, &found), C2S_OK);
    assert_true(centres[c2s_codebook_nearest(centres, found, 0)] == 0);
    /* values without weight do not matter; none has one */
    const double values[] = {0, 1, 5, 6, 20}, weights[] = {0, 0, 1, 1, 0}, none[5] = {0};
    assert_int_equal(c2s_codebook_fit(values, weights, 5, 2, centres, &found), C2S_OK);
    assert_true(error_of(values, weights, 5, centres, found) == 0);
    assert_int_equal(c2s_codebook_fit(values, none, 5, 2, centres, &found), C2S_OK);
    assert_true(error_of(values, NULL, 5, centres, found) < 30);
}

/* ---- the pass ---- */

#define NORMAL(m, name, ...) make_normal(m, name, 1, DIMS(__VA_ARGS__))

static c2s_model *gemm_model(void) {
    c2s_model *m = make_model();
    make_output(OP(m, "Gemm", INPUT(m, "x", 5, 64), NORMAL(m, "w", 64, 128), WEIGHT(m, "b", 128)),
                "y");
    return m;
}

static c2s_model *conv_model(void) {
    c2s_model *m = make_model();
    make_output(OP(m, "Conv", INPUT(m, "x", 1, 16, 6, 6), NORMAL(m, "w", 32, 16, 3, 3)), "y");
    return m;
}

static void check(c2s_model *model, const char *options, const char *ops, double tolerance,
                  double bytes) {
    char text[200];
    snprintf(text, sizeof text, "cluster_weights(%s)", options);
    c2s_model *original = check_smaller(model, text, ops, bytes);
    const double difference = largest_difference(original, model);
    if (!(difference <= tolerance))
        fail_msg("%s: outputs differ by %g", text, difference);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
}

static void writes_codes(void **state) {
    (void)state;
    check(gemm_model(), "", "Cast Gather Gemm", 0.1, 0.15);
    check(gemm_model(), "bits=8", "Cast Gather Gemm", 0.01, 0.30);
    check(gemm_model(), "bits=6", "Cast Gather Gemm", 0.03, 0.28);
    check(gemm_model(), "bits=3", "Cast Gather Gemm", 0.3, 0.15);
    check(gemm_model(), "per=row", "Cast GatherElements Reshape Gemm", 0.1, 0.27);
    check(conv_model(), "per=row", "Cast GatherElements Reshape Conv", 0.1, 0.25);
    check(conv_model(), "bits=3,per=group,group=72", "Cast GatherElements Reshape Conv", 0.3, 0.25);
}

/* A constant that is no weight. Of rows the part behind the diagonal is `other`, what is before it
 * are whole numbers below `numbers`, and one -0. */
static c2s_model *mask_model(unsigned numbers, double other) {
    c2s_model *m = make_model();
    double values[32 * 32];
    for (unsigned i = 0; i < 32 * 32; i++)
        values[i] = i % 32 > i / 32 ? other : (double)(i % numbers);
    values[32] = -0.0;
    c2s_tensor *mask;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){32, 32}, values, &mask), C2S_OK);
    make_output(OP(m, "Div", INPUT(m, "x", 2, 32, 32), c2s_value_constant(m->graph, "mask", mask)),
                "y");
    return m;
}

/* Dividing by them shows the signs of zeros. */
static void check_same_bits(const c2s_model *before, const c2s_model *after) {
    c2s_tensor *x[4], *y[4];
    const unsigned count = run_model(before, x);
    assert_int_equal(run_model(after, y), count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(x[i]->count, y[i]->count);
        for (size_t k = 0; k < x[i]->count; k++) {
            const double a = c2s_tensor_f64_at(x[i], k), b = c2s_tensor_f64_at(y[i], k);
            if (memcmp(&a, &b, sizeof a) != 0)
                fail_msg("element %zu is %g, was %g", k, b, a);
        }
        c2s_tensor_unref(x[i]);
        c2s_tensor_unref(y[i]);
    }
}

static void stores_masks(void **state) {
    (void)state;
    const struct {
        unsigned numbers;
        double other;
        const char *options, *ops;
        double bytes;
    } cases[] = {{1, -INFINITY, "", "Cast Gather Div", 0.13},
                 {14, -1e9, "bits=4", "Cast Gather Div", 0.15}, /* 16 numbers with -0 */
                 {15, -1e9, "bits=4", "Div", 1},
                 {15, -1e9, "bits=5", "Cast Gather Div", 0.27},
                 {1, NAN, "", "Div", 1},
                 {1, 0.5, "exclude=Div", "Div", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c2s_model *m = mask_model(cases[i].numbers, cases[i].other);
        char text[100];
        snprintf(text, sizeof text, "cluster_weights(%s)", cases[i].options);
        c2s_model *before = check_smaller(m, text, cases[i].ops, cases[i].bytes);
        check_same_bits(before, m);
        c2s_model_destroy(before);
        c2s_model_destroy(m);
    }
}

/* A job that wants an older opset than codes of 4 bits have gets bytes. */
static void older_opset(void **state) {
    (void)state;
    c2s_model *m = gemm_model();
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    const c2s_pass_context context = {.evaluator = &c2s_evaluator_reference, .opset = 17};
    const c2s_pipeline_options options = {.context = &context};
    assert_int_equal(c2s_model_convert_opset(m, 17, NULL), C2S_OK);
    assert_int_equal(c2s_pipeline_parse("cluster_weights", &pipeline), C2S_OK);
    assert_int_equal(c2s_pipeline_run(pipeline, m, &options, &result), C2S_OK);
    assert_string_equal(ops_of(m->graph), "Cast Gather Gemm");
    assert_int_equal(c2s_node_in(m->graph->first, 0)->type.dtype, C2S_UINT8);
    assert_int_equal(c2s_model_opset(m, ""), 17);
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    c2s_model_destroy(m);
}

static void leaves_alone(void **state) {
    (void)state;
    c2s_model *m = make_model();
    make_output(OP(m, "MatMul", INPUT(m, "x", 4, 8), WEIGHT(m, "w", 8, 8)), "y");
    check_refused(m, "cluster_weights", "MatMul", NULL);
    check_refused(conv_model(), "cluster_weights(bits=8,per=row)", "Conv", "not be smaller");
    check_refused(gemm_model(), "cluster_weights(exclude=Gemm)", "Gemm", NULL);
}

/* Weights of large inputs are small. */
static c2s_model *uneven_model(void) {
    c2s_model *m = gemm_model();
    const c2s_node *node = m->graph->first;
    float *w = c2s_tensor_mutable((c2s_tensor *)(uintptr_t)c2s_node_in(node, 1)->constant);
    for (int i = 0; i < 4 * 128; i++)
        w[i] *= 0.2f;
    return m;
}

/* Errors where inputs are large count more, so outputs are nearer. */
static c2s_status uneven(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                         c2s_tensor **in) {
    c2s_random random = {index + 1};
    double values[5 * 64];
    (void)feed, (void)graph;
    for (int i = 0; i < 5 * 64; i++)
        values[i] = c2s_random_normal(&random) * (i % 64 < 4 ? 10 : 0.1);
    return c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){5, 64}, values, &in[0]);
}

static void data_help(void **state) {
    (void)state;
    static const c2s_feed data = {.count = 20, .get = uneven};
    c2s_model *before = uneven_model(), *blind = uneven_model(), *aware = uneven_model();
    run_passes(blind, "cluster_weights(bits=3)");
    case_feed = &data;
    run_passes(aware, "cluster_weights(bits=3)");
    case_feed = NULL;
    const double without = distance_on(&data, 77, 78, before, blind).noise;
    const double with = distance_on(&data, 77, 78, before, aware).noise;
    if (!(with < 0.5 * without))
        fail_msg("squared error %g, without samples %g", with, without);
    c2s_model_destroy(before);
    c2s_model_destroy(blind);
    c2s_model_destroy(aware);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_best), cmocka_unit_test(many_values),
        cmocka_unit_test(special_values), cmocka_unit_test(writes_codes),
        cmocka_unit_test(stores_masks),   cmocka_unit_test(older_opset),
        cmocka_unit_test(leaves_alone),   cmocka_unit_test(data_help)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
