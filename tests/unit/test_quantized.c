/* SPDX-License-Identifier: Apache-2.0 */
/* Random networks of integers between DequantizeLinear and QuantizeLinear, and of operators on
 * integers. The judge is each node's eval, given the integers that the runtime computed before: at
 * most one step off, and rarely; sums are exact. Where they have to be, those of the largest
 * numbers are compared with sums of 64 bits, too. */
#include "unit/make_graph.h"

#include <unistd.h>

#include "base/random.h"
#include "eval/compare.h"
#include "runtime/session.h"

enum { ROUNDS = 250, MOST_VALUES = 24, MOST_IDS = 4096 };

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

static void add_function(network *t, codes *x) {
    static const char *const ops[] = {"Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Abs", "Gelu"};
    c2s_value *real = real_of(t, x);
    double spread = spread_of(x);
    if (pick(t, 0, 3)) {
        int64_t which = pick(t, 0, 5);
        real = OP(t->model, ops[which], real);
        spread = which < 2 ? 0.5 : spread;
    }
    quantize(t, real, spread);
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

/* ---- operators on integers ---- */

static c2s_node *node_of(network *t, const char *domain, const char *type, c2s_value *const *in,
                         unsigned count) {
    c2s_node *n = c2s_node_create(t->model->graph, NULL, domain, type, count, 1);
    for (unsigned k = 0; k < count; k++)
        if (in[k])
            c2s_use_set(&n->inputs[k], in[k]);
    return n;
}

/* Constant integers as they are. */
static c2s_value *raw(network *t, c2s_dtype dtype, int rank, const int64_t *dim) {
    double scale[1];
    return coded(t, dtype, rank, dim, 0, false, false, 1, scale)->def->inputs[0].value;
}

/* Elements, scale, zero point. */
static void put_codes(network *t, const codes *x, c2s_value **to) {
    to[0] = x->value;
    to[1] = number(t, C2S_FLOAT, x->scale);
    to[2] = number(t, x->value->type.dtype, x->zero);
}

/* The same of weights: per output channel, sometimes. `scale` receives one. */
static c2s_value *put_weights(network *t, int rank, const int64_t *dim, int axis, c2s_value **to,
                              double *scale) {
    double scales[256], zeros[256];
    const int64_t channels = pick(t, 0, 1) ? dim[axis] : 1;
    const c2s_dtype dtype = any_type(t);
    for (int64_t k = 0; k < channels; k++) {
        scales[k] = (float)(0.005 + 0.01 * c2s_random_uniform(&t->random));
        zeros[k] = dtype == C2S_UINT8 ? (double)pick(t, 100, 150) : 0;
    }
    *scale = scales[0];
    to[0] = raw(t, dtype, rank, dim);
    to[1] = constant(t, "s", C2S_FLOAT, channels > 1, &channels, scales);
    return to[2] = constant(t, "z", dtype, channels > 1, &channels, zeros);
}

/* A result that is integers already: scale and zero point are inputs, too. */
static codes *put_result(network *t, double spread, c2s_value **to) {
    codes *y = &t->at[t->count++];
    const c2s_dtype dtype = any_type(t);
    *y = (codes){.scale = (float)(spread / 50),
                 .zero = (dtype == C2S_UINT8 ? 128 : 0) + (int)pick(t, -40, 40)};
    to[0] = number(t, C2S_FLOAT, y->scale);
    to[1] = number(t, dtype, y->zero);
    return y;
}

static codes *same_shape_as(network *t, codes *x) {
    const c2s_type *type = &x->value->type;
    for (unsigned k = 0; k < t->count; k++)
        if (&t->at[k] != x && t->at[k].value->type.rank == type->rank &&
            memcmp(t->at[k].value->type.dim, type->dim, (size_t)type->rank * sizeof(int64_t)) == 0)
            return &t->at[k];
    return x;
}

static void add_coded_binary(network *t, codes *x) {
    const bool multiplies = pick(t, 0, 1);
    const codes *other = same_shape_as(t, x);
    c2s_value *in[8];
    const double a = spread_of(x), b = spread_of(other);
    put_codes(t, x, in);
    put_codes(t, other, in + 3);
    codes *y = put_result(t, multiplies ? a * b : a + b, in + 6);
    y->value =
        make_infer(node_of(t, "com.microsoft", multiplies ? "QLinearMul" : "QLinearAdd", in, 8));
}

static void add_coded_pool(network *t, codes *x) {
    const bool global = pick(t, 0, 1);
    c2s_value *in[5];
    put_codes(t, x, in);
    codes *y = put_result(t, 0.6 * spread_of(x), in + 3);
    c2s_node *n = node_of(t, "com.microsoft",
                          global ? "QLinearGlobalAveragePool" : "QLinearAveragePool", in, 5);
    if (!global) {
        const int spatial = x->value->type.rank - 2;
        int64_t kernel[2], pads[4];
        for (int i = 0; i < spatial; i++) {
            kernel[i] = pick(t, 1, x->value->type.dim[i + 2] < 3 ? x->value->type.dim[i + 2] : 3);
            pads[i] = pads[i + spatial] = pick(t, 0, kernel[i] - 1);
        }
        c2s_attr_set_ints(n, "kernel_shape", kernel, (unsigned)spatial);
        c2s_attr_set_ints(n, "pads", pads, 2 * (unsigned)spatial);
        c2s_attr_set_int(n, "count_include_pad", pick(t, 0, 1));
    }
    y->value = make_infer(n);
}

static void add_coded_concat(network *t, codes *x) {
    codes *other = same_shape_as(t, x);
    c2s_value *in[8];
    put_codes(t, x, in + 2);
    put_codes(t, other, in + 5);
    codes *y = put_result(t, fmax(spread_of(x), spread_of(other)), in);
    c2s_node *n = node_of(t, "com.microsoft", "QLinearConcat", in, 8);
    c2s_attr_set_int(n, "axis", 1);
    y->value = make_infer(n);
}

/* QLinearConv, or the sums alone, from which others may go on. */
static void add_coded_conv(network *t, codes *x) {
    const c2s_type *type = &x->value->type;
    const int64_t out = pick(t, 1, 20), in_channels = type->dim[1];
    int64_t w[4] = {out, in_channels, 1, 1}, pads[4] = {0}, terms = in_channels;
    for (int i = 2; i < type->rank; i++) {
        w[i] = pick(t, 1, type->dim[i] < 3 ? type->dim[i] : 3);
        pads[i - 2] = pads[type->rank + i - 4] = pick(t, 0, w[i] - 1);
        terms *= w[i];
    }
    c2s_value *in[9], *weight[3];
    double scale;
    put_codes(t, x, in);
    if (pick(t, 0, 1)) {
        c2s_value *few[4] = {in[0], raw(t, any_type(t), type->rank, w), in[2]};
        c2s_node *sums = node_of(t, "", "ConvInteger", few, 3);
        c2s_attr_set_ints(sums, "pads", pads, 2 * (unsigned)(type->rank - 2));
        make_output(make_infer(sums), "sums");
        return;
    }
    put_weights(t, type->rank, w, 0, weight, &scale);
    memcpy(in + 3, weight, sizeof weight);
    double bias[20];
    for (int64_t k = 0; k < out; k++)
        bias[k] = (double)pick(t, -3000, 3000);
    in[8] = constant(t, "b", C2S_INT32, 1, &out, bias);
    codes *y = put_result(t, sqrt((double)terms) * spread_of(x) * 74 * scale, in + 6);
    c2s_node *n = node_of(t, pick(t, 0, 3) ? "" : "com.microsoft", "QLinearConv", in,
                          (unsigned)pick(t, 8, 9));
    c2s_attr_set_ints(n, "pads", pads, 2 * (unsigned)(type->rank - 2));
    y->value = make_infer(n);
}

/* QLinearMatMul, QGemm, or the sums alone, of a zero point that is known at run time only. */
static void add_coded_product(network *t, codes *x) {
    const c2s_type *type = &x->value->type;
    const int64_t terms = type->dim[type->rank - 1], columns = pick(t, 1, 40);
    const bool gemm = pick(t, 0, 2) == 0, transposed = gemm && pick(t, 0, 1);
    const int64_t w[2] = {transposed ? columns : terms, transposed ? terms : columns};
    c2s_value *in[9];
    double scale;
    put_codes(t, x, in);
    if (gemm) {
        c2s_node *flat = NODE(t->model, "Flatten", in[0]);
        c2s_attr_set_int(flat, "axis", type->rank - 1);
        in[0] = make_infer(flat);
    }
    if (!gemm && pick(t, 0, 1)) {
        c2s_value *zero = OP(t->model, "Add", in[2], OP(t->model, "Sub", in[0], in[0]));
        zero = OP(t->model, "ReduceMax", OP(t->model, "Flatten", zero));
        c2s_value *few[4] = {in[0], raw(t, any_type(t), 2, w), pick(t, 0, 2) ? zero : in[2]};
        if (pick(t, 0, 1))
            few[3] = number(t, few[1]->type.dtype, 7);
        c2s_node *sums = node_of(t, "", "MatMulInteger", few, few[3] ? 4 : 3);
        make_output(make_infer(sums), "sums");
        return;
    }
    put_weights(t, 2, w, transposed ? 0 : 1, in + 3, &scale);
    const double spread = sqrt((double)terms) * spread_of(x) * 74 * scale;
    if (!gemm) {
        codes *y = put_result(t, spread, in + 6);
        y->value = make_infer(node_of(t, "", "QLinearMatMul", in, 8));
        return;
    }
    double bias[40];
    for (int64_t k = 0; k < columns; k++)
        bias[k] = (double)pick(t, -3000, 3000);
    in[6] = pick(t, 0, 1) ? constant(t, "b", C2S_INT32, 1, &columns, bias) : NULL;
    const bool real = pick(t, 0, 2) == 0;
    codes *y = real ? NULL : put_result(t, 0.7 * spread, in + 7);
    c2s_node *n = node_of(t, "com.microsoft", "QGemm", in, real ? 7 : 9);
    c2s_attr_set_int(n, "transB", transposed);
    c2s_attr_set_float(n, "alpha", 0.7f);
    c2s_value *found = make_infer(n);
    if (real)
        make_output(found, "real");
    else
        y->value = found;
}

/* Products of the numbers with themselves, turned around. */
static void add_dynamic_product(network *t, codes *x) {
    const int rank = x->value->type.rank;
    int64_t perm[4] = {0, 1, 2, 3};
    const int64_t terms = x->value->type.dim[rank - 1];
    perm[rank - 1] = rank - 2;
    perm[rank - 2] = rank - 1;
    c2s_node *n = NODE(t->model, "Transpose", x->value);
    c2s_attr_set_ints(n, "perm", perm, (unsigned)rank);
    codes turned = *x;
    turned.value = make_infer(n);
    turned.real = NULL;
    const double spread = sqrt((double)terms) * spread_of(x) * spread_of(x);
    c2s_value *in[8];
    put_codes(t, x, in);
    put_codes(t, &turned, in + 3);
    switch (pick(t, 0, 2)) {
    case 0:
        quantize(t, OP(t->model, "MatMul", real_of(t, x), real_of(t, &turned)), spread);
        return;
    case 1: {
        codes *y = put_result(t, spread, in + 6);
        y->value = make_infer(node_of(t, "", "QLinearMatMul", in, 8));
        return;
    }
    default: {
        c2s_value *few[4] = {in[0], in[3], in[2], in[5]};
        make_output(make_infer(node_of(t, "", "MatMulInteger", few, 4)), "sums");
    }
    }
}

static void add_coded(network *t, codes *x) {
    const bool image = x->value->type.rank > 2;
    switch (pick(t, 0, 5)) {
    case 0:
        add_coded_binary(t, x);
        return;
    case 1:
        if (image)
            add_coded_pool(t, x);
        else
            add_coded_product(t, x);
        return;
    case 2:
        add_coded_concat(t, x);
        return;
    case 3:
        if (image)
            add_coded_conv(t, x);
        else
            add_coded_product(t, x);
        return;
    case 4:
        add_coded_product(t, x);
        return;
    default:
        add_dynamic_product(t, x);
    }
}

static void add_layer(network *t) {
    codes *x = any_codes(t);
    int rank = x->value->type.rank;
    bool large = x->value->type.dim[rank - 1] > 400 || x->value->type.dim[1] > 40;
    if (!large && pick(t, 0, 2) == 0) {
        add_coded(t, x);
        return;
    }
    switch (pick(t, large ? 5 : 0, 9)) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (rank > 2)
            add_conv(t, x);
        else
            add_product(t, x);
        return;
    case 4:
        add_product(t, x);
        return;
    case 5:
        add_binary(t, x);
        return;
    case 6:
        if (rank > 2)
            add_pool(t, x);
        else
            add_function(t, x);
        return;
    case 7:
        add_function(t, x);
        return;
    case 8:
        add_concat(t, x);
        return;
    default:
        add_move(t, x);
    }
}

