/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of com.microsoft: values that ONNX Runtime 1.30 gives, rounded to what the comparison
 * needs, or values derived by hand.
 */
#include "make_graph.h"

#include "eval/compare.h"
#include "ir/clone.h"
#include "runtime/session.h"

#define D(...) ((const double[]){__VA_ARGS__})

static c2s_value *tensor(c2s_model *m, c2s_dtype dtype, const double *values, int rank,
                         const int64_t *dim) {
    c2s_tensor *t;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &t), C2S_OK);
    return c2s_value_constant(m->graph, "c", t);
}
#define TENSOR(m, values, ...)       tensor(m, C2S_FLOAT, values, DIMS(__VA_ARGS__))
#define TYPED(m, dtype, values, ...) tensor(m, dtype, values, DIMS(__VA_ARGS__))
#define SCALAR(m, dtype, value)      tensor(m, dtype, D(value), 0, NULL)

#define MS(m, outputs, type, ...) ms_node(make_node((m)->graph, outputs, type, __VA_ARGS__, END))
static c2s_node *ms_node(c2s_node *node) {
    c2s_node_set_type(node, "com.microsoft", node->type);
    assert_true(node->op != &c2s_op_opaque);
    return node;
}

static void run(const c2s_node *node, c2s_tensor **out) {
    const c2s_tensor *in[16] = {0};
    for (unsigned i = 0; i < node->formal_count; i++)
        in[i] = node->inputs[i].value ? node->inputs[i].value->constant : NULL;
    if (c2s_node_eval(node, in, out, NULL, 0) != C2S_OK)
        fail_msg("%s", c2s_error());
}

/* ---- the runtime ---- */

/* Of nodes that the runtime computed: all, and those that eval had to. */
static unsigned defined_count, evaluated_count;

/* A model of the node alone; operands of floats and their like are inputs, what else shapes may
 * depend on is constant. */
static c2s_model *alone(const c2s_node *node, const c2s_tensor **in, unsigned *count) {
    c2s_model *model = make_model();
    c2s_model_set_opset(model, "com.microsoft", 1);
    c2s_cloner cloner = {0};
    for (unsigned k = 0; k < node->formal_count; k++) {
        c2s_value *from = node->inputs[k].value;
        if (!from || c2s_map_get(&cloner.values, from))
            continue;
        const c2s_tensor *tensor = from->constant;
        const bool given = tensor->type.rank > 1 && tensor->type.dtype == C2S_FLOAT;
        c2s_value *to = given
                            ? make_input(model, "x", C2S_FLOAT, tensor->type.rank, tensor->type.dim)
                            : c2s_value_constant(model->graph, "c", c2s_tensor_ref(tensor));
        if (given)
            in[(*count)++] = tensor;
        c2s_map_put(&cloner.values, from, to);
    }
    c2s_node *copy;
    assert_int_equal(c2s_node_clone(&cloner, node, model->graph, NULL, &copy), C2S_OK);
    c2s_map_free(&cloner.values);
    make_infer(copy);
    for (unsigned k = 0; k < copy->output_count; k++)
        if (copy->outputs[k])
            make_output(copy->outputs[k], "y");
    return model;
}

