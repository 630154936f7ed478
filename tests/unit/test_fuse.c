/* SPDX-License-Identifier: Apache-2.0 */
/* The fuse pass: positive and negative cases, both sides computed. */
#include "unit/pass_case.h"

static c2s_model *m; /* of the running case; the check frees it */
static c2s_value *x;

static const double float_tolerance = 3e-6; /* some rounding steps of float */

static void images(void) {
    m = make_model();
    x = INPUT(m, "x", 2, 4, 6, 7);
}
static void matrices(void) {
    m = make_model();
    x = INPUT(m, "x", 3, 4);
}
static void fused(c2s_value *y, const char *expected) {
    make_output(y, "y");
    check_case(m, "fuse", expected, float_tolerance);
}
static void refused(c2s_value *y, const char *expected, const char *reason) {
    make_output(y, "y");
    check_refused(m, "fuse", expected, reason);
}

static c2s_value *conv(c2s_value *w, c2s_value *b) {
    c2s_node *node = NODE(m, "Conv", x, w, b);
    c2s_node_trim_inputs(node);
    c2s_attr_set_ints(node, "strides", (int64_t[]){2, 1}, 2);
    c2s_attr_set_ints(node, "pads", (int64_t[]){1, 0, 1, 2}, 4);
    return make_infer(node);
}
static c2s_value *conv_transpose(c2s_value *w, c2s_value *b, int64_t group) {
    c2s_node *node = NODE(m, "ConvTranspose", x, w, b);
    c2s_node_trim_inputs(node);
    c2s_attr_set_int(node, "group", group);
    return make_infer(node);
}
static c2s_value *batch_norm(c2s_value *y, int64_t n) {
    return OP(m, "BatchNormalization", y, make_weight(m->graph, "gamma", C2S_FLOAT, 0.2, 1, &n),
              make_weight(m->graph, "beta", C2S_FLOAT, 0.3, 1, &n),
              make_weight(m->graph, "mean", C2S_FLOAT, 0.4, 1, &n),
              make_weight(m->graph, "variance", C2S_FLOAT, 2.5, 1, &n));
}

/* ---- weights and what follows ---- */

static void batch_norm_goes_into_convolutions(void **state) {
    (void)state;
    images();
    fused(batch_norm(conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL), 5), "Conv");
    images();
    fused(batch_norm(conv(WEIGHT(m, "w", 5, 4, 3, 2), WEIGHT(m, "b", 5)), 5), "Conv");
    images(); /* groups */
    c2s_node *node = NODE(m, "Conv", x, WEIGHT(m, "w", 6, 2, 3, 2));
    c2s_attr_set_int(node, "group", 2);
    fused(batch_norm(make_infer(node), 6), "Conv");
    images();
    fused(batch_norm(conv_transpose(WEIGHT(m, "w", 4, 3, 2, 2), WEIGHT(m, "b", 3), 1), 3),
          "ConvTranspose");
    images(); /* three output channels in each of two groups */
    fused(batch_norm(conv_transpose(WEIGHT(m, "w", 4, 3, 2, 2), NULL, 2), 6), "ConvTranspose");
}

static void batch_norm_goes_into_matrices(void **state) {
    (void)state;
    matrices();
    fused(batch_norm(OP(m, "MatMul", x, WEIGHT(m, "w", 4, 5)), 5), "Gemm");
    for (int trans = 0; trans < 2; trans++) {
        matrices();
        c2s_value *w = trans ? WEIGHT(m, "w", 5, 4) : WEIGHT(m, "w", 4, 5);
        c2s_node *gemm = NODE(m, "Gemm", x, w, WEIGHT(m, "b", 1, 5));
        c2s_attr_set_int(gemm, "transB", trans);
        c2s_attr_set_float(gemm, "alpha", 0.5F);
        c2s_attr_set_float(gemm, "beta", 3);
        fused(batch_norm(make_infer(gemm), 5), "Gemm");
    }
}

