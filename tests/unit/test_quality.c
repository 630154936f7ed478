/* SPDX-License-Identifier: Apache-2.0 */
/* What lossy passes are judged by: numbers worked out by hand, and what the pipeline does with
 * them. */
#include "unit/make_graph.h"

#include "eval/quality.h"
#include "passes/prover.h"

/* y = x + c for rows of three scores. */
static c2s_model *shifted(double a, double b, double c) {
    c2s_model *m = make_model();
    c2s_tensor *tensor;
    const int64_t three = 3;
    const double values[] = {a, b, c};
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, &three, values, &tensor), C2S_OK);
    make_output(OP(m, "Add", INPUT(m, "x", 1, 3), c2s_value_constant(m->graph, "c", tensor)), "y");
    return m;
}

/* Four samples; the largest elements are at 0, 1, 2, 2. */
static const double rows[4][3] = {{4, 2, 0}, {0, 3, 2}, {1, 0, 2}, {0, 0, 5}};

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    (void)graph;
    assert_true(index < feed->count);
    if (feed->user)
        ++*(int *)feed->user;
    const int64_t dim[] = {1, 3};
    return c2s_tensor_from_f64(C2S_FLOAT, 2, dim, rows[index], &in[0]);
}

static c2s_tensor *integers(int64_t count, const int64_t *values) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_i64(C2S_INT64, 1, &count, values, &tensor), C2S_OK);
    return tensor;
}

static const c2s_eval_options one_thread = {.threads = 1};

static c2s_quality *open_quality(const c2s_feed *feed, const c2s_model *first, size_t most) {
    c2s_quality *q;
    if (c2s_quality_open(first->graph, &c2s_evaluator_reference, &one_thread, feed, most, &q) !=
        C2S_OK)
        fail_msg("%s", c2s_error());
    return q;
}

static c2s_quality_result measure(c2s_quality *q, c2s_model *m, size_t samples) {
    c2s_quality_result result;
    assert_int_equal(c2s_quality_measure(q, m->graph, samples, &result), C2S_OK);
    c2s_model_destroy(m);
    return result;
}

static void counts_rows_and_labels(void **state) {
    (void)state;
    const int64_t classes[] = {0, 1, 1, -1};
    c2s_tensor *labels = integers(4, classes);
    int reads = 0;
    c2s_feed feed = {.count = 4, .get = get, .labels = labels, .user = &reads};
    c2s_model *first = shifted(0, 0, 0);
    c2s_quality *q = open_quality(&feed, first, 0);
    c2s_quality_result same = measure(q, shifted(0, 0, 0), 0);
    assert_int_equal(same.samples, 4);
    assert_true(isinf(same.sqnr_db) && same.agreement == 100);
    assert_true(fabs(same.top1 - 200.0 / 3) < 1e-9 && same.top1 == same.top1_first);
    assert_true(same.drop_error == 0);
    /* +2.5 for class 1: rows become 1, 1, 1, 2; of the labelled ones one is lost, one gained. */
    c2s_quality_result moved = measure(q, shifted(0, 2.5, 0), 0);
    assert_true(moved.agreement == 50);
    assert_true(c2s_quality_drop(&moved) == 0);
    assert_true(fabs(moved.drop_error - 100 * sqrt(2) / 3) < 1e-9);
    const double signal = 16 + 4 + 9 + 4 + 1 + 4 + 25, noise = 4 * 2.5 * 2.5;
    assert_true(fabs(moved.sqnr_db - 10 * log10(signal / noise)) < 1e-5);
    /* Rows without any number answer nothing: not class 0 either. */
    const double nan = (double)NAN;
    c2s_quality_result broken = measure(q, shifted(nan, nan, nan), 0);
    assert_true(broken.agreement == 0 && broken.top1 == 0);
    assert_true(isinf(broken.sqnr_db) && broken.sqnr_db < 0);
    /* A part of the samples: the first and the third. */
    c2s_quality_result half = measure(q, shifted(0, 2.5, 0), 2);
    assert_int_equal(half.samples, 2);
    assert_true(half.agreement == 0 && half.top1 == 50);
    assert_int_equal(reads, 4); /* samples were read once */
    c2s_quality_close(q);
    c2s_model_destroy(first);
    c2s_tensor_unref(labels);
}

