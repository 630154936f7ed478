/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of results, random inputs, and the proof made of both. */
#include "unit/make_graph.h"

#include "eval/compare.h"
#include "eval/prove.h"
#include "passes/prover.h"

/* ---- comparison ---- */

static c2s_tensor *vector(c2s_dtype dtype, int64_t count, const double *values) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(dtype, 1, &count, values, &tensor), C2S_OK);
    return tensor;
}

/* Compares two vectors with the default tolerance. */
static bool close(c2s_dtype dtype, int64_t count, const double *a, const double *b,
                  c2s_difference *d) {
    c2s_tensor *x = vector(dtype, count, a), *y = vector(dtype, count, b);
    bool same = c2s_compare(x, y, -1, d);
    c2s_tensor_unref(x);
    c2s_tensor_unref(y);
    return same;
}

static void errors_are_relative_to_the_tensor(void **state) {
    (void)state;
    c2s_difference d;
    assert_true(close(C2S_FLOAT, 3, (double[]){1000, 0.001, 0}, (double[]){1000, 0.002, 0.05}, &d));
    assert_true(d.max_abs > 0.0499 && d.max_abs < 0.0501 && d.mismatches == 0);
    assert_false(close(C2S_FLOAT, 3, (double[]){1, 2, 3}, (double[]){1, 2.001, 3.1}, &d));
    assert_int_equal(d.mismatches, 2);
    assert_int_equal(d.first, 1);
    assert_string_equal(d.where, "[1]");
    assert_true(fabs(d.max_rel - 0.1 / 3) < 1e-6);
    assert_true(fabs(d.sqnr_db - 10 * log10(14 / (1e-6 + 1e-2))) < 0.01);
    assert_true(close(C2S_FLOAT16, 1, (double[]){1}, (double[]){1.005}, &d));
    assert_false(close(C2S_FLOAT16, 1, (double[]){1}, (double[]){1.05}, &d));
}

static void special_values(void **state) {
    (void)state;
    c2s_difference d;
    double a[] = {NAN, INFINITY, -INFINITY, 1};
    assert_true(close(C2S_FLOAT, 4, a, a, &d));
    assert_true(d.max_abs == 0 && isinf(d.sqnr_db));
    assert_false(close(C2S_FLOAT, 4, a, (double[]){0, INFINITY, -INFINITY, 1}, &d));
    assert_true(isinf(d.max_rel) && d.first == 0);
    assert_false(close(C2S_FLOAT, 4, a, (double[]){NAN, -INFINITY, -INFINITY, 1}, &d));
    assert_int_equal(d.first, 1);
    assert_false(close(C2S_FLOAT, 4, a, (double[]){NAN, INFINITY, -INFINITY, NAN}, &d));
    assert_int_equal(d.first, 3);
    c2s_tensor *x = vector(C2S_FLOAT, 4, a),
               *y = vector(C2S_FLOAT, 4, (double[]){NAN, INFINITY, 7, 99});
    assert_false(c2s_compare(x, y, INFINITY, &d)); /* what no tolerance allows has a place, too */
    assert_int_equal(d.mismatches, 1);
    assert_string_equal(d.where, "[2]");
    assert_true(d.reference == -INFINITY && d.found == 7);
    c2s_tensor_unref(x);
    c2s_tensor_unref(y);
}

/* What stands beside the largest number of the type is seen, and so is what that number becomes. */
static void marks(void **state) {
    (void)state;
    c2s_difference d;
    const double most = 0x1.fffffep127;
    assert_true(close(C2S_FLOAT, 2, (double[]){-most, 2}, (double[]){-most, 2.0001}, &d));
    assert_false(close(C2S_FLOAT, 2, (double[]){-most, 2}, (double[]){-most, 2.1}, &d));
    assert_int_equal(d.first, 1);
    assert_true(fabs(d.max_rel - 0.05) < 1e-6);
    assert_true(fabs(d.sqnr_db - 10 * log10(4 / 0.01)) < 0.01);
    assert_true(close(C2S_FLOAT, 2, (double[]){most, 2}, (double[]){most * (1 - 1e-7), 2}, &d));
    assert_false(close(C2S_FLOAT, 2, (double[]){most, 2}, (double[]){most / 2, 2}, &d));
    assert_false(close(C2S_FLOAT16, 2, (double[]){-65504, 2}, (double[]){-65504, 2.1}, &d));
}

