/* SPDX-License-Identifier: Apache-2.0
 *
 * Derivatives, one per operator. `dy` has the shape of the node's first output.
 */
#include <string.h>

#include "io/gradient.h"

static c2s_value *in(const c2s_node *node, unsigned slot) {
    return c2s_node_in(node, slot);
}

static c2s_value *mul(c2s_gradient *g, c2s_value *a, c2s_value *b) {
    return c2s_gradient_node(g, "Mul", a, b);
}

static c2s_value *neg(c2s_gradient *g, c2s_value *a) {
    return c2s_gradient_node(g, "Neg", a, NULL);
}

/* ---- arithmetic ---- */

static c2s_status derive_sum(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    for (unsigned i = 0; i < node->formal_count; i++)
        C2S_TRY(c2s_gradient_add(g, in(node, i), dy, &node->outputs[0]->type));
    return C2S_OK;
}

static c2s_status derive_sub(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    C2S_TRY(c2s_gradient_add(g, in(node, 0), dy, &node->outputs[0]->type));
    return c2s_gradient_add(g, in(node, 1), neg(g, dy), &node->outputs[0]->type);
}

static c2s_status derive_mul(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    C2S_TRY(c2s_gradient_add(g, in(node, 0), mul(g, dy, in(node, 1)), &node->outputs[0]->type));
    return c2s_gradient_add(g, in(node, 1), mul(g, dy, in(node, 0)), &node->outputs[0]->type);
}

/* y = a / b: da = dy / b, db = -dy * y / b */
static c2s_status derive_div(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *y = node->outputs[0], *da = c2s_gradient_node(g, "Div", dy, in(node, 1));
    C2S_TRY(c2s_gradient_add(g, in(node, 0), da, &y->type));
    return c2s_gradient_add(g, in(node, 1), neg(g, mul(g, da, y)), &y->type);
}

static c2s_status derive_neg(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    return c2s_gradient_add(g, in(node, 0), neg(g, dy), NULL);
}

static c2s_status derive_identity(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    return c2s_gradient_add(g, in(node, 0), dy, NULL);
}

/* y = a ^ b: da = dy * b * a ^ (b - 1), db = dy * y * log a */
static c2s_status derive_pow(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *a = in(node, 0), *b = in(node, 1), *y = node->outputs[0], *one;
    C2S_TRY(c2s_gradient_scalar(g, b, 1, &one));
    c2s_value *lower = c2s_gradient_node(g, "Pow", a, c2s_gradient_node(g, "Sub", b, one));
    if (b->type.dtype != a->type.dtype)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the exponent has another element type");
    C2S_TRY(c2s_gradient_add(g, a, mul(g, dy, mul(g, b, lower)), &y->type));
    if (b->constant)
        return C2S_OK;
    c2s_value *log = c2s_gradient_node(g, "Log", a, NULL);
    return c2s_gradient_add(g, b, mul(g, dy, mul(g, y, log)), &y->type);
}

/* ---- functions of one element ---- */

static c2s_status derive_relu(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *zero;
    C2S_TRY(c2s_gradient_scalar(g, in(node, 0), 0, &zero));
    c2s_value *positive = c2s_gradient_node(g, "Greater", in(node, 0), zero);
    c2s_value *chosen =
        c2s_raise_node(g->r, g->before, "Where", (c2s_value *[]){positive, dy, zero}, 3);
    return c2s_gradient_add(g, in(node, 0), chosen, NULL);
}

static c2s_status derive_abs(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *sign = c2s_gradient_node(g, "Sign", in(node, 0), NULL);
    return c2s_gradient_add(g, in(node, 0), mul(g, dy, sign), NULL);
}

static c2s_status derive_exp(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    return c2s_gradient_add(g, in(node, 0), mul(g, dy, node->outputs[0]), NULL);
}

static c2s_status derive_log(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    return c2s_gradient_add(g, in(node, 0), c2s_gradient_node(g, "Div", dy, in(node, 0)), NULL);
}

/* y = sqrt x: dx = dy / (2 y) */
static c2s_status derive_sqrt(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *two;
    C2S_TRY(c2s_gradient_scalar(g, in(node, 0), 2, &two));
    c2s_value *twice = mul(g, node->outputs[0], two);
    return c2s_gradient_add(g, in(node, 0), c2s_gradient_node(g, "Div", dy, twice), NULL);
}

