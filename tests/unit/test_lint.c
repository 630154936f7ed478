/* SPDX-License-Identifier: Apache-2.0 */
/* What lint says of graphs in which one thing is wrong, and what --fix makes of them. That it
 * predicts what ONNX Runtime does is for tests/ort/lint.sh. */
#include "unit/quantized_case.h"

#include "passes/quant/lint.h"

/* x -> Q -> DQ -> Conv -> Q -> DQ -> y, with the pieces that a case changes. */
#define CONSTANTS                                                                                  \
    "<float s = {0.05}, float t = {0.04}, float[1] s1 = {0.05}, "                                  \
    "uint8 z = {128}, int8 n = {0}, uint8[1] z1 = {128}, "                                         \
    "int8[2,2,1,1] w = {100, -50, 25, 3}, float ws = {0.01}, float[2] b = {0.5, -1.0}, "           \
    "float[2,2,1,1] v = {0.5, 0.1, -1.0, 0.3}, float six = {6.0}, float zero = {0.0}>\n"
#define GRAPH(body) "g (float[1,2,4,4] x) => (float[1,2,4,4] y)\n" CONSTANTS "{" body "}"
#define INPUT_PAIR  "xq = QuantizeLinear(x, s, z) a = DequantizeLinear(xq, s, z) "
#define WEIGHT_PAIR "k = DequantizeLinear(w, ws, n) "
#define OUTPUT_PAIR "q = QuantizeLinear(c, t, z) y = DequantizeLinear(q, t, z)"

/* The first operator of that type does or does not run on integers, with this fault; the counts of
 * pairs afterwards, when fixed, and the operators with their operands as quantized_case.h has them.
 */
static void check_lint(const char *target_name, const char *text, const char *type,
                       c2s_code_fault expected, unsigned useless, const char *fixed) {
    c2s_model *model = quantized_model(17, text), *original = c2s_model_copy(model);
    const c2s_target *target = c2s_target_find(target_name);
    c2s_lint lint;
    c2s_lint_run(target, model->graph, 17, &lint);
    for (const c2s_node *node = model->graph->first; node; node = node->next)
        if (strcmp(node->type, type) == 0) {
            const c2s_judged *judged = &lint.judge.nodes[node->id];
            if (judged->fault != expected)
                fail_msg("%s\n%s: found fault %d (%s), expected %d", text, type, (int)judged->fault,
                         judged->reason ? judged->reason : "-", (int)expected);
            assert_int_equal(judged->integer, expected == C2S_FAULT_NONE);
            assert_true(expected == C2S_FAULT_NONE || c2s_fault_mend(expected));
            break;
        }
    if (lint.useless != useless)
        fail_msg("%s\nfound %u useless pairs of %u, expected %u", text, lint.useless, lint.pairs,
                 useless);
    assert_int_equal(lint.pairs, lint.fused + lint.converts + lint.useless);
    c2s_lint_free(&lint);
    unsigned mended, removed;
    char found[1000];
    if (c2s_lint_fix(target, model, &mended, &removed) != C2S_OK ||
        c2s_model_verify(model) != C2S_OK)
        fail_msg("%s\n%s", text, c2s_error());
    describe(model->graph, found, sizeof found);
    if (strcmp(found, fixed) != 0)
        fail_msg("%s\nfixed    %s\nexpected %s", text, found, fixed);
    assert_true(largest_difference(original, model) < 0.03);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
}

static void what_fuses_is_left_alone(void **state) {
    (void)state;
    check_lint("ort-cpu", GRAPH(INPUT_PAIR WEIGHT_PAIR "c = Conv(a, k) " OUTPUT_PAIR), "Conv",
               C2S_FAULT_NONE, 0, "Conv qw>q");
    check_lint("generic", GRAPH(INPUT_PAIR WEIGHT_PAIR "c = Conv(a, k) " OUTPUT_PAIR), "Conv",
               C2S_FAULT_NONE, 0, "Conv qw>q");
    check_lint("ort-cpu",
               GRAPH(INPUT_PAIR WEIGHT_PAIR
                     "d = Conv(a, k) e = Relu(d) p = QuantizeLinear(e, t) y = "
                     "DequantizeLinear(p, t)"),
               "Conv", C2S_FAULT_NONE, 0, "Conv qw> Relu .>q");
}