static void make_network(network *t, uint64_t seed, bool all_kept) {
    *t = (network){.random = {seed}, .model = make_model(), .all_kept = all_kept};
    c2s_model_set_opset(t->model, "com.microsoft", 1);
    int64_t size = pick(t, 4, 11), batch = pick(t, 1, 2), channels = pick(t, 1, 18);
    c2s_value *x = pick(t, 0, 3)
                       ? make_input(t->model, "x", C2S_FLOAT, DIMS(batch, channels, size, size + 1))
                       : make_input(t->model, "x", C2S_FLOAT, DIMS(batch, channels, size));
    quantize(t, x, 1);
    int64_t layers = pick(t, 1, 10);
    for (int64_t k = 0; k < layers && t->count + 2 < MOST_VALUES; k++)
        add_layer(t);
    for (unsigned k = all_kept ? 0 : t->count - 1; k < t->count; k++)
        make_output(t->at[k].value, "y");
}

/* ---- running ---- */

static c2s_tensor *make_x(network *t) {
    c2s_tensor *x;
    const c2s_type *type = &c2s_graph_input(t->model->graph, 0)->type;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &x), C2S_OK);
    for (size_t k = 0; k < x->count; k++)
        ((float *)c2s_tensor_mutable(x))[k] = (float)c2s_random_normal(&t->random);
    return x;
}