static void batch_norm_stays(void **state) {
    (void)state;
    images(); /* the weight is an input */
    c2s_value *w = INPUT(m, "w", 5, 4, 3, 2);
    refused(batch_norm(conv(w, NULL), 5), "Conv BatchNormalization", "not constant");
    images(); /* the result of Conv is an output too */
    c2s_value *y = conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL);
    make_output(y, "conv");
    refused(batch_norm(y, 5), "Conv BatchNormalization", "used elsewhere");
    images(); /* a variance of -epsilon divides by zero */
    y = conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL);
    c2s_value *one = POSITIVE(m, "one", 5), *variance = WEIGHT(m, "v", 5);
    refused(OP(m, "BatchNormalization", y, one, one, one, variance), "Conv BatchNormalization",
            "divides by zero or has parameters that are not finite");
    images(); /* training */
    y = conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL);
    c2s_value *p = POSITIVE(m, "p", 5);
    c2s_node *bn = make_node(m->graph, 3, "BatchNormalization", y, p, p, p, p, END);
    c2s_attr_set_int(bn, "training_mode", 1);
    refused(make_infer(bn), "Conv BatchNormalization", "training mode");
}

static void large_shared_weights_stay(void **state) {
    (void)state;
    images(); /* small: a second one is made */
    c2s_value *w = WEIGHT(m, "w", 4, 4, 1, 1);
    c2s_value *p = batch_norm(conv(w, NULL), 4), *q = conv(w, NULL);
    fused(OP(m, "Add", p, q), "Conv Conv Add");
    m = make_model();
    x = INPUT(m, "x", 1, 40, 6, 7);
    w = WEIGHT(m, "w", 40, 40, 1, 1);
    p = batch_norm(conv(w, NULL), 40), q = conv(w, NULL);
    refused(OP(m, "Add", p, q), "Conv BatchNormalization Conv Add", "a second one would be large");
}

static c2s_value *per_channel(const char *name, int64_t n) {
    return make_weight(m->graph, name, C2S_FLOAT, 2.1, DIMS(1, n, 1, 1));
}

static void affine_goes_into_convolutions(void **state) {
    (void)state;
    static const char *const ops[] = {"Mul", "Div", "Add", "Sub"};
    for (int op = 0; op < 4; op++) {
        for (int left = 0; left < 2; left++) {
            images();
            c2s_value *y = conv(WEIGHT(m, "w", 5, 4, 3, 2), op & 1 ? WEIGHT(m, "b", 5) : NULL);
            c2s_value *c = op < 2 ? per_channel("c", 5) : POSITIVE(m, "c", 5, 1, 1);
            c2s_value *z = left ? OP(m, ops[op], c, y) : OP(m, ops[op], y, c);
            if (op == 1 && left)
                refused(z, "Conv Div", "divided by the result");
            else
                fused(z, "Conv");
        }
    }
    images();
    fused(OP(m, "Mul", conv_transpose(WEIGHT(m, "w", 4, 3, 2, 2), NULL, 2), per_channel("c", 6)),
          "ConvTranspose");
    images(); /* a chain, with a scalar at its end */
    c2s_value *y = batch_norm(conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL), 5);
    fused(OP(m, "Relu", OP(m, "Mul", OP(m, "Add", y, per_channel("c", 5)),
                           make_scalar(m, "s", 0.5))),
          "Conv Relu");
}

static void affine_goes_into_matrices(void **state) {
    (void)state;
    matrices();
    fused(OP(m, "Mul", OP(m, "MatMul", x, WEIGHT(m, "w", 4, 5)), POSITIVE(m, "c", 5)), "MatMul");
    matrices();
    fused(OP(m, "Sub", POSITIVE(m, "c", 5), OP(m, "MatMul", x, WEIGHT(m, "w", 4, 5))), "Gemm");
    m = make_model(); /* scales, but has no bias */
    x = INPUT(m, "x", 2, 3, 4);
    fused(OP(m, "Div", OP(m, "MatMul", x, WEIGHT(m, "w", 4, 5)), make_scalar(m, "c", 8)),
          "MatMul");
    m = make_model();
    x = INPUT(m, "x", 2, 3, 4);
    refused(OP(m, "Add", OP(m, "MatMul", x, WEIGHT(m, "w", 4, 5)), POSITIVE(m, "c", 5)),
            "MatMul Add", "no bias");
}

