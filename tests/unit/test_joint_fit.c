/* SPDX-License-Identifier: Apache-2.0 */
/* Layers fitted together. The answer is known: what made the outputs was such a network, or one of
 * two units that say the same. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "base/threads.h"
#include "passes/measure/certain_gain.h"
#include "passes/measure/joint_fit.h"

enum { ROWS = 8, WIDTH = 6, UNITS = 8, OUTPUTS = 3, SAMPLES = 40 };

static double offset; /* of all inputs */

static c2s_status sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                         c2s_tensor **in) {
    c2s_random random = {index + 50};
    double values[ROWS * WIDTH];
    (void)feed, (void)graph;
    for (int i = 0; i < ROWS * WIDTH; i++)
        values[i] = offset + c2s_random_normal(&random);
    return c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){ROWS, WIDTH}, values, &in[0]);
}
static const c2s_feed feed = {.count = SAMPLES, .get = sample};

static c2s_value *numbers(c2s_model *m, const char *name, c2s_random *random, int64_t rows,
                          int64_t columns) {
    double values[WIDTH * UNITS];
    c2s_tensor *tensor;
    for (int64_t i = 0; i < rows * columns; i++)
        values[i] = c2s_random_normal(random);
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){rows, columns}, values, &tensor),
                     C2S_OK);
    return c2s_value_constant(m->graph, name, tensor);
}

/* x -> Gemm -> Relu -> Gemm */
static c2s_model *network(void) {
    c2s_model *m = make_model();
    c2s_random random = {7};
    c2s_value *x = INPUT(m, "x", ROWS, WIDTH);
    x = OP(m, "Gemm", x, numbers(m, "wa", &random, WIDTH, UNITS),
           numbers(m, "ba", &random, 1, UNITS));
    x = OP(m, "Relu", x);
    x = OP(m, "Gemm", x, numbers(m, "wb", &random, UNITS, OUTPUTS),
           numbers(m, "bb", &random, 1, OUTPUTS));
    make_output(x, "y");
    return m;
}

static c2s_node *node_at(const c2s_model *m, int place) {
    c2s_node *node = m->graph->first;
    while (place-- > 0)
        node = node->next;
    return node;
}

static void change(c2s_node *node, unsigned slot, double (*to)(size_t, double)) {
    c2s_value *value = c2s_node_in(node, slot);
    double values[WIDTH * UNITS];
    c2s_tensor *tensor;
    for (size_t i = 0; i < value->constant->count; i++)
        values[i] = to(i, c2s_tensor_f64_at(value->constant, i));
    assert_int_equal(
        c2s_tensor_from_f64(C2S_FLOAT, value->type.rank, value->type.dim, values, &tensor), C2S_OK);
    c2s_value_set_constant(value, tensor);
    c2s_tensor_unref(tensor);
}

static double disturb(size_t i, double was) {
    return was + 0.2 * cos((double)i * 5);
}

/* The first two rows of the second weight: what unit 0 and 1 do. */
static double drop_unit(size_t i, double was) {
    return i < OUTPUTS ? 0 : was;
}

/* ---- the judge ---- */

typedef struct judged {
    const c2s_model *now, *first;
    bool refuses; /* says that all that changes is worse */
    unsigned asked;
    const double (*errors)[4]; /* of the first parameters and of all later ones */
} judged;

/* On samples that are not learnt from, by the plain evaluator: error over energy. */
static double distance(const c2s_model *now, const c2s_model *first) {
    const c2s_model *const models[] = {now, first};
    const c2s_eval_options options = {.threads = 1};
    double error = 0, energy = 0;
    for (size_t s = 0; s < 6; s++) {
        c2s_tensor *in, *out[2];
        assert_int_equal(sample(&feed, NULL, SAMPLES + s, &in), C2S_OK);
        for (int k = 0; k < 2; k++) {
            c2s_session *session;
            assert_int_equal(c2s_evaluator_reference.open(models[k]->graph, &options, &session),
                             C2S_OK);
            assert_int_equal(
                session->evaluator->run(session, (const c2s_tensor *const *)&in, &out[k]), C2S_OK);
            session->evaluator->close(session);
        }
        for (size_t i = 0; i < out[0]->count; i++) {
            const double a = c2s_tensor_f64_at(out[0], i), b = c2s_tensor_f64_at(out[1], i);
            error += (a - b) * (a - b);
            energy += b * b;
        }
        c2s_tensor_unref(in);
        c2s_tensor_unref(out[0]);
        c2s_tensor_unref(out[1]);
    }
    return error / energy;
}

