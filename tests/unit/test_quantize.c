/* SPDX-License-Identifier: Apache-2.0 */
/* The pass quantize: what is quantized for which target, and what is not. That the results mean
 * what ONNX Runtime computes is for tests/ort. */
#include "unit/quantized_case.h"

#define WEIGHTS                                                                                    \
    "<float[2,2,1,1] w = {1.0, -2.0, 0.5, 0.25}, float[2] b = {0.5, -1.0}, float[2,2,1,1] v = "    \
    "{0.5, 0.1, -1.0, 0.3}, float[2,3] m = {0.5, -0.2, 0.1, 1.0, 0.3, -0.7}, float[3] d = {0.1, "  \
    "0.2, 0.3}, float zero = {0.0}, float six = {6.0}, float one = {1.0}, float least = {-1.0}, "  \
    "int64[2] flat = {0, -1}, int64[1] two = {2}, int64[2] cut = {1, 1}>\n"
#define IMAGES(body) "g (float[1,2,4,4] x) => (float[1,2,4,4] y)\n" WEIGHTS "{" body "}"
#define MATRIX(body) "g (float[4,2] x) => (float[4,3] y)\n" WEIGHTS "{" body "}"
#define FORCED       "force"

/* ---- ort-cpu ---- */

static void sums_of_products_run_on_integers(void **state) {
    (void)state;
    check_quantized(17, FORCED, 0.02, IMAGES("y = Conv(x, w, b)"), "Conv qWb>q");
    check_quantized(17, FORCED, 0.02, IMAGES("y = Conv(x, w)"), "Conv qW>q");
    check_quantized(17, FORCED ", per_channel=no", 0.02, IMAGES("y = Conv(x, w, b)"), "Conv qwb>q");
    check_quantized(17, FORCED ", weights=uint8", 0.02, IMAGES("y = Conv(x, w, b)"), "Conv qWb>q");
    /* Products of matrices may give floats, and do where nobody wants codes. */
    check_quantized(17, FORCED, 0.02, MATRIX("y = Gemm(x, m, d)"), "Gemm qWb>");
    check_quantized(17, FORCED, 0.02, MATRIX("y = MatMul(x, m)"), "MatMul qW>");
    check_quantized(17, FORCED, 0.02,
                    "g (float[2,2] x) => (float[2,2] y) <float[2,2] m = {1.0, 2.0, 3.0, -1.0}> "
                    "{ a = MatMul(x, m) y = MatMul(a, m) }",
                    "MatMul qW>q MatMul qW>");
    /* ONNX Runtime makes one of a product and the vector added to it, if it can flatten x; with an
     * activation behind only if a quantizer is there. */
    check_quantized(17, FORCED, 0.02, MATRIX("a = MatMul(x, m) y = Add(a, d)"),
                    "MatMul qW> Add .b>");
    check_quantized(17, FORCED, 0.02, MATRIX("a = MatMul(x, m) c = Add(d, a) y = Relu(c)"),
                    "MatMul qW> Add b.> Relu .>q");
    check_quantized(17, FORCED, 0.02, MATRIX("a = MatMul(x, m) c = Add(d, a) y = Tanh(c)"),
                    "MatMul qW> Add b.>q Tanh q>");
    check_quantized(17, FORCED, 0.02, MATRIX("c = Gemm(x, m, d) y = Tanh(c)"),
                    "Gemm qWb>q Tanh q>");
    check_quantized(17, FORCED, 0.02,
                    "g (float[N,4,2] x) => (float[N,4,3] y)\n" WEIGHTS
                    "{ a = MatMul(x, m) y = Add(a, d) }",
                    "MatMul qW> Add ..>");
    check_quantized(17, FORCED, 0.02,
                    "g (float[2,2] x, float[2,2] z) => (float[2,2] y) { y = MatMul(x, z) }",
                    "MatMul qq>");
    /* Several matrices with scales per column are fused, and fail when the model runs. */
    check_quantized(17, FORCED, 0.02,
                    "g (float[2,1,2] x) => (float[2,1,2] y) <float[2,2,2] m = {1.0, 2.0, 3.0, "
                    "-1.0, 0.5, 0.25, 1.5, -2.0}> { y = MatMul(x, m) }",
                    "MatMul qw>");
}