static void readers_move_behind_the_pair(void **state) {
    (void)state;
    check_lint(
        "ort-cpu",
        GRAPH(INPUT_PAIR WEIGHT_PAIR
              "c = Conv(a, k) q = QuantizeLinear(c, t, z) d = DequantizeLinear(q, t, z) e = "
              "Conv(d, k) f = Sin(c) eq = QuantizeLinear(e, t, z) ed = DequantizeLinear(eq, t, "
              "z) y = Add(ed, f)"),
        "Conv", C2S_FAULT_READERS, 1, "Conv qw>q Conv qw>q Sin q> Add q.>");
}

static void useless_pairs_go(void **state) {
    (void)state;
    check_lint("ort-cpu", GRAPH(INPUT_PAIR "y = Sin(a)"), "Sin", C2S_FAULT_OPERATOR, 1, "Sin .>");
    check_lint("ort-cpu", GRAPH(INPUT_PAIR WEIGHT_PAIR "y = ConvTranspose(a, k)"), "ConvTranspose",
               C2S_FAULT_OPERATOR, 1, "ConvTranspose .w>");
    check_lint("ort-cpu", GRAPH(INPUT_PAIR WEIGHT_PAIR "y = Conv(a, k)"), "Conv", C2S_FAULT_RESULT,
               1, "Conv .w>");
    check_lint("tensorrt", GRAPH(INPUT_PAIR WEIGHT_PAIR "y = Conv(a, k)"), "Conv", C2S_FAULT_DTYPE,
               1, "Conv .w>");
}

static void parameters_are_mended(void **state) {
    (void)state;
    check_lint("ort-cpu",
               GRAPH("xq = QuantizeLinear(x, s1, z1) a = DequantizeLinear(xq, s1, z1) " WEIGHT_PAIR
                     "c = Conv(a, k) " OUTPUT_PAIR),
               "Conv", C2S_FAULT_NONE, 0, "Conv qw>q");
    check_lint("ort-cpu",
               GRAPH("xq = QuantizeLinear(x, s) a = DequantizeLinear(xq, s) r = "
                     "Relu(a) rq = QuantizeLinear(r, s) d = DequantizeLinear(rq, s) " WEIGHT_PAIR
                     "c = Conv(d, k) " OUTPUT_PAIR),
               "Conv", C2S_FAULT_NONE, 0, "Relu q>q Conv qw>q");
}

static void signed_codes_with_two_readers_become_unsigned(void **state) {
    (void)state;
    check_lint("ort-cpu",
               GRAPH("xq = QuantizeLinear(x, s, n) a = DequantizeLinear(xq, s, n) " WEIGHT_PAIR
                     "c = Conv(a, k) e = Conv(a, k) eq = QuantizeLinear(e, t, n) ed = "
                     "DequantizeLinear(eq, t, n) cq = QuantizeLinear(c, t, n) cd = "
                     "DequantizeLinear(cq, t, n) m = Add(cd, ed) mq = QuantizeLinear(m, t, n) y = "
                     "DequantizeLinear(mq, t, n)"),
               "Conv", C2S_FAULT_SIGNED, 1, "Conv qw>q Conv qw>q Add qq>q");
}

static void biases_become_integers(void **state) {
    (void)state;
    /* Behind a quantizer ONNX Runtime does that itself. */
    check_lint("ort-cpu", GRAPH(INPUT_PAIR WEIGHT_PAIR "c = Conv(a, k, b) " OUTPUT_PAIR), "Conv",
               C2S_FAULT_NONE, 0, "Conv qw.>q");
    check_lint("generic", GRAPH(INPUT_PAIR WEIGHT_PAIR "c = Conv(a, k, b) " OUTPUT_PAIR), "Conv",
               C2S_FAULT_BIAS, 2, "Conv qwb>q");
    check_lint("tensorrt",
               GRAPH("xq = QuantizeLinear(x, s, n) a = DequantizeLinear(xq, s, n) " WEIGHT_PAIR
                     "y = Conv(a, k, b)"),
               "Conv", C2S_FAULT_NONE, 0, "Conv qw.>");
}