static void affine_stays(void **state) {
    (void)state;
    images(); /* differs along the width: 7 + 2 - 2 + 1 columns */
    c2s_value *y = conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL);
    refused(OP(m, "Mul", y, POSITIVE(m, "c", 8)), "Conv Mul", "not one number per channel");
    images(); /* makes the result larger */
    y = conv(WEIGHT(m, "w", 1, 4, 3, 2), NULL);
    refused(OP(m, "Mul", y, per_channel("c", 5)), "Conv Mul", "not one number per channel");
    images(); /* adds an axis */
    y = conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL);
    refused(OP(m, "Mul", y, make_weight(m->graph, "c", C2S_FLOAT, 2, DIMS(1, 1, 1, 1, 1))),
            "Conv Mul", "not one number per channel");
    images();
    y = conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL);
    refused(OP(m, "Div", y, make_scalar(m, "c", 0)), "Conv Div", "not finite, or zero");
    images(); /* a sum of two results is no affine change */
    y = conv(WEIGHT(m, "w", 4, 4, 1, 1), NULL);
    refused(OP(m, "Add", y, y), "Conv Add", NULL);
}

static void half_precision(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        m = make_model();
        x = make_input(m, "x", C2S_FLOAT16, DIMS(2, 4));
        double factor = large ? 60000 : 3;
        c2s_tensor *tensor;
        assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT16, 0, NULL, &factor, &tensor), C2S_OK);
        c2s_value *y = OP(m, "MatMul", x, make_weight(m->graph, "w", C2S_FLOAT16, 0.1, DIMS(4, 5)));
        y = OP(m, "Mul", y, c2s_value_constant(m->graph, "c", tensor));
        make_output(y, "y");
        if (large)
            check_refused(m, "fuse", "MatMul Mul", "too large for float16");
        else
            check_case(m, "fuse", "MatMul", 4e-3);
    }
}

static void matmul_and_add_become_gemm(void **state) {
    (void)state;
    matrices(); /* weight and addend may be computed */
    c2s_value *w = INPUT(m, "w", 4, 5), *b = INPUT(m, "b", 5);
    fused(OP(m, "Add", b, OP(m, "MatMul", x, w)), "Gemm");
    matrices();
    w = INPUT(m, "w", 4, 5), b = INPUT(m, "b", 2, 3, 5);
    refused(OP(m, "Add", OP(m, "MatMul", x, w), b), "MatMul Add", "above 2");
    matrices(); /* one number per row */
    w = INPUT(m, "w", 4, 5), b = INPUT(m, "b", 3, 1);
    refused(OP(m, "Add", OP(m, "MatMul", x, w), b), "MatMul Add", "per column");
    m = make_model();
    x = make_input(m, "x", C2S_INT32, DIMS(3, 4));
    w = make_input(m, "w", C2S_INT32, DIMS(4, 5)), b = make_input(m, "b", C2S_INT32, DIMS(5));
    refused(OP(m, "Add", OP(m, "MatMul", x, w), b), "MatMul Add", "not common for this type");
}