static void clamps_vanish_where_the_quantizer_saturates(void **state) {
    (void)state;
    check_quantized(17, FORCED, 0.02, IMAGES("a = Conv(x, w, b) y = Relu(a)"),
                    "Conv qWb> Relu .>q");
    check_quantized(17, FORCED, 0.02, IMAGES("a = Conv(x, w, b) y = Clip(a, zero, six)"),
                    "Conv qWb> Clip ...>q");
    check_quantized(17, FORCED, 0.03, IMAGES("a = Conv(x, w, b) y = Clip(a, least, one)"),
                    "Conv qWb> Clip ...>q");
    /* Another reader sees what is not clamped. */
    check_left(17, FORCED, IMAGES("a = Conv(x, w, b) r = Relu(a) y = Add(r, a)"),
               "Conv qWb>q Relu q> Add .q>", "done with");
    check_left(17, FORCED, IMAGES("y = Relu(x)"), "Relu .>", "done with");
    /* The first of two alone. */
    check_left(17, FORCED, IMAGES("a = Conv(x, w, b) r = Relu(a) s = Relu(r) y = Conv(s, v)"),
               "Conv qWb> Relu .>q Relu q>q Conv qW>q", "a clamp is in front of it");
    /* Bounds that are computed. */
    check_left(17, FORCED,
               "g (float[1,2,4,4] x, float top) => (float[1,2,4,4] y)\n" WEIGHTS
               "{ a = Conv(x, w) y = Clip(a, zero, top) }",
               "Conv qW>q Clip q..>", "bounds are computed");
}

static void movers_keep_the_scale(void **state) {
    (void)state;
    check_quantized(17, FORCED, 0.03,
                    IMAGES("a = Conv(x, w, b) t = Transpose<perm = [0, 2, 3, 1]>(a) u = "
                           "Transpose<perm = [0, 3, 1, 2]>(t) y = Conv(u, v)"),
                    "Conv qWb>q Transpose q>q Transpose q>q Conv qW>q");
    check_quantized(17, FORCED, 0.03,
                    IMAGES("a = Conv(x, w, b) p = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, "
                           "1]>(a) y = Conv(p, v)"),
                    "Conv qWb>q MaxPool q>q Conv qW>q");
    /* Alone between floats they would only add conversions. */
    check_quantized(17, FORCED, 0,
                    IMAGES("t = Sin(x) u = Transpose<perm = [0, 1, 3, 2]>(t) y = Cos(u)"),
                    "Sin .> Transpose .> Cos .>");
}

static void elementwise_operators_follow_the_sums(void **state) {
    (void)state;
    const char *residual = IMAGES("a = Conv(x, w, b) c = Conv(a, v) y = Add(a, c)");
    check_quantized(17, FORCED, 0.03, residual, "Conv qWb>q Conv qW>q Add qq>q");
    check_quantized(17, FORCED, 0.03,
                    IMAGES("a = Conv(x, w) s = Sigmoid(a) t = Mul(a, s) y = Conv(t, v)"),
                    "Conv qW>q Sigmoid q>q Mul qq>q Conv qW>q");
    /* At the end the results of fewer operators are rounded, and no conversion is saved. */
    check_left(17, FORCED, IMAGES("a = Conv(x, w) s = Sigmoid(a) y = Mul(a, s)"),
               "Conv qW>q Sigmoid q> Mul q.>", "less than what conversions cost");
    check_quantized(17, "", 0, IMAGES("s = Sigmoid(x) y = Mul(x, s)"), "Sigmoid .> Mul ..>");
    check_quantized(17, FORCED, 0.03,
                    "g (float[1,2,4,4] x) => (float[1,4,4,4] y)\n" WEIGHTS
                    "{ a = Conv(x, w) c = Conv(x, v) y = Concat<axis = 1>(a, c) }",
                    "Conv qW>q Conv qW>q Concat qq>q");
}

