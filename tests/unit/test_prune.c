/* SPDX-License-Identifier: Apache-2.0 */
/* The pass prune: what it removes first, what fitting makes up for, what it leaves alone. Models
 * are built so that the answer is known: units that are sums of others cost nothing once what reads
 * them is fitted, and no more than the model has redundant units can go for nothing. */
#include "prune_case.h"

#include "passes/prune/layer_times.h"
#include "unit/networks.h"

/* x [ROWS, WIDTH] -> Gemm of UNITS -> `activation` -> Gemm of 5. The last REDUNDANT units are those
 * before, scaled by 3, and larger therefore; 0.01 of noise makes them not quite so if `noisy`. */
static c2s_value *layers(c2s_model *m, const char *activation, bool noisy) {
    c2s_random random = {7};
    double first[WIDTH * UNITS], second[UNITS * 5], bias[UNITS];
    for (int i = 0; i < WIDTH * UNITS; i++) {
        const int unit = i % UNITS;
        first[i] = unit < UNITS - REDUNDANT
                       ? c2s_random_normal(&random)
                       : 3 * first[i - REDUNDANT] + (noisy ? 0.01 * c2s_random_normal(&random) : 0);
    }
    for (int u = 0; u < UNITS; u++)
        bias[u] = u < UNITS - REDUNDANT ? 0.1 * u : 3 * bias[u - REDUNDANT];
    for (int i = 0; i < UNITS * 5; i++)
        second[i] = c2s_random_normal(&random);
    c2s_value *x = OP(m, "Gemm", INPUT(m, "x", ROWS, WIDTH),
                      constant(m, "wa", first, 2, (int64_t[]){WIDTH, UNITS}),
                      constant(m, "ba", bias, 1, (int64_t[]){UNITS}));
    x = OP(m, activation, x);
    return OP(m, "Gemm", x, constant(m, "wb", second, 2, (int64_t[]){UNITS, 5}));
}

static c2s_model *network(const char *activation, bool noisy) {
    c2s_model *m = make_model();
    make_output(layers(m, activation, noisy), "y");
    return m;
}

static void redundant_units(void **state) {
    (void)state;
    /* a quarter of the units is redundant; the last Gemm had no bias */
    assert_true(prune(network("Relu", false), "ratio=0.25,damping=0", 12, true) < 1e-4);
    assert_true(prune(network("Relu", true), "ratio=0.25,damping=0", 12, true) < 0.01);
    assert_true(prune(network("Relu", false), "macs=0.75,round=1,damping=0", 12, true) < 1e-4);
    assert_true(prune(network("Relu", false), "params=0.76,damping=0", 12, true) < 1e-4);
    /* what is not fitted, or chosen by size alone, or goes beyond that, is lost */
    assert_true(prune(network("Relu", false), "ratio=0.25,refit=no", 12, true) > 0.05);
    assert_true(prune(network("Relu", false), "ratio=0.25,method=l1,refit=no", 12, false) > 0.05);
    assert_true(prune(network("Relu", false), "ratio=0.5,damping=0", 8, true) > 0.01);
}

static c2s_status same_sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                              c2s_tensor **in) {
    const int64_t dim[] = {ROWS, WIDTH};
    double values[ROWS * WIDTH];
    (void)feed, (void)graph, (void)index;
    for (int i = 0; i < ROWS * WIDTH; i++)
        values[i] = 0.1 * (i % WIDTH);
    return c2s_tensor_from_f64(C2S_FLOAT, 2, dim, values, &in[0]);
}

static c2s_status spoilt_sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                                c2s_tensor **in) {
    C2S_TRY(sample(feed, graph, index, in));
    if (index % 10 == 5)
        ((float *)c2s_tensor_mutable(in[0]))[index] = index == 5 ? NAN : INFINITY;
    return C2S_OK;
}