static c2s_status judge(void *user, double *error) {
    judged *j = user;
    *error = j->refuses ? j->asked : distance(j->now, j->first);
    j->asked++;
    return C2S_OK;
}

static c2s_status judge_each(void *user, double *errors) {
    judged *j = user;
    memcpy(errors, j->errors[j->asked++ > 0], sizeof *j->errors);
    return C2S_OK;
}

/* By how much the differences of the last biases are off. */
static c2s_status judge_differences(void *user, double *error) {
    const judged *j = user;
    *error = 0;
    for (size_t i = 1; i < OUTPUTS; i++) {
        double apart[2];
        for (int k = 0; k < 2; k++) {
            const c2s_tensor *b = c2s_node_in(node_at(k ? j->first : j->now, 2), 2)->constant;
            apart[k] = c2s_tensor_f64_at(b, i) - c2s_tensor_f64_at(b, 0);
        }
        *error += fabs(apart[1] - apart[0]);
    }
    return C2S_OK;
}

/* With one point; at least what is fitted is missing. */
static c2s_joint_fit job_of(const c2s_model *now, const c2s_model *first,
                            const c2s_joint_point *point, size_t epochs, judged *j) {
    *j = (judged){now, first, j->refuses, 0, NULL};
    return (c2s_joint_fit){.graph = now->graph,
                           .first = first->graph,
                           .points = point,
                           .point_count = 1,
                           .feed = &feed,
                           .epochs = epochs,
                           .rate = 0.02,
                           .judge = judge,
                           .user = j};
}

static c2s_status fit_as(c2s_model *now, const c2s_model *first, size_t epochs, bool uncorrelated,
                         judged *j, double *before, double *after) {
    const c2s_joint_parameter parameters[] = {{node_at(now, 0), 1, true, 1},
                                              {node_at(now, 0), 2, false, -1},
                                              {node_at(now, 2), 1, true, 1},
                                              {node_at(now, 2), 2, false, -1}};
    const c2s_joint_point point = {
        c2s_graph_output(now->graph, 0), c2s_graph_output(first->graph, 0), 1, -1, NULL, false};
    c2s_joint_fit job = job_of(now, first, &point, epochs, j);
    job.parameters = parameters;
    job.parameter_count = 4;
    job.uncorrelated = uncorrelated;
    return c2s_joint_fit_do(&job, before, after);
}

static c2s_status fit(c2s_model *now, const c2s_model *first, size_t epochs, judged *j,
                      double *before, double *after) {
    return fit_as(now, first, epochs, false, j, before, after);
}

/* Only the last bias. */
static c2s_status fit_bias(c2s_model *now, const c2s_model *first, const c2s_joint_point *point,
                           size_t epochs, judged *j, double *before, double *after) {
    const c2s_joint_parameter bias = {node_at(now, 2), 2, false, -1};
    c2s_joint_fit job = job_of(now, first, point, epochs, j);
    job.parameters = &bias;
    job.parameter_count = 1;
    if (point->scores)
        job.judge = judge_differences;
    return c2s_joint_fit_do(&job, before, after);
}

/* ---- cases ---- */