/* What samples add is by what +2.5 for class 1 is off in each of them, and comes to the whole. */
static void adds_up_by_sample(void **state) {
    (void)state;
    c2s_feed feed = {.count = 4, .get = get};
    c2s_model *first = shifted(0, 0, 0), *now = shifted(0, 2.5, 0);
    c2s_quality *q = open_quality(&feed, first, 0);
    c2s_quality_result result;
    double noise[4], divergence[4], sum = 0;
    assert_int_equal(c2s_quality_measure_each(q, now->graph, &result, noise, divergence), C2S_OK);
    for (int k = 0; k < 4; k++) {
        assert_true(fabs(noise[k] - 2.5 * 2.5 / 63) < 1e-6);
        sum += divergence[k];
    }
    assert_true(fabs(sum - result.divergence) < 1e-9 * sum);
    assert_true(divergence[3] < divergence[0]); /* class 1 was least likely there */
    assert_true(fabs(pow(10, -result.sqnr_db / 10) - 4 * noise[0]) < 1e-6);
    c2s_quality_close(q);
    c2s_model_destroy(now);
    c2s_model_destroy(first);
}

static void sees_numbers_that_broke(void **state) {
    (void)state;
    c2s_feed feed = {.count = 4, .get = get};
    c2s_model *first = shifted(0, 0, 0);
    c2s_quality *q = open_quality(&feed, first, 2);
    assert_int_equal(c2s_quality_samples(q), 2);
    c2s_quality_result result = measure(q, shifted(0, INFINITY, 0), 0);
    assert_true(isinf(result.sqnr_db) && result.sqnr_db < 0);
    result = measure(q, shifted(0, NAN, 0), 0);
    assert_true(isinf(result.sqnr_db) && result.sqnr_db < 0);
    assert_true(isnan(result.top1) && isnan(result.drop_error));
    c2s_quality_close(q);
    c2s_model_destroy(first);
}

/* By the definition: of logits and of what Softmax makes of them the same, and of logits that are
 * all larger by a constant 0. */
static void classes_diverge(void **state) {
    (void)state;
    c2s_feed feed = {.count = 4, .get = get};
    double expected = 0;
    for (int r = 0; r < 4; r++) {
        double sum = 0, shifted_sum = 0;
        for (int c = 0; c < 3; c++) {
            sum += exp(rows[r][c]);
            shifted_sum += exp(rows[r][c] + (c == 1 ? 2.5 : 0));
        }
        for (int c = 0; c < 3; c++) {
            const double p = exp(rows[r][c]) / sum,
                         q = exp(rows[r][c] + (c == 1 ? 2.5 : 0)) / shifted_sum;
            expected += p * log(p / q) / 4;
        }
    }
    for (int softmax = 0; softmax < 2; softmax++) {
        c2s_model *first = shifted(0, 0, 0), *moved = shifted(0, 2.5, 0),
                  *higher = shifted(1, 1, 1), *broken = shifted(0, NAN, 0);
        c2s_model *const all[] = {first, moved, higher, broken};
        for (int k = 0; k < 4 && softmax; k++)
            c2s_use_set(&all[k]->graph->exit->inputs[0],
                        OP(all[k], "Softmax", c2s_graph_output(all[k]->graph, 0)));
        c2s_quality *q = open_quality(&feed, first, 0);
        const double found = measure(q, moved, 0).divergence;
        if (!(fabs(found - expected) < 1e-5))
            fail_msg("softmax %d: divergence %g, expected %g", softmax, found, expected);
        assert_true(measure(q, higher, 0).divergence < 1e-9);
        assert_true(isinf(measure(q, broken, 0).divergence));
        c2s_quality_close(q);
        c2s_model_destroy(first);
    }
}

/* Models with a class 0 for the background. */
static void finds_the_first_class(void **state) {
    (void)state;
    const int64_t classes[] = {-1, 0, 1, 1};
    c2s_tensor *labels = integers(4, classes);
    c2s_feed feed = {.count = 4, .get = get, .labels = labels};
    c2s_model *first = shifted(0, 0, 0);
    c2s_quality *q = open_quality(&feed, first, 0);
    assert_true(measure(q, shifted(0, 0, 0), 0).top1 == 100);
    c2s_quality_close(q);
    c2s_model_destroy(first);
    c2s_tensor_unref(labels);
}

static void refuses_labels_that_do_not_fit(void **state) {
    (void)state;
    const int64_t classes[] = {0, 1, 1};
    c2s_tensor *labels = integers(3, classes);
    c2s_feed feed = {.count = 4, .get = get, .labels = labels};
    c2s_model *first = shifted(0, 0, 0);
    c2s_quality *q;
    assert_int_equal(
        c2s_quality_open(first->graph, &c2s_evaluator_reference, &one_thread, &feed, 0, &q),
        C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "3 labels"));
    assert_null(q);
    c2s_model_destroy(first);
    c2s_tensor_unref(labels);
}

