/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Conv | Gemm | MatMul with a constant weight, a bias, Reshape, Transpose and the like,
 * then MatMul with something else, then Mul or Div by one number: the 1 / sqrt(d) of attention
 * After:  weight and bias scaled; no pass over the large product
 * Refuses when neither operand of the product comes from such an operator that nothing else reads,
 * or when the number is zero or not finite.
 */
#include <math.h>

#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "passes/fuse/linear.h"

/* The match: the linear operator, perhaps Add, movers, the product, the scale. */
enum { FACTOR = C2S_LETTER_A };

static bool is_mover(const c2s_node *node) {
    const c2s_op *op = node->op;
    return op == &c2s_op_reshape || op == &c2s_op_transpose || op == &c2s_op_squeeze ||
           op == &c2s_op_unsqueeze || op == &c2s_op_flatten || op == &c2s_op_identity;
}

static bool is_linear(const c2s_node *node) {
    const c2s_op *op = node->op;
    return (op == &c2s_op_conv || op == &c2s_op_conv_transpose || op == &c2s_op_gemm ||
            op == &c2s_op_matmul) &&
           c2s_node_in(node, 1) && node->inputs[1].value->constant;
}

/* The node whose first output this is, if it has no other use. */
static c2s_node *maker(const c2s_value *value) {
    bool sole = value && value->def && value->use_count == 1 && value->def_slot == 0 &&
                value->def != value->graph->entry;
    return sole ? value->def : NULL;
}

/* Add of a constant: the slot of the constant, else -1. */
static int bias_slot(const c2s_node *node) {
    for (int slot = 0; slot < 2 && node->op == &c2s_op_add; slot++)
        if (node->inputs[slot].value->constant &&
            c2s_dtype_is_float(node->inputs[slot].value->type.dtype))
            return slot;
    return -1;
}

/* Puts the nodes from the linear operator down to `value` into the match. */
static bool trace(const c2s_value *value, c2s_match *m) {
    c2s_node *up[C2S_PATTERN_ROWS];
    unsigned count = 0;
    c2s_node *node = maker(value);
    while (node && is_mover(node) && count < C2S_PATTERN_ROWS - 4) {
        up[count++] = node;
        node = maker(node->inputs[0].value);
    }
    if (node && bias_slot(node) >= 0) {
        up[count++] = node;
        node = maker(node->inputs[1 - bias_slot(node)].value);
    }
    if (!node || !is_linear(node))
        return false;
    up[count++] = node;
    m->node_count = 0;
    while (count > 0)
        m->node[m->node_count++] = up[--count];
    return true;
}

static bool find(c2s_node *root, c2s_match *m) {
    double number;
    unsigned slot = root->op == &c2s_op_mul && c2s_constant_scalar(root->inputs[0].value, &number);
    c2s_value *factor = root->inputs[1 - slot].value;
    c2s_node *product = maker(root->inputs[slot].value);
    if (!c2s_constant_scalar(factor, &number) || !product || product->op != &c2s_op_matmul ||
        (!trace(product->inputs[0].value, m) && !trace(product->inputs[1].value, m)))
        return false;
    m->value[FACTOR] = factor;
    m->node[m->node_count++] = product;
    m->node[m->node_count++] = root;
    return true;
}

static double factor_of(const c2s_match *m) {
    double number = 1;
    c2s_constant_scalar(m->value[FACTOR], &number);
    return m->root->op == &c2s_op_div ? 1 / number : number;
}

static const char *refuse(const c2s_match *m) {
    c2s_linear l;
    double factor = factor_of(m);
    if (!isfinite(factor) || factor == 0)
        return "the factor is zero or not finite";
    return c2s_linear_read(m->node[0], &l);
}

static c2s_value *scale_linear(c2s_builder *b, c2s_node *node, double factor) {
    c2s_linear l;
    c2s_linear_read(node, &l);
    c2s_affine affine = c2s_affine_identity(l.channels);
    for (size_t c = 0; c < affine.count; c++)
        affine.scale[c] = factor;
    c2s_value *value = c2s_linear_build(b, &l, node->inputs[0].value, &affine);
    c2s_affine_free(&affine);
    return value;
}

static c2s_value *scale_constant(c2s_builder *b, c2s_value *old, double factor) {
    const c2s_tensor *tensor = old->constant;
    double *values = c2s_alloc_array(tensor->count + 1, sizeof *values);
    for (size_t i = 0; i < tensor->count; i++)
        values[i] = c2s_tensor_f64_at(tensor, i) * factor;
    c2s_tensor *scaled = NULL;
    c2s_status status = c2s_tensor_from_f64(tensor->type.dtype, tensor->type.rank, tensor->type.dim,
                                            values, &scaled);
    free(values);
    return c2s_build_ok(b, status) ? c2s_build_constant_like(b, old, scaled) : NULL;
}

/* The node again, reading `value` where it read the output of `before`. */
static c2s_value *follow(c2s_builder *b, const c2s_node *node, const c2s_node *before,
                         c2s_value *value, double factor) {
    c2s_value *in[2] = {NULL, NULL};
    for (unsigned k = 0; k < node->formal_count && k < 2; k++) {
        c2s_value *old = node->inputs[k].value;
        in[k] = old == before->outputs[0] ? value : old;
    }
    if (node->op == &c2s_op_add)
        in[bias_slot(node)] = scale_constant(b, in[bias_slot(node)], factor);
    return c2s_build_finish(b, c2s_build_like(b, node, in, node->formal_count));
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    double factor = factor_of(m);
    c2s_value *value = scale_linear(b, m->node[0], factor);
    for (unsigned i = 1; i + 1 < m->node_count; i++)
        value = follow(b, m->node[i], m->node[i - 1], value, factor);
    return value;
}

static const c2s_op *const scales[] = {&c2s_op_mul, &c2s_op_div, NULL};
static const c2s_pattern_row rows[] = {{.any_of = scales}};
const c2s_rule c2s_rule_scale_through = {
    .name = "scale-through",
    .summary =
        "a product scaled by a number (attention's 1 / sqrt(d)) -> the weights before it scaled",
    C2S_ROWS(rows),
    .find = find,
    .refuse = refuse,
    .build = build};
