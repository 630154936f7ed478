/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions, pools, recurrent layers, quantization, attention: values derived by hand, or from
 * the definition by plain enumeration. ONNX's own cases cover the rest (test_onnx_cases).
 */
#include "make_graph.h"

#define D(...) ((const double[]){__VA_ARGS__})

static c2s_value *tensor(c2s_model *m, c2s_dtype dtype, const double *values, int rank,
                         const int64_t *dim) {
    c2s_tensor *t;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &t), C2S_OK);
    return c2s_value_constant(m->graph, "c", t);
}
#define TENSOR(m, values, ...)  tensor(m, C2S_FLOAT, values, DIMS(__VA_ARGS__))
#define SCALAR(m, dtype, value) tensor(m, dtype, D(value), 0, NULL)

static c2s_status evaluate(c2s_node *node, c2s_tensor **out) {
    const c2s_tensor *in[16] = {0};
    for (unsigned i = 0; i < node->formal_count; i++)
        in[i] = node->inputs[i].value ? node->inputs[i].value->constant : NULL;
    return c2s_node_eval(node, in, out, NULL, 0);
}

/* Output `slot` has these elements, up to a relative 1e-6. */
static void expect_output(c2s_node *node, unsigned slot, const double *wanted, size_t count) {
    c2s_tensor *out[4] = {0};
    if (evaluate(node, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_int_equal(out[slot]->count, count);
    for (size_t i = 0; i < count; i++) {
        double found = c2s_tensor_f64_at(out[slot], i);
        if (!(fabs(found - wanted[i]) <= 1e-6 * fmax(1.0, fabs(wanted[i]))))
            fail_msg("element %zu of output %u is %.9g, expected %.9g", i, slot, found, wanted[i]);
    }
    for (unsigned k = 0; k < 4; k++)
        c2s_tensor_unref(out[k]);
}
#define EXPECT(node, slot, ...) expect_output(node, slot, D(__VA_ARGS__), sizeof D(__VA_ARGS__) / 8)

static void expect_failure(c2s_node *node, c2s_status status, const char *text) {
    c2s_tensor *out[4] = {0};
    assert_int_equal(evaluate(node, out), status);
    if (!strstr(c2s_error(), text))
        fail_msg("\"%s\" does not say \"%s\"", c2s_error(), text);
}

/* ---- convolution ---- */

static void conv_by_hand(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(1, 2, 3, 4, 5, 6, 7, 8, 9), 1, 1, 3, 3);
    c2s_value *w = TENSOR(m, D(1, 1, 1, 1), 1, 1, 2, 2), *b = TENSOR(m, D(0.5), 1);
    c2s_node *n = NODE(m, "Conv", x, w);
    EXPECT(n, 0, 12, 16, 24, 28);
    EXPECT(NODE(m, "Conv", x, w, b), 0, 12.5, 16.5, 24.5, 28.5);
    c2s_attr_set_string(n, "auto_pad", "SAME_UPPER");
    c2s_attr_set_ints(n, "strides", (int64_t[]){2, 2}, 2);
    EXPECT(n, 0, 12, 9, 15, 9);
    c2s_model_destroy(m);
}

/* Straight from the definition; every operand is [.., .., 2 spatial axes]. */
static double conv_at(const double *x, const double *w, const int64_t *xd, const int64_t *wd,
                      int64_t group, const int64_t *s, const int64_t *d, const int64_t *p,
                      const int64_t *o) {
    double sum = 0;
    int64_t first = o[1] / (wd[0] / group) * wd[1];
    for (int64_t c = 0; c < wd[1]; c++)
        for (int64_t i = 0; i < wd[2]; i++)
            for (int64_t j = 0; j < wd[3]; j++) {
                int64_t r = o[2] * s[0] + i * d[0] - p[0], q = o[3] * s[1] + j * d[1] - p[1];
                if (r >= 0 && r < xd[2] && q >= 0 && q < xd[3])
                    sum += x[((o[0] * xd[1] + first + c) * xd[2] + r) * xd[3] + q] *
                           w[((o[1] * wd[1] + c) * wd[2] + i) * wd[3] + j];
            }
    return sum;
}

static void conv_is_its_definition(void **state) {
    (void)state;
    static const struct {
        int64_t xd[4], wd[4], group, s[2], d[2], p[4];
    } rows[] = {
        {{2, 6, 7, 9}, {4, 6, 3, 3}, 1, {1, 1}, {1, 1}, {1, 1, 1, 1}},
        {{1, 5, 6, 6}, {7, 5, 1, 1}, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}},  /* rows are joined */
        {{1, 3, 2, 90}, {2, 3, 1, 1}, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}}, /* rows stay apart */
        {{1, 6, 8, 8}, {6, 1, 3, 3}, 6, {2, 2}, {1, 1}, {0, 1, 1, 0}},  /* depthwise */
        {{2, 4, 9, 5}, {6, 2, 2, 3}, 2, {2, 1}, {3, 2}, {2, 0, 1, 4}},
        {{1, 9, 4, 4}, {3, 9, 4, 4}, 1, {3, 3}, {1, 1}, {3, 3, 3, 3}},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        c2s_model *m = make_model();
        c2s_value *x = make_weight(m->graph, "x", C2S_DOUBLE, 0.3, 4, rows[k].xd);
        c2s_value *w = make_weight(m->graph, "w", C2S_DOUBLE, -0.2, 4, rows[k].wd);
        c2s_node *n = NODE(m, "Conv", x, w);
        c2s_attr_set_int(n, "group", rows[k].group);
        c2s_attr_set_ints(n, "strides", rows[k].s, 2);
        c2s_attr_set_ints(n, "dilations", rows[k].d, 2);
        c2s_attr_set_ints(n, "pads", rows[k].p, 4);
        c2s_tensor *y = NULL;
        assert_int_equal(evaluate(n, &y), C2S_OK);
        const int64_t *yd = y->type.dim;
        for (size_t at = 0; at < y->count; at++) {
            int64_t i = (int64_t)at;
            int64_t o[4] = {i / (yd[1] * yd[2] * yd[3]), i / (yd[2] * yd[3]) % yd[1],
                            i / yd[3] % yd[2], i % yd[3]};
            double wanted =
                conv_at(c2s_tensor_data(x->constant), c2s_tensor_data(w->constant), rows[k].xd,
                        rows[k].wd, rows[k].group, rows[k].s, rows[k].d, rows[k].p, o);
            assert_true(fabs(c2s_tensor_f64_at(y, at) - wanted) < 1e-9);
        }
        c2s_tensor_unref(y);
        c2s_model_destroy(m);
    }
}

