/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: QLinear operators, defined as the operator on floats between DequantizeLinear and
 * QuantizeLinear. ONNX Runtime computes some of them in integers; results then differ by at most
 * one step.
 */
#include <inttypes.h>

#include "ops/composite.h"
#include "ops/conv.h"
#include "ops/macs.h"
#include "ops/pool.h"
#include "ops/ties_rules.h"

/* Inputs at, at + 1, at + 2: elements, scale, zero point (may be left out). */
static c2s_value *dequantized(c2s_composite *c, unsigned at) {
    return C2S_APPLY(c, "DequantizeLinear", c2s_composite_in(c, at), c2s_composite_in(c, at + 1),
                     c2s_composite_in(c, at + 2));
}

/* Output 0 with the scale and zero point of inputs `at` and `at + 1`; without a zero point the
 * element type is that of input `like`. */
static void requantize(c2s_composite *c, c2s_value *value, unsigned at, unsigned like) {
    c2s_value *zero = c2s_composite_in(c, at + 1), *x = c2s_composite_in(c, like);
    c2s_node *node = C2S_START(c, "QuantizeLinear", value, c2s_composite_in(c, at), zero);
    if (node && !zero && x)
        c2s_attr_set_int(node, "output_dtype", x->type.dtype);
    c2s_composite_out(c, 0, c2s_composite_finish(c, node));
}

/* ---- elementwise ---- */

static void qlinear_add(c2s_composite *c) {
    requantize(c, C2S_APPLY(c, "Add", dequantized(c, 0), dequantized(c, 3)), 6, 0);
}

static void qlinear_mul(c2s_composite *c) {
    requantize(c, C2S_APPLY(c, "Mul", dequantized(c, 0), dequantized(c, 3)), 6, 0);
}

static void qlinear_leaky_relu(c2s_composite *c) {
    requantize(c, C2S_APPLY_LIKE(c, "LeakyRelu", dequantized(c, 0)), 3, 0);
}

static void qlinear_sigmoid(c2s_composite *c) {
    requantize(c, C2S_APPLY(c, "Sigmoid", dequantized(c, 0)), 3, 0);
}

#define QLINEAR(symbol, name, least, most, attributes, tied)                                       \
    const c2s_op c2s_op_ms_##symbol = {.type = name,                                               \
                                       .domain = "com.microsoft",                                  \
                                       .inputs = {least, most},                                    \
                                       .outputs = {1, 1},                                          \
                                       .quant = C2S_QUANT_ONLY(CODES),                             \
                                       .attrs = attributes,                                        \
                                       .ties = tied,                                               \
                                       C2S_DEFINED_BY(symbol)};

static const c2s_attr_spec leaky_relu_attrs[] = {{"alpha", C2S_ATTR_FLOAT, false}, {0}};
QLINEAR(qlinear_add, "QLinearAdd", 2, 8, NULL, c2s_ties_qlinear_binary)
QLINEAR(qlinear_mul, "QLinearMul", 2, 8, NULL, c2s_ties_qlinear_binary)
QLINEAR(qlinear_leaky_relu, "QLinearLeakyRelu", 2, 5, leaky_relu_attrs, c2s_ties_qlinear_unary)
QLINEAR(qlinear_sigmoid, "QLinearSigmoid", 2, 5, NULL, c2s_ties_qlinear_unary)

/* condition, then X and Y with scale and zero point, then those of the output */
static void qlinear_where(c2s_composite *c) {
    requantize(c,
               C2S_APPLY(c, "Where", c2s_composite_in(c, 0), dequantized(c, 1), dequantized(c, 4)),
               7, 1);
}
QLINEAR(qlinear_where, "QLinearWhere", 3, 9, NULL, c2s_ties_qlinear_where)

static void qlinear_reduce_mean(c2s_composite *c) {
    size_t count;
    const int64_t *axes = c2s_attr_ints(c2s_composite_node(c), "axes", &count);
    c2s_node *node = C2S_START(c, "ReduceMean", dequantized(c, 0),
                               count ? c2s_composite_ints(c, axes, count) : NULL);
    if (node)
        c2s_attr_set_int(node, "keepdims", c2s_attr_int(c2s_composite_node(c), "keepdims", 1));
    requantize(c, c2s_composite_finish(c, node), 3, 0);
}

static const c2s_attr_spec reduce_attrs[] = {
    {"axes", C2S_ATTR_INTS, true}, {"keepdims", C2S_ATTR_INT, true}, {0}};
QLINEAR(qlinear_reduce_mean, "QLinearReduceMean", 2, 5, reduce_attrs, c2s_ties_reduce)

/* ---- pools ---- */

static void pool(c2s_composite *c, const char *type) {
    const bool last = c2s_attr_int(c2s_composite_node(c), "channels_last", 0) != 0;
    c2s_value *x = dequantized(c, 0);
    if (last && x && !c2s_composite_known(x))
        return;
    if (last)
        x = c2s_composite_move_channels(c, x, false);
    x = C2S_APPLY_LIKE(c, type, x);
    requantize(c, last ? c2s_composite_move_channels(c, x, true) : x, 3, 0);
}

static void qlinear_average_pool(c2s_composite *c) {
    pool(c, "AveragePool");
}

static void qlinear_global_average_pool(c2s_composite *c) {
    pool(c, "GlobalAveragePool");
}

