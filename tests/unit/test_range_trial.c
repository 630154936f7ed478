/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges tried in a model: where the outputs care for other numbers than the squared error does,
 * the answer is better than that of MSE; the errors are those that rounding by hand gives.
 */
#include <math.h>

#include "base/random.h"
#include "passes/measure/ranges.h"
#include "passes/quant/range_trial.h"
#include "passes/quant/trial_graph.h"
#include "run_text.h"

enum { SAMPLES = 3, ROWS = 64, COLUMNS = 24, COUNT = ROWS * COLUMNS };

typedef struct subject {
    c2s_model *model;
    c2s_tensor *sample[SAMPLES];
    c2s_feed feed;
    c2s_ranges *ranges;
} subject;

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    const subject *s = feed->user;
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        in[k] = strcmp(c2s_graph_input(graph, k)->name, "x") == 0 ? c2s_tensor_ref(s->sample[index])
                                                                  : NULL;
    return C2S_OK;
}

/* Normal numbers, some of them far away. */
static void make(subject *s, const char *text) {
    c2s_random random = {5};
    *s = (subject){.model = model_of_text(17, text)};
    assert_int_equal(c2s_model_normalise(s->model), C2S_OK);
    assert_int_equal(c2s_graph_infer(s->model->graph), C2S_OK);
    for (int k = 0; k < SAMPLES; k++) {
        assert_int_equal(c2s_tensor_create(C2S_FLOAT, 2, (int64_t[]){ROWS, COLUMNS}, &s->sample[k]),
                         C2S_OK);
        float *x = c2s_tensor_mutable(s->sample[k]);
        for (int i = 0; i < COUNT; i++)
            x[i] = (float)(c2s_random_normal(&random) * (i % 10 == 0 ? 40 : 1));
    }
    s->feed = (c2s_feed){.count = SAMPLES, .get = get, .user = s};
    assert_int_equal(c2s_ranges_collect(s->model->graph, &s->feed, &c2s_evaluator_reference, NULL,
                                        NULL, &s->ranges),
                     C2S_OK);
}

static void drop(subject *s) {
    c2s_ranges_free(s->ranges);
    for (int k = 0; k < SAMPLES; k++)
        c2s_tensor_unref(s->sample[k]);
    c2s_model_destroy(s->model);
}

static c2s_range_question about(const subject *s, const char *name) {
    for (size_t id = 0; id < s->model->values.count; id++) {
        const c2s_value *value = s->model->values.at[id];
        if (value && strcmp(value->name, name) == 0)
            return (c2s_range_question){
                .value = value, .stats = c2s_ranges_find(s->ranges, value), .dtype = C2S_INT8};
    }
    fail_msg("no value %s", name);
    return (c2s_range_question){0};
}

static void try_ranges(const subject *s, c2s_range_question *q, size_t count) {
    const c2s_eval_options eval = {.threads = 1};
    if (c2s_range_trial(s->model->graph, &s->feed, &c2s_evaluator_reference, &eval, 0, q, count) !=
        C2S_OK)
        fail_msg("%s", c2s_error());
}

/* error^2 / output^2 of clip(3 * round(v)) with v = x + x, by hand. */
static double clipped_error(const subject *s, float low, float high) {
    c2s_code_grid grid;
    double signal = 0, noise = 0;
    assert_int_equal(c2s_code_grid_of(C2S_INT8, C2S_FLOAT, false, false, &grid), C2S_OK);
    const c2s_affine a = c2s_affine_of_range(&grid, low, high);
    for (int k = 0; k < SAMPLES; k++) {
        const float *x = c2s_tensor_data(s->sample[k]);
        for (int i = 0; i < COUNT; i++) {
            const double v = (double)x[i] * 2;
            double code = rint(v / (double)a.scale) + (double)a.zero;
            code = fmin(fmax(code, -128), 127);
            const double rounded = (code - (double)a.zero) * (double)a.scale;
            const double y = fmin(fmax(3 * v, -6), 6), z = fmin(fmax(3 * rounded, -6), 6);
            signal += y * y;
            noise += (y - z) * (y - z);
        }
    }
    return noise / signal;
}

static void outputs_decide(void **state) {
    (void)state;
    subject s;
    make(&s, "g (float[n,24] x) => (float[n,24] y)\n"
             "<float three = {3.0}, float low = {-6.0}, float high = {6.0}>\n"
             "{ v = Add(x, x)\n  w = Mul(v, three)\n  y = Clip(w, low, high) }");
    c2s_range_question q[2] = {about(&s, "v"), about(&s, "x")};
    float low, high;
    assert_int_equal(c2s_range_choose(q[0].stats, C2S_RANGE_MSE, 0, C2S_INT8, false, &low, &high),
                     C2S_OK);
    try_ranges(&s, q, 2);
    assert_true(q[0].error < 0.9 * q[0].mse_error);
    assert_true(q[0].high < 0.9f * high);
    assert_true(fabs(q[0].error - clipped_error(&s, q[0].low, q[0].high)) < 1e-3 * q[0].error);
    assert_true(fabs(q[0].mse_error - clipped_error(&s, low, high)) < 1e-3 * q[0].mse_error);
    assert_true(q[1].error < 0.9 * q[1].mse_error); /* x is half of v */
    drop(&s);
}

/* The output is the tensor: nothing is better than the least squared error by a twentieth. */
static void least_squares_stay(void **state) {
    (void)state;
    subject s;
    make(&s, "g (float[n,24] x) => (float[n,24] v, float[n,24] y)\n"
             "{ v = Add(x, x)\n  y = Neg(v) }");
    c2s_range_question q = about(&s, "v");
    float low, high;
    assert_int_equal(c2s_range_choose(q.stats, C2S_RANGE_MSE, 0, C2S_INT8, false, &low, &high),
                     C2S_OK);
    try_ranges(&s, &q, 1);
    assert_true(q.low == low && q.high == high);
    assert_true(q.error == q.mse_error && q.error > 0);
    drop(&s);
}

/* What is behind a value still reads what is beside it; bodies of If take it, too. */
static void graphs_are_cut(void **state) {
    (void)state;
    subject s;
    make(&s, "g (float[n,24] x) => (float[n,24] y, float[n,24] z)\n"
             "<bool yes = {1}>\n"
             "{ v = Relu(x)\n  w = Sigmoid(v)\n  y = Mul(w, x)\n"
             "  z = If(yes) <then_branch = t () => (float[n,24] a) { a = Exp(w) },\n"
             "               else_branch = e () => (float[n,24] b) { b = Neg(v) }> }");
    c2s_range_question q = about(&s, "w");
    c2s_trial_graph cut;
    c2s_tensor **in;
    assert_int_equal(c2s_trial_graph_open(s.model->graph, q.value, &cut), C2S_OK);
    assert_int_equal(c2s_model_verify(cut.model), C2S_OK);
    assert_int_equal(c2s_graph_input_count(cut.model->graph), 2);
    assert_int_equal(cut.model->graph->node_count, 3); /* Relu is read by the other branch */
    assert_int_equal(c2s_trial_graph_inputs(&cut, &s.feed, 1, s.sample[0], &in), C2S_OK);
    assert_true(in[cut.input] == s.sample[0] && in[1 - cut.input] == s.sample[1]);
    c2s_tensor_unref(in[0]);
    c2s_tensor_unref(in[1]);
    free(in);
    c2s_trial_graph_close(&cut);
    try_ranges(&s, &q, 1);
    assert_true(q.high > 0.5f && q.high <= 1.01f);
    drop(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_decide),
        cmocka_unit_test(least_squares_stay),
        cmocka_unit_test(graphs_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
