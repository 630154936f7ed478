/* SPDX-License-Identifier: Apache-2.0
 *
 * Random layers between DequantizeLinear and QuantizeLinear, for networks of integers.
 */
#ifndef C2S_TESTS_QUANTIZED_LAYERS_H
#define C2S_TESTS_QUANTIZED_LAYERS_H

#include "unit/make_graph.h"

#include "base/random.h"

enum { MOST_VALUES = 24, MOST_IDS = 4096 };

/* Integers that stand for (code - zero) * scale. */
typedef struct codes {
    c2s_value *value, *real;
    double scale;
    int zero;
} codes;

typedef struct network {
    c2s_random random;
    c2s_model *model;
    codes at[MOST_VALUES];
    unsigned count;
    bool all_kept; /* all integers are outputs of the graph, else the last alone */
} network;

static int64_t pick(network *t, int64_t low, int64_t high) {
    return c2s_random_integer(&t->random, low, high);
}

/* ---- constants ---- */

static c2s_value *constant(network *t, const char *name, c2s_dtype dtype, int rank,
                           const int64_t *dim, const double *values) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &tensor), C2S_OK);
    return c2s_value_constant(t->model->graph, name, tensor);
}

static c2s_value *number(network *t, c2s_dtype dtype, double value) {
    return constant(t, "n", dtype, (int)pick(t, 0, 1), (int64_t[]){1}, &value);
}

static double range_of(c2s_dtype dtype, bool most) {
    return dtype == C2S_UINT8 ? (most ? 255 : 0) : (most ? 127 : -128);
}

static c2s_dtype any_type(network *t) {
    return pick(t, 0, 1) ? C2S_UINT8 : C2S_INT8;
}

/* A float constant as DequantizeLinear of integers; `scale` receives its scales. */
static c2s_value *coded(network *t, c2s_dtype dtype, int rank, const int64_t *dim, int axis,
                        bool has_zero, bool per_channel, double scale, double *scales) {
    int64_t count = 1, channels = per_channel ? dim[axis] : 1;
    double values[20000], zeros[256];
    for (int i = 0; i < rank; i++)
        count *= dim[i];
    assert_in_range(count, 1, 20000);
    assert_in_range(channels, 1, 256);
    bool extreme = pick(t, 0, 5) == 0;
    double low = dtype == C2S_INT32 ? -3000 : range_of(dtype, false),
           high = dtype == C2S_INT32 ? 3000 : range_of(dtype, true);
    for (int64_t k = 0; k < count; k++)
        values[k] =
            extreme ? (pick(t, 0, 1) ? high : low) : (double)pick(t, (int64_t)low, (int64_t)high);
    for (int64_t k = 0; k < channels; k++) {
        scales[k] = (float)(scale * (0.5 + c2s_random_uniform(&t->random)));
        zeros[k] = dtype == C2S_INT32 ? 0
                   : has_zero         ? (double)pick(t, (int64_t)low, (int64_t)high)
                                      : 0;
    }
    c2s_value *w = constant(t, "w", dtype, rank, dim, values),
              *s = constant(t, "s", C2S_FLOAT, per_channel, &channels, scales);
    c2s_node *n = has_zero || pick(t, 0, 1)
                      ? NODE(t->model, "DequantizeLinear", w, s,
                             constant(t, "z", dtype, per_channel, &channels, zeros))
                      : NODE(t->model, "DequantizeLinear", w, s);
    if (per_channel)
        c2s_attr_set_int(n, "axis", axis);
    return make_infer(n);
}

/* ---- from integers to floats and back ---- */

static codes *any_codes(network *t) {
    unsigned back = (unsigned)pick(t, 0, pick(t, 0, 2) ? 1 : (int64_t)t->count - 1);
    return &t->at[back < t->count ? t->count - 1 - back : 0];
}

/* Sometimes the float value that others read, too. */
static c2s_value *real_of(network *t, codes *x) {
    if (x->real && pick(t, 0, 1))
        return x->real;
    return x->real = OP(t->model, "DequantizeLinear", x->value, number(t, C2S_FLOAT, x->scale),
                        number(t, x->value->type.dtype, x->zero));
}