/* How many steps each family had, in all runs. */
static struct {
    const char *kernel, *op; /* op: NULL: any */
    size_t steps;
} families[] = {
    {"quantized_binary", NULL, 0},
    {"quantized_concat", NULL, 0},
    {"quantized_conv", NULL, 0},
    {"quantized_matmul", NULL, 0},
    {"quantized_pool", NULL, 0},
    {"quantized_product", NULL, 0},
    {"quantized_table", NULL, 0},
    {"quantize", NULL, 0},
    {"dequantize", NULL, 0},
    {"dnnl_conv", NULL, 0},
    {"quantized_conv", "ConvInteger", 0},
    {"quantized_conv", "QLinearConv", 0},
    {"quantized_matmul", "MatMulInteger", 0},
    {"quantized_matmul", "QLinearMatMul", 0},
    {"quantized_matmul", "QGemm", 0},
    {"quantized_product", "MatMul", 0},
    {"quantized_product", "MatMulInteger", 0},
    {"quantized_product", "QLinearMatMul", 0},
    {"quantized_binary", "QLinearAdd", 0},
    {"quantized_binary", "QLinearMul", 0},
    {"quantized_pool", "QLinearAveragePool", 0},
    {"quantized_pool", "QLinearGlobalAveragePool", 0},
    {"quantized_concat", "QLinearConcat", 0},
};

