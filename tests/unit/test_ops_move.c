/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that move, choose and resample elements: symbolic shapes, values worked out by hand,
 * and input that must be refused.
 */
#include <math.h>
#include <string.h>

#include "eval/evaluator.h"
#include "io/text.h"
#include "ops/fft.h"
#include "ops/strided_copy.h"
#include "shared.h"

static c2s_model *read_model(const char *text) {
    char whole[4096];
    c2s_model *model;
    int length =
        snprintf(whole, sizeof whole, "<ir_version: 10, opset_import: [\"\" : 21]>\ng %s", text);
    assert_in_range(length, 1, sizeof whole - 1);
    if (c2s_text_read(whole, (size_t)length, "test", &model) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), whole);
    return model;
}

/* ---- symbolic shapes ---- */

typedef struct shape_case {
    const char *text, *expected;
} shape_case;

static const shape_case shape_cases[] = {
    /* split heads: [B,S,64] -> [B,S,4,16] by way of Shape, Gather, Concat */
    {"(float[B,S,64] x) => (float y) <int64 i0 = {0}, int64 i1 = {1}, int64[1] a0 = {0},"
     " int64[2] tail = {4, -1}> {"
     " s = Shape (x) b = Gather (s, i0) b1 = Unsqueeze (b, a0) n = Gather (s, i1)"
     " n1 = Unsqueeze (n, a0) t = Concat <axis = 0> (b1, n1, tail) y = Reshape (x, t) }",
     "float[B,S,4,16]"},
    /* merge them again */
    {"(float[B,S,4,16] x) => (float y) <int64[1] m = {-1}> {"
     " h = Shape <start = 0, end = 2> (x) t = Concat <axis = 0> (h, m) y = Reshape (x, t) }",
     "float[B,S,64]"},
    {"(float[B,C,H,W] x) => (float y) <int64[3] t = {0, 0, -1}> { y = Reshape (x, t) }",
     "float[B,C,H*W]"},
    {"(float[B,12,S] x) => (float y) <int64[3] t = {-1, 4, 3}> { y = Reshape (x, t) }",
     "float[B*S,4,3]"},
    {"(float[B,S,64] x) => (float y) { y = Flatten <axis = 2> (x) }", "float[B*S,64]"},
    /* arithmetic on contents */
    {"(float[N] x) => (float y) <int64 two = {2}, int64[1] a0 = {0}> {"
     " n = Size (x) m = Mul (n, two) t = Unsqueeze (m, a0) y = ConstantOfShape (t) }",
     "float[2*N]"},
    {"(float[B,S] x) => (int64 y) <int64 i1 = {1}, int64 zero = {0}, int64 one = {1}> {"
     " s = Shape (x) n = Gather (s, i1) y = Range (zero, n, one) }",
     "int64[S]"},
    /* the other half of a split shape, reversed */
    {"(float[A,B,C,D] x) => (float y) <int64[1] st = {-1}, int64[1] en = {-9223372036854775807},"
     " int64[1] ax = {0}, int64[1] step = {-1}> {"
     " s = Shape (x) r = Slice (s, st, en, ax, step) y = ConstantOfShape (r) }",
     "float[D,C,B,A]"},
    {"(float[A,B,C,D] x) => (float y) { s = Shape (x) h, t = Split <axis = 0, num_outputs = 2> (s)"
     " y = ConstantOfShape (t) }",
     "float[C,D]"},
    {"(float[A,B] x, float[1,1] z) => (float y) { s = Shape (x) y = Expand (z, s) }", "float[A,B]"},
    {"(float[A,B] x) => (float y) <int64[2] r = {1, 3}> { y = Tile (x, r) }", "float[A,3*B]"},
    {"(float[A,B] x) => (float y) <int64[4] p = {0, 1, 0, 2}> { y = Pad (x, p) }",
     "float[A,B + 3]"},
    {"(float[A,3] x, float[B,3] z) => (float y) { y = Concat <axis = 0> (x, z) }",
     "float[A + B,3]"},
    /* slices of symbolic extents */
    {"(float[N] x) => (float y) <int64[1] st = {0}, int64[1] en = {9223372036854775807}> {"
     " y = Slice (x, st, en) }",
     "float[N]"},
    {"(float[N] x) => (float y) <int64[1] st = {2}, int64[1] en = {9223372036854775807}> {"
     " y = Slice (x, st, en) }",
     "float[\"max(N - 2, 0)\"]"},
    {"(float[N] x, float[M] z) => (float y) <int64[1] st = {0}> { n = Shape (z)"
     " c = Concat <axis = 0> (x, z) y = Slice (c, st, n) }",
     "float[M]"},
    {"(float[N] x) => (float y) <int64[1] st = {0}, int64[1] en = {9223372036854775807},"
     " int64[1] ax = {0}, int64[1] step = {2}> { y = Slice (x, st, en, ax, step) }",
     "float[\"floor(N + 1, 2)\"]"},
    /* positions [0, S) of a table of 1024 rows meet tokens of length S */
    {"(float[1,S,8] x, float[1024,8] table) => (float y) <int64[1] i1 = {1}, int64[1] st = {0},"
     " int64[1] ax = {0}> { s = Shape (x) n = Gather (s, i1) p = Slice (table, st, n, ax)"
     " y = Add (x, p) }",
     "float[1,S,8]"},
    {"(float[B,3,H,W] x) => (float y) <float[4] sc = {1, 1, 2, 0.5}> {"
     " y = Resize <mode = \"nearest\"> (x, \"\", sc) }",
     "float[B,3,2*H,\"floor(W, 2)\"]"},
    {"(float[B,3,H,W] x, float[1,1,P,Q] like) => (float y) <int64[1] z = {0}, int64[1] two = {2},"
     " int64[1] four = {4}> { s = Shape (x) h = Slice (s, z, two) l = Shape (like)"
     " t = Slice (l, two, four) sizes = Concat <axis = 0> (h, t) y = Resize (x, \"\", \"\", sizes) "
     "}",
     "float[B,3,P,Q]"},
    {"(float[B,4,H,W] x) => (float y) { y = DepthToSpace <blocksize = 2> (x) }",
     "float[B,1,2*H,2*W]"},
    {"(float[A,B,C] x, int64[P,Q] i) => (float y) { y = Gather <axis = 1> (x, i) }",
     "float[A,P,Q,C]"},
    {"(float[A,B,C] x, int64[P,2] i) => (float y) { y = GatherND (x, i) }", "float[P,C]"},
    {"(float[1,A,1] x) => (float y) <int64[2] ax = {0, 2}> { y = Squeeze (x, ax) }", "float[A]"},
    {"(float[A,B] x, int64[1] k) => (float y) { y, i = TopK <axis = 0> (x, k) }",
     "float[unk__1,B]"},
    {"(int64[A,B] x, float[2] v) => (float y) <int64 d = {5}> { y = OneHot <axis = 1> (x, d, v) }",
     "float[A,5,B]"},
    {"(float[B,L,1] x) => (float y) <int64 step = {8}, int64 len = {16}> {"
     " y = STFT (x, step, \"\", len) }",
     "float[B,\"max(floor(L, 8) - 1, 0)\",9,2]"},
};