/* What is better on some samples and worse on others may be so by chance. */
static void certain_gains(void **state) {
    (void)state;
    static const struct {
        double errors[2][4];
        bool stays;
    } cases[] = {
        {{{1, 1, 1, 1}, {0.9, 0.8, 0.9, 0.95}}, true},
        {{{1, 1, 1, 1}, {0.3, 1.1, 1.2, 0.9}}, false},
        {{{4, 3, 2, 1}, {3.9, 2.9, 1.9, 0.9}}, true},
        {{{1, 1, 1, 1}, {0.1, (double)NAN, 0.1, 0.1}}, false},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        c2s_model *first = network(), *now = c2s_model_copy(first);
        judged j = {0};
        double before, after;
        change(node_at(now, 2), 2, disturb);
        c2s_model *was = c2s_model_copy(now);
        const c2s_joint_parameter bias = {node_at(now, 2), 2, false, -1};
        const c2s_joint_point point = {
            c2s_graph_output(now->graph, 0), c2s_graph_output(first->graph, 0), 1, -1, NULL, false};
        c2s_joint_fit job = job_of(now, first, &point, 3, &j);
        j.errors = cases[k].errors;
        job.parameters = &bias;
        job.parameter_count = 1;
        job.judge = judge_each;
        job.judged = 4;
        assert_int_equal(c2s_joint_fit_do(&job, &before, &after), C2S_OK);
        assert_int_equal(after < before, cases[k].stays);
        assert_int_equal(!c2s_tensor_equal(c2s_node_in(node_at(now, 2), 2)->constant,
                                           c2s_node_in(node_at(was, 2), 2)->constant),
                         cases[k].stays);
        c2s_model_destroy(was);
        c2s_model_destroy(now);
        c2s_model_destroy(first);
    }
    /* so few samples say nothing of their spread */
    assert_true(c2s_gain_is_certain((double[]){1, 1}, (double[]){0.1, 1.8}, 2));
    assert_false(c2s_gain_is_certain((double[]){1, 1}, (double[]){0.1, 2.1}, 2));
    assert_false(c2s_gain_is_certain(NULL, NULL, 0));
}

static void finds_back(void **state) {
    (void)state;
    c2s_model *first = network(), *now = c2s_model_copy(first);
    judged j = {0};
    double before, after;
    change(node_at(now, 0), 1, disturb);
    change(node_at(now, 2), 1, disturb);
    assert_int_equal(fit(now, first, 40, &j, &before, &after), C2S_OK);
    assert_true(before > 0.01);
    assert_true(after < 0.01 * before);
    assert_true(distance(now, first) == after);
    assert_int_equal(j.asked, 41);
    c2s_model_destroy(now);
    c2s_model_destroy(first);
}

/* Inputs that are far from 0: what is common to all of them hides what is not, but for coordinates
 * that take it away. */
static void finds_back_far_from_zero(void **state) {
    (void)state;
    double before[2], after[2];
    offset = 20;
    for (int uncorrelated = 0; uncorrelated < 2; uncorrelated++) {
        c2s_model *first = network(), *now = c2s_model_copy(first);
        judged j = {0};
        change(node_at(now, 0), 1, disturb);
        assert_int_equal(
            fit_as(now, first, 20, uncorrelated, &j, &before[uncorrelated], &after[uncorrelated]),
            C2S_OK);
        c2s_model_destroy(now);
        c2s_model_destroy(first);
    }
    offset = 0;
    assert_true(before[0] == before[1]);
    if (!(after[1] < 0.4 * after[0]))
        fail_msg("%g of %g is left, %g as weights are", after[1], before[1], after[0]);
}

/* Without a unit, however weights move: the others make up for a part of it, and it does not come
 * back. */
static void keeps_zeros(void **state) {
    (void)state;
    c2s_model *first = network(), *now = c2s_model_copy(first);
    judged j = {0};
    double before, after;
    change(node_at(now, 2), 1, drop_unit);
    c2s_model *was = c2s_model_copy(now);
    for (int uncorrelated = 0; uncorrelated < 2; uncorrelated++) {
        c2s_model *fitted = c2s_model_copy(was);
        assert_int_equal(fit_as(fitted, first, 30, uncorrelated, &j, &before, &after), C2S_OK);
        assert_true(after < 0.5 * before);
        for (size_t i = 0; i < OUTPUTS; i++)
            assert_true(c2s_tensor_f64_at(c2s_node_in(node_at(fitted, 2), 1)->constant, i) == 0);
        c2s_model_destroy(fitted);
    }
    c2s_model_destroy(was);
    c2s_model_destroy(now);
    c2s_model_destroy(first);
}

/* What the judge says is worse does not stay. */
static void never_worse(void **state) {
    (void)state;
    c2s_model *first = network(), *now = c2s_model_copy(first);
    judged j = {.refuses = true};
    double before, after;
    change(node_at(now, 0), 1, disturb);
    c2s_model *was = c2s_model_copy(now);
    assert_int_equal(fit(now, first, 3, &j, &before, &after), C2S_OK);
    assert_true(after == before);
    for (int place = 0; place < 3; place += 2)
        for (unsigned slot = 1; slot < 3; slot++)
            assert_true(c2s_tensor_equal(c2s_node_in(node_at(now, place), slot)->constant,
                                         c2s_node_in(node_at(was, place), slot)->constant));
    c2s_model_destroy(was);
    c2s_model_destroy(now);
    c2s_model_destroy(first);
}