/* What is written down as other operators runs on their kernels, and gives the same. */
static void expect_of_runtime(const c2s_node *node, c2s_tensor *const *wanted) {
    const c2s_tensor *in[16];
    c2s_tensor *out[4];
    c2s_session *session;
    unsigned count = 0, made = 0;
    if (!node->op->define || c2s_node_is_random(node))
        return;
    c2s_model *model = alone(node, in, &count);
    assert_int_equal(c2s_evaluator_onednn.open(model->graph, NULL, &session), C2S_OK);
    if (c2s_evaluator_onednn.run(session, in, out) != C2S_OK)
        fail_msg("%s: %s", node->type, c2s_error());
    const char *kernel = c2s_onednn_kernel_of(session, model->graph->last);
    defined_count++;
    evaluated_count += strcmp(kernel, "eval") == 0;
    for (unsigned k = 0; k < node->output_count; k++) {
        c2s_difference d;
        if (!node->outputs[k])
            continue;
        if (!c2s_compare(wanted[k], out[made], 2e-6, &d))
            fail_msg("%s by %s: output %u is %g at %s, expected %g", node->type, kernel, k, d.found,
                     d.where, d.reference);
        c2s_tensor_unref(out[made++]);
    }
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

static void definitions_ran_on_kernels(void **state) {
    (void)state;
    print_message("%u nodes, %u by eval\n", defined_count, evaluated_count);
    assert_in_range(defined_count, 50, 10000);
    assert_in_range(evaluated_count, 0, defined_count / 10);
}

/* ---- eval ---- */

/* Output `slot` has these elements; inference gave it the type that the evaluation gives. */
static void expect_output(c2s_node *node, unsigned slot, const double *wanted, size_t count) {
    c2s_tensor *out[4] = {0};
    make_infer(node);
    run(node, out);
    assert_true(c2s_type_equal(&node->outputs[slot]->type, &out[slot]->type));
    assert_int_equal(out[slot]->count, count);
    for (size_t i = 0; i < count; i++) {
        double found = c2s_tensor_f64_at(out[slot], i);
        if (!(fabs(found - wanted[i]) <= 2e-5 * fmax(1.0, fabs(wanted[i]))))
            fail_msg("%s: element %zu of output %u is %.9g, expected %.9g", node->type, i, slot,
                     found, wanted[i]);
    }
    expect_of_runtime(node, out);
    for (unsigned k = 0; k < 4; k++)
        c2s_tensor_unref(out[k]);
}
#define EXPECT(node, slot, ...) expect_output(node, slot, D(__VA_ARGS__), sizeof D(__VA_ARGS__) / 8)

/* Both nodes give the same output 0. */
static void expect_same(c2s_node *a, c2s_node *b) {
    c2s_tensor *out[4] = {0};
    run(b, out);
    double values[256];
    assert_in_range(out[0]->count, 1, 256);
    for (size_t i = 0; i < out[0]->count; i++)
        values[i] = c2s_tensor_f64_at(out[0], i);
    make_infer(a);
    assert_true(c2s_type_equal(&a->outputs[0]->type, &out[0]->type));
    expect_output(a, 0, values, out[0]->count);
    for (unsigned k = 0; k < 4; k++)
        c2s_tensor_unref(out[k]);
}

/* A computed constant, for operands of a definition. */
static c2s_value *fold(c2s_node *node) {
    c2s_tensor *out[4] = {0};
    run(node, out);
    c2s_value_set_type(node->outputs[0], &out[0]->type);
    c2s_value_set_constant(node->outputs[0], out[0]);
    c2s_tensor_unref(out[0]);
    return node->outputs[0];
}

static c2s_value *turned(c2s_model *m, c2s_value *x, const int64_t *order, size_t rank) {
    c2s_node *node = NODE(m, "Transpose", x);
    c2s_attr_set_ints(node, "perm", order, rank);
    return fold(node);
}

static void activations(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(-1, 0, 0.5, 2), 2, 2), *b = TENSOR(m, D(0.5, -0.5), 2);
    c2s_value *sum = fold(NODE(m, "Add", x, b));
    c2s_node *tangent = NODE(m, "Gelu", x), *tangent_sum = NODE(m, "Gelu", sum);
    c2s_attr_set_string(tangent, "approximate", "tanh");
    c2s_attr_set_string(tangent_sum, "approximate", "tanh");
    expect_same(MS(m, 1, "Gelu", x), NODE(m, "Gelu", x));
    expect_same(MS(m, 1, "BiasGelu", x, b), NODE(m, "Gelu", sum));
    expect_same(MS(m, 1, "FastGelu", x), tangent);
    expect_same(MS(m, 1, "FastGelu", x, b), tangent_sum);
    /* x / (1 + exp(-1.702 x)) and x / (1 + exp(-x)) */
    EXPECT(MS(m, 1, "QuickGelu", x), 0, -1 / (1 + exp(1.702)), 0, 0.5 / (1 + exp(-0.851)),
           2 / (1 + exp(-3.404)));
    c2s_node *one = MS(m, 1, "QuickGelu", x);
    c2s_attr_set_float(one, "alpha", 1.0f);
    EXPECT(one, 0, -1 / (1 + exp(1)), 0, 0.5 / (1 + exp(-0.5)), 2 / (1 + exp(-2)));
    c2s_model_destroy(m);
}