static void count_families(const c2s_session *session) {
    size_t count = c2s_onednn_profile_read(session, NULL);
    c2s_step_profile *steps = c2s_zalloc((count + 1) * sizeof *steps);
    c2s_onednn_profile_read(session, steps);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof families / sizeof *families; k++)
            families[k].steps +=
                strcmp(steps[i].kernel, families[k].kernel) == 0 &&
                (!families[k].op || strcmp(steps[i].node->type, families[k].op) == 0);
    free(steps);
}

static unsigned run(const network *t, const c2s_tensor *x, c2s_eval_options options,
                    c2s_tensor **out) {
    c2s_session *session;
    if (c2s_evaluator_onednn.open(t->model->graph, &options, &session) != C2S_OK ||
        c2s_evaluator_onednn.run(session, &x, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    count_families(session);
    c2s_evaluator_onednn.close(session);
    return c2s_graph_output_count(t->model->graph);
}

static void release(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++) {
        c2s_tensor_unref(tensors[k]);
        tensors[k] = NULL;
    }
}

/* The model's integers by value id, as far as they are outputs. */
static void place(const network *t, c2s_tensor **out, c2s_tensor **known) {
    for (unsigned k = 0; k < c2s_graph_output_count(t->model->graph); k++)
        known[c2s_graph_output(t->model->graph, k)->id] = out[k];
}

typedef struct tally {
    size_t elements, off;
} tally;

static void compare_codes(const c2s_value *value, const c2s_tensor *want, const c2s_tensor *have,
                          uint64_t seed, tally *sum) {
    for (size_t k = 0; k < want->count; k++) {
        double difference = c2s_tensor_f64_at(want, k) - c2s_tensor_f64_at(have, k);
        if (fabs(difference) > 1)
            fail_msg("seed %llu, %s of %s: %g at %zu, expected %g", (unsigned long long)seed,
                     value->name, value->def->type, c2s_tensor_f64_at(have, k), k,
                     c2s_tensor_f64_at(want, k));
        sum->off += difference != 0;
    }
    sum->elements += want->count;
}

/* Each node by itself on what the runtime gave its inputs. */
static void judge(const network *t, const c2s_tensor *x, c2s_tensor *const *ours, uint64_t seed,
                  tally *sum) {
    c2s_tensor **known = c2s_zalloc(MOST_IDS * sizeof *known);
    known[c2s_graph_input(t->model->graph, 0)->id] = c2s_tensor_ref(x);
    for (const c2s_node *n = t->model->graph->first; n; n = n->next) {
        const c2s_tensor *in[16] = {0};
        c2s_tensor *out[1];
        for (unsigned k = 0; k < n->input_count; k++)
            if (n->inputs[k].value)
                in[k] = n->inputs[k].value->constant ? n->inputs[k].value->constant
                                                     : known[n->inputs[k].value->id];
        if (c2s_node_eval(n, in, out, NULL, 0) != C2S_OK)
            fail_msg("%s", c2s_error());
        const c2s_value *y = n->outputs[0];
        const c2s_tensor *have = ours[y->id];
        c2s_difference d;
        if (have && have->type.dtype == C2S_FLOAT && !c2s_compare(out[0], have, 1e-5, &d))
            fail_msg("seed %llu, %s: %g, expected %g", (unsigned long long)seed, n->type, d.found,
                     d.reference);
        if (have && have->type.dtype == C2S_INT32 && !c2s_tensor_equal(have, out[0]))
            fail_msg("seed %llu: other sums of %s", (unsigned long long)seed, n->type);
        if (have && have->type.dtype != C2S_FLOAT && have->type.dtype != C2S_INT32)
            compare_codes(y, out[0], have, seed, sum);
        known[y->id] = have ? c2s_tensor_ref(have) : out[0];
        if (have)
            c2s_tensor_unref(out[0]);
    }
    release(known, MOST_IDS);
    free(known);
}

static void networks_agree_with_eval(void **state) {
    (void)state;
    tally sum = {0};
    for (uint64_t seed = 0; seed < 2 * ROUNDS; seed++) {
        network t;
        c2s_tensor *out[4 * MOST_VALUES], **ours = c2s_zalloc(MOST_IDS * sizeof *ours);
        make_network(&t, seed / 2, true);
        const c2s_tensor *x = make_x(&t);
        unsigned count =
            run(&t, x, (c2s_eval_options){.threads = 2, .simulate_quantized = seed % 2}, out);
        place(&t, out, ours);
        judge(&t, x, ours, seed / 2, &sum);
        release(out, count);
        free(ours);
        c2s_tensor_unref(x);
        c2s_model_destroy(t.model);
    }
    assert_true(sum.elements > 100000);
    print_message("%zu of %zu numbers are one step off\n", sum.off, sum.elements);
    assert_true(sum.off * 2000 <= sum.elements);
    for (size_t k = 0; k < sizeof families / sizeof *families; k++) {
        print_message("%s of %s: %zu steps\n", families[k].kernel,
                      families[k].op ? families[k].op : "any", families[k].steps);
        assert_true(families[k].steps >= (families[k].op ? 5 : 20));
    }
}

/* What else is an output, or watched, or how many threads there are, changes no bit. */
static c2s_status watch(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    c2s_tensor **seen = user;
    (void)value;
    assert_null(seen[value->id]);
    c2s_bytes *bytes = c2s_bytes_alloc(c2s_tensor_size(tensor));
    memcpy(bytes->data, c2s_tensor_data(tensor), c2s_tensor_size(tensor));
    assert_int_equal(c2s_tensor_view(tensor->type.dtype, tensor->type.rank, tensor->type.dim, bytes,
                                     0, &seen[value->id]),
                     C2S_OK);
    c2s_bytes_unref(bytes);
    return C2S_OK;
}

static void observers_change_nothing(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        network all, last;
        c2s_tensor *want[4 * MOST_VALUES], *have[4 * MOST_VALUES];
        c2s_tensor **ours = c2s_zalloc(MOST_IDS * sizeof *ours),
                   **seen = c2s_zalloc(MOST_IDS * sizeof *seen);
        make_network(&all, seed, true);
        make_network(&last, seed, false);
        bool chosen[MOST_IDS] = {false};
        for (unsigned k = 0; k < last.count; k++)
            chosen[last.at[k].value->id] = pick(&last, 0, 2) == 0;
        const c2s_tensor *x = make_x(&all);
        unsigned count = run(&all, x, (c2s_eval_options){.threads = 2}, want),
                 few = run(&last, x,
                           (c2s_eval_options){.threads = 1,
                                              .observe = watch,
                                              .observe_user = seen,
                                              .observe_value = chosen},
                           have);
        place(&all, want, ours);
        for (unsigned k = 0; k < last.count; k++)
            if (chosen[last.at[k].value->id] && seen[last.at[k].value->id] &&
                !c2s_tensor_equal(seen[last.at[k].value->id], ours[all.at[k].value->id]))
                fail_msg("seed %llu: %s", (unsigned long long)seed, last.at[k].value->name);
        if (!c2s_tensor_equal(have[few - 1], want[count - 1]))
            fail_msg("seed %llu: other results", (unsigned long long)seed);
        release(want, count);
        release(have, few);
        release(seen, MOST_IDS);
        free(ours);
        free(seen);
        c2s_tensor_unref(x);
        c2s_model_destroy(all.model);
        c2s_model_destroy(last.model);
    }
}