static void conv_transpose_by_hand(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(1, 2), 1, 1, 2), *w = TENSOR(m, D(1, 10, 100), 1, 1, 3);
    c2s_node *n = NODE(m, "ConvTranspose", x, w);
    c2s_attr_set_ints(n, "strides", (int64_t[]){2}, 1);
    EXPECT(n, 0, 1, 10, 102, 20, 200);
    c2s_attr_set_ints(n, "output_padding", (int64_t[]){1}, 1);
    EXPECT(n, 0, 1, 10, 102, 20, 200, 0);
    c2s_attr_set_ints(n, "pads", (int64_t[]){1, 2}, 2);
    EXPECT(n, 0, 10, 102, 20);
    c2s_model_destroy(m);
}

static void conv_rejects_shapes_that_do_not_fit(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = WEIGHT(m, "x", 1, 4, 5, 5), *w = WEIGHT(m, "w", 6, 3, 3, 3);
    expect_failure(NODE(m, "Conv", x, w), C2S_ERR_INVALID, "4 channels");
    c2s_node *n = NODE(m, "Conv", x, WEIGHT(m, "w", 6, 1, 3, 3));
    c2s_attr_set_int(n, "group", 4);
    expect_failure(n, C2S_ERR_INVALID, "multiple of group 4");
    c2s_attr_set_int(n, "group", 0);
    expect_failure(n, C2S_ERR_INVALID, "group is 0");
    expect_failure(NODE(m, "Conv", x, WEIGHT(m, "w", 6, 4, 3, 3), WEIGHT(m, "b", 5)),
                   C2S_ERR_INVALID, "bias has 5");
    n = NODE(m, "Conv", x, WEIGHT(m, "w", 6, 4, 3, 3));
    c2s_attr_set_ints(n, "kernel_shape", (int64_t[]){3, 2}, 2);
    expect_failure(n, C2S_ERR_INVALID, "kernel_shape says 2");
    expect_failure(NODE(m, "Conv", x, WEIGHT(m, "w", 6, 4, 7, 3)), C2S_ERR_INVALID, "do not fit");
    c2s_model_destroy(m);
}

