/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations that are quantized while the model runs.
 * Before: DynamicQuantizeLinear, MatMulInteger or ConvInteger, Cast, Mul with both scales
 * After:  MatMul or Conv of dequantized operands
 * Before: DynamicQuantizeMatMul, MatMulIntegerToFloat of com.microsoft
 * After:  MatMul and Add
 * Before: DynamicQuantizeLinear, then DequantizeLinear
 * After:  the floats
 * Refuses weights that are computed, and scales of shapes that DequantizeLinear has not.
 */
#include "passes/constants.h"
#include "passes/quant/form_rules.h"
#include "passes/quant/qoperator.h"

enum { X = C2S_LETTER_A, CODES, SCALE, ZERO, W, W_ZERO, W_SCALE, SUMS, FLOATS, SCALES };

/* ---- the pair ---- */

static const c2s_pattern_row pair_rows[] = {
    {.op = &c2s_op_dynamic_quantize_linear, .out = CODES, .further = {SCALE, ZERO}, .in = {X}},
    {.op = &c2s_op_dequantize_linear, .in = {CODES, SCALE, ZERO}},
};
const c2s_rule c2s_rule_dynamic_float = {
    .name = "dynamic-float",
    .summary = "DynamicQuantizeLinear, then DequantizeLinear -> the floats",
    C2S_ROWS(pair_rows),
    .shared = C2S_BIT(CODES) | C2S_BIT(SCALE) | C2S_BIT(ZERO),
    .build = c2s_build_forward};

/* ---- products of integers ---- */

/* Scales of columns or channels, however they are broadcast, as DequantizeLinear takes them. NULL
 * value: it cannot. */
static c2s_tensor *flat_scales(const c2s_value *scale, const c2s_value *weight, bool conv) {
    const int64_t count = (int64_t)scale->constant->count;
    const int rank = scale->type.rank, spatial = conv ? weight->type.rank - 2 : 0;
    const int axis = conv ? 0 : weight->type.rank - 1, at = rank - 1 - spatial;
    c2s_tensor *flat = NULL;
    if (count != 1 && (weight->type.rank < 2 || at < 0 || scale->type.dim[at] != count ||
                       weight->type.dim[axis] != count))
        return NULL;
    return c2s_tensor_reshape(scale->constant, count != 1, &count, &flat) == C2S_OK ? flat : NULL;
}

static bool is_conv(const c2s_node *node) {
    return node->op == &c2s_op_conv_integer;
}

/* Only their product counts: of two constants the one that is a single number is that of the first
 * operand, in whatever order they are multiplied. */
static void scales_of(const c2s_match *m, c2s_value **x, c2s_value **w) {
    const bool swapped = m->value[SCALE]->constant && m->value[SCALE]->constant->count > 1 &&
                         m->value[W_SCALE]->constant->count == 1;
    *x = m->value[swapped ? W_SCALE : SCALE];
    *w = m->value[swapped ? SCALE : W_SCALE];
}

static bool is_single(const c2s_value *value) {
    size_t count;
    return c2s_type_is_tensor(&value->type) && value->type.rank >= 0 && value->type.rank <= 1 &&
           c2s_type_elements(&value->type, &count) && count == 1;
}

static const char *refuse_integer(const c2s_match *m) {
    const c2s_node *product = m->node[0];
    const c2s_value *zero = m->value[W_ZERO], *x_zero = m->value[ZERO];
    c2s_value *x_scale, *scale;
    scales_of(m, &x_scale, &scale);
    if (x_scale->type.dtype != C2S_FLOAT || scale->type.dtype != C2S_FLOAT)
        return "the scales are no floats";
    if (m->root->outputs[0]->type.dtype != C2S_FLOAT)
        return "the result is no float";
    if (!is_single(x_scale) || (x_zero && !is_single(x_zero)))
        return "the first operand has several scales or zero points";
    c2s_tensor *flat = flat_scales(scale, m->value[W], is_conv(product));
    const size_t count = flat ? flat->count : 0;
    c2s_tensor_unref(flat);
    if (count == 0)
        return "DequantizeLinear has no scales of this shape";
    if (zero && zero->constant->count != 1 && zero->constant->count != count &&
        !c2s_constant_is_all(zero, 0))
        return "there are not as many zero points as scales";
    return NULL;
}

static c2s_value *dequantize_weight(c2s_builder *b, const c2s_match *m) {
    const bool conv = is_conv(m->node[0]);
    c2s_value *zero = m->value[W_ZERO], *weight = m->value[W];
    c2s_value *x_scale, *w_scale;
    scales_of(m, &x_scale, &w_scale);
    c2s_tensor *flat = flat_scales(w_scale, weight, conv);
    c2s_value *scale = flat ? c2s_build_constant_like(b, w_scale, flat) : NULL;
    return c2s_form_dequantize(b, weight, scale, zero, conv ? 0 : weight->type.rank - 1);
}