/* Floats between integers can be watched: they are what eval makes of the integers. */
static void floats_can_be_observed(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        network t;
        tally sum = {0};
        c2s_tensor *out[4 * MOST_VALUES], **ours = c2s_zalloc(MOST_IDS * sizeof *ours),
                                          **seen = c2s_zalloc(MOST_IDS * sizeof *seen);
        make_network(&t, seed, true);
        const c2s_tensor *x = make_x(&t);
        bool chosen[MOST_IDS] = {false};
        for (const c2s_node *n = t.model->graph->first; n; n = n->next)
            chosen[n->outputs[0]->id] = pick(&t, 0, 4) == 0;
        unsigned count =
            run(&t, x,
                (c2s_eval_options){.observe = watch, .observe_user = seen, .observe_value = chosen},
                out);
        for (unsigned id = 0; id < MOST_IDS; id++)
            ours[id] = seen[id];
        place(&t, out, ours);
        for (const c2s_node *n = t.model->graph->first; n; n = n->next)
            if (chosen[n->outputs[0]->id] && n->outputs[0]->use_count && !seen[n->outputs[0]->id])
                fail_msg("seed %llu: %s was not seen", (unsigned long long)seed, n->type);
        judge(&t, x, ours, seed, &sum);
        release(out, count);
        release(seen, MOST_IDS);
        free(ours);
        free(seen);
        c2s_tensor_unref(x);
        c2s_model_destroy(t.model);
    }
}