static void quantize_as(network *t, c2s_value *real, c2s_dtype dtype, double scale, int zero) {
    codes *y = &t->at[t->count++];
    *y = (codes){.scale = (float)scale, .zero = zero};
    y->value =
        OP(t->model, "QuantizeLinear", real, number(t, C2S_FLOAT, scale), number(t, dtype, zero));
}

/* `spread`: how far the numbers are from 0, about. Sometimes behind a clamp, sometimes for others
 * with another scale, sometimes an output as it is. */
static void quantize(network *t, c2s_value *real, double spread) {
    bool positive = false;
    if (pick(t, 0, 2) == 0) {
        real = OP(t->model, "Relu", real);
        positive = true;
    }
    if (pick(t, 0, 3) == 0)
        real = OP(t->model, "Clip", real, make_scalar(t->model, "low", -0.7 * spread),
                  make_scalar(t->model, "high", 1.1 * spread));
    c2s_dtype dtype = any_type(t);
    int middle = dtype == C2S_UINT8 ? 128 : 0, zero = positive ? middle - 128 : middle;
    if (pick(t, 0, 3) == 0)
        zero += (int)pick(t, positive ? 0 : -60, 60);
    double scale = spread / (positive ? 90 : 50) * (pick(t, 0, 5) ? 1 : 0.2); /* saturates */
    quantize_as(t, real, dtype, scale, zero);
    if (pick(t, 0, 9) == 0 && t->count < MOST_VALUES)
        quantize_as(t, real, any_type(t), 2 * scale, 3);
    if (pick(t, 0, 9) == 0)
        make_output(real, "real");
}

static double spread_of(const codes *x) {
    return 74 * x->scale;
}

/* ---- layers ---- */

static c2s_value *bias_of(network *t, int64_t channels, double scale, const double *scales,
                          bool per_channel) {
    double values[256], steps[256];
    for (int64_t k = 0; k < channels; k++) {
        values[k] = (double)pick(t, -3000, 3000);
        steps[k] = scale * scales[per_channel ? k : 0];
    }
    switch (pick(t, 0, 3)) {
    case 0:
        return NULL;
    case 1: /* float */
        for (int64_t k = 0; k < channels; k++)
            values[k] *= steps[k];
        return constant(t, "b", C2S_FLOAT, 1, &channels, values);
    case 2:
        return coded(t, C2S_INT32, 1, &channels, 0, false, false, 1.3 * steps[0], steps);
    default: {
        c2s_value *b = constant(t, "b", C2S_INT32, 1, &channels, values),
                  *s = constant(t, "s", C2S_FLOAT, 1, &channels, steps);
        c2s_node *n = NODE(t->model, "DequantizeLinear", b, s);
        c2s_attr_set_int(n, "axis", 0);
        return make_infer(n);
    }
    }
}

static void add_conv(network *t, codes *x) {
    static const int64_t channels[] = {1, 3, 4, 8, 12, 16, 20, 32};
    const c2s_type *type = &x->value->type;
    int spatial = type->rank - 2;
    int64_t in = type->dim[1], groups = 1, out = channels[pick(t, 0, 7)], least = type->dim[2];
    if (pick(t, 0, 2) == 0) {
        groups = in;
        out = in * (pick(t, 0, 3) == 0 ? 2 : 1);
    } else if (in % 4 == 0 && pick(t, 0, 2) == 0) {
        groups = pick(t, 0, 1) ? 2 : 4;
        out = groups * pick(t, 1, 9);
    }
    for (int i = 3; i < type->rank; i++)
        least = type->dim[i] < least ? type->dim[i] : least;
    int64_t w[4] = {out, in / groups}, strides[2], dilations[2], pads[4], terms = in / groups;
    for (int i = 0; i < spatial; i++) {
        w[i + 2] = pick(t, 0, 1) ? 1 : pick(t, 1, least < 5 ? least : 5);
        dilations[i] = pick(t, 0, 3) == 0 && 2 * (w[i + 2] - 1) < least ? 2 : 1;
        strides[i] = least > 4 && pick(t, 0, 2) == 0 ? 2 : 1;
        pads[i] = pick(t, 0, w[i + 2] - 1);
        pads[i + spatial] = pick(t, 0, w[i + 2] - 1);
        terms *= w[i + 2];
    }
    double scales[256];
    bool per_channel = pick(t, 0, 1);
    c2s_dtype dtype = any_type(t);
    bool has_zero = dtype == C2S_UINT8 || pick(t, 0, 3) == 0;
    c2s_value *weight = coded(t, dtype, type->rank, w, 0, has_zero, per_channel, 0.01, scales);
    c2s_value *bias = bias_of(t, out, x->scale, scales, per_channel), *real = real_of(t, x);
    c2s_node *n =
        bias ? NODE(t->model, "Conv", real, weight, bias) : NODE(t->model, "Conv", real, weight);
    c2s_attr_set_ints(n, "pads", pads, 2 * (unsigned)spatial);
    c2s_attr_set_ints(n, "strides", strides, (unsigned)spatial);
    c2s_attr_set_ints(n, "dilations", dilations, (unsigned)spatial);
    c2s_attr_set_int(n, "group", groups);
    quantize(t, make_infer(n), sqrt((double)terms) * spread_of(x) * 74 * scales[0]);
}