/* ---- in the pipeline ---- */

/* Makes Add Sub or something else: a lossy pass if there ever was one. */
static const char *replacement;
static c2s_status run_lossy(c2s_model *model, const c2s_options *options,
                            const c2s_pass_context *context, c2s_stats *stats) {
    (void)options;
    (void)context;
    c2s_stats_apply(stats, "swap", c2s_node_text(model->graph->first));
    c2s_node_set_type(model->graph->first, "", replacement);
    return C2S_OK;
}

static c2s_status run_nothing(c2s_model *model, const c2s_options *options,
                              const c2s_pass_context *context, c2s_stats *stats) {
    (void)options;
    (void)context;
    c2s_stats_apply(stats, "touch", c2s_node_text(model->graph->first));
    return C2S_OK;
}

static void run_pipeline(const char *type, c2s_budget budget, c2s_pipeline_result *result) {
    static const c2s_pass lossy = {.name = "lossy", .summary = "", .lossy = true, .run = run_lossy};
    static const c2s_pass touch = {.name = "touch", .summary = "", .run = run_nothing};
    c2s_model *m = shifted(0.25, 0, 0);
    c2s_feed feed = {.count = 4, .get = get};
    c2s_quality *q = open_quality(&feed, m, 0);
    c2s_prove_options proof = {.evaluator = &c2s_evaluator_reference, .eval = {.threads = 1}};
    c2s_prover *prover = c2s_prover_create(&proof, NULL);
    c2s_prover_set_budget(prover, q, &budget);
    c2s_pipeline pipeline = {0};
    c2s_vec_push(&pipeline.steps, (c2s_pipeline_step){.pass = &lossy});
    c2s_vec_push(&pipeline.steps, (c2s_pipeline_step){.pass = &touch});
    c2s_pipeline_options options = {.prover = prover, .bisect = true};
    replacement = type;
    assert_int_equal(c2s_pipeline_run(&pipeline, m, &options, result), C2S_OK);
    c2s_vec_free(&pipeline.steps);
    c2s_prover_destroy(prover);
    c2s_quality_close(q);
    c2s_model_destroy(m);
}

static void passes_have_a_budget(void **state) {
    (void)state;
    c2s_pipeline_result result;
    /* Sub differs by half a point in one of three scores: far beyond the tolerance, within 10 dB.
     */
    run_pipeline("Sub", (c2s_budget){(double)NAN, 10}, &result);
    const c2s_step_result *step = result.steps.at;
    assert_int_equal(step[0].report.outcome, C2S_APPLIED);
    assert_true(step[0].quality.samples == 4 && step[0].quality.sqnr_db > 10);
    assert_int_equal(step[1].report.outcome, C2S_APPLIED);
    assert_true(step[1].report.error == 0); /* against what the lossy pass made */
    c2s_pipeline_result_free(&result);
    run_pipeline("Sub", (c2s_budget){(double)NAN, 60}, &result);
    assert_int_equal(result.steps.at[0].report.outcome, C2S_ROLLED_BACK);
    assert_non_null(strstr(result.steps.at[0].report.reason, "at least 60.0 are wanted"));
    assert_int_equal(result.steps.at[0].left_out.count, 0);
    assert_true(result.steps.at[1].report.error == 0);
    c2s_pipeline_result_free(&result);
}

/* No budget allows infinite results: 4 / 0. */
static void broken_numbers_are_never_accepted(void **state) {
    (void)state;
    c2s_pipeline_result result;
    run_pipeline("Div", (c2s_budget){(double)NAN, (double)NAN}, &result);
    assert_true(result.steps.at[0].report.outcome == C2S_ROLLED_BACK ||
                result.steps.at[0].left_out.count > 0);
    assert_true(result.steps.at[1].report.error == 0);
    c2s_pipeline_result_free(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_rows_and_labels),
        cmocka_unit_test(adds_up_by_sample),
        cmocka_unit_test(sees_numbers_that_broke),
        cmocka_unit_test(classes_diverge),
        cmocka_unit_test(finds_the_first_class),
        cmocka_unit_test(refuses_labels_that_do_not_fit),
        cmocka_unit_test(passes_have_a_budget),
        cmocka_unit_test(broken_numbers_are_never_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
