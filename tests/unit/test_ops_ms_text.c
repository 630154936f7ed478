/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators and forms of com.microsoft that the CPU build of ONNX Runtime does not execute, held
 * against what its documentation says they compute: by operators of ai.onnx, or by hand.
 */
#include "run_text.h"

/* The text gives y and the same in other words, whose differences must be 0. */
static void expect_equal(const char *operands, const char *nodes, const char *zeros) {
    char text[4096];
    snprintf(text, sizeof text, "g () => (d) <%s> { %s d = Sub (y, z) }", operands, nodes);
    expect_run(21, text, zeros);
}

static void channels_stand_last(void **state) {
    (void)state;
    expect_equal(
        "float[1,3,3,2] x = {1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9},"
        "float[1,2,2,2] w = {1,0,2,1,0,1,1,3}, float[1] b = {5}, float[1,2,2,1] s = {1,2,3,4}",
        "t = Transpose <perm = [0,3,1,2]> (x) c = Conv (t, w, b)"
        "z0 = Transpose <perm = [0,2,3,1]> (c) z = Add (z0, s)"
        "y0 = com.microsoft.NhwcConv (x, w, b) y = Add (y0, s)",
        "[1,2,2,1] 0 0 0 0");
    expect_equal("float[1,2,2,1] x = {1,-2,3,-4}, float[1,1,1,1] w = {2},"
                 "float[1,2,2,1] s = {0,1,-9,0}, float[1,2,2,1] z = {2,0,0,0}",
                 "y = com.microsoft.NhwcFusedConv <activation = \"Relu\"> (x, w, \"\", s)",
                 "[1,2,2,1] 0 0 0 0");
}

static void groups_are_normalised(void **state) {
    (void)state;
    /* Channels 0, 1 and 2, 3 of two positions. */
#define GROUPS                                                                                     \
    "float[1,2,1,4] x = {1,3,0,4, 1,3,0,4}, float[4] g = {1,2,1,1}, float[4] b = {0,0,0,1},"       \
    "float[2] k = {0,0}"
    expect_run(21,
               "g () => (y) <" GROUPS "> { y = com.microsoft.GroupNorm <groups = 2, activation = 0,"
               "epsilon = 0.0> (x, g, b) }",
               "[1,2,1,4] -1 2 -1 2 -1 2 -1 2");
    expect_equal(GROUPS,
                 "n = com.microsoft.GroupNorm <groups = 2, activation = 0> (x, g, b)"
                 "e = Sigmoid (n) z = Mul (n, e)"
                 "y = com.microsoft.GroupNorm <groups = 2, activation = 1> (x, g, b)",
                 "[1,2,1,4] 0 0 0 0 0 0 0 0");
    expect_run(
        21,
        "g () => (s, y) <float[1,2,1,2] x = {1,3,5,7}, float[2] g = {1,1}, float[2] b = {0,0},"
        "float[1,2] k = {1,1}, float[2] c = {0,-2}> {"
        "y, s = com.microsoft.SkipGroupNorm <groups = 2, activation = 0, channels_last = 0,"
        "epsilon = 0.0> (x, g, b, k, c) }",
        "[1,2,1,2] 2 4 4 6 | [1,2,1,2] -1 1 -1 1");
#undef GROUPS
}

