/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks with one float input that between them use every family of kernels, in the size that a
 * test can afford.
 */
#ifndef C2S_TESTS_NETWORKS_H
#define C2S_TESTS_NETWORKS_H

#include "unit/make_graph.h"

#include "base/random.h"

static inline c2s_value *random_constant(c2s_model *m, uint64_t seed, int rank,
                                         const int64_t *dim) {
    c2s_random random = {seed};
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    for (size_t k = 0; k < tensor->count; k++)
        ((float *)c2s_tensor_mutable(tensor))[k] = 0.1f * (float)c2s_random_normal(&random);
    return c2s_value_constant(m->graph, "w", tensor);
}
/* Normally distributed with deviation 0.1. */
#define RANDOM(m, seed, ...) random_constant(m, seed, DIMS(__VA_ARGS__))

static inline c2s_value *network_conv(c2s_model *m, c2s_value *x, c2s_value *w, int64_t pad,
                                      int64_t groups) {
    c2s_node *n = NODE(m, "Conv", x, w);
    c2s_attr_set_ints(n, "pads", (int64_t[]){pad, pad, pad, pad}, 4);
    c2s_attr_set_int(n, "group", groups);
    return make_infer(n);
}

/* Convolutions (3 x 3, 1 x 1, depthwise, transposed), normalization, pooling, interpolation. */
static inline c2s_model *network_of_images(int64_t extent) {
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 2, 16, extent, extent);
    c2s_value *dense = OP(m, "Relu", network_conv(m, x, RANDOM(m, 1, 32, 16, 3, 3), 1, 1));
    c2s_value *point = network_conv(m, dense, RANDOM(m, 2, 48, 32, 1, 1), 0, 1);
    c2s_value *deep = OP(m, "Sigmoid", network_conv(m, point, RANDOM(m, 3, 48, 1, 3, 3), 1, 48));
    c2s_value *norm = OP(m, "InstanceNormalization", deep, RANDOM(m, 4, 48), RANDOM(m, 5, 48));
    c2s_node *resize =
        NODE(m, "Resize", x, NULL, NULL, INTS(m, "sizes", 2, 16, extent + 17, 2 * extent));
    c2s_attr_set_string(resize, "mode", "linear");
    make_output(dense, "dense");
    make_output(norm, "norm");
    make_output(OP(m, "GlobalAveragePool", norm), "pool");
    make_output(OP(m, "ConvTranspose", x, RANDOM(m, 6, 16, 8, 3, 3)), "transposed");
    make_output(make_infer(resize), "resize");
    return m;
}

static inline c2s_value *network_reduce(c2s_model *m, const char *op, c2s_value *x,
                                        c2s_value *axes) {
    c2s_node *n = axes ? NODE(m, op, x, axes) : NODE(m, op, x);
    return make_infer(n);
}

/* Sums, products of matrices with many rows and with few, softmax, normalization. */
static inline c2s_model *network_of_matrices(int64_t rows) {
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 8, rows, 64);
    c2s_node *turn = NODE(m, "Transpose", x);
    c2s_attr_set_ints(turn, "perm", (int64_t[]){0, 2, 1}, 3);
    c2s_value *scores = OP(m, "Softmax", OP(m, "MatMul", x, make_infer(turn)));
    c2s_value *mixed = OP(m, "MatMul", scores, x);
    c2s_value *wide = OP(m, "Gelu", OP(m, "MatMul", mixed, RANDOM(m, 1, 64, 512)));
    c2s_value *mean = network_reduce(m, "ReduceMean", wide, INTS(m, "axes", 1, 0));
    make_output(scores, "scores");
    make_output(OP(m, "LayerNormalization", wide, RANDOM(m, 2, 512), RANDOM(m, 3, 512)), "norm");
    make_output(network_reduce(m, "ReduceSum", wide, NULL), "sum");
    make_output(network_reduce(m, "ReduceL2", wide, INTS(m, "axes", -1)), "l2");
    make_output(network_reduce(m, "ReduceLogSumExp", wide, INTS(m, "axes", 0)), "log_sum_exp");
    make_output(mean, "mean");
    make_output(OP(m, "MatMul", mean, RANDOM(m, 4, 512, 700)), "row"); /* one row */
    make_output(OP(m, "CumSum", wide, INTS(m, "axis", 2)), "cumulated");
    return m;
}