static void symbolic_shapes_and_macs(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_dim batch = c2s_dim_symbol(m->dims, "n"), width = c2s_dim_symbol(m->dims, "w");
    c2s_value *x = INPUT(m, "x", batch, 3, 8, width);
    c2s_node *n = NODE(m, "Conv", x, WEIGHT(m, "w", 16, 3, 3, 3));
    c2s_attr_set_ints(n, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    const c2s_type *type = &make_infer(n)->type;
    assert_int_equal(type->rank, 4);
    assert_int_equal(type->dim[0], batch);
    assert_int_equal(type->dim[1], 16);
    assert_int_equal(type->dim[2], 8);
    assert_int_equal(type->dim[3], width);
    assert_int_equal(n->op->macs(n), 16 * 8 * 3 * 9); /* symbols count as 1 */
    n = NODE(m, "MaxPool", n->outputs[0]);
    c2s_attr_set_ints(n, "kernel_shape", (int64_t[]){2, 2}, 2);
    c2s_attr_set_ints(n, "strides", (int64_t[]){2, 2}, 2);
    type = &make_infer(n)->type;
    assert_int_equal(
        type->dim[3],
        c2s_dim_add(m->dims, c2s_dim_floordiv(m->dims, c2s_dim_sub(m->dims, width, 2), 2), 1));
    c2s_model_destroy(m);
}

/* ---- pools ---- */

static void pools_by_hand(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(1, 2, 3, 4, 5), 1, 1, 5);
    c2s_node *average = NODE(m, "AveragePool", x), *lp = NODE(m, "LpPool", x);
    c2s_node *most = make_node(m->graph, 2, "MaxPool", x, END);
    c2s_node *all[] = {average, lp, most};
    for (int i = 0; i < 3; i++) {
        c2s_attr_set_ints(all[i], "kernel_shape", (int64_t[]){3}, 1);
        c2s_attr_set_ints(all[i], "strides", (int64_t[]){2}, 1);
        c2s_attr_set_ints(all[i], "pads", (int64_t[]){1, 0}, 2);
        c2s_attr_set_int(all[i], "ceil_mode", 1);
    }
    /* windows: (pad 1 2), (2 3 4), (4 5 beyond) */
    EXPECT(average, 0, 1.5, 3, 4.5);
    EXPECT(lp, 0, sqrt(5), sqrt(29), sqrt(41));
    EXPECT(most, 0, 2, 4, 5);
    EXPECT(most, 1, 1, 3, 4);
    c2s_attr_set_int(average, "count_include_pad", 1);
    EXPECT(average, 0, 1, 3, 4.5);
    c2s_model_destroy(m);
}

static void max_pool_indices_in_both_orders(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(1, 2, 3, 4, 9, 6, 7, 7, 7, 0, 0, 8), 1, 2, 2, 3);
    c2s_node *n = make_node(m->graph, 2, "MaxPool", x, END);
    c2s_attr_set_ints(n, "kernel_shape", (int64_t[]){2, 2}, 2);
    EXPECT(n, 0, 9, 9, 7, 8);
    EXPECT(n, 1, 4, 4, 6, 11);
    c2s_attr_set_int(n, "storage_order", 1);
    EXPECT(n, 1, 3, 3, 6, 11);
    c2s_model_destroy(m);
}

static void max_pool_lets_nan_through(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_node *n = NODE(m, "MaxPool", TENSOR(m, D(1, NAN, 3), 1, 1, 3));
    c2s_attr_set_ints(n, "kernel_shape", (int64_t[]){3}, 1);
    c2s_tensor *y = NULL;
    assert_int_equal(evaluate(n, &y), C2S_OK);
    assert_true(isnan(c2s_tensor_f64_at(y, 0)));
    c2s_tensor_unref(y);
    c2s_model_destroy(m);
}

/* ---- recurrent layers ---- */

