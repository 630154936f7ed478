/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of files: what is refused as text, what matches, what conditions say, what is built, and
 * that a wrong one is found by the proof. Results are held against those of the original graph. */
#include "unit/pass_case.h"

#include "io/text.h"
#include "passes/prover.h"
#include "runtime/session.h"

static c2s_rules *rules_of(const char *text) {
    c2s_rules *rules = NULL;
    if (c2s_rules_read(&rules, text, strlen(text), "t.rules") != C2S_OK)
        fail_msg("%s\nin %s", c2s_error(), text);
    return rules;
}

static c2s_model *model_of(int opset, const char *graph) {
    char text[4096];
    int size = snprintf(text, sizeof text, "<ir_version: 10, opset_import: [\"\" : %d]>\n%s", opset,
                        graph);
    c2s_model *model = NULL;
    if (c2s_text_read(text, (size_t)size, "case", &model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s\nin %s", c2s_error(), graph);
    return model;
}

/* ---- text ---- */

static void expect_error(const char *text, const char *message) {
    c2s_rules *rules = NULL;
    assert_int_equal(c2s_rules_read(&rules, text, strlen(text), "t.rules"), C2S_ERR_INVALID);
    if (!strstr(c2s_error(), message))
        fail_msg("%s\nexpected \"%s\", found \"%s\"", text, message, c2s_error());
    c2s_rules_free(rules);
}

#define HEAD              "rule r {\n pattern (X, W) => (Y) {\n"
#define TAIL              "\n}\n replace { Y = Relu (X) } }"
#define IN_PATTERN(nodes) HEAD nodes TAIL
#define IN_WHERE(condition)                                                                        \
    HEAD "Y = Conv <strides = @s, ...@c> (X, W) }\n where " condition                              \
         " replace { Y = Conv <strides = @s, ...@c> (X, W) } }"
#define IN_REPLACE(nodes)                                                                          \
    HEAD "T = Transpose <perm = @p, ...@t> (X) Y = MatMul (T, W) }\n replace " nodes " }"

static void explains_errors(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"rul r {}", "t.rules:1:1: found \"rul\", expected \"rule\""},
        {"rule", "t.rules:1:5: found the end, expected a name of 1 to 40"},
        {"rule a.b {}", "found \".b\", expected \"{\""},
        {"rule relu6-chain-of-a-name-that-is-too-long-for-us {}", "a name of 1 to 40"},
        {"rule identity {}", "a name that no other rewrite has"},
        {"rule dead-nodes {}", "a name that no other rewrite has"},
        {"rule r { }", "t.rules:1:10: found \"}\", expected \"pattern\""},
        {"rule r \"two\nlines\" {", "a summary of one line"},
        {"rule r \"unfinished", "the rest of a string"},
        {"rule r { opset 99 pattern", "an opset of ai.onnx, 1 to 28"},
        {"rule r { opset x", "a number"},
        {"rule r { pattern (X X)", "expected \",\""},
        {"rule r { pattern (X, X)", "a name that is not taken"},
        {"rule r { pattern (float[-1] X)", "an extent >= 0"},
        {"rule r { pattern (float[1,,] X)", "a name"},
        {"rule r { pattern (float[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] X)", "at most 16 dimensions"},
        {"rule r { pattern (seq(float) X)", "an element type, or any"},
        {"rule r { pattern (X) (Y)", "expected \"=>\""},
        {"rule r { pattern (X) => (Y) { } replace { } }", "at least one node"},
        {"rule r { pattern (X) => (Z) { Y = Relu (X) } replace { Y = Relu (X) } }",
         "t.rules:1:26: found \"Z)\", expected an output of some node"},
        {"rule r { pattern (X) => (X) { Y = Relu (X) } replace { } }", "an output of some node"},
        {"rule r { pattern (X) => (Y, Y) { Y = Relu (X) } replace { } }", "each output once"},
        {"rule r { pattern (X) => (T) { T = Abs (X) Y = Relu (T) } replace { } }",
         "the first output of the last node"},
        {IN_PATTERN("Y = Relu (X)"), "a pattern that uses its input W"},
        {IN_PATTERN("T = Abs (W) Y = Relu (X)"), "a pattern in which Abs (node 1) leads to"},
        {IN_PATTERN("Y = Rela (X)"),
         "t.rules:3:5: found \"Rela\", expected an operator of ai.onnx"},
        {IN_PATTERN("Y = If (X)"), "neither control flow nor Constant"},
        {IN_PATTERN("Y = Constant ()"), "neither control flow nor Constant"},
        {IN_PATTERN("Y = Relu (X, W)"), "found \"Relu\", expected 1 to 1 inputs for it, not 2"},
        {IN_PATTERN("Y, Z = MatMul (X, W)"), "at most 1 outputs for it"},
        {IN_PATTERN("Y = MatMul (X, V)"), "found \"V)\", expected an input of the pattern"},
        {IN_PATTERN("Y = MatMul (Y, W)"), "an input of the pattern, or what a node before makes"},
        {IN_PATTERN("X = MatMul (X, W)"), "a name that is not taken"},
        {IN_PATTERN("T = Abs (X) Y = Conv (T, W, T?)"), "an input of the pattern before \"?\""},
        {IN_PATTERN("Y = MatMul <axis = 1> (X, W)"), "an attribute of MatMul"},
        {IN_PATTERN("Y = Concat <axis = 1, axis = 2> (X, W)"), "each attribute once only"},
        {IN_PATTERN("Y = Concat <axis 1> (X, W)"), "expected \"=\""},
        {IN_PATTERN("Y = Concat <axis = > (X, W)"), "a value, a number, a list or @attribute"},
        {IN_PATTERN("Y = Concat <axis = @a + 1> (X, W)"), "an attribute variable of the pattern"},
        {IN_PATTERN("Y = Conv <pads = @a, ...@a> (X, W)"), "another name, @a is taken"},
        {IN_PATTERN("Y = Conv <..., ...> (X, W)"), "\"...\" once only"},
        {IN_PATTERN("Y = Concat <axis = 1> (X, W, X, X, X, X, X, X, X)"), "at most 8 inputs"},
        {IN_PATTERN("Y, A, B, C, D, E, F, G, H = Split (X, W)"), "at most 8 outputs"},
        {IN_PATTERN("A = Add (X, W) B = Add (A, W) C = Add (B, W) D = Add (C, W) E = Add (D, W) "
                    "F = Add (E, W) G = Add (F, W) H = Add (G, W) I = Add (H, W) J = Add (I, W) "
                    "Y = Add (J, W)"),
         "at most 10 nodes whose operands may be swapped"},
        {IN_PATTERN(
             "A = Abs (X) B = Abs (A) C = Abs (B) D = Abs (C) E = Abs (D) F = Abs (E) G = Abs "
             "(F) H = Abs (G) I = Abs (H) J = Abs (I) K = Abs (J) L = Abs (K) M = Abs (L) N "
             "= Abs (M) O = Abs (N) P = Abs (O) Y = Abs (P)"),
         "at most 16 nodes"},
        {IN_WHERE(""), "found \"replace\""},
        {IN_WHERE("rank(X)"), "found \"rank(X)\", expected a condition"},
        {IN_WHERE("not rank(X)"), "a condition such as"},
        {IN_WHERE("constant(X) and 1"), "a condition such as"},
        {IN_WHERE("constant(V)"), "a value or an extent of the pattern"},
        {IN_WHERE("constant(1)"), "the name of a value"},
        {IN_WHERE("constant(X, W)"), "1 operands for constant"},
        {IN_WHERE("broadcasts(X)"), "2 operands for broadcasts"},
        {IN_WHERE("weight(X)"), "a function such as constant, rank or shape"},
        {IN_WHERE("@c == 1"), "an attribute variable of the pattern"},
        {IN_WHERE("@t == 1"), "an attribute variable of the pattern"},
        {IN_WHERE("rank(X) == (2"), "expected \")\""},
        {IN_WHERE("rank(X) == 9223372036854775808"), "a number of 63 bits"},
        {IN_WHERE("shape(X)[0 == 1"), "expected \"]\""},
        {IN_WHERE("float(X, W) == 1"), "one operand before this"},
        {IN_WHERE("((((((((((((((((((((((((((1))))))))))))))))))))))))))) == 1"),
         "at most 24 deep"},
        {IN_WHERE("not not not not not not not not not not not not not not not not not not not not "
                  "not not not not not not constant(X)"),
         "at most 24 deep"},
        {IN_WHERE("X == [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"),
         "at most 32 elements"},
        {IN_REPLACE("{ }"), "a node that makes Y before this"},
        {IN_REPLACE("{ T = MatMul (X, W) }"),
         "a new name, or an output of the pattern's last node"},
        {IN_REPLACE("{ Y = Abs (X) Y = Abs (X) }"), "a new name"},
        {IN_REPLACE("{ \"\" = Abs (X) }"), "a new name"},
        {IN_REPLACE("{ Y = Abs (Y) }"), "a value other than what is to be replaced"},
        {IN_REPLACE("{ Y = Abs (Z) }"), "a value of the pattern, or what a node before makes"},
        {IN_REPLACE("{ Y = Transpose <perm = @q> (X) }"), "an attribute variable"},
        {IN_REPLACE("{ Y = Transpose <...> (X) }"), "\"@\" and a name"},
        {IN_REPLACE("{ Y = Transpose <...@p> (X) }"), "a name that the pattern has behind"},
        {IN_REPLACE("<float c = {1.0, 2.0}> { Y = Mul (X, c) }"), "1 elements before this, not 2"},
        {IN_REPLACE("<float[n] c = {1.0}> { Y = Mul (X, c) }"), "with known dimensions"},
        {IN_REPLACE("<float Y = {1.0}, float Y = {1.0}> { }"), "a new name"},
        {IN_REPLACE("{ Y = Abs (X) } }"), "found \"}\", expected \"rule\""},
        {IN_PATTERN("Y = MatMul (X, W)") IN_PATTERN("Y = MatMul (X, W)"),
         "a name that no other rewrite has"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_error(cases[i][0], cases[i][1]);
}

static void limits_expressions(void **state) {
    (void)state;
    char text[4096] = "rule r { pattern (X) => (Y) { Y = Relu (X) } where rank(X) == 1";
    for (int i = 0; i < 300; i++)
        strcat(text, " + 1");
    expect_error(text, "an expression of at most 200 operands");
}

/* ---- matches ---- */

typedef struct match_case {
    const char *rules, *graph, *expected; /* operators that are left */
    const char *reason;                   /* of a refusal; NULL: none is expected */
} match_case;

#define RULE(pattern, rest) "rule r { pattern " pattern " " rest " }"
#define TRANSPOSED                                                                                 \
    RULE("(X, W) => (Y) { T = Transpose <perm = [1, 0]> (X) Y = MatMul (T, W) }",                  \
         "where rank(W) == 2 replace { Y = Gemm <transA = 1> (X, W) }")
#define MATRIX "float[3,2] w = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}"

static const match_case matches[] = {
    {TRANSPOSED,
     "g (float[3,4] x) => (float[4,2] y) <" MATRIX
     "> { t = Transpose <perm = [1, 0]> (x) y = MatMul (t, w) }",
     "Gemm", NULL},
    {TRANSPOSED,
     "g (float[4,3] x) => (float[4,2] y) <" MATRIX
     "> { t = Transpose <perm = [0, 1]> (x) y = MatMul (t, w) }",
     "Transpose MatMul", "perm of Transpose is [0, 1], expected [1, 0]"},
    {TRANSPOSED,
     "g (float[3,4] x) => (float[4,2] y, float[4,3] z) <" MATRIX
     "> { t = Transpose <perm = [1, 0]> (x) y = MatMul (t, w) z = Neg (t) }",
     "Transpose MatMul Neg", "an inner result is used elsewhere too"},
    {TRANSPOSED,
     "g (float[3,4] x, float[5,3,2] w) => (float[5,4,2] y) { t = Transpose <perm = [1, 0]> (x) y = "
     "MatMul (t, w) }",
     "Transpose MatMul", "rank(W) == 2 does not hold"},
    {TRANSPOSED,
     "g (float[3,4] x, float[] w) => (float[] y) { t = Transpose <perm = [1, 0]> (x) y = MatMul "
     "(t, "
     "w) }",
     "Transpose MatMul", "rank(W) == 2: a shape is not known"},
    /* Either order of a commutative operator; a constant that is written out. */
    {RULE("(X) => (Y) { Y = Mul (X, 2) }", "replace { Y = Add (X, X) }"),
     "g (float[2] x) => (float[2] y, float[2] z) <float two = {2.0}, float three = {3.0}> { y = "
     "Mul "
     "(two, x) z = Mul (x, three) }",
     "Add Mul", NULL},
    {RULE("(X) => (Y) { Y = Sub (X, 0.5) }", "replace { Y = Identity (X) }"),
     "g (float[2] x) => (float[2] y) <float half = {0.5}> { y = Sub (half, x) }", "Sub", NULL},
    {RULE("(X) => (Y) { Y = ReduceSum <keepdims = 0> (X, [1]) }",
          "replace { S = ReduceSum (X, [1]) Y = Squeeze (S, [1]) }"),
     "g (float[2,3] x) => (float[2] y, float[3] z) <int64[1] a = {1}, int64[1] b = {0}> { y = "
     "ReduceSum <keepdims = 0> (x, a) z = ReduceSum <keepdims = 0> (x, b) }",
     "ReduceSum Squeeze ReduceSum", NULL},
    /* Optional operands. */
    {RULE("(X, W, B) => (Y) { P = Neg (X) Y = Conv <...@c> (P, W, B?) }",
          "where constant(W) replace { V = Neg (W) Y = Conv <...@c> (X, V, B) }"),
     "g (float[1,1,4,4] x) => (float[1,1,4,4] y, float[1,1,4,4] z) <float[1,1,1,1] w = {2.0}, "
     "float[1] b = {1.0}> { p = Neg (x) y = Conv <kernel_shape = [1, 1]> (p, w) q = Neg (x) z = "
     "Conv "
     "(q, w, b) }",
     "Conv Conv", NULL},
    {RULE("(X, W) => (Y) { P = Neg (X) Y = Conv <...@c> (P, W) }",
          "replace { V = Neg (W) Y = Conv <...@c> (X, V) }"),
     "g (float[1,1,4,4] x) => (float[1,1,4,4] z) <float[1,1,1,1] w = {2.0}, float[1] b = {1.0}> { "
     "q "
     "= Neg (x) z = Conv (q, w, b) }",
     "Neg Conv", "Conv has an input 3 that the pattern has not"},
    {RULE("(X, H) => (Y) { Y = Clip (X, \"\", H) }", "replace { Y = Min (X, H) }"),
     "g (float[2] x) => (float[2] y, float[2] z) <float h = {0.3}> { y = Clip (x, \"\", h) z = "
     "Clip "
     "(x, h) }",
     "Min Clip", NULL},
    /* Attributes: as written, their defaults, any, carried over, computed. */
    {RULE("(X) => (Y) { Y = Softmax <axis = -1> (X) }",
          "replace { L = LogSoftmax (X) Y = Exp (L) }"),
     "g (float[2,3] x) => (float[2,3] y, float[2,3] z) { y = Softmax (x) z = Softmax <axis = 0> "
     "(x) }",
     "LogSoftmax Exp Softmax", "axis of Softmax is 0, expected -1"},
    {RULE("(X) => (Y) { Y = Softmax (X) }", "replace { L = LogSoftmax (X) Y = Exp (L) }"),
     "g (float[2,3] x) => (float[2,3] y, float[2,3] z) { y = Softmax <axis = -1> (x) z = Softmax "
     "<axis = 0> (x) }",
     "LogSoftmax Exp Softmax", "Softmax has the attribute axis, which the pattern does not name"},
    {RULE("(X) => (Y) { Y = Softmax <axis = @a> (X) }",
          "where @a >= 0 replace { L = LogSoftmax <axis = @a - rank(X)> (X) Y = Exp (L) }"),
     "g (float[2,3] x) => (float[2,3] y, float[2,3] z) { y = Softmax (x) z = Softmax <axis = 0> "
     "(x) }",
     "Softmax LogSoftmax Exp", "@a >= 0 does not hold"},
    {RULE("(X) => (Y) { N = Neg (X) Y = Softmax <axis = @a> (N) }",
          "replace { M = Mul (X, -1.0) Y = Softmax <axis = @a> (M) }"),
     "g (float[2,3] x) => (float[2,3] y) { n = Neg (x) y = Softmax (n) }", "Mul Softmax", NULL},
    {RULE("(X) => (Y) { N = Neg (X) Y = Transpose <perm = @p> (N) }",
          "replace { T = Transpose <perm = @p> (X) Y = Neg (T) }"),
     "g (float[2,3] x) => (float[3,2] y) { n = Neg (x) y = Transpose (n) }", "Transpose Neg", NULL},
    {RULE("(X) => (Y) { T = Transpose <perm = @p> (X) Y = Transpose <perm = @q> (T) }",
          "replace { Y = Transpose <perm = [@p[@q[0]], @p[@q[1]], @p[@q[2]]]> (X) }"),
     "g (float[2,3,4] x) => (float[4,2,3] y) { t = Transpose <perm = [1, 2, 0]> (x) y = Transpose "
     "<perm = [1, 2, 0]> (t) }",
     "Transpose", NULL},
    {RULE("(X) => (Y) { T = Transpose <perm = @p> (X) Y = Transpose <perm = @p> (T) }",
          "where @p == [1, 0] replace { Y = Identity (X) }"),
     "g (float[2,3] x) => (float[2,3] y) { a = Abs (x) t = Transpose <perm = [1, 0]> (a) y = "
     "Transpose <perm = [1, 0]> (t) }",
     "Abs", NULL},
    {RULE("(X) => (Y) { Y = Flatten <axis = @a> (X) }", "where @a == 1 replace { Y = Reshape (X, "
                                                        "[shape(X)[0], -1]) }"),
     "g (float[2,3,4] x) => (float[2,12] y) { y = Flatten (x) }", "Reshape", NULL},
    {RULE("(X) => (Y) { Y = Flatten (X) }", "replace { Y = Reshape (X, [shape(X)[0], -1]) }"),
     "g (float[n,3,4] x) => (float[n,12] y) { y = Flatten (x) }", "Flatten", "does not fit int64"},
    {RULE("(X) => (Y) { Y = LeakyRelu <alpha = @a> (X) }",
          "replace { Y = PRelu (X, float([@a * 1.0])) }"),
     "g (float[2,3] x) => (float[2,3] y) { y = LeakyRelu <alpha = 0.25> (x) }", "PRelu", NULL},
    {RULE("(X, E, A) => (Y) { M = ReduceMean (X, A) S = Add (M, E) Y = Sqrt (S) }",
          "where size(E) == 1 replace { Y = LpNormalization <p = E> (X) }"),
     "g (float[2,4] x) => (float[2,1] y) <int64[1] a = {1}, float e = {0.5}> { p = Abs (x) m = "
     "ReduceMean (p, a) s = Add (m, e) y = Sqrt (s) }",
     "Abs ReduceMean Add Sqrt", "E does not fit attribute p of LpNormalization"},
    /* Several outputs, replaced all, or staying with their users. */
    {RULE("(X) => (A, B) { A, B = Split <axis = 1, num_outputs = 2> (X) }",
          "where shape(X)[1] % 2 == 0 replace { A = Slice (X, [0], [shape(X)[1] / 2], [1]) "
          "B = Slice (X, [shape(X)[1] / 2], [shape(X)[1]], [1]) }"),
     "g (float[2,6] x) => (float[2,3] a, float[2,3] y) { a, b = Split <axis = 1, num_outputs = 2> "
     "(x) "
     "y = Neg (b) }",
     "Slice Slice Neg", NULL},
    {RULE("(X) => (A) { A, B = Split <axis = 1, num_outputs = 2> (X) }",
          "replace { A = Slice (X, [0], [shape(X)[1] / 2], [1]) }"),
     "g (float[2,6] x) => (float[2,3] a, float[2,3] y) { a, b = Split <axis = 1, num_outputs = 2> "
     "(x) "
     "y = Neg (b) }",
     "Split Neg", "another output of the node is in use"},
    {RULE("(X) => (Y) { A, B = Split <axis = @a, num_outputs = 2> (X) Y = Concat <axis = @a> (A, "
          "B) }",
          "replace { Y = Identity (X) }"),
     "g (float[2,6] x) => (float[2,6] y) { p = Abs (x) a, b = Split <axis = 1, num_outputs = 2> "
     "(p) y "
     "= Concat <axis = 1> (a, b) }",
     "Abs", NULL},
    {RULE("(X) => (Y) { A, B = Split <axis = @a, num_outputs = 2> (X) Y = Concat <axis = @a> (A, "
          "B) }",
          "replace { Y = Identity (X) }"),
     "g (float[2,6] x) => (float[2,6] y) { p = Abs (x) a, b = Split <axis = 1, num_outputs = 2> "
     "(p) y "
     "= Concat <axis = 1> (b, a) }",
     "Abs Split Concat", NULL},
    {RULE(
         "(X) => (Y) { A, B = Split <axis = 1, num_outputs = 2> (X) Y = Concat <axis = 1> (A, B) }",
         "replace { Y = Identity (X) }"),
     "g (float[2,6] x) => (float[2,6] y, float[2,3] b) { p = Abs (x) a, b = Split <axis = 1, "
     "num_outputs = 2> (p) y = Concat <axis = 1> (a, b) }",
     "Abs Split Concat", "an inner result is used elsewhere too"},
    {RULE("(X) => (Y, T) { T = Neg (X) Y = Abs (T) }", "replace { Y = Abs (X) }"),
     "g (float[2] x) => (float[2] y, float[2] t) { t = Neg (x) y = Abs (t) }", "Neg Abs", NULL},
    /* The same value twice. */
    {RULE("(X) => (Y) { E = Erf (X) Y = Mul (E, X) }",
          "replace { F = Erf (X) N = Neg (F) M = Neg (X) "
          "Y = Mul (N, M) }"),
     "g (float[2] x, float[2] z) => (float[2] y) { e = Erf (x) y = Mul (e, z) }", "Erf Mul", NULL},
    /* Operators that nobody knows. */
    {RULE("(X) => (Y) { Y = my.own.Twice <...> (X) }", "replace { Y = Add (X, X) }"),
     "g (float[2] x) => (float[2] y, float[2] z, float[2] v) { y = my.own.Twice <n = 2> (x) z = "
     "my.own.Thrice (x) v = your.own.Twice (x) }",
     "Add Thrice Twice", NULL},
    {RULE("(X) => (Y) { Y = my.own.Twice (X) }", "replace { Y = Add (X, X) }"),
     "g (float[2] x) => (float[2] y) { y = my.own.Twice <n = 2> (x) }", "Twice",
     "Twice has the attribute n, which the pattern does not name"},
    /* What cannot be built. */
    {RULE("(X) => (Y) { Y = Transpose <...> (X) }", "replace { Y = Identity (X) }"),
     "g (float[2,3] x) => (float[3,2] y) { a = Abs (x) y = Transpose <perm = [1, 0]> (a) }",
     "Abs Transpose", "the result would have another type, float[2,3] instead of float[3,2]"},
    {RULE("(X) => (Y) { Y = Neg (X) }", "replace { Y = Cast <to = double> (X) }"),
     "g (float[2] x) => (float[2] y) { y = Neg (x) }", "Neg", "double[2] instead of float[2]"},
    {RULE("(X) => (Y) { Y = Neg (X) }", "replace { Y = ReduceSum <axes = [0]> (X) }"),
     "g (float[2] x) => (float[2] y) { y = Neg (x) }", "Neg",
     "ReduceSum: opset 21 has no attribute"},
    {RULE("(X) => (Y) { Y = Neg (X) }", "replace { Y = Swish (X) }"),
     "g (float[2] x) => (float[2] y) { y = Neg (x) }", "Neg",
     "it needs opset 24, the model has 21"},
    {"rule r { opset 22 pattern (X) => (Y) { Y = Neg (X) } replace { Y = Mul (X, -1) } }",
     "g (float[2] x) => (float[2] y) { y = Neg (x) }", "Neg",
     "it needs opset 22, the model has 21"},
    {RULE("(X) => (Y) { C = Cast <to = double> (X) Y = Cast <to = @t> (C) }",
          "where @t == dtype(X), dtype(X) in [float, float16] replace { Y = Identity (X) }"),
     "g (float[2] x) => (float[2] y, float[2] z) { a = Abs (x) c = Cast <to = 11> (a) y = Cast <to = 1> "
     "(c) i = Cast <to = 7> (a) z = Cast <to = 1> (i) }",
     "Abs Cast Cast", "to of Cast is 7, expected double"},
    {RULE("(X) => (Y) { Y = Neg (X) }", "replace { M = MatMul (X, [[1]]) Y = Neg (M) }"),
     "g (float[2] x) => (float[2] y) { y = Neg (x) }", "Neg",
     "an element of a list is no single one"},
    {RULE("(X) => (Y) { Y = Abs (X) }", "replace { N = Not (X) Y = Neg (X) }"),
     "g (float[2] x) => (float[2] y) { y = Abs (x) }", "Abs", "input 0 has elements of type float"},
    {RULE("(X, C) => (Y) { Y = Mul (X, C) }",
          "where constant(C) replace { L = Expand (C, [100, 100, "
          "100]) Y = Mul (X, L) }"),
     "g (float[2] x) => (float[2] y) <float[1] c = {2.0}> { y = Mul (x, c) }", "Mul",
     "Expand: its result would be much larger"},
};

/* Runs the pass custom alone; fails unless everything computes the same. */
static void check_match(const match_case *c) {
    c2s_rules *rules = rules_of(c->rules);
    c2s_model *model = model_of(21, c->graph), *original = c2s_model_copy(model);
    run_passes_with(model, "custom", rules);
    if (strcmp(ops_of(model->graph), c->expected) != 0)
        fail_msg("%s\n%s: expected %s, found %s\n%s", c->rules, c->graph, c->expected,
                 ops_of(model->graph), refusals);
    if (c->reason && !strstr(refusals, c->reason))
        fail_msg("%s\nexpected a refusal with \"%s\", found:\n%s", c->rules, c->reason, refusals);
    if (!strstr(c->graph, ".own.") && !strstr(c->graph, "float[]"))
        assert_true(largest_difference(original, model) < 1e-6);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
    c2s_rules_free(rules);
}

static void matches_what_is_written(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof matches[0]; i++)
        check_match(&matches[i]);
}

/* Of all that a rule can bind to, in one graph. */
static void judges_conditions(void **state) {
    (void)state;
    static const struct {
        const char *condition;
        char holds; /* y, n, or ? for not known */
    } cases[] = {
        {"constant(W) and constant(B)", 'y'},
        {"constant(X)", 'n'},
        {"not constant(X)", 'y'},
        {"given(A)", 'n'},
        {"constant(A)", 'n'},
        {"rank(A) == 1", '?'},
        {"not rank(A) == 1", '?'},
        {"given(W)", 'y'},
        {"given(@auto)", 'y'},
        {"given(@none)", 'n'},
        {"@none == 1", '?'},
        {"@auto == \"NOTSET\"", 'y'},
        {"@auto == \"VALID\"", 'n'},
        {"@auto in [\"VALID\", \"NOTSET\"]", 'y'},
        {"@pads == [1, 1, 1, 1]", 'y'},
        {"@pads == 1", 'y'},
        {"@pads != 1", 'n'},
        {"@pads == [1, 1, 1]", 'n'},
        {"length(@pads) == 4", 'y'},
        {"length(@group) == 1", '?'},
        {"@pads + [0, 1, 2, 3] == [1, 2, 3, 4]", 'y'},
        {"2 * @pads - 1 == 1", 'y'},
        {"@pads + [1] == 2", '?'},
        {"@pads[0] == 1 and @pads[-1] == 1", 'y'},
        {"@pads[4] == 1", '?'},
        {"@group == 1", 'y'}, /* by default */
        {"@group < 1", 'n'},
        {"@group >= 1", 'y'},
        {"rank(X) == 4", 'y'},
        {"shape(X) == [N, 2, 5, 5]", 'y'},
        {"shape(X) == [1, 2, 5, 5]", '?'},
        {"shape(X) == [1, 3, 5, 5]", 'n'},
        {"shape(X)[1] == C", 'y'},
        {"shape(X)[0] == N", 'y'},
        {"shape(X)[0] <= N", 'y'},
        {"shape(X)[0] < N", 'n'},
        {"N > 3", '?'},
        {"N * 2 == N + N", 'y'},
        {"C % 2 == 0", 'y'},
        {"C / 0 == 0", '?'},
        {"7 / 2 == 3 and -7 / 2 == -4 and -7 % 2 == 1", 'y'},
        {"7.0 / 2 == 3.5", 'y'},
        {"size(W) == 3 * 2 * 9", 'y'},
        {"size(X) == N * 50", 'y'},
        {"dtype(X) == float", 'y'},
        {"dtype(X) in [float16, double]", 'n'},
        {"dtype(X) != dtype(W)", 'n'},
        {"dtype(X) < float", '?'},
        {"B == [0.5, 1.5, 0.1]", 'y'},
        {"B == [0.5, 1.5, 0.10001]", 'n'},
        {"B == [0.5, 1.5, 0.1000001]", 'y'},
        {"B > 0", 'y'},
        {"B > 0.2", 'n'},
        {"B == B", 'y'},
        {"B[1] == 1.5", 'y'},
        {"W == 0.25", 'y'},
        {"W == 0.5", 'n'},
        {"W < 1", 'y'},
        {"W + 1 == 1.25", '?'},
        {"W == B", 'n'},
        {"X == 1", '?'},
        {"X == 1 or constant(W)", 'y'},
        {"constant(W) or X == 1", 'y'},
        {"X == 1 and constant(X)", 'n'},
        {"X == 1 or constant(X)", '?'},
        {"broadcasts(B, W)", 'y'},
        {"broadcasts(W, B)", 'n'},
        {"broadcasts(W, W)", 'y'},
        {"broadcasts(X, W)", 'n'},
        {"broadcasts(A, W)", '?'},
        {"B == \"text\"", 'n'},
        {"\"a\" + 1 == 2", '?'},
        {"(rank(X) == 4) == 1", '?'},
        {"shape(Y) == [N, 3, 5, 5]", 'y'},
        {"- C == -2", 'y'},
    };
    char graph[1024] =
        "g (float[batch,2,5,5] x) => (float[batch,3,5,5] y) <float[3] b = {0.5, 1.5, "
        "0.1}, float[3,2,3,3] w = {0.25";
    for (int i = 1; i < 54; i++)
        strcat(graph, ", 0.25");
    strcat(graph, "}> { p = Conv <pads = [1, 1, 1, 1]> (x, w, b) y = Clip (p) }");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(
            text, sizeof text,
            "rule r { pattern (float[N,C,?,5] X, W, any[M] B, A) => (float[N,M,?,5] Y) {"
            " P = Conv <auto_pad = @auto, pads = @pads, group = @group, dilations = @none> "
            "(X, W, B) Y = Clip (P, A?) } where %s replace { Q = Conv <pads = @pads> (X, W, B) "
            "Y = Identity (Q) } }",
            cases[i].condition);
        c2s_rules *rules = rules_of(text);
        c2s_model *model = model_of(21, graph);
        run_passes_with(model, "custom", rules);
        bool applied = strcmp(ops_of(model->graph), "Conv") == 0;
        bool denied = strstr(refusals, "does not hold") != NULL;
        char found = applied ? 'y' : denied ? 'n' : '?';
        if (found != cases[i].holds || (found == '?' && !refusals[0]))
            fail_msg("%s: expected %c, found %c: %s", cases[i].condition, cases[i].holds, found,
                     refusals);
        c2s_model_destroy(model);
        c2s_rules_free(rules);
    }
}

