/* SPDX-License-Identifier: Apache-2.0
 *
 * Multiply-accumulates: every operator of ONNX that counts them, with a count derived by hand from
 * the operator's definition. Products that are summed count, of two operands or of an operand and
 * fixed coefficients; elementwise products, sums and maxima do not.
 */
#include "ops/op_versions.h"
#include "run_text.h"

static const struct {
    const char *text;
    int64_t macs;
} counts[] = {
    /* outputs x inputs per output: 16 x 8 x 8 x (3 x 3 x 3) */
    {"g (float[1,3,10,10] x, float[16,3,3,3] w) => (y) { y = Conv (x, w) }", 16 * 64 * 27},
    {"g (float[2,4,6] x, float[8,2,3] w) => (y) { y = Conv <group = 2> (x, w) }", 2 * 8 * 4 * 6},
    {"g (uint8[1,3,10,10] x, uint8[16,3,3,3] w) => (y) { y = ConvInteger (x, w) }", 16 * 64 * 27},
    {"g (uint8[1,3,10,10] x, float s, uint8 z, uint8[16,3,3,3] w) => (y)"
     "{ y = QLinearConv (x, s, z, w, s, z, s, z) }",
     16 * 64 * 27},
    /* each input meets every output channel at every kernel position */
    {"g (float[1,4,5,5] x, float[4,2,3,3] w) => (y) { y = ConvTranspose (x, w) }", 4 * 25 * 2 * 9},
    {"g (float[1,4,5,5] x, float[4,2,3,3] w) => (y) { y = ConvTranspose <group = 2> (x, w) }",
     4 * 25 * 2 * 9},
    {"g (float[1,2,4,4] x, float[3,2,2,2] w, float[1,8,3,3] o) => (y) { y = DeformConv (x, w, o) }",
     3 * 9 * 8},
    {"g (float[2,6,5] x, float[6,1,3] w) => (y) { y = CausalConvWithState (x, w) }", 2 * 6 * 5 * 3},
    {"g (float[2,3] a, float[3,4] b) => (y) { y = MatMul (a, b) }", 2 * 3 * 4},
    {"g (float[5,1,2,3] a, float[7,3,4] b) => (y) { y = MatMul (a, b) }", 5 * 7 * 2 * 3 * 4},
    {"g (float[3] a, float[3] b) => (y) { y = MatMul (a, b) }", 3},
    {"g (uint8[2,3] a, uint8[3,4] b) => (y) { y = MatMulInteger (a, b) }", 2 * 3 * 4},
    {"g (uint8[2,3] a, float s, uint8 z, uint8[3,4] b) => (y)"
     "{ y = QLinearMatMul (a, s, z, b, s, z, s, z) }",
     2 * 3 * 4},
    {"g (float[3,2] a, float[4,3] b) => (y) { y = Gemm <transA = 1, transB = 1> (a, b) }",
     2 * 3 * 4},
    {"g (float[2,3] a, float[3,4] b) => (y) { y = Einsum <equation = \"ij,jk->ik\"> (a, b) }",
     2 * 3 * 4},
    {"g (float[2,3] a) => (y) { y = Einsum <equation = \"ij->j\"> (a) }", 0},
    /* scores and mixture: batch x heads x queries x keys x (width of keys + width of values) */
    {"g (float[2,3,4,8] q, float[2,3,6,8] k, float[2,3,6,5] v) => (y) { y = Attention (q, k, v) }",
     2 * 3 * 4 * 6 * (8 + 5)},
    {"g (float[2,3,4,8] q, float[2,3,6,8] k, float[2,3,6,5] v) => (y)"
     "{ y = ai.onnx.preview.FlexAttention (q, k, v) }",
     2 * 3 * 4 * 6 * (8 + 5)},
    /* per position and key head: the outer product, a reading for the query and one for the key */
    {"g (float[2,4,6] q, float[2,4,6] k, float[2,4,10] v) => (y)"
     "{ y = LinearAttention <q_num_heads = 2, kv_num_heads = 2, update_rule = \"delta\"> (q, k, v) "
     "}",
     2 * 4 * 3 * 5 * (2 + 2 + 2)},
    /* steps x batch x gates x hidden x (inputs + hidden) */
    {"g (float[5,2,3] x, float[1,16,3] w, float[1,16,4] r) => (y)"
     "{ y = LSTM <hidden_size = 4> (x, w, r) }",
     5 * 2 * 4 * 4 * (3 + 4)},
    {"g (float[5,2,3] x, float[2,12,3] w, float[2,12,4] r) => (y)"
     "{ y = GRU <hidden_size = 4, direction = \"bidirectional\"> (x, w, r) }",
     2 * 5 * 2 * 3 * 4 * (3 + 4)},
    {"g (float[5,2,3] x, float[1,4,3] w, float[1,4,4] r) => (y)"
     "{ y = RNN <hidden_size = 4> (x, w, r) }",
     5 * 2 * 4 * (3 + 4)},
    /* each number of the spectrum is a sum over the numbers of its line */
    {"g (float[2,8,1] x) => (y) { y = DFT <onesided = 1> (x) }", 2 * 5 * 2 * 8},
    {"g (float[2,8,2] x) => (y) { y = DFT (x) }", 2 * 8 * 2 * 8 * 2},
    {"g (float[1,20,1] x, float[8] w) => (y) <int64 step = {4}> { y = STFT (x, step, w) }",
     4 * 5 * 2 * 8},
    {"g (float[1,20,1] x) => (y) <int64 step = {4}, int64 n = {8}> { y = STFT (x, step, \"\", n) }",
     4 * 5 * 2 * 8},
    /* elimination: n^3 / 3 */
    {"g (float[2,3,8] a, uint8[24] b, float[3] s) => (y) { y = com.microsoft.MatMulBnb4 <K = 8, N "
     "= 6,"
     "block_size = 16, quant_type = 1> (a, b, s) }",
     2 * 3 * 6 * 8},
    /* tokens x chosen experts x weights of both layers */
    {"g (float[5,4] x, float[5,3] r, float[3,6,4] a, float[3,4,6] b) => (y)"
     "{ y = com.microsoft.MoE <k = 2> (x, r, a, \"\", b) }",
     5 * 2 * (6 * 4 + 4 * 6)},
    {"g (float[5,3] a, float[7,3] b) => (y) { y = com.microsoft.CDist (a, b) }", 5 * 7 * 3},
    {"g (float[5,3,3] x) => (y) { y = com.microsoft.Inverse (x) }", 5 * 9 * 3 * 2},
    {"g (float[5,3,3] x) => (y) { y = Det (x) }", 5 * 9},
    /* two coordinates of a row of theta for each number */
    {"g (float[1,2,3] t) => (y) <int64[4] n = {1, 1, 4, 5}> { y = AffineGrid (t, n) }",
     4 * 5 * 2 * 2},
    /* neighbours per output */
    {"g (float[1,1,3,3] x, float[1,4,4,2] at) => (y) { y = GridSample (x, at) }", 16 * 4},
    {"g (float[1,1,3,3] x, float[1,4,4,2] at) => (y) { y = GridSample <mode = \"cubic\"> (x, at) }",
     16 * 16},
    {"g (float[1,1,3,3] x, float[1,4,4,2] at) => (y) { y = GridSample <mode = \"nearest\"> (x, at) "
     "}",
     0},
    {"g (float[1,1,3,3] x) => (y) <float[4] s = {1, 1, 2, 2}> { y = Resize (x, \"\", s) }", 0},
    {"g (float[1,1,3,3] x) => (y) <float[4] s = {1, 1, 2, 2}>"
     "{ y = Resize <mode = \"linear\"> (x, \"\", s) }",
     36 * 4},
    {"g (float[1,2,8,8] x, float[3,4] r, int64[3] b) => (y)"
     "{ y = RoiAlign <output_height = 2, output_width = 2, sampling_ratio = 2> (x, r, b) }",
     3 * 2 * 4 * 4 * 4},
    {"g (float[5,3] x) => (y) { y = ai.onnx.ml.LinearRegressor "
     "<coefficients = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], targets = 2> (x) }",
     5 * 3 * 2},
    /* a kernel with each of two vectors of three features, and the sum of them */
    {"g (float[5,3] x) => (y) { y = ai.onnx.ml.SVMRegressor <n_supports = 2,"
     "support_vectors = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], coefficients = [1.0, 2.0]> (x) }",
     5 * (2 * 3 + 2)},
    /* three classes of one vector each: three pairs, each the sum over two vectors */
    {"g (float[5,1] x) => (l, y) { l, y = ai.onnx.ml.SVMClassifier <classlabels_ints = [1, 2, 3],"
     "vectors_per_class = [1, 1, 1], support_vectors = [1.0, 2.0, 3.0], rho = [0.0, 0.0, 0.0],"
     "coefficients = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]> (x) }",
     5 * (3 + 3 * 2)},
    {"g (float[5,2] x) => (l, y) { l, y = ai.onnx.ml.LinearClassifier "
     "<coefficients = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], classlabels_ints = [1, 2, 3]> (x) }",
     5 * 2 * 3},
};