/* Type texts put expressions as they are; the cases quote them as text models do. */
static void remove_quotes(char *text) {
    char *to = text;
    for (; *text; text++)
        if (*text != '"')
            *to++ = *text;
    *to = '\0';
}

static void shapes_stay_symbolic(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shape_cases / sizeof *shape_cases; k++) {
        c2s_model *model = read_model(shape_cases[k].text);
        char found[512], expected[512];
        if (c2s_graph_infer(model->graph) != C2S_OK)
            fail_msg("%s\n%s", c2s_error(), shape_cases[k].text);
        c2s_type_text(model->dims, &c2s_graph_output(model->graph, 0)->type, found, sizeof found);
        snprintf(expected, sizeof expected, "%s", shape_cases[k].expected);
        remove_quotes(found);
        remove_quotes(expected);
        if (strcmp(found, expected) != 0)
            fail_msg("%s, expected %s\n%s", found, expected, shape_cases[k].text);
        c2s_model_destroy(model);
    }
}

/* ---- values: both outputs must be equal ---- */

static const char *const value_cases[] = {
    "() => (float[3,2] y, float[3,2] w) <float[2,3] x = {1, 2, 3, 4, 5, 6},"
    " float[3,2] w = {1, 4, 2, 5, 3, 6}> { y = Transpose (x) }",
    "() => (int4[3,1] y, int4[3,1] w) <int4[1,3] x = {1, -8, 7}, int4[3,1] w = {1, -8, 7}> {"
    " y = Transpose (x) }",
    "() => (string[2] y, string[2] w) <string[3] x = {\"a\", \"bc\", \"\"}, int64[2] i = {-1, 1},"
    " string[2] w = {\"\", \"bc\"}> { y = Gather (x, i) }",
    "() => (string[2] y, string[2] w) <string[3] x = {\"a\", \"b\", \"c\"}, int64[1] st = {-1},"
    " int64[1] en = {-9223372036854775807}, int64[1] ax = {0}, int64[1] step = {-2},"
    " string[2] w = {\"c\", \"a\"}> { y = Slice (x, st, en, ax, step) }",
    "() => (int4[5] y, int4[5] w) <int4[3] a = {1, 2, 3}, int4[2] b = {-4, -5},"
    " int4[5] w = {1, 2, 3, -4, -5}> { y = Concat <axis = 0> (a, b) }",
    "() => (float[1] y, float[1] w) <float[5] x = {1, 2, 3, 4, 5}, float[1] w = {5}> {"
    " a, b, y = Split <num_outputs = 3> (x) }",
    "() => (float[2,4] y, float[2,4] w) <float[2,1] x = {1, 2}, int64[2] s = {1, 4},"
    " float[2,4] w = {1, 1, 1, 1, 2, 2, 2, 2}> { y = Expand (x, s) }",
    "() => (int8[2,4] y, int8[2,4] w) <int8[1,2] x = {1, 2}, int64[2] r = {2, 2},"
    " int8[2,4] w = {1, 2, 1, 2, 1, 2, 1, 2}> { y = Tile (x, r) }",
    /* pads: negative ones crop first */
    "() => (float[7] y, float[7] w) <float[3] x = {1, 2, 3}, int64[2] p = {3, 1},"
    " float[7] w = {2, 3, 2, 1, 2, 3, 2}> { y = Pad <mode = \"reflect\"> (x, p) }",
    "() => (float[7] y, float[7] w) <float[3] x = {1, 2, 3}, int64[2] p = {2, 2},"
    " float[7] w = {2, 3, 1, 2, 3, 1, 2}> { y = Pad <mode = \"wrap\"> (x, p) }",
    "() => (float[4] y, float[4] w) <float[4] x = {1, 2, 3, 4}, int64[2] p = {-2, 2},"
    " float[4] w = {3, 4, 4, 4}> { y = Pad <mode = \"edge\"> (x, p) }",
    "() => (float[2,3] y, float[2,3] w) <float[2,2] x = {1, 2, 3, 4}, int64[2] p = {1, 0},"
    " float v = {9}, int64[1] ax = {-1}, float[2,3] w = {9, 1, 2, 9, 3, 4}> {"
    " y = Pad (x, p, v, ax) }",
    "() => (string[3] y, string[3] w) <string[1] x = {\"a\"}, int64[2] p = {1, 1},"
    " string v = {\"-\"}, string[3] w = {\"-\", \"a\", \"-\"}> { y = Pad (x, p, v) }",
    "() => (float[3,2] y, float[3,2] w) <float[2,3] x = {1, 2, 3, 4, 5, 6}, int64[2] s = {3, 2},"
    " float[3,2] w = {1, 2, 4, 5, 0, 0}> { y = CenterCropPad (x, s) }",
    "() => (float[1,1,2,4] y, float[1,1,2,4] w) <float[1,4,1,2] x = {1, 2, 3, 4, 5, 6, 7, 8},"
    " float[1,1,2,4] w = {1, 3, 2, 4, 5, 7, 6, 8}> {"
    " y = DepthToSpace <blocksize = 2, mode = \"CRD\"> (x) }",
    "() => (float[1,1,2,4] y, float[1,1,2,4] w) <float[1,1,2,4] w = {1, 2, 3, 4, 5, 6, 7, 8}> {"
    " d = SpaceToDepth <blocksize = 2> (w) y = DepthToSpace <blocksize = 2> (d) }",
    /* gather and scatter */
    "() => (float[2,2] y, float[2,2] w) <float[2,2] x = {1, 2, 3, 4}, int64[2,2] i = {0, 0, -1, 0},"
    " float[2,2] w = {1, 1, 4, 3}> { y = GatherElements <axis = 1> (x, i) }",
    "() => (float[2,1] y, float[2,1] w) <float[2,2,1] x = {1, 2, 3, 4}, int64[2,1] i = {1, 0},"
    " float[2,1] w = {2, 3}> { y = GatherND <batch_dims = 1> (x, i) }",
    "() => (uint8[4] y, uint8[4] w) <uint8[4] x = {250, 1, 2, 3}, int64[3,1] i = {0, 0, 3},"
    " uint8[3] u = {5, 6, 7}, uint8[4] w = {5, 1, 2, 10}> {"
    " y = ScatterND <reduction = \"add\"> (x, i, u) }",
    "() => (float16[3] y, float16[3] w) <float16[3] x = {1, 2, 3}, int64[2] i = {-1, 0},"
    " float16[2] u = {2, 4}, float16[3] w = {4, 2, 6}> {"
    " y = ScatterElements <reduction = \"mul\"> (x, i, u) }",
    "() => (float[1,4,1] y, float[1,4,1] w) <float[1,4,1] x = {1, 2, 3, 4}, int64[1] i = {3},"
    " float[1,2,1] u = {8, 9}, float[1,4,1] w = {9, 2, 3, 8}> {"
    " y = TensorScatter <mode = \"circular\"> (x, u, i) }",
    /* choosing */
    "() => (int64[2,2] y, int64[2,2] w) <float[2,3] x = {3, 3, 1, 2, 5, 5}, int64[1] k = {2},"
    " int64[2,2] w = {0, 1, 1, 2}> { v, y = TopK (x, k) }",
    "() => (uint64[2] y, uint64[2] w) <uint64[3] x = {18446744073709551615, 0, 7}, int64[1] k = "
    "{2},"
    " uint64[2] w = {0, 7}> { y, i = TopK <largest = 0> (x, k) }",
    "() => (string[2] y, string[2] w) <string[4] x = {\"b\", \"a\", \"b\", \"a\"},"
    " string[2] w = {\"b\", \"a\"}> { y = Unique <sorted = 0> (x) }",
    "() => (int64[4] y, int64[4] w) <int32[4] x = {5, -1, 5, 3}, int64[4] w = {2, 0, 2, 1}> {"
    " u, i, y, c = Unique (x) }",
    "() => (int64[2,3] y, int64[2,3] w) <float[2,2] x = {1, 0, -1, 2},"
    " int64[2,3] w = {0, 1, 1, 0, 0, 1}> { y = NonZero (x) }",
    "() => (float[2,1] y, float[2,1] w) <float[2,2] x = {1, 2, 3, 4}, bool[2] c = {0, 1},"
    " float[2,1] w = {2, 4}> { y = Compress <axis = 1> (x, c) }",
    "() => (int8[2,3] y, int8[2,3] w) <int8[2,3] x = {1, 2, 3, 4, 5, 6}, int64 k = {-1},"
    " int8[2,3] w = {0, 0, 0, 4, 0, 0}> { y = Trilu <upper = 0> (x, k) }",
    "() => (float[3,2] y, float[3,2] w) <float[3,2] x = {1, 2, 3, 4, 5, 6}, int64[2] n = {2, 3},"
    " float[3,2] w = {3, 6, 1, 4, 5, 2}> { y = ReverseSequence (x, n) }",
    "() => (int64[3,2] y, int64[3,2] w) <int64[3] x = {-1, 7, 0}, float d = {2},"
    " int64[2] v = {3, 8}, int64[3,2] w = {3, 8, 3, 3, 8, 3}> { y = OneHot (x, d, v) }",
    /* generators */
    "() => (int32[3] y, int32[3] w) <int32 a = {7}, int32 b = {0}, int32 c = {-3},"
    " int32[3] w = {7, 4, 1}> { y = Range (a, b, c) }",
    "() => (float[4] y, float[4] w) <int64 n = {4}, float[4] w = {0, 0.5, 1, 0.5}> {"
    " y = HannWindow (n) }",
    "() => (double[2,3] y, double[2,3] w) <int8[2,3] x = {0, 0, 0, 0, 0, 0},"
    " double[2,3] w = {0, 1, 0, 0, 0, 1}> { y = EyeLike <k = 1, dtype = 11> (x) }",
    /* resampling */
    "() => (string[4] y, string[4] w) <string[2] x = {\"a\", \"b\"}, float[1] s = {2},"
    " string[4] w = {\"a\", \"a\", \"b\", \"b\"}> { y = Resize (x, \"\", s) }",
    "() => (float[4] y, float[4] w) <float[2] x = {0, 4}, float[1] s = {2},"
    " float[4] w = {0, 1, 3, 4}> { y = Resize <mode = \"linear\"> (x, \"\", s) }",
    "() => (uint8[3] y, uint8[3] w) <uint8[2] x = {10, 250}, int64[1] s = {3},"
    " uint8[3] w = {10, 130, 250}> {"
    " y = Resize <mode = \"linear\", coordinate_transformation_mode = \"align_corners\">"
    " (x, \"\", \"\", s) }",
    /* an affine grid that changes nothing, and sampling there */
    "() => (float[1,1,2,3] y, float[1,1,2,3] w) <float[1,1,2,3] w = {1, 2, 3, 4, 5, 6},"
    " float[1,2,3] theta = {1, 0, 0, 0, 1, 0}, int64[4] s = {1, 1, 2, 3}> {"
    " g = AffineGrid (theta, s) y = GridSample (w, g) }",
    "() => (float[1,1,1,2] y, float[1,1,1,2] w) <float[1,1,1,2] x = {2, 6},"
    " float[1,1,2,2] g = {0, 0, 5, 0}, float[1,1,1,2] w = {4, 6}> {"
    " y = GridSample <padding_mode = \"border\"> (x, g) }",
    /* the nearest element is taken as it is, also one that double cannot hold */
    "() => (int64[1,1,1,2] y, int64[1,1,1,2] w) <int64[1,1,1,2] x = {9007199254740993, 5},"
    " float[1,1,2,2] g = {0.5, 0, -0.5, 0}, int64[1,1,1,2] w = {5, 9007199254740993}> {"
    " y = GridSample <mode = \"nearest\"> (x, g) }",
    "() => (string[1,1,1,2] y, string[1,1,1,2] w) <string[1,1,1,2] x = {\"a\", \"bc\"},"
    " float[1,1,2,2] g = {0.5, 0, 5, 0}, string[1,1,1,2] w = {\"bc\", \"\"}> {"
    " y = GridSample <mode = \"nearest\"> (x, g) }",
    /* the second box overlaps the first by more than half; the third is far away */
    "() => (int64[2,3] y, int64[2,3] w) <float[1,3,4] b = {0, 0, 2, 2, 0, 0, 2, 1.5, 5, 5, 6, 6},"
    " float[1,1,3] s = {0.9, 0.8, 0.7}, int64 n = {3}, float t = {0.5},"
    " int64[2,3] w = {0, 0, 0, 0, 0, 2}> { y = NonMaxSuppression (b, s, n, t) }",
    "() => (float[1,1,1,1] y, float[1,1,1,1] w) <float[1,1,2,2] x = {1, 2, 3, 4},"
    " float[1,4] r = {0, 0, 2, 2}, int64[1] b = {0}, float[1,1,1,1] w = {2.5}> {"
    " y = RoiAlign <sampling_ratio = 2> (x, r, b) }",
    /* a transform of length 3, and back */
    "() => (float[1,3,2] y, float[1,3,2] w) <float[1,3,2] w = {1, 2, -3, 4, 5, 0.5}, int64 a = "
    "{1}> {"
    " f = DFT (w, \"\", a) y = DFT <inverse = 1> (f, \"\", a) }",
    "() => (float[1,4,1] y, float[1,4,1] w) <float[1,4,1] w = {1, 2, -3, 4}, int64 a = {1}> {"
    " f = DFT <onesided = 1> (w, \"\", a) y = DFT <inverse = 1, onesided = 1> (f, \"\", a) }",
    /* nothing at all */
    "() => (float[0,2] y, float[0,2] w) <float[2,0] x = {}, float[0,2] w = {}> {"
    " y = Transpose (x) }",
    "() => (float[0] y, float[0] w) <float[3] x = {1, 2, 3}, int64[0] i = {}, float[0] w = {}> {"
    " y = Gather (x, i) }",
};