static void checks_declared_types(void **state) {
    (void)state;
    static const match_case cases[] = {
        {RULE("(float[N,N] X) => (Y) { Y = Abs (X) }", "replace { Y = Neg (X) }"),
         "g (float[2,3] x) => (float[2,3] y) { y = Abs (x) }", "Abs",
         "the type of X is float[2,3]"},
        {RULE("(float[?,?,?] X) => (Y) { Y = Abs (X) }", "replace { Y = Neg (X) }"),
         "g (float[2,3] x) => (float[2,3] y) { y = Abs (x) }", "Abs",
         "the type of X is float[2,3]"},
        {RULE("(float[2,4] X) => (Y) { Y = Abs (X) }", "replace { Y = Neg (X) }"),
         "g (float[2,3] x) => (float[2,3] y) { y = Abs (x) }", "Abs",
         "the type of X is float[2,3]"},
        {RULE("(float[] X) => (Y) { Y = Abs (X) }", "replace { Y = Neg (X) }"),
         "g (double[2,3] x) => (double[2,3] y) { y = Abs (x) }", "Abs", "the type of X is double"},
        {RULE("(float X) => (Y) { Y = Abs (X) }", "replace { Y = Neg (X) }"),
         "g (float[1] x) => (float[1] y) { y = Abs (x) }", "Abs", "the type of X is float[1]"},
        {RULE("(any[N,M] X) => (any[M] Y) { Y = ReduceSum <...> (X, [0]) }",
              "replace { Y = Neg (X) }"),
         "g (float[2,3] x) => (float[1,3] y) <int64[1] a = {0}> { y = ReduceSum (x, a) }",
         "ReduceSum", "the type of Y is float[1,3]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_match(&cases[i]);
}

/* Gelu as exporters write it, in all orders of its commutative operators. */
static void tries_all_orders(void **state) {
    (void)state;
    static const char *const pairs[3][2] = {
        {"e, one", "one, e"}, {"x, a", "a, x"}, {"m, half", "half, m"}};
    c2s_rules *rules = rules_of(RULE(
        "(X) => (Y) { D = Div (X, 1.4142135) E = Erf (D) A = Add (E, 1) M = Mul (X, A) Y = Mul (M, "
        "0.5) }",
        "replace { Y = Gelu (X) }"));
    for (unsigned order = 0; order < 8; order++) {
        char graph[512];
        snprintf(
            graph, sizeof graph,
            "g (float[7] x) => (float[7] y) <float root = {1.41421356}, float one = {1.0}, float "
            "half = {0.5}> { d = Div (x, root) e = Erf (d) a = Add (%s) m = Mul (%s) y = Mul (%s) "
            "}",
            pairs[0][order & 1], pairs[1][order >> 1 & 1], pairs[2][order >> 2 & 1]);
        c2s_model *model = model_of(21, graph), *original = c2s_model_copy(model);
        assert_int_equal(run_passes_with(model, "custom", rules), 1);
        assert_string_equal(ops_of(model->graph), "Gelu");
        assert_true(largest_difference(original, model) < 1e-6);
        c2s_model_destroy(original);
        c2s_model_destroy(model);
    }
    c2s_rules_free(rules);
}

/* In a body, with a weight of the graph around it. */
static void reaches_into_bodies(void **state) {
    (void)state;
    c2s_rules *rules = rules_of(RULE("(X, W) => (Y) { T = Neg (X) Y = Mul (T, W) }",
                                     "where constant(W) replace { V = Neg (W) Y = Mul (X, V) }"));
    c2s_model *model = model_of(21, "g (bool c, float[2] x) => (float[2] y) <float[2] w = {2.0, "
                                    "3.0}> { y = If (c) <then_branch = "
                                    "a () => (float[2] p) { n = Neg (x) p = Mul (n, w) }, "
                                    "else_branch = b () => (float[2] q) { q "
                                    "= Neg (x) }> }");
    c2s_model *original = c2s_model_copy(model);
    assert_int_equal(run_passes_with(model, "custom", rules), 1);
    assert_string_equal(ops_of(c2s_node_body(model->graph->first, 0)), "Mul");
    assert_true(largest_difference(original, model) == 0);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
    c2s_rules_free(rules);
}

/* Names: of the result, of the node, of the weight that was changed. */
static void keeps_names(void **state) {
    (void)state;
    c2s_rules *rules =
        rules_of(RULE("(X, W) => (Y) { T = Neg (X) Y = MatMul (T, W) }",
                      "where constant(W) replace { V = Neg (W) Y = MatMul (X, V) }"));
    c2s_model *model =
        model_of(21, "g (float[2,1] x) => (float[2,1] y) <float[1,1] weight = {2.0}> { "
                     "[first] t = Neg (x) [second] y = MatMul (t, weight) }");
    run_passes_with(model, "custom", rules);
    const c2s_node *node = model->graph->first;
    assert_string_equal(node->name, "second");
    assert_string_equal(node->outputs[0]->name, "y");
    assert_string_equal(c2s_node_in(node, 1)->name, "weight");
    c2s_model_destroy(model);
    c2s_rules_free(rules);
}

/* ---- the proof ---- */

static void run_proved(c2s_model *model, c2s_rules *rules, c2s_pipeline_result *result) {
    c2s_prove_options proof = {
        .evaluator = &c2s_evaluator_onednn, .eval = {.threads = 1}, .random = {.seed = 1}};
    c2s_prover *prover = c2s_prover_create(&proof, NULL);
    c2s_pipeline *pipeline;
    assert_int_equal(c2s_pipeline_parse("custom", &pipeline), C2S_OK);
    assert_true(c2s_pipeline_use(pipeline, c2s_rules_pass(rules)));
    const c2s_pass_context context = {.evaluator = &c2s_evaluator_onednn, .eval = {.threads = 1}};
    c2s_pipeline_options options = {.context = &context, .prover = prover, .bisect = true};
    assert_int_equal(c2s_pipeline_run(pipeline, model, &options, result), C2S_OK);
    c2s_pipeline_free(pipeline);
    c2s_prover_destroy(prover);
}

static void check_left_out(const char *rules_text, const char *graph, const char *left,
                           const char *const *expected) {
    c2s_rules *rules = rules_of(rules_text);
    c2s_model *model = model_of(21, graph), *original = c2s_model_copy(model);
    c2s_pipeline_result result;
    run_proved(model, rules, &result);
    const c2s_step_result *step = &result.steps.at[0];
    assert_string_equal(ops_of(model->graph), left);
    unsigned count = 0;
    for (; expected[count]; count++) {
        if (count >= step->left_out.count || !strstr(step->left_out.at[count], expected[count]))
            fail_msg("expected %s, found %s", expected[count],
                     count < step->left_out.count ? step->left_out.at[count] : "nothing");
    }
    assert_int_equal(step->left_out.count, count);
    assert_true(largest_difference(original, model) < 1e-6);
    c2s_pipeline_result_free(&result);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
    c2s_rules_free(rules);
}

#define GOOD                                                                                       \
    "rule good { pattern (X) => (Y) { T = Neg (X) Y = Neg (T) } replace { Y = Identity (X) } }"

static void wrong_rules_are_named(void **state) {
    (void)state;
    check_left_out(
        GOOD "rule half-pixel { pattern (X) => (Y) { Y = Relu (X) } replace { Y = Abs (X) } }",
        "g (float[8] x) => (float[8] y) { a = Neg (x) b = Neg (a) [wrong] c = Relu (b) y = "
        "Exp (c) }",
        "Relu Exp", (const char *const[]){"half-pixel at node \"wrong\" (Relu)", NULL});
    /* It is right where nothing is negative: only the places where it is wrong are left out. */
    check_left_out(
        "rule sometimes { pattern (X) => (Y) { Y = Relu (X) } replace { Y = Identity (X) } }",
        "g (float[8] x) => (float[8] y) { a = Exp (x) b = Relu (a) c = Neg (b) d = Relu "
        "(x) [wrong] e = Relu (d) y = Sub (c, e) }",
        "Exp Neg Relu Sub", (const char *const[]){"sometimes at node \"wrong\" (Relu)", NULL});
    /* Wrong again and again: none of it, and the others stay. */
    check_left_out(
        GOOD "rule wrong { pattern (X, Z) => (Y) { Y = Add (X, Z) } replace { Y = Sub (X, Z) } }",
        "g (float[8] x) => (float[8] y) { a = Neg (x) b = Neg (a) c = Add (b, b) d = Add (c, "
        "b) e = Add (d, b) f = Add (e, b) y = Add (f, b) }",
        "Add Add Add Add Add",
        (const char *const[]){"wrong at node", "wrong at node", "wrong everywhere", NULL});
}

static void endless_rules_are_named(void **state) {
    (void)state;
    check_left_out(
        GOOD "rule grows { pattern (X) => (Y) { Y = Relu (X) } replace { Z = Relu (X) Y = Relu "
             "(Z) } }",
        "g (float[8] x) => (float[8] y) { a = Neg (x) b = Neg (a) y = Relu (b) }", "Relu",
        (const char *const[]){"grows everywhere", NULL});
    check_left_out(
        "rule there { pattern (X, Y) => (Z) { Z = Less (X, Y) } replace { Z = Greater (Y, X) "
        "} } rule back { pattern (X, Y) => (Z) { Z = Greater (X, Y) } replace { Z = Less (Y, "
        "X) } }",
        "g (float[8] x, float[8] z) => (bool[8] y) { y = Less (x, z) }", "Less",
        (const char *const[]){"there everywhere", NULL});
}

/* A long chain of commutative operators that fits nowhere: time must not explode. */
static void gives_up_early(void **state) {
    (void)state;
    static const char rule[] = "rule chain { pattern (X, A, B, C, D, E, F, G, H, I, J) => (Y) { a "
                               "= Add (X, A) b = Add (a, B) c "
                               "= Add (b, C) d = Add (c, D) e = Add (d, E) f = Add (e, F) g = Add "
                               "(f, G) h = Add (g, H) i = "
                               "Add (h, I) Y = Add (i, J) } replace { Y = Identity (X) } }";
    char graph[40000] = "g (float[2] x) => (float[2] y) { v0 = Abs (x) ";
    for (int i = 0; i < 800; i++)
        snprintf(graph + strlen(graph), 40, i % 9 == 8 ? "v%d = Abs (v%d) " : "v%d = Add (v%d, x) ",
                 i + 1, i);
    strcat(graph, "y = Neg (v800) }");
    char *text = malloc(50000);
    int size = snprintf(text, 50000, "<ir_version: 10, opset_import: [\"\" : 21]>\n%s", graph);
    c2s_model *model = NULL;
    assert_int_equal(c2s_text_read(text, (size_t)size, "chain", &model), C2S_OK);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    c2s_rules *rules = rules_of(rule);
    assert_int_equal(run_passes_with(model, "custom", rules), 0);
    c2s_rules_free(rules);
    c2s_model_destroy(model);
    free(text);
}

static void wants_rules_and_pass(void **state) {
    (void)state;
    c2s_rules *rules = rules_of(GOOD);
    c2s_model *model = model_of(21, "g (float[2] x) => (float[2] y) { y = Abs (x) }");
    c2s_run_options without = {.passes = "custom"}, unused = {.passes = "cleanup", .rules = rules};
    assert_int_equal(c2s_model_optimize(model, &without, NULL), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "there are no rules"));
    assert_int_equal(c2s_model_optimize(model, &unused, NULL), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "lack custom"));
    c2s_model_destroy(model);
    c2s_rules_free(rules);
    rules = NULL;
    assert_int_equal(c2s_rules_load(&rules, "/no/such.rules"), C2S_ERR_IO);
    assert_null(rules);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains_errors),         cmocka_unit_test(limits_expressions),
        cmocka_unit_test(matches_what_is_written), cmocka_unit_test(judges_conditions),
        cmocka_unit_test(checks_declared_types),   cmocka_unit_test(tries_all_orders),
        cmocka_unit_test(reaches_into_bodies),     cmocka_unit_test(keeps_names),
        cmocka_unit_test(wrong_rules_are_named),   cmocka_unit_test(endless_rules_are_named),
        cmocka_unit_test(gives_up_early),          cmocka_unit_test(wants_rules_and_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