static void integers_and_strings_are_exact(void **state) {
    (void)state;
    c2s_difference d;
    assert_true(close(C2S_INT64, 2, (double[]){5, -7}, (double[]){5, -7}, &d));
    assert_false(close(C2S_INT64, 2, (double[]){5, 1000000}, (double[]){5, 1000001}, &d));
    assert_true(isinf(d.max_rel) && d.mismatches == 1 && d.first == 1);
    c2s_string text[] = {{"cat", 3}, {"dog", 3}, {"dot", 3}};
    int64_t two = 2;
    c2s_tensor *a, *b;
    assert_int_equal(c2s_tensor_strings(1, &two, text, &a), C2S_OK);
    assert_int_equal(c2s_tensor_strings(1, &two, text + 1, &b), C2S_OK);
    assert_true(c2s_compare(a, a, -1, &d));
    assert_false(c2s_compare(a, b, 1e9, &d));
    assert_int_equal(d.mismatches, 2);
    c2s_tensor_unref(a);
    c2s_tensor_unref(b);
}

static void containers_and_types(void **state) {
    (void)state;
    c2s_difference d;
    c2s_tensor *items[2] = {vector(C2S_FLOAT, 2, (double[]){1, 2}),
                            vector(C2S_FLOAT, 2, (double[]){1, 3})};
    c2s_tensor *same[2] = {items[0], items[0]}, *a, *b;
    assert_int_equal(c2s_tensor_sequence(C2S_KIND_SEQUENCE, &items[0]->type, 2, items, &a), C2S_OK);
    assert_int_equal(c2s_tensor_sequence(C2S_KIND_SEQUENCE, &items[0]->type, 2, same, &b), C2S_OK);
    assert_true(c2s_compare(a, a, -1, &d));
    assert_false(c2s_compare(a, b, -1, &d));
    assert_string_equal(d.where, "item 1 [1]");
    assert_true(d.reference == 3 && d.found == 2);
    assert_false(c2s_compare(a, items[0], -1, &d));
    assert_false(d.same_type);
    c2s_tensor *longer = vector(C2S_FLOAT, 3, (double[]){1, 2, 3});
    assert_false(c2s_compare(items[0], longer, -1, &d));
    assert_false(d.same_type);
    c2s_tensor_unref(longer);
    c2s_tensor_unref(a);
    c2s_tensor_unref(b);
    c2s_tensor_unref(items[0]);
    c2s_tensor_unref(items[1]);
}

/* ---- random inputs ---- */

static void random_inputs_respect_the_graph(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_dim batch = c2s_dim_symbol(model->dims, "batch"), t = c2s_dim_symbol(model->dims, "t");
    c2s_value *ids = make_input(model, "ids", C2S_INT64, DIMS(batch, t));
    c2s_value *mask = make_input(model, "mask", C2S_FLOAT, DIMS(batch, t));
    c2s_value *pixels = make_input(model, "pixels", C2S_UINT8, DIMS(batch, 64));
    c2s_value *narrow = OP(model, "Identity", ids);
    make_output(OP(model, "Gather", WEIGHT(model, "table", 5, 3), narrow), "rows");
    make_output(mask, "m");
    make_output(pixels, "p");
    c2s_dim_binding dims[] = {{"t", 11}};
    c2s_random_options options = {.seed = 3, .dims = dims, .dim_count = 1};
    c2s_tensor *in[3], *again[3];
    assert_int_equal(c2s_random_inputs(model->graph, &options, in), C2S_OK);
    assert_int_equal(c2s_random_inputs(model->graph, &options, again), C2S_OK);
    int64_t largest = 0;
    for (int i = 0; i < 3; i++) {
        assert_true(c2s_tensor_equal(in[i], again[i]));
        assert_int_equal(in[i]->type.dim[0], 1);
        c2s_tensor_unref(again[i]);
    }
    assert_int_equal(in[0]->type.dim[1], 11);
    for (size_t k = 0; k < in[0]->count; k++) {
        int64_t id;
        assert_true(c2s_tensor_i64_at(in[0], k, &id) && id >= 0 && id < 5);
        largest = id > largest ? id : largest;
        assert_true(c2s_tensor_f64_at(in[1], k) >= 0 && c2s_tensor_f64_at(in[1], k) < 1);
    }
    assert_true(largest > 1); /* the whole table is used, not the default range */
    options.sample = 1;
    assert_int_equal(c2s_random_inputs(model->graph, &options, again), C2S_OK);
    assert_false(c2s_tensor_equal(in[1], again[1]));
    for (int i = 0; i < 3; i++) {
        c2s_tensor_unref(in[i]);
        c2s_tensor_unref(again[i]);
    }
    dims[0].name = "time";
    assert_int_equal(c2s_random_inputs(model->graph, &options, in), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "\"time\""));
    c2s_model_destroy(model);
}