/* ---- exactness ---- */

/* Every product as large as it can be: pairs of 8-bit products would saturate 16 bits. */
static void largest_sums_are_exact(void **state) {
    (void)state;
    static const struct {
        c2s_dtype x, w;
        double x_code, w_code, x_zero, w_zero;
    } rows[] = {
        {C2S_UINT8, C2S_INT8, 255, 127, 0, 0},      {C2S_UINT8, C2S_INT8, 255, -128, 0, 0},
        {C2S_INT8, C2S_INT8, -128, -128, 0, 0},     {C2S_UINT8, C2S_UINT8, 255, 255, 0, 0},
        {C2S_INT8, C2S_INT8, 127, -128, -128, 127}, {C2S_UINT8, C2S_INT8, 0, 127, 255, -128},
    };
    enum { CHANNELS = 64, SIZE = 6 };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int depthwise = 0; depthwise < 2; depthwise++) {
            network t = {.random = {r}, .model = make_model()};
            static double w[CHANNELS * CHANNELS * 9];
            for (size_t k = 0; k < sizeof w / sizeof *w; k++)
                w[k] = rows[r].w_code;
            int64_t w_dim[4] = {CHANNELS, depthwise ? 1 : CHANNELS, 3, 3};
            c2s_value *x = make_input(t.model, "x", rows[r].x, DIMS(1, CHANNELS, SIZE, SIZE));
            c2s_value *real = OP(t.model, "DequantizeLinear", x, number(&t, C2S_FLOAT, 1),
                                 number(&t, rows[r].x, rows[r].x_zero)),
                      *weight =
                          OP(t.model, "DequantizeLinear", constant(&t, "w", rows[r].w, 4, w_dim, w),
                             number(&t, C2S_FLOAT, 1), number(&t, rows[r].w, rows[r].w_zero));
            c2s_node *n = NODE(t.model, "Conv", real, weight);
            c2s_attr_set_int(n, "group", depthwise ? CHANNELS : 1);
            make_output(make_infer(n), "y");
            c2s_tensor *in, *out[1];
            static double codes_of_x[CHANNELS * SIZE * SIZE];
            for (size_t k = 0; k < sizeof codes_of_x / sizeof *codes_of_x; k++)
                codes_of_x[k] = rows[r].x_code;
            assert_int_equal(c2s_tensor_from_f64(rows[r].x, 4, x->type.dim, codes_of_x, &in),
                             C2S_OK);
            run(&t, in, (c2s_eval_options){.threads = 1}, out);
            double want = (rows[r].x_code - rows[r].x_zero) * (rows[r].w_code - rows[r].w_zero) *
                          9 * (depthwise ? 1 : CHANNELS);
            for (size_t k = 0; k < out[0]->count; k++)
                if (c2s_tensor_f64_at(out[0], k) != (double)(float)want)
                    fail_msg("row %zu: %g, expected %g", r, c2s_tensor_f64_at(out[0], k), want);
            c2s_tensor_unref(in);
            release(out, 1);
            c2s_model_destroy(t.model);
        }
}