/* Samples that are no numbers teach nothing, and spoil nothing of what the others teach. */
static void spoilt_samples(void **state) {
    (void)state;
    const c2s_feed spoilt = {.count = 40, .get = spoilt_sample};
    for (int together = 0; together < 2; together++) {
        c2s_model *before = network("Relu", false), *after = c2s_model_copy(before);
        case_feed = &spoilt;
        run_passes(after, together ? "prune(ratio=0.5,epochs=60)" : "prune(ratio=0.5,epochs=0)");
        case_feed = NULL;
        assert_int_equal(units_of(after), 8);
        const double clean =
            prune(c2s_model_copy(before), together ? "ratio=0.5,epochs=60" : "ratio=0.5,epochs=0",
                  8, true);
        const double found = loss(before, after);
        if (!(found > 0 && found < 1.2 * clean)) /* 0: not a single number came out */
            fail_msg("a loss of %g, %g without the spoilt ones", found, clean);
        c2s_model_destroy(before);
        c2s_model_destroy(after);
    }
}

/* Of rows that are all the same nothing can be learnt but means, for which biases make up. */
static void rows_all_the_same(void **state) {
    (void)state;
    const c2s_feed same = {.count = 4, .get = same_sample};
    c2s_model *before = network("Relu", false), *after = c2s_model_copy(before);
    case_feed = &same;
    run_passes(after, "prune(ratio=0.25)");
    case_feed = NULL;
    assert_int_equal(units_of(after), 12);
    const case_distance d = distance_on(&same, 0, 1, before, after);
    assert_true(d.apart < 1e-4 * d.largest);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
}

static void budgets(void **state) {
    (void)state;
    prune(network("Relu", false), "ratio=0.5,round=4,method=l2", 8, false);
    prune(network("Relu", false), "macs=0.5,round=1,method=l2", 8, false);
    prune(network("Relu", false), "macs=0.55,round=2,method=l2,allocate=uniform", 8, false);
    /* speed wants whole vectors of channels, also in narrow groups; size does not */
    prune(network("Relu", false), "macs=0.55,method=l2", 8, false);
    prune(network("Relu", false), "params=0.8,method=l2", 12, false);
    /* a number that is given holds in narrow groups, whatever is asked for */
    prune(network("Relu", false), "ratio=0.3,method=l2", 11, false);
    prune(network("Relu", false), "ratio=0.3,round=8,method=l2", 8, false);
    prune(network("Relu", false), "ratio=0.3,round=16,method=l2", 16, false);
    prune(network("Relu", false), "macs=0.01,round=1,method=l2", 1, false); /* a sixteenth stays */
}

/* Where no multiple comes near the budget, another number does. */
static void near_budget(void **state) {
    (void)state;
    prune(network("Relu", false), "macs=0.75,method=l2", 12, false);
    prune(network("Relu", false), "macs=0.7,method=l2", 11, false);
    prune(network("Relu", false), "macs=0.7,method=l2,allocate=uniform", 11, false);
    prune(network("Relu", false), "macs=0.7,epochs=0", 11, true);
    prune(network("Relu", false), "params=0.55,round=2,method=l2", 8, false);
    /* work that is in no group costs no unit */
    c2s_model *m = network("Relu", false);
    make_output(OP(m, "MatMul", INPUT(m, "v", 1, WIDTH), WEIGHT(m, "wc", WIDTH, 1)), "z");
    run_passes(m, "prune(macs=0.5,method=l2)");
    assert_int_equal(units_of(m), 8);
    c2s_model_destroy(m);
}

/* Ways that learn more: what is redundant goes for nothing with each of them. */
static void further_ways(void **state) {
    (void)state;
    assert_true(prune(network("Relu", false), "macs=0.75,round=1,damping=0,steps=3", 12, true) <
                1e-4);
    assert_true(prune(network("Relu", false), "macs=0.75,round=1,damping=0,rounds=1", 12, true) <
                1e-4);
    /* what goes alone for least is no redundant unit: nobody makes up for it meanwhile */
    assert_true(prune(network("Relu", false), "ratio=0.25,method=divergence,refit=no", 12, true) >
                1e-3);
}