/* y = 1 / x: dx = -dy y^2 */
static c2s_status derive_reciprocal(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *y = node->outputs[0];
    return c2s_gradient_add(g, in(node, 0), neg(g, mul(g, dy, mul(g, y, y))), NULL);
}

/* y = tanh x: dx = dy (1 - y^2) */
static c2s_status derive_tanh(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *one, *y = node->outputs[0];
    C2S_TRY(c2s_gradient_scalar(g, in(node, 0), 1, &one));
    c2s_value *slope = c2s_gradient_node(g, "Sub", one, mul(g, y, y));
    return c2s_gradient_add(g, in(node, 0), mul(g, dy, slope), NULL);
}

/* y = sigmoid x: dx = dy y (1 - y) */
static c2s_status derive_sigmoid(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *one, *y = node->outputs[0];
    C2S_TRY(c2s_gradient_scalar(g, in(node, 0), 1, &one));
    c2s_value *slope = mul(g, y, c2s_gradient_node(g, "Sub", one, y));
    return c2s_gradient_add(g, in(node, 0), mul(g, dy, slope), NULL);
}

static c2s_status derive_softplus(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *slope = c2s_gradient_node(g, "Sigmoid", in(node, 0), NULL);
    return c2s_gradient_add(g, in(node, 0), mul(g, dy, slope), NULL);
}

static c2s_status derive_sin(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *slope = c2s_gradient_node(g, "Cos", in(node, 0), NULL);
    return c2s_gradient_add(g, in(node, 0), mul(g, dy, slope), NULL);
}

static c2s_status derive_cos(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *slope = neg(g, c2s_gradient_node(g, "Sin", in(node, 0), NULL));
    return c2s_gradient_add(g, in(node, 0), mul(g, dy, slope), NULL);
}

static c2s_status derive_where(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *zero;
    C2S_TRY(c2s_gradient_scalar(g, in(node, 1), 0, &zero));
    for (unsigned i = 1; i < 3; i++) {
        c2s_value *choice[] = {in(node, 0), i == 1 ? dy : zero, i == 1 ? zero : dy};
        c2s_value *chosen = c2s_raise_node(g->r, g->before, "Where", choice, 3);
        C2S_TRY(c2s_gradient_add(g, in(node, i), chosen, &node->outputs[0]->type));
    }
    return C2S_OK;
}

/* ---- matrices ---- */

static c2s_value *swap_last_axes(c2s_gradient *g, c2s_value *matrix) {
    int64_t order[C2S_MAX_RANK];
    int rank = matrix->type.rank;
    for (int i = 0; i < rank; i++)
        order[i] = i;
    order[rank - 1] = rank - 2;
    order[rank - 2] = rank - 1;
    c2s_value *swapped = c2s_gradient_node(g, "Transpose", matrix, NULL);
    c2s_attr_set_ints(swapped->def, "perm", order, (size_t)rank);
    return swapped;
}

/* The gradient of an operand as a b; its axes before the last two were broadcast like those of y.
 */
static c2s_status add_product(c2s_gradient *g, c2s_value *operand, c2s_value *a, c2s_value *b,
                              const c2s_value *y) {
    c2s_type product = y->type;
    for (int i = 1; i <= 2; i++)
        product.dim[product.rank - i] = operand->type.dim[operand->type.rank - i];
    return c2s_gradient_add(g, operand, c2s_gradient_node(g, "MatMul", a, b), &product);
}

/* y = a b: da = dy b', db = a' dy */
static c2s_status derive_matmul(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *a = in(node, 0), *b = in(node, 1), *y = node->outputs[0];
    if (a->type.rank < 2 || b->type.rank < 2 || y->type.rank < 2)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "both operands must be known to be matrices");
    C2S_TRY(add_product(g, a, dy, swap_last_axes(g, b), y));
    return add_product(g, b, swap_last_axes(g, a), dy, y);
}

/* ---- shape ---- */

static c2s_status derive_reshape(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *shape = c2s_gradient_node(g, "Shape", in(node, 0), NULL);
    return c2s_gradient_add(g, in(node, 0), c2s_gradient_node(g, "Reshape", dy, shape), NULL);
}

