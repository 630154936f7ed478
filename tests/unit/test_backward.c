/* SPDX-License-Identifier: Apache-2.0
 *
 * Derivatives against central differences: of the same graph in double, run by the plain evaluator.
 * All operands that are floats are inputs of the graph, so that each can be moved.
 */
#include "unit/make_graph.h"

#include "base/random.h"
#include "passes/measure/backward.h"

enum { MOST_INPUTS = 4 };
#define STEP 1e-5

typedef struct gradient_case {
    const char *name;
    c2s_value *(*build)(c2s_model *m, c2s_value **in);
    struct {
        int rank;
        int64_t dim[C2S_MAX_RANK];
    } in[MOST_INPUTS];
    unsigned inputs;
} gradient_case;

static c2s_model *build(const gradient_case *c, c2s_dtype dtype) {
    c2s_model *m = make_model();
    c2s_value *in[MOST_INPUTS];
    for (unsigned k = 0; k < c->inputs; k++)
        in[k] = make_input(m,
                           k == 0   ? "x"
                           : k == 1 ? "w"
                           : k == 2 ? "b"
                                    : "c",
                           dtype, c->in[k].rank, c->in[k].dim);
    make_output(c->build(m, in), "y");
    return m;
}

static size_t count_of(const gradient_case *c, unsigned k) {
    size_t count = 1;
    for (int a = 0; a < c->in[k].rank; a++)
        count *= (size_t)c->in[k].dim[a];
    return count;
}

static void make_tensors(const gradient_case *c, c2s_dtype dtype, double *const *values,
                         c2s_tensor **in) {
    for (unsigned k = 0; k < c->inputs; k++)
        assert_int_equal(c2s_tensor_from_f64(dtype, c->in[k].rank, c->in[k].dim, values[k], &in[k]),
                         C2S_OK);
}

static void drop_tensors(const gradient_case *c, c2s_tensor **in) {
    for (unsigned k = 0; k < c->inputs; k++)
        c2s_tensor_unref(in[k]);
}

/* The number whose derivatives are asked for: sum of y_i cos(i). */
static double number(const gradient_case *c, c2s_session *session, double *const *values) {
    c2s_tensor *in[MOST_INPUTS], *out[2] = {0};
    double sum = 0;
    make_tensors(c, C2S_DOUBLE, values, in);
    if (session->evaluator->run(session, (const c2s_tensor *const *)in, out) != C2S_OK)
        fail_msg("%s: %s", c->name, c2s_error());
    for (size_t i = 0; i < out[0]->count; i++)
        sum += c2s_tensor_f64_at(out[0], i) * cos((double)i);
    c2s_tensor_unref(out[0]);
    drop_tensors(c, in);
    return sum;
}

/* What derivatives of each input are, by running it forward and backward. */
static void derive(const gradient_case *c, double *const *values, float **found) {
    c2s_model *m = build(c, C2S_FLOAT);
    c2s_backward *b;
    c2s_tensor *in[MOST_INPUTS];
    bool *wanted = calloc(m->values.count + 1, sizeof *wanted);
    const c2s_value *y = c2s_graph_output(m->graph, 0);
    for (unsigned k = 0; k < c->inputs; k++)
        wanted[c2s_graph_input(m->graph, k)->id] = true;
    assert_int_equal(c2s_backward_open(m->graph, wanted, &b), C2S_OK);
    make_tensors(c, C2S_FLOAT, values, in);
    for (int again = 0; again < 2; again++) { /* a run forgets the one before */
        if (c2s_backward_run(b, (const c2s_tensor *const *)in) != C2S_OK)
            fail_msg("%s: %s", c->name, c2s_error());
        float *slope = c2s_backward_slope(b, y);
        assert_non_null(slope);
        for (size_t i = 0; i < c2s_backward_value(b, y)->count; i++)
            slope[i] += (float)cos((double)i);
        assert_int_equal(c2s_backward_propagate(b), C2S_OK);
    }
    for (unsigned k = 0; k < c->inputs; k++) {
        const float *slope = c2s_backward_slope(b, c2s_graph_input(m->graph, k));
        found[k] = malloc((count_of(c, k) + 1) * sizeof *found[k]);
        memcpy(found[k], slope, count_of(c, k) * sizeof *slope);
    }
    drop_tensors(c, in);
    c2s_backward_close(b);
    c2s_model_destroy(m);
    free(wanted);
}