static void same_on_any_number_of_threads(void **state) {
    (void)state;
    c2s_model *first = network(), *now[2];
    for (unsigned k = 0; k < 2; k++) {
        judged j = {0};
        double before, after;
        now[k] = c2s_model_copy(first);
        change(node_at(now[k], 2), 1, drop_unit);
        const unsigned threads = c2s_threads_use(k + 1);
        assert_int_equal(fit(now[k], first, 3, &j, &before, &after), C2S_OK);
        c2s_threads_restore(threads);
    }
    assert_true(c2s_tensor_equal(c2s_node_in(node_at(now[0], 0), 1)->constant,
                                 c2s_node_in(node_at(now[1], 0), 1)->constant));
    c2s_model_destroy(now[0]);
    c2s_model_destroy(now[1]);
    c2s_model_destroy(first);
}

/* Scores of classes: their differences come back, what is common to all of them does not matter. */
static double move_biases(size_t i, double was) {
    return was + 5 + 0.5 * (double)i;
}

static void fits_scores(void **state) {
    (void)state;
    c2s_model *first = network(), *now = c2s_model_copy(first);
    const c2s_joint_point point = {.value = c2s_graph_output(now->graph, 0),
                                   .same = c2s_graph_output(first->graph, 0),
                                   .weight = 1,
                                   .axis = -1,
                                   .scores = true};
    judged j = {0};
    double before, after;
    change(node_at(now, 2), 2, move_biases);
    assert_int_equal(fit_bias(now, first, &point, 40, &j, &before, &after), C2S_OK);
    assert_true(fabs(before - 1.5) < 1e-5);
    if (!(after < 0.05 * before)) /* and they are as far from where they were as before */
        fail_msg("differences are off by %g, before by %g", after, before);
    const double moved = c2s_tensor_f64_at(c2s_node_in(node_at(now, 2), 2)->constant, 0) -
                         c2s_tensor_f64_at(c2s_node_in(node_at(first, 2), 2)->constant, 0);
    assert_true(moved > 4);
    c2s_model_destroy(now);
    c2s_model_destroy(first);
}

/* Channels that do not count: only they differ, so nothing moves. */
static void leaves_out_what_is_gone(void **state) {
    (void)state;
    c2s_model *first = network(), *now = c2s_model_copy(first);
    const bool gone[OUTPUTS] = {true, false, false};
    const c2s_joint_point point = {
        c2s_graph_output(now->graph, 0), c2s_graph_output(first->graph, 0), 1, 1, gone, false};
    judged j = {0};
    double before, after;
    const c2s_tensor *was = c2s_node_in(node_at(now, 2), 2)->constant;
    const double moved[OUTPUTS] = {c2s_tensor_f64_at(was, 0) + 1, c2s_tensor_f64_at(was, 1),
                                   c2s_tensor_f64_at(was, 2)};
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, was->type.dim, moved, &tensor), C2S_OK);
    c2s_value_set_constant(c2s_node_in(node_at(now, 2), 2), tensor);
    assert_int_equal(fit_bias(now, first, &point, 2, &j, &before, &after), C2S_OK);
    assert_true(c2s_tensor_equal(c2s_node_in(node_at(now, 2), 2)->constant, tensor));
    c2s_tensor_unref(tensor);
    c2s_model_destroy(now);
    c2s_model_destroy(first);
}

static void refuses(void **state) {
    (void)state;
    c2s_model *first = network(), *now = c2s_model_copy(first);
    judged j = {0};
    double before, after;
    make_output(NODE(now, "Unheard", c2s_graph_output(now->graph, 0))->outputs[0], "z");
    assert_int_equal(fit(now, first, 3, &j, &before, &after), C2S_ERR_UNSUPPORTED);
    assert_int_equal(j.asked, 0);
    c2s_model_destroy(now);
    c2s_model_destroy(first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_back),
        cmocka_unit_test(finds_back_far_from_zero),
        cmocka_unit_test(keeps_zeros),
        cmocka_unit_test(certain_gains),
        cmocka_unit_test(never_worse),
        cmocka_unit_test(same_on_any_number_of_threads),
        cmocka_unit_test(leaves_out_what_is_gone),
        cmocka_unit_test(fits_scores),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