static void transposes_go_into_products(void **state) {
    (void)state;
    matrices();
    c2s_value *w = INPUT(m, "w", 3, 5);
    fused(OP(m, "MatMul", OP(m, "Transpose", x), w), "Gemm");
    matrices();
    w = INPUT(m, "w", 5, 4);
    fused(OP(m, "MatMul", x, OP(m, "Transpose", w)), "Gemm");
    matrices(); /* turned back */
    w = INPUT(m, "w", 5, 4);
    c2s_node *gemm = NODE(m, "Gemm", x, OP(m, "Transpose", OP(m, "Neg", w)));
    c2s_node *again = NODE(m, "Gemm", OP(m, "Transpose", x), OP(m, "Transpose", w));
    c2s_attr_set_int(again, "transA", 1);
    fused(OP(m, "Sub", make_infer(gemm), make_infer(again)), "Neg Gemm Gemm Sub");
    m = make_model();
    x = INPUT(m, "x", 2, 3, 4);
    w = INPUT(m, "w", 5, 4);
    refused(OP(m, "MatMul", x, OP(m, "Transpose", w)), "Transpose MatMul", "a matrix");
}

/* ---- pads ---- */

static c2s_value *pad(c2s_value *fill, int64_t n, int64_t top, int64_t left, int64_t right) {
    int64_t pads[] = {0, n, top, left, 0, 0, 0, right};
    c2s_node *node = NODE(m, "Pad", x, make_ints(m, "pads", 8, pads), fill);
    c2s_node_trim_inputs(node);
    x = make_infer(node);
    return x;
}

static void pads_go_into_convolutions(void **state) {
    (void)state;
    images();
    pad(NULL, 0, 1, 2, 3);
    fused(conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL), "Conv");
    images(); /* axes of their own */
    x = OP(m, "Pad", x, INTS(m, "p", 1, 2), make_scalar(m, "zero", 0), INTS(m, "axes", -1));
    fused(conv(WEIGHT(m, "w", 5, 4, 3, 2), WEIGHT(m, "b", 5)), "Conv");
    images();
    pad(NULL, 0, 1, 0, 1);
    c2s_node *valid = NODE(m, "Conv", x, WEIGHT(m, "w", 5, 4, 3, 2));
    c2s_attr_set_string(valid, "auto_pad", "VALID");
    fused(make_infer(valid), "Conv");
}

static void pads_stay(void **state) {
    (void)state;
    images();
    pad(make_scalar(m, "one", 1), 0, 1, 2, 3);
    refused(conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL), "Pad Conv", "does not fill in zeros");
    images();
    pad(NULL, 1, 1, 2, 3);
    refused(conv(WEIGHT(m, "w", 5, 5, 3, 2), NULL), "Pad Conv", "batch or channels");
    images();
    pad(NULL, 0, 1, -1, 0);
    refused(conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL), "Pad Conv", "crops");
    images();
    pad(NULL, 0, 1, 2, 3);
    c2s_node *same = NODE(m, "Conv", x, WEIGHT(m, "w", 5, 4, 3, 2));
    c2s_attr_set_string(same, "auto_pad", "SAME_UPPER");
    refused(make_infer(same), "Pad Conv", "auto_pad");
    images();
    c2s_node *node = NODE(m, "Pad", x, INTS(m, "p", 0, 0, 1, 1, 0, 0, 1, 1));
    c2s_attr_set_string(node, "mode", "reflect");
    x = make_infer(node);
    refused(conv(WEIGHT(m, "w", 5, 4, 3, 2), NULL), "Pad Conv", "fills with other values");
}

static c2s_node *pool(const char *type) {
    c2s_node *node = NODE(m, type, x);
    c2s_attr_set_ints(node, "kernel_shape", (int64_t[]){3, 3}, 2);
    return node;
}

static void pads_go_into_pools(void **state) {
    (void)state;
    images();
    pad(NULL, 0, 1, 2, 0);
    fused(make_infer(pool("AveragePool")), "AveragePool");
    images();
    pad(make_scalar(m, "fill", -(double)INFINITY), 0, 1, 2, 0);
    fused(make_infer(pool("MaxPool")), "MaxPool");
    images();
    pad(NULL, 0, 1, 2, 0);
    refused(make_infer(pool("MaxPool")), "Pad MaxPool", "minus infinity");
    images();
    pad(NULL, 0, 1, 3, 0);
    refused(make_infer(pool("AveragePool")), "Pad AveragePool", "as large as the kernel");
    images();
    pad(NULL, 0, 1, 1, 0);
    c2s_node *node = pool("AveragePool");
    c2s_attr_set_ints(node, "pads", (int64_t[]){0, 1, 0, 0}, 4);
    refused(make_infer(node), "Pad AveragePool", "does not count its own pads");
    images();
    pad(NULL, 0, 1, 1, 0);
    node = pool("AveragePool");
    c2s_attr_set_int(node, "ceil_mode", 1);
    refused(make_infer(node), "Pad AveragePool", "rounds its size up");
}