static void what_the_runtime_lacks_stays(void **state) {
    (void)state;
    static const char *const domains[] = {"", "com.microsoft."};
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        char text[1000];
        snprintf(text, sizeof text,
                 "g (float[1,2,4,4] x) => (float[1,2,4,4] y)\n<float[2,2,1,1] w = {1.0, -2.0, 0.5, "
                 "0.25}, float s = {0.1}, uint8 z = {128}> { q = %sQuantizeLinear(x, s, z) a = "
                 "%sDequantizeLinear(q, s, z) y = Conv(a, w) }",
                 domains[i], domains[i]);
        check_left(17, FORCED, text, "Conv q.>", "quantized already");
    }
    check_left(17, FORCED,
               "g (float[1,2,4,4] x) => (float[1,2,4,4] y)\n" WEIGHTS "{ y = ConvTranspose(x, w) }",
               "ConvTranspose ..>", "does not compute it on integers");
    check_left(17, FORCED, IMAGES("a = Conv(x, w) t = Tanh(a) y = Conv(t, v)"),
               "Conv qW>q Tanh q>q Conv qW>q", "does not compute it on integers");
    check_left(17, FORCED, MATRIX("y = Gemm<alpha = 2.0>(x, m, d)"), "Gemm ...>", "alpha");
    check_left(17, FORCED,
               "g (float[1,2,4,4] x, float[2] c) => (float[1,2,4,4] y)\n" WEIGHTS
               "{ y = Conv(x, w, c) }",
               "Conv ...>", "the bias is computed");
    check_left(
        17, FORCED,
        "g (float16[1,2,4,4] x) => (float16[1,2,4,4] y) <float16[2,2,1,1] w = {1.0, -2.0, 0.5, "
        "0.25}> { y = Conv(x, w) }",
        "Conv >", "no float32");
    check_left(17, FORCED,
               "g (float[1,2,4,4] x) => (float[1,2,8,8] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}, "
               "float[2,2,1,1] w = {1.0, -2.0, 0.5, 0.25}> { a = Conv(x, w) y = Resize<mode = "
               "\"linear\">(a, \"\", s) }",
               "Conv qW>q Resize q.>", "nearest");
}

#define PRODUCT(n, k)                                                                              \
    "g (float[" n "," k "] x, float[" k "," n "] z) => (float[" n "," n "] y) { y = MatMul(x, z) " \
    "}"

/* Where products are few for what is converted, only VNNI pays; where they are many, AVX2 does. */
static void what_pays_depends_on_the_processor(void **state) {
    (void)state;
    check_left(17, "cpu=avx2", PRODUCT("256", "24"), "MatMul ..>", "conversions");
    check_quantized(17, "cpu=vnni", 0.1, PRODUCT("256", "24"), "MatMul qq>");
    check_left(17, "cpu=vnni", PRODUCT("256", "2"), "MatMul ..>", "conversions");
    check_quantized(17, "cpu=avx2", 0.3, /* sums of waves cancel */ PRODUCT("256", "256"),
                    "MatMul qq>");
}

static void nodes_are_chosen_by_name(void **state) {
    (void)state;
    const char *two = IMAGES("[first] a = Conv(x, w) [second] y = Conv(a, v)");
    check_left(17, FORCED ", exclude=second", two, "Conv qW>q Conv q.>", "excluded");
    check_left(17, FORCED ", exclude=fir*", two, "Conv ..>q Conv qW>q", "excluded");
    check_left(17, FORCED ", include=first", two, "Conv qW>q Conv q.>", "not included");
    check_quantized(17, FORCED ", include=first; sec*", 0.05, two, "Conv qW>q Conv qW>q");
    check_fails("include=first;fist", two, C2S_ERR_USAGE, "\"fist\" is neither");
    check_fails("exclude=Gemm", two, C2S_ERR_USAGE, "exclude: \"Gemm\"");
    check_fails("target=cpu", two, C2S_ERR_USAGE, "ort-cpu, tensorrt");
    check_fails("activations=int9", two, C2S_ERR_USAGE, "expected a type");
    check_fails("activations=uint16", two, C2S_ERR_USAGE, "target ort-cpu does not take them");
}

/* ---- other targets ---- */