static void run_constant_model(const c2s_model *model, c2s_tensor **out) {
    c2s_session *session;
    c2s_eval_options options = {.threads = 1};
    if (c2s_evaluator_reference.open(model->graph, &options, &session) != C2S_OK ||
        c2s_evaluator_reference.run(session, NULL, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    c2s_evaluator_reference.close(session);
}

static void values_are_right(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof value_cases / sizeof *value_cases; k++) {
        c2s_model *model = read_model(value_cases[k]);
        c2s_tensor *out[2];
        if (c2s_graph_infer(model->graph) != C2S_OK)
            fail_msg("%s\n%s", c2s_error(), value_cases[k]);
        run_constant_model(model, out);
        bool equal = c2s_tensor_equal(out[0], out[1]);
        if (!equal && c2s_type_equal(&out[0]->type, &out[1]->type)) {
            equal = c2s_dtype_is_float(out[0]->type.dtype);
            for (size_t j = 0; equal && j < out[0]->count; j++)
                equal = fabs(c2s_tensor_f64_at(out[0], j) - c2s_tensor_f64_at(out[1], j)) < 1e-6;
        }
        if (!equal)
            fail_msg("wrong: %s", value_cases[k]);
        c2s_tensor_unref(out[0]);
        c2s_tensor_unref(out[1]);
        c2s_model_destroy(model);
    }
}

/* ---- what must be refused, and why ---- */

static const struct {
    const char *text, *message;
} refused_cases[] = {
    {"() => (float y) <float[3] x = {1, 2, 3}, int64[1] i = {3}> { y = Gather (x, i) }",
     "index 3 is out of range, allowed are -3 to 2"},
    {"() => (float y) <float[3] x = {1, 2, 3}, int64[1] i = {-4}> { y = GatherElements (x, i) }",
     "index -4 is out of range"},
    {"() => (float y) <float[2,2] x = {1, 2, 3, 4}, int64[1,2] i = {0, 2}> { y = GatherND (x, i) }",
     "index 2 is out of range, allowed are -2 to 1"},
    {"() => (float y) <float[2] x = {1, 2}, int64[1,1] i = {9}, float[1] u = {0}> {"
     " y = ScatterND (x, i, u) }",
     "index 9 is out of range"},
    {"() => (float y) <float[2] x = {1, 2}, int64[1] i = {-3}, float[1] u = {0}> {"
     " y = ScatterElements (x, i, u) }",
     "index -3 is out of range"},
    {"() => (float y) <float[0] x = {}, int64[1] i = {0}> { y = Gather (x, i) }",
     "index 0 is out of range"},
    {"() => (float y) <float[3] x = {1, 2, 3}, int64[1] s = {4}> { y = Reshape (x, s) }",
     "3 elements cannot take a shape of 4"},
    {"() => (float y) <float[3] x = {1, 2, 3}, int64[2] s = {-1, -1}> { y = Reshape (x, s) }",
     "more than one -1"},
    {"() => (float y) <float[3] x = {1, 2, 3}, int64[2] s = {2, -1}> { y = Reshape (x, s) }",
     "3 elements cannot be divided into rows of 2"},
    {"() => (float y) <int64[1] s = {-2}> { y = ConstantOfShape (s) }", "extent -2"},
    {"() => (float y) <int64[3] s = {1073741824, 1073741824, 1073741824}> {"
     " y = ConstantOfShape (s) }",
     ""},
    {"() => (float y) <float[2] x = {1, 2}, int64[2] p = {-2, -1}> { y = Pad (x, p) }",
     "extent -1"},
    {"() => (float y) <float[0] x = {}, int64[2] p = {1, 0}> { y = Pad <mode = \"edge\"> (x, p) }",
     "no elements to repeat"},
    {"() => (float y) <float[2] x = {1, 2}, int64[1] k = {3}> { y, i = TopK (x, k) }", "K is 3"},
    {"() => (float y) <float[4] x = {1, 2, 3, 4}> { y, z = Split <num_outputs = 3> (x) }",
     "num_outputs is 3, the node has 2 outputs"},
    {"() => (float y) <float[2,2] x = {1, 2, 3, 4}> { y = Transpose <perm = [0, 0]> (x) }",
     "axis 0 is given twice"},
    {"() => (float y) <float[2,2] x = {1, 2, 3, 4}, int64[1] a = {0}> { y = Squeeze (x, a) }",
     "axis 0 has extent 2, expected 1"},
    {"() => (float y) <float[2] x = {1, 2}, float[1] s = {-1}> { y = Resize (x, \"\", s) }",
     "scale is -1"},
    {"() => (float y) <float[1,1,2,2] x = {1, 2, 3, 4}, float[1,4] r = {0, 0, 1, 1},"
     " int64[1] b = {1}> { y = RoiAlign (x, r, b) }",
     "index 1 is out of range"},
    {"() => (float y) <float[2,1] x = {1, 2}, int64[1] n = {3}> { y = ReverseSequence (x, n) }",
     "sequence length 3, allowed are 0 to 2"},
    {"() => (float y) <float a = {0}, float b = {1}, float c = {0}> { y = Range (a, b, c) }",
     "has no length"},
};

static void bad_input_is_refused(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof refused_cases / sizeof *refused_cases; k++) {
        c2s_model *model = read_model(refused_cases[k].text);
        c2s_status status = c2s_graph_infer(model->graph);
        c2s_node *node = model->graph->first;
        c2s_tensor *out[2] = {0};
        if (status == C2S_OK) {
            const c2s_tensor *in[4] = {0};
            for (unsigned j = 0; j < node->formal_count; j++)
                in[j] = node->inputs[j].value ? node->inputs[j].value->constant : NULL;
            status = c2s_node_eval(node, in, out, NULL, 0);
        }
        if (status == C2S_OK || !strstr(c2s_error(), refused_cases[k].message))
            fail_msg("%s: \"%s\"\n%s", status == C2S_OK ? "accepted" : "refused", c2s_error(),
                     refused_cases[k].text);
        c2s_model_destroy(model);
    }
}