static void sums_are_fused(void **state) {
    (void)state;
    expect_equal("float[2,2,2] x = {1,2,3,4,5,6,7,8}, float[2,2] b = {1,0,0,-1}",
                 "s = Add (x, b) f = Flatten (s) m = Softmax (f) h = Shape (s) z = Reshape (m, h)"
                 "y = com.microsoft.BiasSoftmax <axis = 1, is_inner_broadcast = 0> (x, b)",
                 "[2,2,2] 0 0 0 0 0 0 0 0");
    expect_run(
        21,
        "g () => (y, v) <float[1,1,2] x = {1,2}, float[2] b = {10,20}, float[1,1,2] s = {5,6},"
        "float[1,1,1] w = {2}> { y = com.microsoft.BiasAdd (x, b, s)"
        "v = com.microsoft.GatedAdd (x, s, w) }",
        "[1,1,2] 16 28 | [1,1,2] 11 14");
    expect_equal("float[1,1,4] x = {1,2,3,4}, float[4] b = {0,1,0,-2}, float[1,1,2] l = {1,3},"
                 "float[1,1,2] r = {3,2}",
                 "e = Gelu (r) z = Mul (l, e) y = com.microsoft.BiasSplitGelu (x, b)",
                 "[1,1,2] 0 0");
    expect_equal("float[2,3] a = {1,2,3,4,5,6}, float[2,3] b = {1,0,0,0,1,1}",
                 "p = com.microsoft.FusedMatMul <transB = 1, alpha = 0.5> (a, b)"
                 "z = Softmax <axis = 0> (p)"
                 "y = com.microsoft.FusedMatMulActivation <transB = 1, alpha = 0.5,"
                 "activation = \"Softmax\", activation_axis = 0> (a, b)",
                 "[2,2] 0 0 0 0");
}

static void integers_are_multiplied(void **state) {
    (void)state;
    expect_run(21,
               "g () => (y, u, m) <int16[1,2] a = {-300, 2}, int16[2,1] b = {200, 7},"
               "uint16[1,2] c = {65535, 1}, uint16[2,1] d = {65535, 0},"
               "uint8[2] e = {10, 250}, uint8 f = {20}, uint8[2] h = {3, 4}>"
               "{ y = com.microsoft.MatMulInteger16 (a, b) u = com.microsoft.MatMulInteger16 (c, d)"
               "m = com.microsoft.MulInteger (e, f, h) }",
               "[1,1] -59986 | [1,1] 4.2948e+09 | [2] -30 920");
    expect_run(21,
               "g () => (y) <uint8[2,2] x = {10, 20, 30, 50}, float s = {0.5}, uint8 z = {10},"
               "float t = {0.25}, uint8 v = {100}> {"
               "y = com.microsoft.QLinearReduceMean <axes = [1], keepdims = 0> (x, s, z, t, v) }",
               "[2] 110 160"); /* 0 5 and 10 20: 2.5 and 15 in steps of 0.25 */
}

static void packed_operands(void **state) {
    (void)state;
    /* Two positions, two heads of two elements. */
#define ROWS                                                                                       \
    "float[1,2,4] q = {1,2,3,4,5,6,7,8}, float[1,2,4] k = {1,0,2,0,0,1,0,2},"                      \
    "float[1,2,4] v = {1,2,3,4,9,8,7,6}, int64[5] h = {1,2,2,1,2}, int64[5] f = {1,2,2,-1,2}"
#define PLAIN "z = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v)"
    expect_equal(ROWS,
                 "q5 = Reshape (q, h) k5 = Reshape (k, h) v5 = Reshape (v, h)"
                 "p = Concat <axis = 3> (q5, k5, v5)"
                 "y = com.microsoft.MultiHeadAttention <num_heads = 2> (p)" PLAIN,
                 "[1,2,4] 0 0 0 0 0 0 0 0");
    expect_equal(ROWS,
                 "k5 = Reshape (k, h) v5 = Reshape (v, h) p = Concat <axis = 3> (k5, v5)"
                 "y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, p)" PLAIN,
                 "[1,2,4] 0 0 0 0 0 0 0 0");
    /* A buffer of four positions, one of which holds the past. */
    expect_equal(
        ROWS ", float[1,2,1,2] a = {1,1,2,2}, float[1,2,1,2] b = {3,1,0,5},"
             "int32[1] one = {1}, int64[8] pads = {0,0,0,0,0,0,3,0}",
        "c = Pad (a, pads) e = Pad (b, pads)"
        "z = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v, \"\", \"\", \"\", a, b)"
        "y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v, \"\", \"\", \"\", c, e, "
        "one)",
        "[1,2,4] 0 0 0 0 0 0 0 0");
#undef PLAIN
#undef ROWS
}