static c2s_value *build_integer(c2s_builder *b, const c2s_match *m) {
    const c2s_node *product = m->node[0];
    c2s_value *x_scale, *w_scale;
    scales_of(m, &x_scale, &w_scale);
    c2s_value *in[] = {c2s_form_dequantize(b, m->value[CODES], x_scale, m->value[ZERO], -1),
                       dequantize_weight(b, m)};
    c2s_node *floats = c2s_build_start(b, is_conv(product) ? "Conv" : "MatMul", in, 2);
    if (!floats)
        return NULL;
    c2s_qoperator_attributes(product, floats);
    floats->name = product->name;
    return c2s_build_finish(b, floats);
}

static const c2s_op *const products[] = {&c2s_op_matmul_integer, &c2s_op_conv_integer, NULL};
static const c2s_pattern_row integer_rows[] = {
    {.any_of = products, .out = SUMS, .in = {CODES, W, ZERO | C2S_OPTIONAL, W_ZERO | C2S_OPTIONAL}},
    {.op = &c2s_op_cast, .out = FLOATS, .in = {SUMS}},
    {.op = &c2s_op_mul, .out = SCALES, .in = {SCALE, W_SCALE}},
    {.op = &c2s_op_mul, .in = {FLOATS, SCALES}},
};
const c2s_rule c2s_rule_integer_matmul_float = {
    .name = "integer-product-float",
    .summary = "MatMulInteger or ConvInteger, Cast, Mul with the scales -> MatMul or Conv of "
               "dequantized operands",
    C2S_ROWS(integer_rows),
    .constants = C2S_BIT(W) | C2S_BIT(W_SCALE) | C2S_BIT(W_ZERO),
    .shared = C2S_BIT(SCALES),
    .refuse = refuse_integer,
    .build = build_integer};

/* ---- com.microsoft: products ---- */

/* Where the operands are: codes and scale, zero point, bias. */
typedef struct places {
    unsigned w, w_scale, w_zero, bias, x_scale, x_zero;
} places;

static places places_of(const c2s_node *node) {
    return node->op == &c2s_op_ms_dynamic_quantize_matmul ? (places){1, 2, 3, 4, 0, 0}
                                                          : (places){1, 3, 5, 6, 2, 4};
}

static const char *refuse_scale(const c2s_value *scale, const c2s_value *zero) {
    if (!scale || scale->type.rank < 0 || scale->type.rank > 1 || scale->type.dtype != C2S_FLOAT)
        return "DequantizeLinear has no scales of this shape";
    return c2s_form_zero_fits(scale, zero) ? NULL : "there are not as many zero points as scales";
}

static const char *refuse_product(const c2s_match *m) {
    const c2s_node *node = m->root;
    const places at = places_of(node);
    const c2s_value *w = c2s_node_in(node, at.w);
    if (!w || w->type.rank < 2)
        return "its weights have no columns";
    const char *reason = refuse_scale(c2s_node_in(node, at.w_scale), c2s_node_in(node, at.w_zero));
    if (!reason && at.x_scale)
        reason = refuse_scale(c2s_node_in(node, at.x_scale), c2s_node_in(node, at.x_zero));
    return reason;
}

static c2s_value *build_product(c2s_builder *b, const c2s_match *m) {
    const c2s_node *node = m->root;
    const places at = places_of(node);
    c2s_value *w = c2s_node_in(node, at.w), *zero = c2s_node_in(node, at.w_zero);
    c2s_value *x = c2s_node_in(node, 0), *bias = c2s_node_in(node, at.bias);
    if (at.x_scale)
        x = c2s_form_dequantize(b, x, c2s_node_in(node, at.x_scale), c2s_node_in(node, at.x_zero),
                                x->type.rank - 2);
    c2s_value *in[] = {
        x, c2s_form_dequantize(b, w, c2s_node_in(node, at.w_scale), zero, w->type.rank - 1)};
    c2s_node *product = c2s_build_start(b, "MatMul", in, 2);
    if (product && bias)
        product->name = node->name;
    c2s_value *sum[] = {c2s_build_finish(b, product), bias};
    return bias ? c2s_build(b, "Add", sum, 2) : sum[0];
}

static const c2s_op *const contrib[] = {&c2s_op_ms_dynamic_quantize_matmul,
                                        &c2s_op_ms_matmul_integer_to_float, NULL};
static const c2s_pattern_row contrib_rows[] = {{.any_of = contrib}};
const c2s_rule c2s_rule_dynamic_matmul_float = {
    .name = "dynamic-product-float",
    .summary = "DynamicQuantizeMatMul, MatMulIntegerToFloat -> MatMul of dequantized operands",
    C2S_ROWS(contrib_rows),
    .refuse = refuse_product,
    .build = build_product};