/* ---- chains ---- */

static c2s_value *transpose(c2s_value *y, int64_t a, int64_t b, int64_t c, int64_t d) {
    c2s_node *node = NODE(m, "Transpose", y);
    c2s_attr_set_ints(node, "perm", (int64_t[]){a, b, c, d}, 4);
    return make_infer(node);
}

static void transposes_meet(void **state) {
    (void)state;
    images();
    fused(OP(m, "Relu", transpose(transpose(x, 0, 2, 3, 1), 0, 3, 1, 2)), "Relu");
    images();
    fused(OP(m, "Relu", transpose(transpose(x, 1, 0, 3, 2), 0, 2, 3, 1)), "Transpose Relu");
    images(); /* the first one stays for another user */
    c2s_value *y = transpose(x, 0, 2, 3, 1);
    make_output(OP(m, "Neg", y), "z");
    fused(OP(m, "Relu", transpose(y, 0, 3, 1, 2)), "Transpose Neg Relu");
    images(); /* an output right behind an input */
    fused(transpose(transpose(x, 0, 2, 3, 1), 0, 3, 1, 2), "Identity");
}

static void reshapes_meet(void **state) {
    (void)state;
    images();
    fused(OP(m, "Reshape", OP(m, "Reshape", x, INTS(m, "s", 8, 42)), INTS(m, "t", 4, -1)),
          "Reshape");
    images(); /* back to where it was */
    fused(OP(m, "Relu", OP(m, "Reshape", OP(m, "Flatten", x), INTS(m, "t", 0, 4, 6, 7))), "Relu");
    images();
    c2s_value *y = OP(m, "Unsqueeze", x, INTS(m, "a", 0, 2));
    fused(OP(m, "Relu", OP(m, "Squeeze", y, INTS(m, "b", 2))), "Reshape Relu");
    m = make_model(); /* two unknown extents: no Reshape can say that, Squeeze can */
    c2s_dim n = c2s_dim_symbol(m->dims, "n"), k = c2s_dim_symbol(m->dims, "k");
    x = make_input(m, "x", C2S_FLOAT, 5, (c2s_dim[]){1, n, 1, k, 1});
    y = OP(m, "Squeeze", x, INTS(m, "a", 2));
    make_output(OP(m, "Squeeze", y, INTS(m, "b", 0, 3)), "y");
    check_case(m, "fuse", "Squeeze", 0);
    m = make_model();
    n = c2s_dim_symbol(m->dims, "n"), k = c2s_dim_symbol(m->dims, "k");
    x = make_input(m, "x", C2S_FLOAT, 2, (c2s_dim[]){n, k});
    y = OP(m, "Unsqueeze", x, INTS(m, "a", 1));
    make_output(OP(m, "Unsqueeze", y, INTS(m, "b", 0, 2)), "y");
    check_case(m, "fuse", "Unsqueeze", 0);
    m = make_model();
    n = c2s_dim_symbol(m->dims, "n"), k = c2s_dim_symbol(m->dims, "k");
    x = make_input(m, "x", C2S_FLOAT, 2, (c2s_dim[]){n, k});
    y = OP(m, "Unsqueeze", x, INTS(m, "a", 1));
    fused(OP(m, "Reshape", y, INTS(m, "t", 0, 0, 1, -1)), "Reshape"); /* 0 copies n */
    m = make_model();
    n = c2s_dim_symbol(m->dims, "n"), k = c2s_dim_symbol(m->dims, "k");
    x = make_input(m, "x", C2S_FLOAT, 2, (c2s_dim[]){n, k});
    y = OP(m, "Unsqueeze", x, INTS(m, "a", 0));
    refused(OP(m, "Reshape", y, INTS(m, "t", 1, 0, 0, 1)), "Unsqueeze Reshape",
            "more than one extent");
}

