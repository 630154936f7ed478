/* SPDX-License-Identifier: Apache-2.0
 *
 * Random layers of operators that take and give integers: QLinear and its kin.
 */
#ifndef C2S_TESTS_QUANTIZED_CODED_H
#define C2S_TESTS_QUANTIZED_CODED_H

#include "unit/quantized_layers.h"

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

#endif