/* h = x + h: sums over time, forwards and backwards, shorter than the input. */
static void rnn_runs_in_both_directions(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(1, 2, 4), 3, 1, 1), *ones = TENSOR(m, D(1, 1), 2, 1, 1);
    c2s_value *length = tensor(m, C2S_INT32, D(2), DIMS(1));
    c2s_node *n = make_node(m->graph, 2, "RNN", x, ones, ones, NULL, length, END);
    c2s_string affine[] = {{"Affine", 6}, {"Affine", 6}};
    c2s_attr_set_strings(n, "activations", affine, 2);
    c2s_attr_set_string(n, "direction", "bidirectional");
    EXPECT(n, 0, 1, 3, 3, 2, 0, 0);
    EXPECT(n, 1, 3, 3);
    c2s_attr_set_float(n, "clip", 2.5f);
    EXPECT(n, 1, 2.5, 2.5);
    c2s_attr_remove(n, "clip");
    c2s_use_set(&n->inputs[4], tensor(m, C2S_INT32, D(4), DIMS(1)));
    expect_failure(n, C2S_ERR_INVALID, "sequence_lens");
    c2s_attr_set_strings(n, "activations", (c2s_string[]){{"Affine", 6}, {"Cube", 4}}, 2);
    expect_failure(n, C2S_ERR_INVALID, "Cube");
    c2s_model_destroy(m);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static void lstm_step_by_hand(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(2), 1, 1, 1), *w = TENSOR(m, D(0.1, 0.2, 0.3, 0.4), 1, 4, 1);
    c2s_value *r = TENSOR(m, D(-0.1, 0.3, 0.5, 0.7), 1, 4, 1);
    c2s_value *b = TENSOR(m, D(0.01, 0.02, 0.03, 0.04, 0.1, 0.1, 0.1, 0.1), 1, 8);
    c2s_value *h0 = TENSOR(m, D(0.5), 1, 1, 1), *c0 = TENSOR(m, D(-1), 1, 1, 1);
    c2s_value *p = TENSOR(m, D(0.2, 0.6, -0.4), 1, 3);
    c2s_node *n = make_node(m->graph, 3, "LSTM", x, w, r, b, NULL, h0, c0, p, END);
    double i = sigmoid(0.2 - 0.05 + 0.11 - 0.2), f = sigmoid(0.6 + 0.25 + 0.13 + 0.4);
    double c = -f + i * tanh(0.8 + 0.35 + 0.14), o = sigmoid(0.4 + 0.15 + 0.12 + 0.6 * c);
    EXPECT(n, 0, o * tanh(c));
    EXPECT(n, 1, o * tanh(c));
    EXPECT(n, 2, c);
    c2s_attr_set_int(n, "input_forget", 1);
    EXPECT(n, 2, -(1 - i) + i * tanh(0.8 + 0.35 + 0.14));
    c2s_model_destroy(m);
}

static void gru_resets_before_or_after_the_product(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(1), 1, 1, 1), *w = TENSOR(m, D(0.1, 0.2, 0.3), 1, 3, 1);
    c2s_value *r = TENSOR(m, D(0.4, 0.5, 0.6), 1, 3, 1), *h0 = TENSOR(m, D(2), 1, 1, 1);
    c2s_value *b = TENSOR(m, D(0, 0, 0, 0, 0, 0.7), 1, 6);
    c2s_node *n = make_node(m->graph, 2, "GRU", x, w, r, b, NULL, h0, END);
    double z = sigmoid(0.1 + 0.8), reset = sigmoid(0.2 + 1.0);
    double before = tanh(0.3 + reset * 2 * 0.6 + 0.7), after = tanh(0.3 + reset * (2 * 0.6 + 0.7));
    EXPECT(n, 1, (1 - z) * before + 2 * z);
    c2s_attr_set_int(n, "linear_before_reset", 1);
    EXPECT(n, 1, (1 - z) * after + 2 * z);
    c2s_model_destroy(m);
}

/* ---- quantization ---- */

static void quantize_rounds_half_to_even_and_saturates(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(0.5, 1.5, 2.5, -0.5, 300, -300, NAN), 7);
    c2s_value *one = SCALAR(m, C2S_FLOAT, 1);
    EXPECT(NODE(m, "QuantizeLinear", x, one), 0, 0, 2, 2, 0, 255, 0, 0);
    EXPECT(NODE(m, "QuantizeLinear", x, one, SCALAR(m, C2S_INT8, 1)), 0, 1, 3, 3, 1, 127, -128,
           -128);
    EXPECT(NODE(m, "QuantizeLinear", x, one, SCALAR(m, C2S_INT4, 0)), 0, 0, 2, 2, 0, 7, -8, -8);
    EXPECT(NODE(m, "QuantizeLinear", x, one, SCALAR(m, C2S_UINT2, 1)), 0, 1, 3, 3, 1, 3, 0, 0);
    expect_failure(NODE(m, "QuantizeLinear", x, one, SCALAR(m, C2S_FLOAT, 0)), C2S_ERR_INVALID,
                   "float");
    expect_failure(NODE(m, "QuantizeLinear", SCALAR(m, C2S_BOOL, 1), one), C2S_ERR_INVALID, "bool");
    c2s_model_destroy(m);
}