static void tables_have_an_end(void **state) {
    (void)state;
    expect_run(21,
               "g () => (y) <float8e4m3fn[2,2] t = {1, 2, -3, 0.5}, int64[3] i = {1, 2, 0},"
               "float[2,1] s = {2, 4}> { y = com.microsoft.GatherBlockQuantized <block_size = 0>"
               "(t, i, s) }",
               "[3,2] -12 2 0 0 2 4");
}

/* Buckets of T5: distances below half of them have their own, then they grow to max_distance. */
static void positions_have_biases(void **state) {
    (void)state;
    expect_run(21,
               "g () => (y, z) <float[4,1] t = {10,20,30,40}, float[8,1] u = {1,2,3,4,5,6,7,8},"
               "int64[1] two = {2}, int64[1] five = {5}, int64[1] six = {6}> {"
               "y = com.microsoft.RelativePositionBias <max_distance = 8> (t, five, two)"
               "z = com.microsoft.RelativePositionBias <max_distance = 8, is_bidirectional = 1>"
               "(u, two, six) }",
               "[1,1,5,2] 10 10 20 10 30 20 30 30 40 30 | [1,1,2,6] 1 6 7 7 8 8 2 1 6 7 7 8");
    /* Both gates are sigmoid(0); (0.5 * (0.5 * 4 - 1) + 2) * 3 */
    expect_run(21,
               "g () => (y) <float[1,1,2] q = {1,2}, float[2] a = {0,1}, float[1,1,1,1] p = {3},"
               "float[2,2] w = {1,0,0,1}, float[2] b = {-1,-3}, float[1,1,1,1] e = {4}> {"
               "y = com.microsoft.GatedRelativePositionBias <num_heads = 1> (q, a, p, w, b, e) }",
               "[1,1,1,1] 7.5");
}

static void products_and_sums(void **state) {
    (void)state;
    expect_equal("float[2,3] x = {1,-2,3,0,5,-1}, float[3,2] w = {0.5,1,-1,0,0.25,2},"
                 "float[2] b = {-1,0.5}",
                 "m = MatMul (x, w) s = Add (m, b) z = Gelu <approximate = \"tanh\"> (s)"
                 "y = com.microsoft.GemmFastGelu (x, w, b)",
                 "[2,2] 0 0 0 0");
    expect_run(21,
               "g () => (y, z) <int8[2,3] x = {100,100,100,-128,-128,1}, uint8[2] u = {255,255}> {"
               "y = com.microsoft.ReduceSumInteger <axes = [1], keepdims = 0> (x)"
               "z = com.microsoft.ReduceSumInteger <axes = [0]> (u) }",
               "[2] 300 -255 | [1] 510");
}

#define PROJECTION                                                                                 \
    "float[1,2,2] x = {1,2,3,-1}, float[2,6] w = {1,0,2,1,1,3, 0,1,1,-1,2,1},"                     \
    "float[6] b = {0,1,0,0,-1,2}"

/* The form of a mask decides which rule hides keys, not what it hides. */
static void masks_have_forms(void **state) {
    (void)state;
    /* [batch, 1, positions, positions], of which the rows and columns that are used count */
    expect_equal(PROJECTION ", int32[1,1,3,3] wide = {0,1,1, 1,0,1, 1,1,1},"
                            "int32[1,2,2] mask = {0,1,1,0}",
                 "z = com.microsoft.Attention <num_heads = 1> (x, w, b, mask)"
                 "y = com.microsoft.Attention <num_heads = 1> (x, w, b, wide)",
                 "[1,2,2] 0 0 0 0");
    expect_equal(PROJECTION
                 ", float[2,1,1,1,2] past = {1,2,3,4}, float[1,1,2] now = {2,5},"
                 "int32[1,1,3,3] wide = {0,1,0, 1,0,1, 0,1,1}, int32[1,1,2] mask = {1,0}",
                 "z = com.microsoft.Attention <num_heads = 1> (now, w, b, mask, past)"
                 "y = com.microsoft.Attention <num_heads = 1> (now, w, b, wide, past)",
                 "[1,1,2] 0 0");
    /* 3 * batch + 2: lengths of keys, then where queries and keys start */
    expect_equal("float[2,2,2] q = {1,2,3,4,5,6,7,8}, float[2,2,2] k = {1,0,2,0,0,1,0,2},"
                 "float[2,2,2] v = {1,2,3,4,9,8,7,6}, int32[8] starts = {1,2, 0,2,4, 0,1,3},"
                 "int32[2,2] mask = {1,0,1,1}",
                 "z = com.microsoft.MultiHeadAttention <num_heads = 1> (q, k, v, \"\", mask)"
                 "y = com.microsoft.MultiHeadAttention <num_heads = 1> (q, k, v, \"\", starts)",
                 "[2,2,2] 0 0 0 0 0 0 0 0");
}