static c2s_value *cast(c2s_value *y, c2s_dtype to) {
    c2s_node *node = NODE(m, "Cast", y);
    c2s_attr_set_int(node, "to", to);
    return make_infer(node);
}

static void casts_meet(void **state) {
    (void)state;
    static const struct {
        c2s_dtype from, between, to;
        bool lossless;
    } cases[] = {
        {C2S_FLOAT, C2S_DOUBLE, C2S_FLOAT16, true},  {C2S_FLOAT16, C2S_FLOAT, C2S_INT8, true},
        {C2S_BFLOAT16, C2S_FLOAT, C2S_DOUBLE, true}, {C2S_FLOAT16, C2S_BFLOAT16, C2S_FLOAT, false},
        {C2S_INT32, C2S_INT64, C2S_FLOAT, true},     {C2S_INT32, C2S_FLOAT, C2S_INT64, false},
        {C2S_INT16, C2S_FLOAT, C2S_INT64, true},     {C2S_INT8, C2S_UINT8, C2S_INT32, false},
        {C2S_UINT8, C2S_INT16, C2S_FLOAT, true},     {C2S_UINT8, C2S_INT8, C2S_FLOAT, false},
        {C2S_BOOL, C2S_INT32, C2S_FLOAT, true},      {C2S_FLOAT, C2S_BOOL, C2S_FLOAT, false},
        {C2S_FLOAT, C2S_INT32, C2S_FLOAT, false},    {C2S_UINT16, C2S_FLOAT16, C2S_FLOAT, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        m = make_model();
        x = make_input(m, "x", cases[i].from, DIMS(7));
        make_output(cast(cast(x, cases[i].between), cases[i].to), "y");
        if (cases[i].lossless)
            check_case(m, "fuse", "Cast", 0);
        else
            check_refused(m, "fuse", "Cast Cast", "does not hold every number");
    }
    m = make_model(); /* there and back */
    x = make_input(m, "x", C2S_FLOAT16, DIMS(7));
    make_output(OP(m, "Relu", cast(cast(x, C2S_FLOAT), C2S_FLOAT16)), "y");
    check_case(m, "fuse", "Relu", 0);
}

static c2s_value *clip(c2s_value *y, double low, double high) {
    c2s_value *a = isnan(low) ? NULL : make_scalar(m, "low", low);
    c2s_value *b = isnan(high) ? NULL : make_scalar(m, "high", high);
    c2s_node *node = NODE(m, "Clip", y, a, b);
    c2s_node_trim_inputs(node);
    return make_infer(node);
}

static void clips_meet(void **state) {
    (void)state;
    const double none = (double)NAN;
    const double bounds[][4] = {{-1, 2, -2, 1},  {-1, 2, 0, 6},       {1, 2, -3, -2},
                                {-2, -1, 0, 3},  {none, 1, -1, none}, {none, 1, none, 2},
                                {0, none, 1, 2}, {-1, none, 0, 0.5}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        images();
        fused(clip(clip(x, bounds[i][0], bounds[i][1]), bounds[i][2], bounds[i][3]), "Clip");
    }
    images();
    fused(OP(m, "Relu", clip(x, -1, 2)), "Clip");
    images();
    fused(clip(OP(m, "Relu", x), -1, 2), "Clip");
    images();
    fused(clip(OP(m, "Relu", x), -1, none), "Relu");
    images();
    fused(OP(m, "Relu", clip(x, -1, none)), "Relu");
    images();
    refused(clip(clip(x, 2, 1), 0, 3), "Clip Clip", "computed or empty");
    images();
    c2s_type type = c2s_type_scalar(C2S_FLOAT);
    c2s_value *low = c2s_graph_add_input(m->graph, "low", &type);
    refused(OP(m, "Clip", OP(m, "Relu", x), low), "Relu Clip", "computed or empty");
}

static c2s_value *concat(c2s_value *a, c2s_value *b, int64_t axis) {
    c2s_node *node = NODE(m, "Concat", a, b);
    c2s_attr_set_int(node, "axis", axis);
    return make_infer(node);
}

static void concats_meet(void **state) {
    (void)state;
    images();
    c2s_value *y = OP(m, "Neg", x);
    fused(concat(concat(x, y, 1), concat(y, x, -3), 1), "Neg Concat");
    images(); /* another axis */
    y = concat(x, x, 1);
    refused(concat(y, y, 2), "Concat Concat", NULL);
    images(); /* the inner one is used elsewhere */
    y = concat(x, x, 1);
    make_output(y, "inner");
    refused(concat(y, x, 1), "Concat Concat", NULL);
}

/* One by one would copy the operands again and again. */
static void a_chain_of_concats_meets_at_once(void **state) {
    (void)state;
    images();
    c2s_value *y = x;
    for (int i = 0; i < 40; i++)
        y = i % 2 ? concat(y, x, 1) : concat(OP(m, "Neg", x), y, 1);
    make_output(y, "y");
    c2s_model *copy = c2s_model_copy(m);
    assert_int_equal(run_passes(copy, "fuse"), 1);
    c2s_model_destroy(copy);
    run_passes(m, "fuse");
    unsigned concats = 0;
    for (const c2s_node *node = m->graph->first; node; node = node->next)
        concats += node->op == &c2s_op_concat ? node->formal_count : 0;
    assert_int_equal(concats, 41);
    c2s_model_destroy(m);
}

static c2s_value *slice(c2s_value *y, int64_t start, int64_t end, int64_t axis, int64_t step) {
    return OP(m, "Slice", y, INTS(m, "s", start), INTS(m, "e", end), INTS(m, "a", axis),
              INTS(m, "t", step));
}

static void slices_meet(void **state) {
    (void)state;
    images();
    fused(slice(slice(x, 1, 3, 1, 1), -1, -9, 3, -2), "Slice");
    images();
    fused(slice(slice(x, 1, 6, 2, 1), 1, 3, 2, 1), "Slice");
    images(); /* the second end lies beyond the first */
    fused(slice(slice(x, 1, 4, -1, 1), 1, INT64_MAX, 3, 1), "Slice");
    images();
    refused(slice(slice(x, 1, 6, 2, 1), -2, 9, 2, 1), "Slice Slice", "count from the back");
    images();
    refused(slice(slice(x, 0, 6, 2, 2), 1, 3, 2, 1), "Slice Slice", "count from the back");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm_goes_into_convolutions),
        cmocka_unit_test(batch_norm_goes_into_matrices),
        cmocka_unit_test(batch_norm_stays),
        cmocka_unit_test(large_shared_weights_stay),
        cmocka_unit_test(affine_goes_into_convolutions),
        cmocka_unit_test(affine_goes_into_matrices),
        cmocka_unit_test(affine_stays),
        cmocka_unit_test(half_precision),
        cmocka_unit_test(matmul_and_add_become_gemm),
        cmocka_unit_test(transposes_go_into_products),
        cmocka_unit_test(pads_go_into_convolutions),
        cmocka_unit_test(pads_stay),
        cmocka_unit_test(pads_go_into_pools),
        cmocka_unit_test(transposes_meet),
        cmocka_unit_test(reshapes_meet),
        cmocka_unit_test(casts_meet),
        cmocka_unit_test(clips_meet),
        cmocka_unit_test(concats_meet),
        cmocka_unit_test(a_chain_of_concats_meets_at_once),
        cmocka_unit_test(slices_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