static void check(const gradient_case *c) {
    double *values[MOST_INPUTS];
    float *found[MOST_INPUTS];
    c2s_random random = {3};
    for (unsigned k = 0; k < c->inputs; k++) {
        values[k] = calloc(count_of(c, k) + 1, sizeof *values[k]);
        for (size_t i = 0; i < count_of(c, k); i++) /* floats, so that both see the same numbers */
            values[k][i] = (double)(float)c2s_random_normal(&random);
    }
    derive(c, values, found);
    c2s_model *m = build(c, C2S_DOUBLE);
    const c2s_eval_options options = {.threads = 1};
    c2s_session *session;
    assert_int_equal(c2s_evaluator_reference.open(m->graph, &options, &session), C2S_OK);
    for (unsigned k = 0; k < c->inputs; k++)
        for (size_t i = 0; i < count_of(c, k); i++) {
            const double was = values[k][i];
            values[k][i] = was + STEP;
            const double above = number(c, session, values);
            values[k][i] = was - STEP;
            const double expected = (above - number(c, session, values)) / (2 * STEP);
            values[k][i] = was;
            if (!(fabs((double)found[k][i] - expected) < 1e-4 * (1 + fabs(expected))))
                fail_msg("%s: by element %zu of input %u: %g, expected %g", c->name, i, k,
                         (double)found[k][i], expected);
        }
    session->evaluator->close(session);
    c2s_model_destroy(m);
    for (unsigned k = 0; k < c->inputs; k++) {
        free(values[k]);
        free(found[k]);
    }
}

/* ---- operators ---- */

static c2s_value *conv(c2s_model *m, c2s_value **in) {
    c2s_node *n = NODE(m, "Conv", in[0], in[1], in[2]);
    c2s_attr_set_ints(n, "pads", (int64_t[]){1, 0, 2, 1}, 4);
    c2s_attr_set_ints(n, "strides", (int64_t[]){1, 2}, 2);
    c2s_attr_set_ints(n, "dilations", (int64_t[]){2, 1}, 2);
    c2s_attr_set_int(n, "group", 2);
    return make_infer(n);
}