/* The numbers of an image as rows, then a product. */
static void add_product(network *t, codes *x) {
    const c2s_type *type = &x->value->type;
    int64_t terms = type->dim[type->rank - 1], columns = pick(t, 1, 40);
    bool gemm = type->rank == 2 && pick(t, 0, 1), transposed = gemm && pick(t, 0, 1);
    int64_t w[2] = {transposed ? columns : terms, transposed ? terms : columns};
    double scales[256];
    bool per_channel = pick(t, 0, 1);
    c2s_dtype dtype = any_type(t);
    c2s_value *weight = coded(t, dtype, 2, w, transposed ? 0 : 1, dtype == C2S_UINT8, per_channel,
                              0.01, scales),
              *real = real_of(t, x),
              *bias = gemm ? bias_of(t, columns, x->scale, scales, per_channel) : NULL;
    c2s_node *n = bias ? NODE(t->model, "Gemm", real, weight, bias)
                       : NODE(t->model, gemm ? "Gemm" : "MatMul", real, weight);
    if (transposed)
        c2s_attr_set_int(n, "transB", 1);
    quantize(t, make_infer(n), sqrt((double)terms) * spread_of(x) * 74 * scales[0]);
}

static void add_binary(network *t, codes *x) {
    static const char *const ops[] = {"Add", "Add", "Mul", "Sub"};
    const char *op = ops[pick(t, 0, 3)];
    const c2s_type *type = &x->value->type;
    c2s_value *other = NULL;
    double spread = spread_of(x), second = spread;
    for (unsigned k = 0; k < t->count && !other && pick(t, 0, 3); k++)
        if (&t->at[k] != x && t->at[k].value->type.rank == type->rank &&
            memcmp(t->at[k].value->type.dim, type->dim, (size_t)type->rank * sizeof(int64_t)) ==
                0) {
            other = real_of(t, &t->at[k]);
            second = spread_of(&t->at[k]);
        }
    if (!other) {
        int64_t dim[4] = {1, 1, 1, 1};
        int drop = type->rank > 2 && type->dim[1] <= 256 ? (int)pick(t, 0, 1) : 0;
        if (type->rank > 2)
            dim[1] = type->dim[1];
        else
            dim[type->rank - 1] = type->dim[type->rank - 1];
        double scales[256];
        other =
            coded(t, any_type(t), type->rank - drop, dim + drop, 0, true, false, x->scale, scales);
    }
    c2s_value *real = real_of(t, x);
    bool first = pick(t, 0, 1);
    quantize(t, first ? OP(t->model, op, real, other) : OP(t->model, op, other, real),
             op[0] == 'M' ? spread * second : spread + second);
}