static void counts_by_hand(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        c2s_model *model = model_of_text(26, counts[i].text);
        if (c2s_graph_infer(model->graph) != C2S_OK)
            fail_msg("%s\n%s", c2s_error(), counts[i].text);
        const c2s_node *node = model->graph->last;
        assert_non_null(node->op->macs);
        const int64_t found = node->op->macs(node);
        if (found != counts[i].macs)
            fail_msg("%s\ncounts %lld, expected %lld", counts[i].text, (long long)found,
                     (long long)counts[i].macs);
        c2s_model_destroy(model);
    }
}

static bool is_counted(const c2s_op *op) {
    char call[64];
    snprintf(call, sizeof call, "%s%s ", op->domain[0] ? "." : "= ", op->type);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (strstr(counts[i].text, call))
            return true;
    return false;
}

static void every_operator_is_counted(void **state) {
    (void)state;
    size_t count;
    const c2s_op *const *ops = c2s_op_all(&count);
    for (size_t i = 0; i < count; i++)
        if (ops[i]->macs && c2s_op_versions_of(ops[i]->domain, ops[i]->type) && !is_counted(ops[i]))
            fail_msg("%s %s has no count above", ops[i]->domain, ops[i]->type);
}

/* What a caller may give, and need not, counts as the model gives it. */
static void overridable_shapes_are_known(void **state) {
    (void)state;
    c2s_model *model =
        model_of_text(12, "g (float[2,3] x, int64[2] s = {3, 2}, float[2,5] w) => (y)"
                          "{ t = Reshape (x, s) y = MatMul (t, w) }");
    c2s_counts cost;
    assert_int_equal(c2s_model_count(model, &cost), C2S_OK);
    assert_int_equal(cost.macs, 3 * 2 * 5);
    assert_int_equal(c2s_graph_input_count(model->graph), 3);
    c2s_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_hand),
        cmocka_unit_test(every_operator_is_counted),
        cmocka_unit_test(overridable_shapes_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