/* ---- the same bits on every processor ---- */

static uint64_t digest(void) {
    uint64_t sum = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        network t;
        c2s_tensor *out[4 * MOST_VALUES];
        make_network(&t, seed, true);
        const c2s_tensor *x = make_x(&t);
        unsigned count = run(&t, x, (c2s_eval_options){.threads = 1}, out);
        for (unsigned k = 0; k < count; k++)
            if (out[k]->type.dtype != C2S_FLOAT)
                sum = sum * 1099511628211u + c2s_tensor_hash(out[k]);
        release(out, count);
        c2s_tensor_unref(x);
        c2s_model_destroy(t.model);
    }
    return sum;
}

static const char *program;

static void all_instruction_sets_give_the_same_bits(void **state) {
    (void)state;
    static const char *const sets[] = {"SSE41", "AVX", "AVX2"};
    uint64_t want = digest();
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        char command[4096];
        unsigned long long have;
        snprintf(command, sizeof command, "DNNL_MAX_CPU_ISA=%s '%s' --digest", sets[k], program);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        assert_int_equal(fscanf(pipe, "%llx", &have), 1);
        assert_int_equal(pclose(pipe), 0);
        if (have != want)
            fail_msg("%s gives %llx, expected %llx", sets[k], have, (unsigned long long)want);
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--digest") == 0) {
        printf("%llx\n", (unsigned long long)digest());
        return 0;
    }
    program = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest_sums_are_exact),
        cmocka_unit_test(networks_agree_with_eval),
        cmocka_unit_test(observers_change_nothing),
        cmocka_unit_test(floats_can_be_observed),
        cmocka_unit_test(all_instruction_sets_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