static void add_pool(network *t, codes *x) {
    static const char *const ops[] = {"MaxPool", "AveragePool", "GlobalAveragePool",
                                      "GlobalMaxPool"};
    const c2s_type *type = &x->value->type;
    const char *op = ops[pick(t, 0, 3) ? pick(t, 0, 1) : pick(t, 2, 3)];
    bool average = strstr(op, "Average") != NULL;
    c2s_node *n = NODE(t->model, op, real_of(t, x));
    if (op[0] != 'G') {
        int64_t kernel[2], strides[2], pads[4];
        int spatial = type->rank - 2;
        for (int i = 0; i < spatial; i++) {
            kernel[i] = pick(t, 1, type->dim[i + 2] < 3 ? type->dim[i + 2] : 3);
            strides[i] = type->dim[i + 2] > 4 ? pick(t, 1, 2) : 1;
            pads[i] = pick(t, 0, kernel[i] - 1);
            pads[i + spatial] = pick(t, 0, kernel[i] - 1);
        }
        c2s_attr_set_ints(n, "kernel_shape", kernel, (unsigned)spatial);
        c2s_attr_set_ints(n, "strides", strides, (unsigned)spatial);
        c2s_attr_set_ints(n, "pads", pads, 2 * (unsigned)spatial);
        if (average)
            c2s_attr_set_int(n, "count_include_pad", pick(t, 0, 1));
    }
    if (average || pick(t, 0, 3) == 0)
        quantize(t, make_infer(n), 0.6 * spread_of(x));
    else
        quantize_as(t, make_infer(n), x->value->type.dtype, x->scale, x->zero);
}

static void add_concat(network *t, codes *x) {
    codes *other = any_codes(t);
    if (other->value->type.rank != x->value->type.rank ||
        memcmp(other->value->type.dim + 2, x->value->type.dim + 2,
               (size_t)(x->value->type.rank - 2) * sizeof(int64_t)) != 0)
        other = x;
    c2s_node *n = NODE(t->model, "Concat", real_of(t, x), real_of(t, other));
    c2s_attr_set_int(n, "axis", 1);
    quantize(t, make_infer(n), fmax(spread_of(x), spread_of(other)));
}

/* What a function of x and x itself meet in. */
static void add_gate(network *t, codes *x, codes *function) {
    static const char *const ops[] = {"Mul", "Mul", "Add", "Sub"};
    const char *op = ops[pick(t, 0, 3)];
    c2s_value *real = real_of(t, x), *other = real_of(t, function);
    const double spread = spread_of(x), second = spread_of(function);
    const bool first = pick(t, 0, 1);
    quantize(t, first ? OP(t->model, op, real, other) : OP(t->model, op, other, real),
             op[0] == 'M' ? spread * second : spread + second);
}

static void add_function(network *t, codes *x) {
    static const char *const ops[] = {"Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Abs", "Gelu"};
    c2s_value *real = real_of(t, x);
    double spread = spread_of(x);
    const bool is_function = pick(t, 0, 3) > 0, is_gated = pick(t, 0, 1);
    if (is_function) {
        int64_t which = pick(t, 0, 5);
        real = OP(t->model, ops[which], real);
        spread = which < 2 ? 0.5 : spread;
    }
    quantize(t, real, spread);
    if (is_function && is_gated && t->count < MOST_VALUES)
        add_gate(t, x, &t->at[t->count - 1]);
}

static void add_move(network *t, codes *x) {
    const c2s_type *type = &x->value->type;
    c2s_value *real = real_of(t, x);
    c2s_node *n;
    switch (pick(t, 0, 3)) {
    case 0:
        n = NODE(t->model, "Flatten", real);
        break;
    case 1: {
        static const int64_t perm[4] = {0, 2, 1, 3}, few[3] = {0, 2, 1};
        n = NODE(t->model, "Transpose", real);
        c2s_attr_set_ints(n, "perm", type->rank == 3 ? few : perm, (unsigned)type->rank);
        if (type->rank == 2)
            c2s_attr_set_ints(n, "perm", (int64_t[]){0, 1}, 2);
        break;
    }
    case 2:
        n = NODE(t->model, "Slice", real, INTS(t->model, "from", 0), INTS(t->model, "to", 1000),
                 INTS(t->model, "axis", 1), INTS(t->model, "step", 2));
        break;
    default: {
        c2s_value *y = OP(t->model, "Unsqueeze", real, INTS(t->model, "axes", 1));
        quantize_as(t, y, x->value->type.dtype, x->scale, x->zero);
        t->count--; /* it has one axis more */
        if (t->all_kept)
            make_output(t->at[t->count].value, "wide");
        codes wide = t->at[t->count];
        n = NODE(t->model, "Squeeze", real_of(t, &wide), INTS(t->model, "axes", 1));
        break;
    }
    }
    quantize_as(t, make_infer(n), x->value->type.dtype, x->scale, x->zero);
}

#endif