static void tensorrt_quantizes_inputs(void **state) {
    (void)state;
    const char *forced = FORCED ", target=tensorrt";
    check_quantized(17, forced, 0.03, IMAGES("y = Conv(x, w, b)"), "Conv qW.>");
    check_quantized(17, forced, 0.03, IMAGES("a = Conv(x, w, b) r = Relu(a) y = Conv(r, v)"),
                    "Conv qW.> Relu .>q Conv qW>");
    /* Of a residual sum the skip branch alone. */
    check_quantized(
        17, forced, 0.03,
        IMAGES("a = Conv(x, w, b) r = Relu(a) c = Conv(r, v) s = Add(c, r) y = Relu(s)"),
        "Conv qW.> Relu .>q Conv qW> Add .q> Relu .>");
    check_quantized(
        17, forced, 0.03,
        IMAGES("a = Conv(x, w) r = Relu(a) c = Conv(r, v) s = Conv(x, w) y = Add(s, c)"),
        "Conv qW> Relu .>q Conv qW> Conv qW>q Add q.>");
}

static void openvino_quantizes_operands(void **state) {
    (void)state;
    const char *forced = FORCED ", target=openvino";
    check_quantized(17, forced, 0.03, IMAGES("a = Conv(x, w, b) h = HardSwish(a) y = Conv(h, v)"),
                    "Conv qW.> HardSwish .>q Conv qW>");
    check_quantized(17, forced, 0.05,
                    "g (float[1,2,4,4] x) => (float[1,2,4,4] y)\n<float[2,2,1,1] w = {1.0, -2.0, "
                    "0.5, 0.25}, float[2,4,1,1] k = {1.0, -2.0, 0.5, 0.25, 1.0, 1.5, 0.1, 0.3}>"
                    "{ a = Conv(x, w) c = Relu(x) e = Concat<axis = 1>(a, c) y = Conv(e, k) }",
                    "Conv qW>q Relu .>q Concat qq>q Conv qW>");
}

static void qnn_quantizes_everything(void **state) {
    (void)state;
    check_quantized(17, "target=qnn", 0.05, IMAGES("a = Conv(x, w, b) t = Tanh(a) y = Sub(t, x)"),
                    "Conv qWb>q Tanh q>q Sub qq>q");
    check_quantized(17, "target=qnn", 0.05, MATRIX("y = MatMul(x, m)"), "MatMul qw>q");
    check_quantized(17, "target=qnn, activations=uint16", 0.02, IMAGES("y = Conv(x, w, b)"),
                    "Conv qWb>q");
}

static void generic_keeps_to_what_all_know(void **state) {
    (void)state;
    check_quantized(17, FORCED ", target=generic", 0.03, IMAGES("a = Conv(x, w, b) y = Sigmoid(a)"),
                    "Conv qWb> Sigmoid .>");
    check_quantized(17, FORCED ", target=generic", 0.02,
                    "g (float[2,1,2] x) => (float[2,1,2] y) <float[2,2,2] m = {1.0, 2.0, 3.0, "
                    "-1.0, 0.5, 0.25, 1.5, -2.0}> { y = MatMul(x, m) }",
                    "MatMul qw>");
    check_quantized(17, FORCED ", target=generic, activations=int16", 0.02,
                    IMAGES("y = Conv(x, w, b)"), "Conv qWb>");
}