static void scales_per_axis_and_block(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *q = tensor(m, C2S_INT8, D(1, 2, 3, 4, 5, 6), DIMS(2, 3));
    c2s_value *rows = TENSOR(m, D(10, 100), 2), *columns = TENSOR(m, D(1, 10, 100), 3);
    c2s_node *n = NODE(m, "DequantizeLinear", q, columns);
    EXPECT(n, 0, 1, 20, 300, 4, 50, 600);
    n = NODE(m, "DequantizeLinear", q, rows, tensor(m, C2S_INT8, D(1, 2), DIMS(2)));
    c2s_attr_set_int(n, "axis", 0);
    EXPECT(n, 0, 0, 10, 20, 200, 300, 400);
    n = NODE(m, "DequantizeLinear", q, TENSOR(m, D(1, 10, 100, 1000), 2, 2));
    c2s_attr_set_int(n, "block_size", 2);
    EXPECT(n, 0, 1, 2, 30, 400, 500, 6000);
    n = NODE(m, "DequantizeLinear", q, TENSOR(m, D(1, 10, 100), 1, 3));
    c2s_attr_set_int(n, "block_size", 2);
    c2s_attr_set_int(n, "axis", 0);
    EXPECT(n, 0, 1, 20, 300, 4, 50, 600);
    c2s_attr_set_int(n, "axis", 1);
    expect_failure(n, C2S_ERR_INVALID, "scale's extent on axis 0");
    expect_failure(NODE(m, "DequantizeLinear", q, rows), C2S_ERR_INVALID, "2 elements, expected 3");
    c2s_model_destroy(m);
}

static void dynamic_range_holds_zero(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_node *n =
        make_node(m->graph, 3, "DynamicQuantizeLinear", TENSOR(m, D(51, 102, 255), 3), END);
    EXPECT(n, 0, 51, 102, 255);
    EXPECT(n, 1, 1);
    EXPECT(n, 2, 0);
    n = make_node(m->graph, 3, "DynamicQuantizeLinear", TENSOR(m, D(0, 0), 2), END);
    EXPECT(n, 0, 0, 0);
    EXPECT(n, 1, 1);
    c2s_model_destroy(m);
}

static void qlinear_matmul_by_hand(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *a = tensor(m, C2S_UINT8, D(3, 5), DIMS(1, 2)),
              *b = tensor(m, C2S_INT8, D(2, -1, 4, 0), DIMS(2, 2));
    c2s_value *half = SCALAR(m, C2S_FLOAT, 0.5), *one = SCALAR(m, C2S_UINT8, 1);
    /* (2, 4) x ((2, -1), (4, 0)) = (20, -2); scales 0.5 * (0.5, 1) / 0.5 */
    c2s_node *n = NODE(m, "QLinearMatMul", a, half, one, b, TENSOR(m, D(0.5, 1), 2),
                       tensor(m, C2S_INT8, D(0, 0), DIMS(2)), half, SCALAR(m, C2S_UINT8, 7));
    EXPECT(n, 0, 17, 5);
    c2s_model_destroy(m);
}

/* ---- attention ---- */

static void attention_by_hand(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *q = TENSOR(m, D(1, 2), 1, 2, 1, 1), *k = TENSOR(m, D(1, 3), 1, 1, 2, 1);
    c2s_value *v = TENSOR(m, D(10, 20), 1, 1, 2, 1);
    double first = 1 / (1 + exp(2)), second = 1 / (1 + exp(4)); /* weights of key 0 */
    EXPECT(NODE(m, "Attention", q, k, v), 0, 20 - 10 * first, 20 - 10 * second);
    c2s_value *mask = tensor(m, C2S_BOOL, D(1, 0), DIMS(1, 2));
    EXPECT(NODE(m, "Attention", q, k, v, mask), 0, 10, 10);
    mask = tensor(m, C2S_BOOL, D(0, 0), DIMS(1, 2));
    EXPECT(NODE(m, "Attention", q, k, v, mask), 0, 0, 0); /* nothing to attend to */
    c2s_node *n = NODE(m, "Attention", q, k, v);
    c2s_attr_set_int(n, "is_causal", 1);
    EXPECT(n, 0, 10, 10);
    expect_failure(NODE(m, "Attention", q, k, TENSOR(m, D(1, 2, 3), 1, 1, 3, 1)), C2S_ERR_INVALID,
                   "positions");
    c2s_value *flat = TENSOR(m, D(1, 2, 3), 1, 1, 3);
    n = NODE(m, "Attention", flat, flat, flat);
    expect_failure(n, C2S_ERR_INVALID, "q_num_heads is 0");
    c2s_attr_set_int(n, "q_num_heads", 2);
    expect_failure(n, C2S_ERR_INVALID, "does not divide 3");
    c2s_model_destroy(m);
}