static c2s_status derive_transpose(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    size_t count;
    int64_t inverse[C2S_MAX_RANK];
    const int64_t *order = c2s_attr_ints(node, "perm", &count);
    c2s_value *back = c2s_gradient_node(g, "Transpose", dy, NULL);
    if (count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_INVALID, "perm has %zu entries", count);
    for (size_t i = 0; i < count; i++) {
        if (order[i] < 0 || order[i] >= (int64_t)count)
            return c2s_fail(C2S_ERR_INVALID, "perm holds %lld", (long long)order[i]);
        inverse[order[i]] = (int64_t)i;
    }
    if (count)
        c2s_attr_set_ints(back->def, "perm", inverse, count);
    return c2s_gradient_add(g, in(node, 0), back, NULL);
}

static c2s_status derive_expand(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    return c2s_gradient_add(g, in(node, 0), dy, &node->outputs[0]->type);
}

/* Sum over axes: every element of x gets the gradient of the sum that it is part of. */
static c2s_status spread(c2s_gradient *g, const c2s_node *node, c2s_value *dy, c2s_value **dx) {
    c2s_value *x = in(node, 0), *axes = in(node, 1);
    size_t count;
    const int64_t *listed = c2s_attr_ints(node, "axes", &count);
    if (!c2s_attr_int(node, "keepdims", 1)) {
        if (!axes && listed)
            C2S_TRY(c2s_raise_ints(g->r, g->before, "axes", listed, count, &axes));
        if (axes)
            dy = c2s_gradient_node(g, "Unsqueeze", dy, axes);
    }
    *dx = c2s_gradient_node(g, "Expand", dy, c2s_gradient_node(g, "Shape", x, NULL));
    return C2S_OK;
}

static c2s_status derive_reduce_sum(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *dx;
    C2S_TRY(spread(g, node, dy, &dx));
    return c2s_gradient_add(g, in(node, 0), dx, NULL);
}

/* Divided by how many elements went into one: size(x) / size(y). */
static c2s_status derive_reduce_mean(c2s_gradient *g, const c2s_node *node, c2s_value *dy) {
    c2s_value *dx, *x = in(node, 0);
    C2S_TRY(spread(g, node, dy, &dx));
    c2s_value *ratio = c2s_gradient_node(g, "Div", c2s_gradient_node(g, "Size", x, NULL),
                                         c2s_gradient_node(g, "Size", node->outputs[0], NULL));
    c2s_value *divisor = c2s_gradient_node(g, "Cast", ratio, NULL);
    if (x->type.dtype == C2S_UNDEFINED)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the element type of \"%s\" is not known", x->name);
    c2s_attr_set_int(divisor->def, "to", x->type.dtype);
    return c2s_gradient_add(g, x, c2s_gradient_node(g, "Div", dx, divisor), NULL);
}

static const c2s_gradient_rule rules[] = {
    {"Abs", derive_abs},
    {"Add", derive_sum},
    {"Cos", derive_cos},
    {"Div", derive_div},
    {"Exp", derive_exp},
    {"Expand", derive_expand},
    {"Flatten", derive_reshape},
    {"Identity", derive_identity},
    {"Log", derive_log},
    {"MatMul", derive_matmul},
    {"Mul", derive_mul},
    {"Neg", derive_neg},
    {"Pow", derive_pow},
    {"Reciprocal", derive_reciprocal},
    {"ReduceMean", derive_reduce_mean},
    {"ReduceSum", derive_reduce_sum},
    {"Relu", derive_relu},
    {"Reshape", derive_reshape},
    {"Sigmoid", derive_sigmoid},
    {"Sin", derive_sin},
    {"Softplus", derive_softplus},
    {"Sqrt", derive_sqrt},
    {"Squeeze", derive_reshape},
    {"Sub", derive_sub},
    {"Sum", derive_sum},
    {"Tanh", derive_tanh},
    {"Transpose", derive_transpose},
    {"Unsqueeze", derive_reshape},
    {"Where", derive_where},
};

const c2s_gradient_rule *c2s_gradient_rule_of(const c2s_node *node) {
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && !node->domain[0]; i++)
        if (strcmp(rules[i].type, node->type) == 0)
            return &rules[i];
    return NULL;
}