static inline c2s_value *network_recurrent(c2s_model *m, const char *op, c2s_value *x,
                                           int64_t gates) {
    c2s_node *n = NODE(m, op, x, RANDOM(m, 1, 2, gates * 48, 64), RANDOM(m, 2, 2, gates * 48, 48),
                       RANDOM(m, 3, 2, 2 * gates * 48));
    c2s_attr_set_int(n, "hidden_size", 48);
    c2s_attr_set_string(n, "direction", "bidirectional");
    return make_infer(n);
}

static inline c2s_model *network_of_sequences(int64_t steps, int64_t batch) {
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", steps, batch, 64);
    make_output(network_recurrent(m, "LSTM", x, 4), "lstm");
    make_output(network_recurrent(m, "GRU", x, 3), "gru");
    return m;
}

/* Integers: quantized, multiplied, scaled back. */
static inline c2s_model *network_of_quantized(int64_t extent) {
    c2s_model *m = make_model();
    double zero = 0;
    c2s_tensor *point;
    assert_int_equal(c2s_tensor_from_f64(C2S_INT8, 0, NULL, &zero, &point), C2S_OK);
    c2s_value *zero_point = c2s_value_constant(m->graph, "zero", point),
              *scale = make_scalar(m, "scale", 0.02);
    c2s_value *x = INPUT(m, "x", 2, 16, extent, extent), *w = RANDOM(m, 1, 32, 16, 3, 3);
    c2s_value *both[2] = {x, w};
    for (int k = 0; k < 2; k++)
        both[k] = OP(m, "DequantizeLinear", OP(m, "QuantizeLinear", both[k], scale, zero_point),
                     scale, zero_point);
    c2s_value *y = network_conv(m, both[0], both[1], 1, 1);
    make_output(OP(m, "QuantizeLinear", y, make_scalar(m, "large", 0.1), zero_point), "y");
    return m;
}

/* A residual network with large steps, normalization over channels, and a classifier; `dtype` is
 * float or a half type. */
static inline c2s_model *network_of_residuals(c2s_dtype dtype, int64_t extent) {
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 2, 3, extent, extent), *w[4];
    w[0] = RANDOM(m, 1, 16, 3, 7, 7);
    w[1] = RANDOM(m, 2, 16, 16, 3, 3);
    w[2] = RANDOM(m, 3, 24, 32, 1, 1);
    w[3] = RANDOM(m, 4, 24, 10);
    c2s_value **all[] = {&x, &w[0], &w[1], &w[2], &w[3]};
    for (int k = 0; k < 5 && dtype != C2S_FLOAT; k++) {
        c2s_node *cast = NODE(m, "Cast", *all[k]);
        c2s_attr_set_int(cast, "to", dtype);
        *all[k] = make_infer(cast);
    }
    c2s_node *stem = NODE(m, "Conv", x, w[0]), *pool, *join, *lrn;
    c2s_attr_set_ints(stem, "strides", (int64_t[]){2, 2}, 2);
    c2s_attr_set_ints(stem, "pads", (int64_t[]){3, 3, 3, 3}, 4);
    pool = NODE(m, "MaxPool", OP(m, "Relu", make_infer(stem)));
    c2s_attr_set_ints(pool, "kernel_shape", (int64_t[]){2, 2}, 2);
    x = make_infer(pool);
    join = NODE(m, "Concat", OP(m, "Add", network_conv(m, x, w[1], 1, 1), x), x);
    c2s_attr_set_int(join, "axis", 1);
    lrn = NODE(m, "LRN", OP(m, "HardSwish", network_conv(m, make_infer(join), w[2], 0, 1)));
    c2s_attr_set_int(lrn, "size", 3);
    x = OP(m, "Flatten", OP(m, "GlobalAveragePool", make_infer(lrn)));
    make_output(OP(m, "Softmax", OP(m, "Gemm", x, w[3])), "y");
    return m;
}

#endif