static void losses_by_hand(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(-1, -2, -3, -4), 2, 2);
    c2s_value *target = tensor(m, C2S_INT64, D(1, 0), DIMS(2)), *w = TENSOR(m, D(1, 3), 2);
    EXPECT(NODE(m, "NegativeLogLikelihoodLoss", x, target), 0, 2.5);
    c2s_node *n = NODE(m, "NegativeLogLikelihoodLoss", x, target, w);
    EXPECT(n, 0, (3 * 2 + 1 * 3) / 4.0);
    c2s_attr_set_int(n, "ignore_index", 0);
    EXPECT(n, 0, 2);
    EXPECT(NODE(m, "SoftmaxCrossEntropyLoss", x, target), 0, (log(1 + M_E) + log(1 + 1 / M_E)) / 2);
    expect_failure(NODE(m, "NegativeLogLikelihoodLoss", x, tensor(m, C2S_INT64, D(1, 2), DIMS(2))),
                   C2S_ERR_INVALID, "target 2");
    c2s_model_destroy(m);
}

/* 2+i, 0, 2-i, 2+i, 0: by real part, then by imaginary part. */
static void complex_numbers_are_told_apart(void **state) {
    (void)state;
    static const float parts[10] = {2, 1, 0, 0, 2, -1, 2, 1, 0, 0};
    static const float sorted[6] = {0, 0, 2, -1, 2, 1};
    const int64_t count = 5;
    c2s_model *m = make_model();
    c2s_tensor *x, *out[4] = {0};
    assert_int_equal(c2s_tensor_create(C2S_COMPLEX64, 1, &count, &x), C2S_OK);
    memcpy(c2s_tensor_mutable(x), parts, sizeof parts);
    c2s_value *value = c2s_value_constant(m->graph, "x", x);
    const c2s_tensor *const in[1] = {x};
    assert_int_equal(c2s_node_eval(NODE(m, "Unique", value), in, out, NULL, 0), C2S_OK);
    assert_int_equal(out[0]->count, 3);
    assert_memory_equal(c2s_tensor_data(out[0]), sorted, sizeof sorted);
    c2s_tensor_unref(out[0]);
    assert_int_equal(c2s_node_eval(NODE(m, "NonZero", value), in, out, NULL, 0), C2S_OK);
    assert_int_equal(out[0]->count, 3);
    for (size_t k = 0; k < 3; k++)
        assert_true(c2s_tensor_f64_at(out[0], k) == (k ? (double)k + 1 : 0.0));
    c2s_tensor_unref(out[0]);
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_by_hand),
        cmocka_unit_test(conv_is_its_definition),
        cmocka_unit_test(conv_transpose_by_hand),
        cmocka_unit_test(conv_rejects_shapes_that_do_not_fit),
        cmocka_unit_test(symbolic_shapes_and_macs),
        cmocka_unit_test(pools_by_hand),
        cmocka_unit_test(max_pool_indices_in_both_orders),
        cmocka_unit_test(max_pool_lets_nan_through),
        cmocka_unit_test(rnn_runs_in_both_directions),
        cmocka_unit_test(lstm_step_by_hand),
        cmocka_unit_test(gru_resets_before_or_after_the_product),
        cmocka_unit_test(quantize_rounds_half_to_even_and_saturates),
        cmocka_unit_test(scales_per_axis_and_block),
        cmocka_unit_test(dynamic_range_holds_zero),
        cmocka_unit_test(qlinear_matmul_by_hand),
        cmocka_unit_test(attention_by_hand),
        cmocka_unit_test(losses_by_hand),
        cmocka_unit_test(complex_numbers_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