static void fused_matmul(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *a = WEIGHT(m, "a", 2, 3, 4, 5), *b = WEIGHT(m, "b", 2, 3, 5, 4);
    c2s_value *small = WEIGHT(m, "s", 5, 7);
    c2s_node *plain = MS(m, 1, "FusedMatMul", a, small);
    c2s_attr_set_float(plain, "alpha", 0.5f);
    expect_same(plain,
                NODE(m, "Mul", fold(NODE(m, "MatMul", a, small)), SCALAR(m, C2S_FLOAT, 0.5)));
    c2s_node *both = MS(m, 1, "FusedMatMul", a, b);
    c2s_attr_set_int(both, "transA", 1);
    c2s_attr_set_int(both, "transB", 1);
    const int64_t last[] = {0, 1, 3, 2}, batch[] = {1, 2, 0, 3}, all[] = {1, 2, 3, 0};
    expect_same(both, NODE(m, "MatMul", turned(m, a, last, 4), turned(m, b, last, 4)));
    c2s_node *batched = MS(m, 1, "FusedMatMul", a, a);
    c2s_attr_set_int(batched, "transBatchA", 1);
    c2s_attr_set_int(batched, "transBatchB", 1);
    c2s_attr_set_int(batched, "transB", 1);
    expect_same(batched, NODE(m, "MatMul", turned(m, a, batch, 4), turned(m, a, all, 4)));
    assert_int_equal(batched->op->macs(batched), 3 * 4 * 2 * 2 * 5);
    c2s_model_destroy(m);
}