/* A buffer of three positions, one of which holds the past. */
static void past_and_present_share_a_buffer(void **state) {
    (void)state;
    expect_equal(PROJECTION ", float[2,1,1,1,2] past = {1,2,3,4}, int32[1] one = {1},"
                            "int64[10] pads = {0,0,0,0,0,0,0,0,2,0}",
                 "buffer = Pad (past, pads)"
                 "z0, p0 = com.microsoft.Attention <num_heads = 1> (x, w, b, \"\", past)"
                 "y0, p1 = com.microsoft.Attention <num_heads = 1, past_present_share_buffer = 1>"
                 "(x, w, b, \"\", buffer, \"\", one)"
                 "z1 = ReduceSum <keepdims = 0> (p0) y1 = ReduceSum <keepdims = 0> (p1) z = Add "
                 "(z0, z1) y = Add (y0, y1)",
                 "[1,2,2] 0 0 0 0");
}
#undef PROJECTION

/* Position 0 of both beams comes from beam 1, position 1 from beam 0. */
static void caches_follow_beams(void **state) {
    (void)state;
    expect_equal(
        "float[2,1,2] q = {1,2,3,4}, float[2,1,2] k = {1,0,0,1}, float[2,1,2] v = {5,6,7,8},"
        "float[2,1,4,2] a = {1,1,2,0,0,0,0,0, 3,-1,4,4,0,0,0,0},"
        "float[2,1,4,2] e = {1,9,2,8,0,0,0,0, 3,7,4,6,0,0,0,0},"
        "float[2,1,4,2] c = {3,-1,2,0,0,0,0,0, 3,-1,2,0,0,0,0,0},"
        "float[2,1,4,2] f = {3,7,2,8,0,0,0,0, 3,7,2,8,0,0,0,0},"
        "int32[1] two = {2}, int32[1,2,4] beam = {1,0,0,0, 1,0,0,0}",
        "z = com.microsoft.MultiHeadAttention <num_heads = 1> (q, k, v, \"\", \"\", \"\", c, f,"
        "two)"
        "y = com.microsoft.MultiHeadAttention <num_heads = 1> (q, k, v, \"\", \"\", \"\", a, e,"
        "two, beam)",
        "[2,1,2] 0 0 0 0");
}

/* The second of two sequences is shorter: it gets what it has alone. Blocks of two positions, of
 * which the last row sees the first and itself. */