/* What bounds one of those that share a scale must not clip the others. */
static void codes_reach_as_far_as_all_that_share_them(void **state) {
    (void)state;
#define JOINED(body)                                                                               \
    "g (float[1,2,4,4] x) => (float[1,2,4,4] y)\n<float[2,2,1,1] w = {1.0, -2.0, 0.5, 0.25}, "     \
    "float[2,2,1,1] v = {0.5, 0.1, -1.0, 0.3}, float[2,4,1,1] k = {1.0, -2.0, 0.5, 0.25, 1.0, "    \
    "1.5, 0.1, 0.3}, float least = {-1.0}, float six = {6.0}> {" body                              \
    "e = Concat<axis = 1>(r, d) y = Conv(e, k) }"
    const char *sums = JOINED("a = Conv(x, w) r = Relu(a) d = Conv(x, v) ");
    check_quantized(17, FORCED ", target=generic", 0.03, sums,
                    "Conv qW> Relu .>q Conv qW>q Concat qq>q Conv qW>");
    check_quantized(17, "target=qnn", 0.05, sums,
                    "Conv qW> Relu .>q Conv qW>q Concat qq>q Conv qW>q");
    check_quantized(17, "target=qnn", 0.05, JOINED("r = Sigmoid(x) d = Tanh(x) "),
                    "Sigmoid q>q Tanh q>q Concat qq>q Conv qW>q");
    check_quantized(17, "target=qnn", 0.05, JOINED("r = Sigmoid(x) d = Neg(x) "),
                    "Sigmoid q>q Neg q>q Concat qq>q Conv qW>q");
    /* With zero points in the middle no scale suits both bounds. */
    check_quantized(17, FORCED ", target=generic, symmetric=yes", 0.04,
                    IMAGES("a = Conv(x, w, b) r = Clip(a, least, six) y = Conv(r, v)"),
                    "Conv qWb> Clip ...>q Conv qW>");
}

static void infinite_constants_stay(void **state) {
    (void)state;
    const char *left = "NaN or infinite";
    check_left(17, FORCED ", target=generic",
               "g (float[4,2] x) => (float[4,3] y)\n<float[2,3] m = {0.5, -0.2, 0.1, 1.0, 0.3, "
               "-0.7}, float[3] d = {0.0, -inf, 0.0}> { a = MatMul(x, m) c = Add(a, d) y = "
               "Softmax(c) }",
               "MatMul qW> Add ..> Softmax .>", left);
    check_left(17, FORCED,
               "g (float[1,2,4,4] x) => (float[1,2,4,4] y)\n<float[2,2,1,1] w = {1.0, -2.0, 0.5, "
               "0.25}, float[2] b = {-inf, 1.0}> { a = Conv(x, w, b) y = Relu(a) }",
               "Conv ...> Relu .>", left);
}

/* A mask's numbers would take all codes, and Softmax does not see how far down they are. */
static void what_a_mask_hides_takes_no_codes(void **state) {
    (void)state;
    static const char *const masks[] = {"-10000.0", "-1000000000.0"};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "g (float[4,6] x) => (float[4,6] y)\n<float[6] m = {0.0, 0.0, 0.0, %s, 0.0, %s}> "
                 "{ a = Add(x, m) y = Softmax(a) }",
                 masks[i], masks[i]);
        check_quantized(17, "target=qnn", 0.1, text, "Add qw>q Softmax q>q");
    }
}

/* Products of two scales that are so small that an int32 bias would not fit. */
static void biases_fit_beside_computed_weights(void **state) {
    (void)state;
    check_quantized(17, FORCED, 0.02,
                    "g (float[4,2] x, float[2,3] w) => (float[4,3] y)\n<float small = {0.00001}, "
                    "float[3] d = {5.0, -3.0, 4.0}> { a = Sin(x) c = Mul(a, small) e = Sin(w) f = "
                    "Mul(e, small) y = Gemm(c, f, d) }",
                    "Sin .> Mul ..>q Sin .> Mul ..>q Gemm qqb>");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_products_run_on_integers),
        cmocka_unit_test(clamps_vanish_where_the_quantizer_saturates),
        cmocka_unit_test(movers_keep_the_scale),
        cmocka_unit_test(elementwise_operators_follow_the_sums),
        cmocka_unit_test(what_the_runtime_lacks_stays),
        cmocka_unit_test(what_pays_depends_on_the_processor),
        cmocka_unit_test(nodes_are_chosen_by_name),
        cmocka_unit_test(tensorrt_quantizes_inputs),
        cmocka_unit_test(openvino_quantizes_operands),
        cmocka_unit_test(qnn_quantizes_everything),
        cmocka_unit_test(generic_keeps_to_what_all_know),
        cmocka_unit_test(codes_reach_as_far_as_all_that_share_them),
        cmocka_unit_test(infinite_constants_stay),
        cmocka_unit_test(what_a_mask_hides_takes_no_codes),
        cmocka_unit_test(biases_fit_beside_computed_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