static c2s_value *depthwise(c2s_model *m, c2s_value **in) {
    c2s_node *n = NODE(m, "Conv", in[0], in[1]);
    c2s_attr_set_ints(n, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    c2s_attr_set_int(n, "group", 3);
    return make_infer(n);
}

static c2s_value *strided_depthwise(c2s_model *m, c2s_value **in) {
    c2s_node *n = NODE(m, "Conv", in[0], in[1], in[2]);
    c2s_attr_set_ints(n, "pads", (int64_t[]){0, 1, 1, 2}, 4);
    c2s_attr_set_ints(n, "strides", (int64_t[]){2, 3}, 2);
    c2s_attr_set_ints(n, "dilations", (int64_t[]){1, 2}, 2);
    c2s_attr_set_int(n, "group", 2);
    return make_infer(n);
}

static c2s_value *pointwise_conv(c2s_model *m, c2s_value **in) {
    return OP(m, "Conv", in[0], in[1], in[2]);
}

static c2s_value *matmul(c2s_model *m, c2s_value **in) {
    return OP(m, "MatMul", in[0], in[1]);
}

static c2s_value *gemm_as(c2s_model *m, c2s_value **in, int a_turned, int b_turned) {
    c2s_node *n = NODE(m, "Gemm", in[0], in[1], in[2]);
    c2s_attr_set_int(n, "transA", a_turned);
    c2s_attr_set_int(n, "transB", b_turned);
    return make_infer(n);
}
static c2s_value *gemm(c2s_model *m, c2s_value **in) {
    return gemm_as(m, in, 0, 0);
}
static c2s_value *gemm_a(c2s_model *m, c2s_value **in) {
    return gemm_as(m, in, 1, 0);
}
static c2s_value *gemm_b(c2s_model *m, c2s_value **in) {
    return gemm_as(m, in, 0, 1);
}
static c2s_value *gemm_ab(c2s_model *m, c2s_value **in) {
    return gemm_as(m, in, 1, 1);
}

/* Activations one after the other, each on x + w and x * w and x - w. */
static c2s_value *activations(c2s_model *m, c2s_value **in) {
    static const char *const names[] = {"Relu",      "Sigmoid",     "Tanh",
                                        "LeakyRelu", "HardSigmoid", "HardSwish"};
    c2s_value *sum = NULL;
    for (int k = 0; k < 6; k++) {
        c2s_value *x = OP(m, k % 3 == 0 ? "Add" : k % 3 == 1 ? "Mul" : "Sub", in[0], in[1]);
        x = OP(m, names[k], x);
        sum = sum ? OP(m, "Add", sum, x) : x;
    }
    return sum;
}

static c2s_value *clip(c2s_model *m, c2s_value **in) {
    c2s_tensor *bounds[2];
    const double number[2] = {-0.4, 0.8};
    c2s_value *at[2];
    for (int k = 0; k < 2; k++) {
        assert_int_equal(c2s_tensor_from_f64(in[0]->type.dtype, 0, NULL, &number[k], &bounds[k]),
                         C2S_OK);
        at[k] = c2s_value_constant(m->graph, "bound", bounds[k]);
    }
    return OP(m, "Clip", in[0], at[0], at[1]);
}

static c2s_value *pools(c2s_model *m, c2s_value **in) {
    c2s_value *x[3];
    for (int k = 0; k < 3; k++) {
        c2s_node *n = NODE(m, k ? "AveragePool" : "MaxPool", in[0]);
        c2s_attr_set_ints(n, "kernel_shape", (int64_t[]){3, 2}, 2);
        c2s_attr_set_ints(n, "strides", (int64_t[]){2, 1}, 2);
        c2s_attr_set_ints(n, "pads", (int64_t[]){1, 1, 0, 0}, 4);
        if (k == 2)
            c2s_attr_set_int(n, "count_include_pad", 1);
        x[k] = make_infer(n);
    }
    return OP(m, "Add", OP(m, "Mul", x[0], x[1]), x[2]);
}

static c2s_value *means(c2s_model *m, c2s_value **in) {
    c2s_value *global = OP(m, "GlobalAveragePool", in[0]);
    c2s_value *mean = OP(m, "ReduceMean", in[0], INTS(m, "axes", 0, 2));
    return OP(m, "Mul", OP(m, "Mul", in[0], global), mean);
}

/* Of positive numbers, as they stand under roots and below fractions. */
static c2s_value *functions(c2s_model *m, c2s_value **in) {
    c2s_tensor *two;
    assert_int_equal(c2s_tensor_from_f64(in[0]->type.dtype, 0, NULL, &(double){2}, &two), C2S_OK);
    c2s_value *square = OP(m, "Pow", in[0], c2s_value_constant(m->graph, "two", two));
    c2s_value *above = OP(m, "Sqrt", OP(m, "Add", square, OP(m, "Exp", in[1])));
    c2s_value *x = OP(m, "Add", OP(m, "Div", in[1], above), OP(m, "Erf", in[0]));
    return OP(m, "Mul", OP(m, "Gelu", x), above);
}

static c2s_value *row_norms(c2s_model *m, c2s_value **in) {
    c2s_node *turned = NODE(m, "Softmax", in[0]);
    c2s_attr_set_int(turned, "axis", 1);
    c2s_value *x = OP(m, "Mul", OP(m, "Softmax", in[0]), make_infer(turned));
    return OP(m, "LayerNormalization", OP(m, "Add", x, in[0]), in[1], in[2]);
}

static c2s_value *lookups(c2s_model *m, c2s_value **in) {
    c2s_node *n = NODE(m, "Gather", in[0], INTS(m, "at", 2, -1, 2, 0));
    c2s_attr_set_int(n, "axis", 1);
    c2s_value *wide = OP(m, "Expand", in[1], INTS(m, "to", 2, 4, 2));
    return OP(m, "Mul", make_infer(n), wide);
}

static c2s_value *moves(c2s_model *m, c2s_value **in) {
    c2s_node *turn = NODE(m, "Transpose", in[0]);
    c2s_attr_set_ints(turn, "perm", (int64_t[]){2, 0, 1}, 3);
    c2s_value *x = OP(m, "Reshape", make_infer(turn), INTS(m, "shape", 2, 3, 4));
    c2s_node *join = NODE(m, "Concat", x, in[1], x);
    c2s_attr_set_int(join, "axis", 1);
    return make_infer(join);
}

/* Two layers and a residual: what a value is read by adds up. */
static c2s_value *layers(c2s_model *m, c2s_value **in) {
    c2s_value *x = OP(m, "Relu", OP(m, "MatMul", in[0], in[1]));
    x = OP(m, "Relu", OP(m, "MatMul", x, in[2]));
    return OP(m, "Add", OP(m, "MatMul", x, in[1]), in[0]);
}

static const gradient_case cases[] = {
    {"Conv", conv, {{4, {2, 4, 5, 6}}, {4, {6, 2, 2, 3}}, {1, {6}}}, 3},
    {"depthwise Conv", depthwise, {{4, {1, 3, 4, 5}}, {4, {3, 1, 3, 3}}}, 2},
    {"strided depthwise Conv",
     strided_depthwise,
     {{4, {2, 2, 5, 7}}, {4, {2, 1, 2, 3}}, {1, {2}}},
     3},
    {"1x1 Conv", pointwise_conv, {{4, {2, 3, 2, 4}}, {4, {5, 3, 1, 1}}, {1, {5}}}, 3},
    {"MatMul", matmul, {{3, {2, 3, 4}}, {2, {4, 5}}}, 2},
    {"MatMul of many", matmul, {{4, {2, 2, 3, 4}}, {4, {2, 2, 4, 2}}}, 2},
    {"Gemm", gemm, {{2, {3, 4}}, {2, {4, 5}}, {1, {5}}}, 3},
    {"Gemm A'", gemm_a, {{2, {4, 3}}, {2, {4, 5}}, {2, {3, 1}}}, 3},
    {"Gemm B'", gemm_b, {{2, {3, 4}}, {2, {5, 4}}, {1, {1}}}, 3},
    {"Gemm A' B'", gemm_ab, {{2, {4, 3}}, {2, {5, 4}}, {2, {3, 5}}}, 3},
    {"activations", activations, {{3, {2, 3, 4}}, {2, {3, 1}}}, 2},
    {"Clip", clip, {{2, {5, 7}}}, 1},
    {"pools", pools, {{4, {1, 2, 5, 6}}}, 1},
    {"means", means, {{4, {2, 3, 4, 2}}}, 1},
    {"functions", functions, {{2, {3, 4}}, {1, {4}}}, 2},
    {"row norms", row_norms, {{3, {2, 3, 4}}, {1, {4}}, {1, {4}}}, 3},
    {"lookups", lookups, {{3, {2, 3, 2}}, {2, {4, 1}}}, 2},
    {"moves", moves, {{3, {3, 4, 2}}, {3, {2, 1, 4}}}, 2},
    {"layers", layers, {{2, {3, 4}}, {2, {4, 4}}, {2, {4, 4}}}, 3},
};

static void operators(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        check(&cases[k]);
}

/* ---- what is set, what is not known ---- */

static void set_constants(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 2, 3), *w = WEIGHT(m, "w", 3, 2);
    c2s_value *y = OP(m, "MatMul", x, w);
    make_output(y, "y");
    const double ones[6] = {1, 1, 1, 1, 1, 1};
    c2s_tensor *in, *other;
    c2s_backward *b;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, x->type.dim, ones, &in), C2S_OK);
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, w->type.dim, ones, &other), C2S_OK);
    assert_int_equal(c2s_backward_open(m->graph, NULL, &b), C2S_OK);
    c2s_backward_set(b, w, other);
    assert_int_equal(c2s_backward_run(b, (const c2s_tensor *const[]){in}), C2S_OK);
    for (size_t i = 0; i < 4; i++)
        assert_true(c2s_tensor_f64_at(c2s_backward_value(b, y), i) == 3);
    assert_null(c2s_backward_slope(b, y)); /* nothing was wanted */
    c2s_backward_close(b);
    c2s_tensor_unref(in);
    c2s_tensor_unref(other);
    c2s_model_destroy(m);
}