static void types_and_clamps_are_named(void **state) {
    (void)state;
    check_lint("ort-cpu", GRAPH(INPUT_PAIR WEIGHT_PAIR "d = Conv(a, k) c = Relu(d) " OUTPUT_PAIR),
               "Conv", C2S_FAULT_CLAMP, 2, "Conv .w> Relu .>");
    check_lint("ort-cpu",
               GRAPH(INPUT_PAIR
                     "r = MaxPool<kernel_shape = [1, 1]>(a) q = QuantizeLinear(r, t, z) y "
                     "= DequantizeLinear(q, t, z)"),
               "MaxPool", C2S_FAULT_DIFFERENT, 2, "MaxPool .>");
}

/* Codes that begin at 0 have taken the place of a Relu. */
static void clamps_of_the_codes_stay(void **state) {
    (void)state;
#define CASE(body)                                                                                 \
    "g (float[1,2,4,4] x) => (float[1,2,4,4] y)\n<float s = {0.05}, uint8 z = {128}, float t = "   \
    "{0.04}, int8[2,2,1,1] w = {100, -50, 25, 3}, float ws = {0.01}, int8 n = {0}, uint8 u "       \
    "= {0}, float e = {0.02353}, float f = {0.05}> {" INPUT_PAIR WEIGHT_PAIR body "}"
    check_lint("ort-cpu",
               CASE("c = ConvTranspose(a, k) q = QuantizeLinear(c, f, u) d = DequantizeLinear(q, "
                    "f, u) y = Sin(d)"),
               "ConvTranspose", C2S_FAULT_OPERATOR, 2, "ConvTranspose .w> Relu .> Sin .>");
    check_lint("ort-cpu",
               CASE("c = ConvTranspose(a, k) q = QuantizeLinear(c, e, u) d = DequantizeLinear(q, "
                    "e, u) y = Sin(d)"),
               "ConvTranspose", C2S_FAULT_OPERATOR, 2, "ConvTranspose .w> Clip ...> Sin .>");
    /* Nor can others read them. */
    check_lint("ort-cpu",
               CASE("c = Conv(a, k) q = QuantizeLinear(c, f, u) d = DequantizeLinear(q, f, u) e1 = "
                    "Conv(d, k) g = Sin(c) eq = QuantizeLinear(e1, t, z) ed = "
                    "DequantizeLinear(eq, t, z) y = Add(ed, g)"),
               "Conv", C2S_FAULT_READERS, 1, "Conv .w> Conv qw>q Sin .> Add q.>");
}

static void several_matrices_need_one_scale(void **state) {
    (void)state;
    check_lint("ort-cpu",
               "g (float[2,1,2] x) => (float[2,1,2] y) <float s = {0.05}, uint8 z = {128}, "
               "int8[2,2,2] w = {1, -2, 3, 4, 5, 6, 7, 8}, float[2] ws = {0.01, 0.02}, int8[2] n = "
               "{0, 0}> { q = QuantizeLinear(x, s, z) a = DequantizeLinear(q, s, z) k = "
               "DequantizeLinear<axis = 2>(w, ws, n) y = MatMul(a, k) }",
               "MatMul", C2S_FAULT_SCALE, 1, "MatMul .W>");
}

static void blocks_stay(void **state) {
    (void)state;
    check_lint(
        "generic",
        "g (float[1,1,1,2] x) => (float[1,1,1,1] y) <int8[2,1] w = {100, -50}, float[1,1] s = "
        "{0.01}> { k = DequantizeLinear<axis = 0, block_size = 2>(w, s) y = MatMul(x, k) }",
        "MatMul", C2S_FAULT_OPERAND, 0, "MatMul .w>");
}

/* Two scales on purpose: the pair multiplies. */
static void pairs_that_differ_stay(void **state) {
    (void)state;
    check_lint("ort-cpu",
               GRAPH("r = Sin(x) q = QuantizeLinear(r, t, z) d = DequantizeLinear(q, s, z) y = "
                     "Sin(d)"),
               "Sin", C2S_FAULT_OPERATOR, 1, "Sin .>q Sin q>");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fuses_is_left_alone),
        cmocka_unit_test(readers_move_behind_the_pair),
        cmocka_unit_test(useless_pairs_go),
        cmocka_unit_test(parameters_are_mended),
        cmocka_unit_test(signed_codes_with_two_readers_become_unsigned),
        cmocka_unit_test(biases_become_integers),
        cmocka_unit_test(types_and_clamps_are_named),
        cmocka_unit_test(clamps_of_the_codes_stay),
        cmocka_unit_test(several_matrices_need_one_scale),
        cmocka_unit_test(blocks_stay),
        cmocka_unit_test(pairs_that_differ_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