/* A window of 40 does not fit 8, 16 or 32 samples: 64 is what attempt 0 gives. */
static void extents_are_tried(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_dim t = c2s_dim_symbol(model->dims, "t");
    c2s_value *x = make_input(model, "x", C2S_FLOAT, DIMS(1, 1, t));
    make_output(OP(model, "Conv", x, WEIGHT(model, "w", 1, 1, 40)), "y");
    c2s_random_options options = {.seed = 1};
    c2s_tensor *in;
    assert_int_equal(c2s_random_inputs(model->graph, &options, &in), C2S_OK);
    assert_int_equal(in->type.dim[2], 64);
    c2s_tensor_unref(in);
    options.attempt = 1;
    assert_int_equal(c2s_random_inputs(model->graph, &options, &in), C2S_OK);
    assert_int_equal(in->type.dim[2], 128);
    c2s_tensor_unref(in);
    options.attempt = 100;
    assert_int_equal(c2s_random_inputs(model->graph, &options, &in), C2S_ERR_UNSUPPORTED);
    c2s_model_destroy(model);
}

/* ---- proof ---- */

static c2s_model *scaled(double factor) {
    c2s_model *model = make_model();
    c2s_value *x = INPUT(model, "x", 2, 3);
    make_output(OP(model, "Mul", x, make_scalar(model, "factor", factor)), "y");
    make_output(OP(model, "Relu", x), "z");
    return model;
}

static c2s_proof prove(c2s_model *before, c2s_model *after) {
    c2s_prove_options options = {.evaluator = &c2s_evaluator_reference};
    c2s_prover *prover = c2s_prover_create(&options, NULL);
    c2s_proof proof;
    assert_int_equal(prover->prove(prover->user, before, after, &proof), C2S_OK);
    c2s_prover_destroy(prover);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
    return proof;
}

static void proof_finds_what_differs(void **state) {
    (void)state;
    c2s_proof proof = prove(scaled(2), scaled(2));
    assert_int_equal(proof.verdict, C2S_PROVED);
    assert_true(proof.error == 0);
    proof = prove(scaled(2), scaled(2.00001));
    assert_int_equal(proof.verdict, C2S_PROVED);
    assert_true(proof.error > 1e-6 && proof.error < 1e-5);
    proof = prove(scaled(2), scaled(2.1));
    assert_int_equal(proof.verdict, C2S_DIFFERENT);
    assert_string_equal(proof.output, "y");
    assert_non_null(strstr(proof.text, "output \"y\" of input set 0 is"));
    assert_true(fabs(proof.error - 0.05) < 1e-3);
}

static void proof_needs_a_runnable_model(void **state) {
    (void)state;
    c2s_model *models[2];
    for (int i = 0; i < 2; i++) {
        models[i] = make_model();
        c2s_value *x = INPUT(models[i], "x", 2);
        c2s_node *node = c2s_node_create(models[i]->graph, NULL, "com.example", "Mystery", 1, 1);
        c2s_use_set(&node->inputs[0], x);
        make_output(node->outputs[0], "y");
    }
    c2s_proof proof = prove(models[0], models[1]);
    assert_int_equal(proof.verdict, C2S_NOT_PROVED);
    assert_non_null(strstr(proof.text, "Mystery"));
    assert_true(isnan(proof.error));
}

