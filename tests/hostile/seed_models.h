/* SPDX-License-Identifier: Apache-2.0
 *
 * Small valid models, among them every kind of message that a model file can hold: what hostile
 * ones are made of, by wrong_fields.h and by the fuzz targets.
 */
#ifndef C2S_TESTS_SEED_MODELS_H
#define C2S_TESTS_SEED_MODELS_H

static const char *const seed_texts[] = {
    /* what vision models are made of */
    "<ir_version: 8, opset_import: [\"\" : 17]>\n"
    "g (float[n,2,4,4] x) => (float[n,3] y)\n"
    "<float[3,2,1,1] w = {1, 2, 3, 4, 5, 6}, float[3] b = {0.5, -0.5, 1}, float[3] scale = {1, 2, "
    "3},\n"
    " float[3] shift = {0, 1, 2}, float[3] mean = {0.1, 0.2, 0.3}, float[3] var = {1, 2, 4},\n"
    " float[3,3] m = {1, 0, 0, 0, 1, 0, 0, 0, 1}, int64[2] shape = {0, -1}>\n"
    "{\n"
    "    [conv] c = Conv <pads = [0, 0, 0, 0], kernel_shape = [1, 1], strides = [1, 1]> (x, w, b)\n"
    "    [norm] n0 = BatchNormalization <epsilon = 0.001> (c, scale, shift, mean, var)\n"
    "    [relu] r = Relu (n0)\n"
    "    [pool] p = AveragePool <kernel_shape = [2, 2], auto_pad = \"SAME_UPPER\"> (r)\n"
    "    [mean] a = GlobalAveragePool (p)\n"
    "    [flat] f = Reshape <allowzero = 0> (a, shape)\n"
    "    [full] y = Gemm <alpha = 1.0, transB = 1> (f, m, shift)\n"
    "}\n",
    /* attention, shapes that are computed */
    "<ir_version: 8, opset_import: [\"\" : 17]>\n"
    "g (float[b,s,4] x, int64[b,s] ids) => (float[b,s,4] y)\n"
    "<float[4,4] wq = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, float[6,4] table = {0, 1, "
    "2, 3, 4,\n"
    " 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5}, float half = {0.5}, float[4] one = "
    "{1, 1, 1, 1},\n"
    " int64[1] last = {-1}, int64 zero = {0}, int64[1] at = {0}>\n"
    "{\n"
    "    e = Gather <axis = 0> (table, ids)\n"
    "    h = Add (x, e)\n"
    "    q = MatMul (h, wq)\n"
    "    k = Transpose <perm = [0, 2, 1]> (h)\n"
    "    d = MatMul (q, k)\n"
    "    t = Mul (d, half)\n"
    "    p = Softmax <axis = -1> (t)\n"
    "    v = MatMul (p, h)\n"
    "    n0 = LayerNormalization <axis = -1, epsilon = 0.00001> (v, one)\n"
    "    sh = Shape (n0)\n"
    "    first = Gather (sh, zero)\n"
    "    row = Unsqueeze (first, at)\n"
    "    last0 = Constant <value = int64[1] {4}> ()\n"
    "    sizes = Concat <axis = 0> (row, last, last0)\n"
    "    r = Reshape (n0, sizes)\n"
    "    y = Split <axis = 2> (r)\n"
    "}\n",
    /* bodies */
    "<ir_version: 8, opset_import: [\"\" : 17]>\n"
    "g (float[2,3] x, bool up) => (float[2,3] y, z, float[2,3] w)\n"
    "<int64 n = {3}, float[3] k = {1, 2, 3}>\n"
    "{\n"
    "    y = If <then_branch = t () => (p) { p = Add (x, k) }, else_branch = e () => (q) { q = Neg "
    "(x) }> (up)\n"
    "    s, z = Loop <body = l (int64 i, bool c, v) => (d, u, o) { d = Identity (c)\n"
    "        u = Mul (v, k)\n"
    "        o = ReduceSum <keepdims = 0> (u) }> (n, \"\", x)\n"
    "    w = Scan <num_scan_inputs = 1, body = b (a) => (g0) { g0 = Sin (a) }> (x)\n"
    "}\n",
    /* functions */
    "<ir_version: 9, opset_import: [\"\" : 17, \"local\" : 1]>\n"
    "g (float[N,4] x) => (float[N,4] y)\n"
    "<float[4] one = {1, 1, 2, 3}>\n"
    "{\n"
    "    a = Add (x, one)\n"
    "    b = local.twice <alpha = 2.0> (a)\n"
    "    y = local.scaled <alpha = 3.0> (b)\n"
    "}\n"
    "<domain: \"local\", opset_import: [\"\" : 17]>\n"
    "scaled <alpha> (p) => (r)\n"
    "{\n"
    "    k = Constant <value_float : float = @alpha> ()\n"
    "    r = Mul (p, k)\n"
    "}\n"
    "<domain: \"local\", opset_import: [\"\" : 17, \"local\" : 1]>\n"
    "twice <alpha> (p) => (r)\n"
    "{\n"
    "    k = local.scaled <alpha : float = @alpha> (p)\n"
    "    r = local.scaled <alpha : float = @alpha> (k)\n"
    "}\n",
    /* quantized; attributes of many kinds */
    "<ir_version: 8, opset_import: [\"\" : 17, \"com.microsoft\" : 1]>\n"
    "g (float[1,4] x, string[2] t) => (float[1,2] y, string[k] u, float[1,2] z)\n"
    "<int8[4,2] w = {1, -2, 3, -4, 5, -6, 7, -8}, float sx = {0.1}, uint8 zx = {128}, float sw = "
    "{0.05},\n"
    " int8 zw = {0}, float[2] b = {0.5, 1}>\n"
    "{\n"
    "    q = QuantizeLinear (x, sx, zx)\n"
    "    d = DequantizeLinear (q, sx, zx)\n"
    "    v = DequantizeLinear (w, sw, zw)\n"
    "    m = MatMul (d, v)\n"
    "    y = Add (m, b)\n"
    "    u = StringNormalizer <case_change_action = \"LOWER\", stopwords = [\"a\", \"b\"]> (t)\n"
    "    c = Constant <value_floats = [1.0, 2.0]> ()\n"
    "    f = com.microsoft.FusedMatMul <alpha = 0.5> (x, v)\n"
    "    z = Mul (f, c)\n"
    "}\n",
    /* types beyond tensors */
    "<ir_version: 8, opset_import: [\"\" : 17]>\n"
    "g (seq(float[2]) s, optional(float[2]) o, float16[2] h, int64 i) => (float[2] y, bool e, "
    "float[2] f)\n"
    "{\n"
    "    t = SequenceAt (s, i)\n"
    "    e = OptionalHasElement (o)\n"
    "    g0 = OptionalGetElement (o)\n"
    "    f = Cast <to = 1> (h)\n"
    "    y = Add (t, g0)\n"
    "}\n",
};
enum { SEEDS = sizeof seed_texts / sizeof *seed_texts };

#endif