static void lengths_may_differ(void **state) {
    (void)state;
#define LAYOUT "int32[1,3] r = {0,1,3}, int32[1,3] c = {0,0,1}"
    expect_equal(
        "float[2,1,2] q = {1,2,3,4}, float[2,1,2] k = {1,0,0,1}, float[2,1,2] v = {5,6,7,8},"
        "float[2,1,4,2] a = {1,1,2,0,3,3,0,0, 3,-1,0,0,0,0,0,0},"
        "float[2,1,4,2] e = {1,9,2,8,1,1,0,0, 3,7,0,0,0,0,0,0}, int32[1] most = {4},"
        "int32[1] few = {2}, int32[2] lengths = {4,2}, int64[2] halves = {1,1}, " LAYOUT,
        "q0, q1 = Split <axis = 0> (q, halves) k0, k1 = Split <axis = 0> (k, halves)"
        "v0, v1 = Split <axis = 0> (v, halves) a0, a1 = Split <axis = 0> (a, halves)"
        "e0, e1 = Split <axis = 0> (e, halves)"
        "z0, s0, u0 = com.microsoft.SparseAttention <num_heads = 1, kv_num_heads = 1,"
        "sparse_block_size = 2> (q0, k0, v0, a0, e0, r, c, most, most)"
        "z1, s1, u1 = com.microsoft.SparseAttention <num_heads = 1, kv_num_heads = 1,"
        "sparse_block_size = 2> (q1, k1, v1, a1, e1, r, c, few, few)"
        "z = Concat <axis = 0> (z0, z1)"
        "y, s, u = com.microsoft.SparseAttention <num_heads = 1, kv_num_heads = 1,"
        "sparse_block_size = 2> (q, k, v, a, e, r, c, most, lengths)",
        "[2,1,2] 0 0 0 0");
#undef LAYOUT
}

static void operands_that_do_not_fit(void **state) {
    (void)state;
    expect_failure(
        21,
        "g () => (y) <float[1,8] a = {1,2,3,4,5,6,7,8}, uint8[3] b = {1,2,3},"
        "float[1] s = {1}> { y = com.microsoft.MatMulBnb4 <K = 8, N = 1, block_size = 16,"
        "quant_type = 0> (a, b, s) }",
        C2S_ERR_INVALID, "B has 3");
    expect_failure(
        21,
        "g () => (y) <float[1,2] x = {1,2}, float[1,2] r = {1,2}, float[1,1,2] w = {1,2},"
        "float[2,2,1] v = {1,2,3,4}> { y = com.microsoft.MoE (x, r, w, \"\", v) }",
        C2S_ERR_INVALID, "input 2 must be [2, rows, 2]");
    expect_failure(21,
                   "g () => (y) <int64[1,2] t = {7,7}, float[1,3] s = {1,2,3}> {"
                   "y = com.microsoft.NGramRepeatBlock <ngram_size = 1> (t, s) }",
                   C2S_ERR_INVALID, "token 7 of 3");
    expect_failure(21,
                   "g () => (y) <float[0,3] x = {}> { y = com.microsoft.DynamicTimeWarping (x) }",
                   C2S_ERR_INVALID, "a matrix of 0 x 3");
    expect_failure(
        21,
        "g () => (y) <float[1,2,2] x = {1,2,3,4}, float[2,6] w = {1,0,2,1,1,3, 0,1,1,2,2,1},"
        "float[6] b = {0,1,0,0,1,2}, int32[3] ends = {1,2,2}> {"
        "y = com.microsoft.Attention <num_heads = 1> (x, w, b, ends) }",
        C2S_ERR_INVALID, "3 elements for a batch of 1");
    /* -2^62 heads are no symbolic extent. */
    expect_failure(
        21,
        "g () => (y, p, r) <float[1,1,2] q = {1,2}, int32[1] last = {0}, int32 all = {1}> {"
        "y, p, r = com.microsoft.GroupQueryAttention <num_heads = 1,"
        "kv_num_heads = -4611686018427387904> (q, q, q, \"\", \"\", last, all) }",
        C2S_ERR_INVALID, "kv_num_heads is -4611686018427387904");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_stand_last),
        cmocka_unit_test(groups_are_normalised),
        cmocka_unit_test(sums_are_fused),
        cmocka_unit_test(integers_are_multiplied),
        cmocka_unit_test(packed_operands),
        cmocka_unit_test(tables_have_an_end),
        cmocka_unit_test(positions_have_biases),
        cmocka_unit_test(products_and_sums),
        cmocka_unit_test(masks_have_forms),
        cmocka_unit_test(lengths_may_differ),
        cmocka_unit_test(operands_that_do_not_fit),
        cmocka_unit_test(past_and_present_share_a_buffer),
        cmocka_unit_test(caches_follow_beams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