static void proof_fails_if_the_result_does_not_run(void **state) {
    (void)state;
    c2s_model *after = make_model();
    c2s_value *x = INPUT(after, "x", 2, 3);
    c2s_node *node = c2s_node_create(after->graph, NULL, "com.example", "Mystery", 1, 2);
    c2s_use_set(&node->inputs[0], x);
    make_output(node->outputs[0], "y");
    make_output(node->outputs[1], "z");
    c2s_proof proof = prove(scaled(2), after);
    assert_int_equal(proof.verdict, C2S_DIFFERENT);
    assert_non_null(strstr(proof.text, "Mystery"));
    after = scaled(2);
    c2s_graph_add_output(after->graph, c2s_graph_input(after->graph, 0), "more");
    proof = prove(scaled(2), after);
    assert_int_equal(proof.verdict, C2S_DIFFERENT);
    assert_non_null(strstr(proof.text, "3 outputs"));
}

/* Indices, and as many of them as the data give. */
static c2s_model *chosen(double factor) {
    c2s_model *model = make_model();
    c2s_value *x = OP(model, "Mul", INPUT(model, "x", 9), make_scalar(model, "factor", factor));
    make_output(OP(model, "ArgMax", x), "best");
    make_output(OP(model, "NonZero", OP(model, "Greater", x, make_scalar(model, "least", 0.7))),
                "places");
    return model;
}

/* A model that may compute something else may choose something else. */
static void other_answers_are_no_fault_of_lossy_passes(void **state) {
    (void)state;
    const c2s_prove_options options = {.evaluator = &c2s_evaluator_reference};
    c2s_model *before = chosen(1), *after = chosen(-1), *less = make_model();
    make_output(OP(less, "ArgMax", INPUT(less, "x", 9)), "best");
    make_output(OP(less, "Neg", c2s_graph_input(less->graph, 0)), "places");
    c2s_prover *prover = c2s_prover_create(&options, NULL);
    c2s_proof proof;
    assert_int_equal(prover->prove(prover->user, before, after, &proof), C2S_OK);
    assert_int_equal(proof.verdict, C2S_DIFFERENT);
    assert_int_equal(prover->measure(prover->user, before, after, false, &proof), C2S_OK);
    assert_int_equal(proof.verdict, C2S_PROVED);
    assert_true(proof.error == 0);
    assert_int_equal(prover->measure(prover->user, before, less, true, &proof), C2S_OK);
    assert_int_equal(proof.verdict, C2S_DIFFERENT); /* another type */
    c2s_prover_destroy(prover);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
    c2s_model_destroy(less);
}

/* y = x * factor, all of one type. */
static c2s_model *of_type(c2s_dtype dtype, double factor) {
    c2s_model *model = make_model();
    c2s_value *f = make_weight(model->graph, "factor", dtype, factor, DIMS(1));
    make_output(OP(model, "Mul", make_input(model, "x", dtype, DIMS(9)), f), "y");
    return model;
}

/* Only of a pass that is asked for that: inputs are converted, and so are outputs. */
static void interfaces_may_get_other_floats(void **state) {
    (void)state;
    const c2s_prove_options options = {.evaluator = &c2s_evaluator_reference};
    c2s_model *before = of_type(C2S_FLOAT, 0.5), *after = of_type(C2S_FLOAT16, 0.5);
    c2s_prover *prover = c2s_prover_create(&options, NULL);
    c2s_proof proof;
    assert_int_equal(prover->measure(prover->user, before, after, true, &proof), C2S_OK);
    assert_int_equal(proof.verdict, C2S_PROVED);
    assert_true(proof.error > 0 && proof.error < 0.002);
    assert_int_equal(prover->measure(prover->user, before, after, false, &proof), C2S_OK);
    assert_int_equal(proof.verdict, C2S_DIFFERENT);
    assert_int_equal(prover->prove(prover->user, before, after, &proof), C2S_OK);
    assert_int_equal(proof.verdict, C2S_DIFFERENT);
    c2s_prover_destroy(prover);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_relative_to_the_tensor),
        cmocka_unit_test(special_values),
        cmocka_unit_test(marks),
        cmocka_unit_test(integers_and_strings_are_exact),
        cmocka_unit_test(containers_and_types),
        cmocka_unit_test(random_inputs_respect_the_graph),
        cmocka_unit_test(extents_are_tried),
        cmocka_unit_test(interfaces_may_get_other_floats),
        cmocka_unit_test(proof_finds_what_differs),
        cmocka_unit_test(proof_needs_a_runnable_model),
        cmocka_unit_test(proof_fails_if_the_result_does_not_run),
        cmocka_unit_test(other_answers_are_no_fault_of_lossy_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