/* ---- the engines against their definitions ---- */

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

/* Random permutations, reversals and repetitions, against one memcpy per element. */
static void strided_copies_match_definition(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 4, 8, 16};
    static unsigned char from[1 << 16], to[1 << 16], expected[1 << 16];
    uint32_t seed = 7;
    for (size_t k = 0; k < sizeof from; k++)
        from[k] = (unsigned char)next_random(&seed);
    for (int round = 0; round < 400; round++) {
        c2s_strided plan = {.element = sizes[round % 5]};
        int rank = 1 + (int)(next_random(&seed) % 4), order[4] = {0, 1, 2, 3};
        size_t extent[4], total = 1, start = 0;
        ptrdiff_t stride[4], step = (ptrdiff_t)plan.element;
        for (int a = 0; a < rank; a++)
            extent[a] = 1 + next_random(&seed) % (rank < 3 ? 40 : 7);
        for (int a = rank - 1; a > 0; a--) {
            int other = (int)(next_random(&seed) % (unsigned)(a + 1)), swap = order[a];
            order[a] = order[other];
            order[other] = swap;
        }
        for (int a = rank - 1; a >= 0; a--) { /* strides of the source */
            stride[a] = step;
            step *= (ptrdiff_t)extent[a];
            unsigned kind = next_random(&seed) % 5;
            if (kind == 0)
                stride[a] = 0;
            if (kind == 1) {
                start += (extent[a] - 1) * (size_t)stride[a];
                stride[a] = -stride[a];
            }
            total *= extent[a];
        }
        step = (ptrdiff_t)plan.element;
        ptrdiff_t to_stride[4];
        for (int a = rank - 1; a >= 0; a--) {
            to_stride[a] = step;
            step *= (ptrdiff_t)extent[order[a]];
        }
        for (int a = 0; a < rank; a++)
            c2s_strided_axis(&plan, extent[order[a]], to_stride[a], stride[order[a]]);
        memset(to, 0, sizeof to);
        c2s_strided_copy(&plan, to, from + start);
        for (size_t k = 0; k < total; k++) {
            size_t rest = k;
            ptrdiff_t at = (ptrdiff_t)start;
            for (int a = rank - 1; a >= 0; a--) {
                at += (ptrdiff_t)(rest % extent[order[a]]) * stride[order[a]];
                rest /= extent[order[a]];
            }
            memcpy(expected + k * plan.element, from + at, plan.element);
        }
        assert_memory_equal(to, expected, total * plan.element);
    }
}