/* Behind Cos, of which no derivative is known, nothing depends on x. */
static void unknown_rules(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 2, 3), *y = OP(m, "Cos", OP(m, "Relu", x));
    make_output(y, "y");
    bool *wanted = calloc(m->values.count + 1, sizeof *wanted);
    wanted[x->id] = true;
    c2s_backward *b;
    c2s_tensor *in;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, x->type.dim, (double[6]){0}, &in), C2S_OK);
    assert_int_equal(c2s_backward_open(m->graph, wanted, &b), C2S_OK);
    assert_int_equal(c2s_backward_run(b, (const c2s_tensor *const[]){in}), C2S_OK);
    assert_null(c2s_backward_slope(b, y));
    assert_non_null(c2s_backward_slope(b, y->def->inputs[0].value));
    assert_int_equal(c2s_backward_propagate(b), C2S_OK);
    c2s_backward_close(b);
    /* an input of another shape, an operator that nobody knows */
    assert_int_equal(c2s_backward_open(m->graph, NULL, &b), C2S_OK);
    assert_int_not_equal(c2s_backward_run(b, (const c2s_tensor *const[]){NULL}), C2S_OK);
    c2s_backward_close(b);
    make_output(NODE(m, "Unheard", x)->outputs[0], "z");
    assert_int_equal(c2s_backward_open(m->graph, NULL, &b), C2S_ERR_UNSUPPORTED);
    assert_null(b);
    c2s_tensor_unref(in);
    free(wanted);
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(operators), cmocka_unit_test(set_constants),
                                       cmocka_unit_test(unknown_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