static void fused_conv_and_gemm(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = WEIGHT(m, "x", 1, 2, 4, 4), *w = WEIGHT(m, "w", 2, 2, 3, 3);
    c2s_value *bias = WEIGHT(m, "b", 2), *z = WEIGHT(m, "z", 1, 2, 4, 4);
    c2s_node *conv = NODE(m, "Conv", x, w, bias), *fused = MS(m, 1, "FusedConv", x, w, bias, z);
    c2s_attr_set_ints(conv, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    c2s_attr_set_ints(fused, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    c2s_attr_set_string(fused, "activation", "LeakyRelu");
    c2s_attr_set_floats(fused, "activation_params", (float[]){0.25f}, 1);
    c2s_node *leaky = NODE(m, "LeakyRelu", fold(NODE(m, "Add", fold(conv), z)));
    c2s_attr_set_float(leaky, "alpha", 0.25f);
    expect_same(fused, leaky);
    c2s_node *clipped = MS(m, 1, "FusedConv", x, w);
    c2s_attr_set_string(clipped, "activation", "Clip");
    c2s_attr_set_floats(clipped, "activation_params", (float[]){0.0f, 6.0f}, 2);
    expect_same(clipped, NODE(m, "Clip", fold(NODE(m, "Conv", x, w)), SCALAR(m, C2S_FLOAT, 0.0),
                              SCALAR(m, C2S_FLOAT, 6.0)));
    c2s_attr_set_string(clipped, "activation", "Sine");
    assert_int_equal(c2s_node_infer(clipped), C2S_ERR_UNSUPPORTED);
    c2s_value *a = WEIGHT(m, "a", 3, 2), *b = WEIGHT(m, "b2", 3, 4), *c = WEIGHT(m, "c2", 4);
    c2s_node *gemm = NODE(m, "Gemm", a, b, c), *fused_gemm = MS(m, 1, "FusedGemm", a, b, c);
    c2s_attr_set_int(gemm, "transA", 1);
    c2s_attr_set_int(fused_gemm, "transA", 1);
    c2s_attr_set_string(fused_gemm, "activation", "Relu");
    expect_same(fused_gemm, NODE(m, "Relu", fold(gemm)));
    c2s_model_destroy(m);
}

static void normalisations(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TENSOR(m, D(1, 2, 3, 4), 1, 2, 2), *skip = TENSOR(m, D(1, 0, 0, 1), 2, 2);
    c2s_value *gamma = TENSOR(m, D(2, 3), 2), *beta = TENSOR(m, D(1, -1), 2);
    c2s_value *bias = TENSOR(m, D(0, 2), 2);
    c2s_node *node = MS(m, 4, "SkipLayerNormalization", x, skip, gamma, beta, bias);
    /* rows 2 4 and 3 7 */
    EXPECT(node, 0, -1, 2, -1, 2);
    EXPECT(node, 1, 3, 5);
    EXPECT(node, 2, 1, 0.5);
    EXPECT(node, 3, 2, 4, 3, 7);
    EXPECT(MS(m, 1, "SkipLayerNormalization", x, skip, gamma), 0, 0, 0, -2, 3);
    const double p = 1 / sqrt(10), q = 1 / sqrt(29);
    c2s_node *root = MS(m, 4, "SkipSimplifiedLayerNormalization", x, skip, gamma, bias);
    c2s_node_drop_output(root, 1);
    EXPECT(root, 0, 4 * p, 12 * p, 6 * q, 21 * q);
    EXPECT(root, 2, p, q);
    EXPECT(root, 3, 2, 4, 3, 7);
    c2s_node *simple = make_node(m->graph, 2, "SimplifiedLayerNormalization", x, gamma, END);
    EXPECT(simple, 0, 2 / sqrt(2.50001), 6 / sqrt(2.50001), 6 / sqrt(12.50001),
           12 / sqrt(12.50001));
    EXPECT(simple, 1, 1 / sqrt(2.50001), 1 / sqrt(12.50001));
    c2s_model_destroy(m);
}

static void embedding(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *ids = TYPED(m, C2S_INT32, D(2, 0, 1, 1), 2, 2);
    c2s_value *kinds = TYPED(m, C2S_INT32, D(0, 1, 1, 0), 2, 2);
    c2s_value *words = TENSOR(m, D(0, 1, 4, 2, 7, 7), 3, 2);
    c2s_value *places = TENSOR(m, D(1, 0, 0, 2, 5, 5), 3, 2),
              *sorts = TENSOR(m, D(1, 1, 0, 3), 2, 2);
    c2s_value *gamma = TENSOR(m, D(1, 2), 2), *beta = TENSOR(m, D(0, 1), 2);
    c2s_value *mask = TYPED(m, C2S_INT32, D(1, 1, 1, 0), 2, 2);
    c2s_node *node =
        MS(m, 3, "EmbedLayerNormalization", ids, kinds, words, places, sorts, gamma, beta, mask);
    EXPECT(node, 2, 9, 8, 0, 6, 5, 5, 5, 5);
    /* rows 9 8, 0 6, 5 5, 5 5: -1 and 1 in the direction of the larger, or 0 */
    EXPECT(node, 0, 1, -1, -1, 3, 0, 1, 0, 1);
    EXPECT(node, 1, 2, 1);
    c2s_node *bare =
        MS(m, 2, "EmbedLayerNormalization", ids, NULL, words, places, NULL, gamma, beta);
    EXPECT(bare, 0, 1, -1, -1, 3, 1, -1, 0, 1);
    EXPECT(bare, 1, 0, 0);
    c2s_model_destroy(m);
}

/* ---- quantized ---- */

/* x as uint8 with scale 0.5 and zero point 10; the results with scale 0.25 and zero point 20. */
static void qlinear(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TYPED(m, C2S_UINT8, D(8, 10, 13, 200), 1, 1, 2, 2); /* -1 0 1.5 95 */
    c2s_value *xs = SCALAR(m, C2S_FLOAT, 0.5), *xz = SCALAR(m, C2S_UINT8, 10);
    c2s_value *b = TYPED(m, C2S_UINT8, D(3), 1); /* 3 */
    c2s_value *bs = SCALAR(m, C2S_FLOAT, 1);
    c2s_value *ys = SCALAR(m, C2S_FLOAT, 0.25), *yz = SCALAR(m, C2S_UINT8, 20);
    EXPECT(MS(m, 1, "QLinearAdd", x, xs, xz, b, bs, NULL, ys, yz), 0, 28, 32, 38, 255);
    EXPECT(MS(m, 1, "QLinearMul", x, xs, xz, b, bs, NULL, ys, yz), 0, 8, 20, 38, 255);
    c2s_node *leaky = MS(m, 1, "QLinearLeakyRelu", x, xs, xz, ys, yz);
    c2s_attr_set_float(leaky, "alpha", 0.5f);
    EXPECT(leaky, 0, 18, 20, 26, 255);
    /* 0.2689, 0.5, 0.8176, 1 in steps of 1 / 256 */
    EXPECT(MS(m, 1, "QLinearSigmoid", x, xs, xz, SCALAR(m, C2S_FLOAT, 1.0 / 256)), 0, 69, 128, 209,
           255);
    c2s_node *softmax = MS(m, 1, "QLinearSoftmax", x, xs, xz, SCALAR(m, C2S_FLOAT, 1.0 / 256),
                           SCALAR(m, C2S_UINT8, 0));
    c2s_attr_set_int(softmax, "opset", 13);
    EXPECT(softmax, 0, 69, 187, 0, 255);
    c2s_attr_set_int(softmax, "opset", 12);
    c2s_attr_set_int(softmax, "axis", 1);
    EXPECT(softmax, 0, 0, 0, 0, 255);
    c2s_model_destroy(m);
}

static void qlinear_windows(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = TYPED(m, C2S_UINT8, D(8, 10, 14, 20, 12, 16), 1, 1, 2, 3); /* -1 0 2; 5 1 3 */
    c2s_value *last = TYPED(m, C2S_UINT8, D(8, 10, 14, 20, 12, 16), 1, 1, 2, 3);
    c2s_value *xs = SCALAR(m, C2S_FLOAT, 0.5), *xz = SCALAR(m, C2S_UINT8, 10);
    c2s_value *ys = SCALAR(m, C2S_FLOAT, 0.25), *yz = SCALAR(m, C2S_UINT8, 20);
    c2s_node *pool = MS(m, 1, "QLinearAveragePool", x, xs, xz, ys, yz);
    c2s_attr_set_ints(pool, "kernel_shape", (int64_t[]){2, 2}, 2);
    EXPECT(pool, 0, 25, 26); /* 1.25, 1.5 */
    c2s_node *all = MS(m, 1, "QLinearGlobalAveragePool", last, xs, xz, ys, yz);
    c2s_attr_set_int(all, "channels_last", 1);
    EXPECT(all, 0, 28, 22, 30); /* channels -1 5, 0 1, 2 3: 2, 0.5, 2.5 */
    c2s_node *joined = MS(m, 1, "QLinearConcat", ys, yz, x, xs, xz, x, ys, yz);
    c2s_attr_set_int(joined, "axis", 2);
    EXPECT(joined, 0, 16, 20, 28, 40, 24, 32, 8, 10, 14, 20, 12, 16);
    c2s_model_destroy(m);
}

static void integer_products(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *a = TYPED(m, C2S_UINT8, D(11, 12, 9, 10), 2, 2); /* less 10: 1 2; -1 0 */
    c2s_value *b = TYPED(m, C2S_INT8, D(1, -2, 3, 4), 2, 2);
    c2s_value *as = SCALAR(m, C2S_FLOAT, 0.5), *az = SCALAR(m, C2S_UINT8, 10);
    c2s_value *bs = TENSOR(m, D(1, 0.25), 2), *bias = TENSOR(m, D(1, 2), 2);
    /* sums 7 6; -1 2 */
    EXPECT(MS(m, 1, "MatMulIntegerToFloat", a, b, as, bs, az, NULL, bias), 0, 4.5, 2.75, 0.5, 2.25);
    c2s_value *zero = TYPED(m, C2S_INT8, D(0, 0), 2);
    c2s_value *added = TYPED(m, C2S_INT32, D(1, 2), 2);
    EXPECT(MS(m, 1, "QGemm", a, as, az, b, bs, zero, added), 0, 4, 1, 0, 0.5);
    c2s_node *turned_gemm = MS(m, 1, "QGemm", a, as, az, b, bs, zero, NULL,
                               SCALAR(m, C2S_FLOAT, 0.5), SCALAR(m, C2S_UINT8, 100));
    c2s_attr_set_int(turned_gemm, "transB", 1);
    c2s_attr_set_float(turned_gemm, "alpha", 2.0f);
    /* sums -3 11; -1 -3, scaled by 1 and 0.25, in steps of 0.5 */
    EXPECT(turned_gemm, 0, 94, 106, 98, 98); /* -3 2.75; -1 -0.75: halves go to even */
    /* 0 .. 255 is quantized without loss */
    c2s_value *x = TENSOR(m, D(0, 255, 3, 4), 2, 2);
    EXPECT(MS(m, 1, "DynamicQuantizeMatMul", x, b, bs, zero, bias), 0, 766, 257, 16, 4.5);
    c2s_model_destroy(m);
}

static void blocks(void **state) {
    (void)state;
    c2s_model *m = make_model();
    /* N = 2, K = 3 in blocks of two: 1 2 | 3 (0), 15 8 | 0 (0) */
    c2s_value *b = TYPED(m, C2S_UINT8, D(0x21, 0x03, 0x8f, 0x00), 2, 2, 1);
    c2s_value *scales = TENSOR(m, D(1, 0.5, 2, 0.25), 4), *a = TENSOR(m, D(1, 10, 100), 1, 3);
    c2s_value *zeros = TYPED(m, C2S_UINT8, D(0x31, 0x08), 2); /* 1 3, 8 0 */
    c2s_node *node = MS(m, 1, "MatMulNBits", a, b, scales);
    c2s_attr_set_int(node, "K", 3);
    c2s_attr_set_int(node, "N", 2);
    c2s_attr_set_int(node, "block_size", 2);
    /* rows -7 -6 -2.5 and 14 0 -2 */
    EXPECT(node, 0, -317, -186);
    assert_int_equal(node->op->macs(node), 6);
    c2s_node *shifted = MS(m, 1, "MatMulNBits", a, b, scales, zeros, NULL, TENSOR(m, D(1, 2), 2));
    c2s_attr_set_int(shifted, "K", 3);
    c2s_attr_set_int(shifted, "N", 2);
    c2s_attr_set_int(shifted, "block_size", 2);
    /* rows 0 1 0 and 14 0 0 */
    EXPECT(shifted, 0, 11, 16);
    c2s_value *wide = TYPED(m, C2S_UINT8, D(129, 130, 131, 0, 143, 136, 128, 0), 2, 2, 2);
    c2s_node *bytes = MS(m, 1, "MatMulNBits", a, wide, scales);
    c2s_attr_set_int(bytes, "K", 3);
    c2s_attr_set_int(bytes, "N", 2);
    c2s_attr_set_int(bytes, "block_size", 2);
    c2s_attr_set_int(bytes, "bits", 8);
    /* rows 1 2 1.5 and 30 16 0 */
    EXPECT(bytes, 0, 171, 190);
    c2s_value *ids = TYPED(m, C2S_INT64, D(1, 0, 1), 3);
    c2s_value *table = TYPED(m, C2S_UINT8, D(0x21, 0x8f), 2, 1), *by_row = TENSOR(m, D(1, 2), 2, 1);
    c2s_node *gather = MS(m, 1, "GatherBlockQuantized", table, ids, by_row);
    c2s_attr_set_int(gather, "block_size", 16);
    EXPECT(gather, 0, 14, 0, -7, -6, 14, 0);
    c2s_value *small = TYPED(m, C2S_INT4, D(1, -2, 7, -8), 2, 2);
    EXPECT(MS(m, 1, "GatherBlockQuantized", small, ids, by_row), 0, 14, -16, 1, -2, 14, -16);
    c2s_model_destroy(m);
}

/* ---- attention ---- */

static c2s_node *by_heads(c2s_node *node, const char *name, int64_t heads) {
    c2s_attr_set_int(node, name, heads);
    if (strcmp(name, "q_num_heads") == 0)
        c2s_attr_set_int(node, "kv_num_heads", heads);
    return node;
}

static void rotary(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = WEIGHT(m, "x", 2, 3, 8), *cosine = WEIGHT(m, "cos", 7, 2);
    c2s_value *sine = POSITIVE(m, "sin", 7, 2);
    c2s_value *all = TYPED(m, C2S_INT64, D(2, 3, 4, 2, 3, 4), 2, 3);
    c2s_node *one = MS(m, 1, "RotaryEmbedding", x, INTS(m, "p", 2), cosine, sine);
    c2s_node *standard = by_heads(NODE(m, "RotaryEmbedding", x, cosine, sine, all), "num_heads", 2);
    expect_same(one, standard);
    expect_same(MS(m, 1, "RotaryEmbedding", x, all, cosine, sine), standard);
    c2s_model_destroy(m);
}

static void multi_head(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *q = WEIGHT(m, "q", 2, 3, 4), *k = WEIGHT(m, "k", 2, 5, 4),
              *v = WEIGHT(m, "v", 2, 5, 6);
    c2s_value *mask = TYPED(m, C2S_INT32, D(1, 1, 0, 1, 0, 1, 1, 1, 1, 1), 2, 5);
    c2s_value *hidden = TYPED(m, C2S_FLOAT, D(0, 0, -1e4, 0, -1e4, 0, 0, 0, 0, 0), 2, 1, 1, 5);
    c2s_value *lengths = TYPED(m, C2S_INT32, D(3, 5), 2);
    c2s_value *short_ones = TYPED(m, C2S_FLOAT, D(0, 0, 0, -1e4, -1e4, 0, 0, 0, 0, 0), 2, 1, 1, 5);
    c2s_value *bias = WEIGHT(m, "b", 14), *scores = WEIGHT(m, "s", 1, 2, 3, 5);
    c2s_node *plain = by_heads(MS(m, 1, "MultiHeadAttention", q, k, v), "num_heads", 2);
    expect_same(plain, by_heads(NODE(m, "Attention", q, k, v), "q_num_heads", 2));
    assert_int_equal(plain->op->macs(plain), 2 * 2 * 3 * 5 * (2 + 3));
    expect_same(by_heads(MS(m, 1, "MultiHeadAttention", q, k, v, NULL, mask), "num_heads", 2),
                by_heads(NODE(m, "Attention", q, k, v, hidden), "q_num_heads", 2));
    expect_same(by_heads(MS(m, 1, "MultiHeadAttention", q, k, v, NULL, lengths), "num_heads", 2),
                by_heads(NODE(m, "Attention", q, k, v, short_ones), "q_num_heads", 2));
    const int64_t widths[] = {4, 4, 6};
    c2s_node *split = make_node(m->graph, 3, "Split", bias, make_ints(m, "w", 3, widths), END);
    c2s_attr_set_int(split, "axis", 0);
    c2s_tensor *part[4] = {0};
    run(split, part);
    c2s_value *with[3] = {q, k, v};
    for (int i = 0; i < 3; i++)
        with[i] = fold(NODE(m, "Add", with[i], c2s_value_constant(m->graph, "part", part[i])));
    c2s_value *added = fold(NODE(m, "Add", scores, hidden));
    expect_same(
        by_heads(MS(m, 1, "MultiHeadAttention", q, k, v, bias, mask, scores), "num_heads", 2),
        by_heads(NODE(m, "Attention", with[0], with[1], with[2], added), "q_num_heads", 2));
    c2s_model_destroy(m);
}

static void attention(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = WEIGHT(m, "x", 2, 3, 5), *w = WEIGHT(m, "w", 5, 12), *b = WEIGHT(m, "b", 12);
    c2s_value *past = WEIGHT(m, "past", 2, 2, 2, 4, 2);
    c2s_value *all = fold(NODE(m, "Add", fold(NODE(m, "MatMul", x, w)), b));
    c2s_value *part[3], *axis = INTS(m, "axis", 2), *earlier[2];
    for (int k = 0; k < 3; k++)
        part[k] =
            fold(NODE(m, "Slice", all, INTS(m, "begin", 4 * k), INTS(m, "end", 4 * k + 4), axis));
    for (int k = 0; k < 2; k++)
        earlier[k] = fold(NODE(m, "Gather", past, SCALAR(m, C2S_INT64, k)));
    c2s_node *plain = by_heads(MS(m, 1, "Attention", x, w, b), "num_heads", 2);
    expect_same(plain, by_heads(NODE(m, "Attention", part[0], part[1], part[2]), "q_num_heads", 2));
    assert_int_equal(plain->op->macs(plain), 2 * 3 * 5 * 12 + 2 * 2 * 3 * 3 * (2 + 2));
    c2s_node *late = by_heads(MS(m, 1, "Attention", x, w, b, NULL, past), "num_heads", 2);
    c2s_node *wanted =
        NODE(m, "Attention", part[0], part[1], part[2], NULL, earlier[0], earlier[1]);
    c2s_attr_set_int(late, "unidirectional", 1);
    c2s_attr_set_int(wanted, "is_causal", 1);
    expect_same(late, by_heads(wanted, "q_num_heads", 2));
    c2s_node *present = make_node(m->graph, 2, "Attention", x, w, b, NULL, past, END);
    c2s_node_set_type(present, "com.microsoft", "Attention");
    by_heads(present, "num_heads", 2);
    c2s_tensor *out[4] = {0};
    run(present, out);
    assert_int_equal(out[1]->type.rank, 5);
    assert_int_equal(out[1]->type.dim[3], 7);
    assert_true(c2s_tensor_f64_at(out[1], 0) == c2s_tensor_f64_at(past->constant, 0));
    c2s_tensor_unref(out[0]);
    c2s_tensor_unref(out[1]);
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations),
        cmocka_unit_test(fused_matmul),
        cmocka_unit_test(fused_conv_and_gemm),
        cmocka_unit_test(normalisations),
        cmocka_unit_test(embedding),
        cmocka_unit_test(qlinear),
        cmocka_unit_test(qlinear_windows),
        cmocka_unit_test(integer_products),
        cmocka_unit_test(blocks),
        cmocka_unit_test(rotary),
        cmocka_unit_test(multi_head),
        cmocka_unit_test(attention),
        cmocka_unit_test(definitions_ran_on_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