/* A copy that is large enough to be shared between threads. */
static void large_transpositions_are_exact(void **state) {
    (void)state;
    enum { ROWS = 700, COLUMNS = 900 };
    uint32_t *from = malloc(sizeof *from * ROWS * COLUMNS),
             *to = malloc(sizeof *to * ROWS * COLUMNS);
    c2s_strided plan = {.element = 4};
    for (uint32_t k = 0; k < ROWS * COLUMNS; k++)
        from[k] = k;
    c2s_strided_axis(&plan, COLUMNS, 4 * ROWS, 4);
    c2s_strided_axis(&plan, ROWS, 4, 4 * COLUMNS);
    c2s_strided_copy(&plan, to, from);
    for (uint32_t row = 0; row < COLUMNS; row++)
        for (uint32_t column = 0; column < ROWS; column++)
            assert_int_equal(to[row * ROWS + column], column * COLUMNS + row);
    free(from);
    free(to);
}

static void transforms_match_definition(void **state) {
    (void)state;
    const double pi = 3.14159265358979323846;
    for (size_t n = 1; n <= 40; n++) {
        double line[80], sum[80] = {0};
        c2s_fft fft;
        for (size_t k = 0; k < 2 * n; k++)
            line[k] = sin((double)(k * k) + 1);
        for (size_t k = 0; k < n; k++)
            for (size_t j = 0; j < n; j++) {
                double angle = -2 * pi * (double)(k * j % n) / (double)n;
                sum[2 * k] += line[2 * j] * cos(angle) - line[2 * j + 1] * sin(angle);
                sum[2 * k + 1] += line[2 * j] * sin(angle) + line[2 * j + 1] * cos(angle);
            }
        assert_int_equal(c2s_fft_prepare(n, false, &fft), C2S_OK);
        c2s_fft_run(&fft, line);
        c2s_fft_free(&fft);
        for (size_t k = 0; k < 2 * n; k++)
            assert_true(fabs(line[k] - sum[k]) < 1e-12 * (double)n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_stay_symbolic),
        cmocka_unit_test(values_are_right),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(strided_copies_match_definition),
        cmocka_unit_test(large_transpositions_are_exact),
        cmocka_unit_test(transforms_match_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