static const c2s_attr_spec pool_attrs[] = {C2S_POOL_ATTRS,
                                           {"channels_last", C2S_ATTR_INT, false},
                                           {"count_include_pad", C2S_ATTR_INT, false},
                                           {0}};
static const c2s_attr_spec global_pool_attrs[] = {{"channels_last", C2S_ATTR_INT, false}, {0}};
QLINEAR(qlinear_average_pool, "QLinearAveragePool", 2, 5, pool_attrs, c2s_ties_pool_either)
QLINEAR(qlinear_global_average_pool, "QLinearGlobalAveragePool", 2, 5, global_pool_attrs,
        c2s_ties_pool_either)

static void nhwc_max_pool(c2s_composite *c) {
    c2s_value *x = c2s_composite_in(c, 0);
    if (c2s_composite_known(x))
        c2s_composite_out(
            c, 0,
            c2s_composite_move_channels(
                c, C2S_APPLY_LIKE(c, "MaxPool", c2s_composite_move_channels(c, x, false)), true));
}

static const c2s_attr_spec max_pool_attrs[] = {C2S_POOL_ATTRS, {0}};
QLINEAR(nhwc_max_pool, "NhwcMaxPool", 1, 1, max_pool_attrs, c2s_ties_nhwc_pool)

/* ---- Conv ---- */

/* As that of ai.onnx, but for the place of the channels. */
static void qlinear_conv(c2s_composite *c) {
    const bool last = c2s_attr_int(c2s_composite_node(c), "channels_last", 0) != 0;
    c2s_value *in[9];
    for (unsigned k = 0; k < 9; k++)
        in[k] = c2s_composite_in(c, k);
    if (last && !c2s_composite_known(in[0]))
        return;
    if (last)
        in[0] = c2s_composite_move_channels(c, in[0], false);
    c2s_value *y = c2s_composite_apply(c, "QLinearConv", in, 9, true);
    c2s_composite_out(c, 0, last ? c2s_composite_move_channels(c, y, true) : y);
}

static int64_t qlinear_conv_macs(const c2s_node *node) {
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), c2s_macs_input(node, 3, 1, -1));
}

static const c2s_attr_spec conv_attrs[] = {
    C2S_CONV_ATTRS, {"channels_last", C2S_ATTR_INT, false}, {0}};
const c2s_op c2s_op_ms_qlinear_conv = {
    .type = "QLinearConv",
    .domain = "com.microsoft",
    .inputs = {8, 9},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = conv_attrs,
    .ties = c2s_ties_qlinear_conv,
    .refit = c2s_refit_conv,
    C2S_DEFINED_BY(qlinear_conv),
    .macs = qlinear_conv_macs,
};

/* ---- Concat, Softmax ---- */

/* Scale and zero point of the output, then elements, scale and zero point of every part. */
static void qlinear_concat(c2s_composite *c) {
    c2s_value *part[C2S_VARIADIC / 3];
    unsigned count = 0;
    while (count < C2S_VARIADIC / 3 && c2s_composite_in(c, 2 + 3 * count)) {
        part[count] = dequantized(c, 2 + 3 * count);
        count++;
    }
    if (c2s_composite_node(c)->formal_count > 2 + 3 * count)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "%u inputs, expected two and three for each of at most %d "
                                       "parts",
                                       c2s_composite_node(c)->formal_count, C2S_VARIADIC / 3));
    c2s_node *node = c2s_composite_start(c, "Concat", part, count, 1);
    c2s_composite_attributes(c, node);
    requantize(c, c2s_composite_finish(c, node), 0, 2);
}

static const c2s_attr_spec concat_attrs[] = {{"axis", C2S_ATTR_INT, true}, {0}};
QLINEAR(qlinear_concat, "QLinearConcat", 3, C2S_VARIADIC, concat_attrs, c2s_ties_qlinear_concat)

/* Before opset 13 softmax ran over all axes from `axis` on. Its default is -1 in every opset, other
 * than that of Softmax. */
static void qlinear_softmax(c2s_composite *c) {
    const c2s_node *written = c2s_composite_node(c);
    const bool flat = c2s_attr_int(written, "opset", 13) < 13;
    c2s_value *x = dequantized(c, 0);
    c2s_value *y = x;
    if (flat) {
        c2s_node *flatten = C2S_START(c, "Flatten", x);
        if (flatten)
            c2s_attr_set_int(flatten, "axis", c2s_attr_int(written, "axis", -1));
        y = c2s_composite_finish(c, flatten);
    }
    c2s_node *softmax = C2S_START(c, "Softmax", y);
    if (softmax)
        c2s_attr_set_int(softmax, "axis", flat ? -1 : c2s_attr_int(written, "axis", -1));
    y = c2s_composite_finish(c, softmax);
    if (flat)
        y = C2S_APPLY(c, "Reshape", y, C2S_APPLY(c, "Shape", x));
    requantize(c, y, 3, 0);
}

static const c2s_attr_spec softmax_attrs[] = {
    {"axis", C2S_ATTR_INT, false}, {"opset", C2S_ATTR_INT, true}, {0}};
QLINEAR(qlinear_softmax, "QLinearSoftmax", 2, 5, softmax_attrs, c2s_ties_qlinear_softmax)