/* Beyond what is redundant, layers fitted together lose less than each by itself. */
static void fits_together(void **state) {
    (void)state;
    const double apart = prune(network("Relu", false), "ratio=0.5,epochs=0", 8, true);
    const double together = prune(network("Relu", false), "ratio=0.5,epochs=60", 8, true);
    if (!(together < apart))
        fail_msg("%g together, %g apart", together, apart);
    /* no derivative is known of what lies in between: what is behind it is fitted */
    assert_true(prune(network("Softplus", false), "ratio=0.25,epochs=5", 12, true) < 0.5);
    assert_true(prune(network("Relu", false), "ratio=0.5,refit=no,epochs=60", 8, true) > together);
}

static c2s_status other_sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                               c2s_tensor **in) {
    return sample(feed, graph, index + 1000, in);
}

/* Probabilities of five classes, in `rank` axes: how far they diverge when half of the units are
 * gone. */
static double divergence_of(int rank, size_t samples) {
    const c2s_feed learnt = {.count = samples, .get = sample},
                   other = {.count = 20, .get = other_sample};
    const c2s_eval_options eval = {.threads = 1};
    c2s_model *m = make_model();
    c2s_value *y = layers(m, "Relu", false);
    if (rank > 2)
        y = OP(m, "Unsqueeze", y, INTS(m, "axes", 0, 1));
    make_output(OP(m, "Softmax", y), "p");
    c2s_quality *quality;
    assert_int_equal(
        c2s_quality_open(m->graph, &c2s_evaluator_reference, &eval, &other, 0, &quality), C2S_OK);
    case_feed = &learnt;
    run_passes(m, "prune(ratio=0.5,epochs=30)");
    case_feed = NULL;
    c2s_quality_result result;
    assert_int_equal(c2s_quality_measure(quality, m->graph, 0, &result), C2S_OK);
    c2s_quality_close(quality);
    c2s_model_destroy(m);
    return result.divergence;
}

/* Rows of scores count by what they say of classes, if there are enough of them. */
static void fits_scores(void **state) {
    (void)state;
    const double many = divergence_of(2, 40), not_rows = divergence_of(4, 40);
    if (!(many < 0.8 * not_rows))
        fail_msg("%g as scores, %g not", many, not_rows);
    assert_true(fabs(divergence_of(2, 20) - divergence_of(4, 20)) < 1e-6);
}

/* As much goes as the outputs bear: redundant units in any case, and more where they bear more. */
static int64_t units_within(const char *passes, double min_sqnr_db) {
    c2s_model *m = network("Relu", true);
    const c2s_eval_options eval = {.threads = 1};
    c2s_pass_context context = {.evaluator = &c2s_evaluator_reference, .feed = &data};
    context.budget.max_drop = (double)NAN;
    context.budget.min_sqnr_db = min_sqnr_db;
    assert_int_equal(
        c2s_quality_open(m->graph, context.evaluator, &eval, &data, 0, &context.quality), C2S_OK);
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    const c2s_pipeline_options options = {.context = &context};
    assert_int_equal(c2s_pipeline_parse(passes, &pipeline), C2S_OK);
    if (c2s_pipeline_run(pipeline, m, &options, &result) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_null(result.steps.at[0].report.reason); /* it was not rolled back */
    const int64_t units = units_of(m);
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    c2s_quality_close(context.quality);
    c2s_model_destroy(m);
    return units;
}

static void quality_budget(void **state) {
    (void)state;
    const int64_t many = units_within("prune(damping=0,round=1)", 30),
                  few = units_within("prune(damping=0,round=1)", 5);
    assert_in_range(many, 6, UNITS - REDUNDANT);
    assert_in_range(few, 1, many - 1);
    /* nothing more than what was asked for */
    assert_int_equal(units_within("prune(damping=0,macs=0.75,round=1)", 5), UNITS - REDUNDANT);
}

/* Units between two products take nearly all of the time: at half of it no more than three quarters
 * are left, however the machine is disturbed. */
static void time_budget(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = OP(m, "MatMul", INPUT(m, "x", 64, 64), WEIGHT(m, "wa", 64, 256));
    make_output(OP(m, "MatMul", OP(m, "Relu", x), WEIGHT(m, "wb", 256, 64)), "y");
    run_passes(m, "prune(latency=0.5,round=1,method=l2)");
    assert_in_range(units_of(m), 16, 192);
    c2s_model_destroy(m);
}

static void layer_tables(void **state) {
    (void)state;
    c2s_layer_table t;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            t.at[i][j] = (i + 1) * (j + 1); /* 16 times the product of the shares */
    assert_true(fabs(c2s_layer_seconds(&t, 1, 1) - 16) < 1e-12);
    assert_true(fabs(c2s_layer_seconds(&t, 0.25, 0.75) - 3) < 1e-12);
    assert_true(fabs(c2s_layer_seconds(&t, 0.625, 0.9) - 9) < 1e-12); /* 16 * 0.5625 */
    assert_true(fabs(c2s_layer_seconds(&t, 0.125, 1) - 2) < 1e-12);
    t.at[0][3] = 7.5; /* next to no gain from there on: not below nothing either */
    assert_true(c2s_layer_seconds(&t, 0.1, 1) > 0);
}

/* The text stays as it is, letter by letter, also where nothing may go. */
static void nothing_to_do(void **state) {
    (void)state;
    static const char *const options[] = {"prune(ratio=0)", "prune(macs=1)", "prune(params=1)",
                                          "prune(ratio=0.5)"};
    for (size_t k = 0; k < 4; k++) {
        c2s_model *m = network(k < 3 ? "Relu" : "Softmax", false);
        c2s_node *shift = c2s_node_create(m->graph, m->graph->first, "", "Constant", 0, 1);
        c2s_tensor *one;
        assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 0, NULL, &(double){1}, &one), C2S_OK);
        c2s_attr_set_tensor(shift, "value", one);
        c2s_tensor_unref(one);
        c2s_value *y = make_infer(shift);
        make_output(OP(m, "Add", c2s_graph_output(m->graph, 0), y), "z");
        char *before = text_of(m);
        case_feed = &data;
        assert_int_equal(run_passes(m, options[k]), 0);
        case_feed = NULL;
        char *after = text_of(m);
        assert_string_equal(after, before);
        free(before);
        free(after);
        c2s_model_destroy(m);
    }
}

static void left_alone_groups(void **state) {
    (void)state;
    /* the channels are normalised: unless that is wanted they stay */
    c2s_model *m = network("Softmax", false);
    check_refused(m, "prune(ratio=0.5)", "Gemm Softmax Gemm", "other results would change");
    prune(network("Softmax", false), "ratio=0.5,mix=yes,method=l2", 8, false);
    /* nothing is multiplied: only parameters would be fewer */
    m = make_model();
    c2s_value *x = OP(m, "Mul", INPUT(m, "x", 3, 1), WEIGHT(m, "w", 1, 8));
    make_output(network_reduce(m, "ReduceSum", OP(m, "Relu", x), INTS(m, "axes", 1)), "y");
    c2s_model *copy = c2s_model_copy(m);
    run_passes(copy, "prune(params=0.6,method=l2)");
    assert_int_equal(c2s_node_in(copy->graph->first, 1)->type.dim[1], 4);
    c2s_model_destroy(copy);
    check_refused(m, "prune(ratio=0.5)", "Mul Relu ReduceSum", "it would save no work");
    m = make_model();
    make_output(OP(m, "Gemm", INPUT(m, "x", 3, 8), WEIGHT(m, "w", 8, 4)), "y");
    check_refused(m, "prune(ratio=0.5)", "Gemm", "an output of the graph has the axis");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redundant_units),   cmocka_unit_test(spoilt_samples),
        cmocka_unit_test(rows_all_the_same), cmocka_unit_test(budgets),
        cmocka_unit_test(near_budget),       cmocka_unit_test(further_ways),
        cmocka_unit_test(time_budget),       cmocka_unit_test(quality_budget),
        cmocka_unit_test(layer_tables),      cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(left_alone_groups), cmocka_unit_test(fits_together),
        cmocka_unit_test(fits_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
