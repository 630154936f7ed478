/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: two of Add and Sub, or two of Mul and Div, in a row, each with a constant
 * After:  one with the constant of both
 * Refuses when a constant is divided by the result, when the constants have different shapes of
 * which none is one number, for integers (they wrap around or cut), or when the new constant is not
 * finite, or so small that the type holds it with fewer digits, or as zero.
 */
#include <math.h>

#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, C1, Y, C2 };

static bool is_constant_left(const c2s_node *node, const c2s_value *constant) {
    return node->inputs[0].value == constant;
}

/* The new constant out of an element of each. Sums: y = s1 x + a, z = s2 y + b; a and b with the
 * sign that Sub gives them, s2 only if the second one subtracts the result. */
static double combine(const c2s_match *m, double a, double b) {
    const c2s_node *first = m->node[0], *second = m->root;
    if (second->op == &c2s_op_add || second->op == &c2s_op_sub) {
        double inner = first->op == &c2s_op_sub && !is_constant_left(first, m->value[C1]) ? -a : a;
        if (second->op == &c2s_op_add)
            return inner + b;
        return is_constant_left(second, m->value[C2]) ? b - inner : inner - b;
    }
    if (first->op == second->op)
        return a * b;
    return first->op == &c2s_op_mul ? a / b : b / a;
}

/* Does x come out with the other sign? Then the new node is Sub. */
static bool negates(const c2s_match *m) {
    bool first = m->node[0]->op == &c2s_op_sub && is_constant_left(m->node[0], m->value[C1]);
    bool second = m->root->op == &c2s_op_sub && is_constant_left(m->root, m->value[C2]);
    return first != second;
}

static bool is_product(const c2s_node *node) {
    return node->op == &c2s_op_mul || node->op == &c2s_op_div;
}

static const char *read(const c2s_match *m, const c2s_tensor **shape) {
    const c2s_tensor *a = m->value[C1]->constant, *b = m->value[C2]->constant;
    if (!a || !b || m->value[X]->constant || is_product(m->node[0]) != is_product(m->root))
        return c2s_no_match;
    if (a->type.kind != C2S_KIND_TENSOR || b->type.kind != C2S_KIND_TENSOR ||
        !c2s_is_float_value(m->value[X]))
        return "the type is no float";
    if ((m->node[0]->op == &c2s_op_div && is_constant_left(m->node[0], m->value[C1])) ||
        (m->root->op == &c2s_op_div && is_constant_left(m->root, m->value[C2])))
        return "a constant is divided by the result";
    *shape = a->count >= b->count && a->type.rank >= b->type.rank ? a : b;
    bool alike = c2s_type_equal(&a->type, &b->type);
    const c2s_tensor *other = *shape == a ? b : a;
    if (!alike && (other->count != 1 || other->type.rank > (*shape)->type.rank))
        return "the constants have different shapes";
    return NULL;
}

/* NULL with a failure in *status, or if an element is not finite. */
static c2s_status make_constant(const c2s_match *m, c2s_tensor **out) {
    const c2s_tensor *a = m->value[C1]->constant, *b = m->value[C2]->constant, *shape = NULL;
    read(m, &shape);
    double *values = c2s_alloc_array(shape->count + 1, sizeof *values);
    for (size_t i = 0; i < shape->count; i++)
        values[i] = combine(m, c2s_tensor_f64_at(a, a->count == 1 ? 0 : i),
                            c2s_tensor_f64_at(b, b->count == 1 ? 0 : i));
    c2s_status status =
        c2s_tensor_from_f64(shape->type.dtype, shape->type.rank, shape->type.dim, values, out);
    const bool product = is_product(m->root);
    for (size_t i = 0; status == C2S_OK && i < shape->count; i++) {
        const double held = c2s_tensor_f64_at(*out, i);
        if (!isfinite(held))
            status = c2s_fail(C2S_ERR_UNSUPPORTED, "the new constant is not finite");
        else if (product && values[i] != 0 && fabs(held) < c2s_dtype_least_normal(shape->type.dtype))
            status = c2s_fail(C2S_ERR_UNSUPPORTED, "the new constant is too small for %s",
                              c2s_dtype_name(shape->type.dtype));
        if (status != C2S_OK)
            c2s_tensor_unref(*out);
    }
    free(values);
    return status;
}

static const char *refuse(const c2s_match *m) {
    const c2s_tensor *shape;
    return read(m, &shape);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_tensor *tensor = NULL;
    if (!c2s_build_ok(b, make_constant(m, &tensor)))
        return NULL;
    c2s_value *constant = c2s_build_constant_like(b, m->value[C2], tensor);
    if (negates(m)) {
        c2s_value *in[] = {constant, m->value[X]};
        return c2s_build(b, "Sub", in, 2);
    }
    bool divides = m->node[0]->op == &c2s_op_div && m->root->op == &c2s_op_div;
    c2s_value *in[] = {m->value[X], constant};
    return c2s_build(b, divides ? "Div" : is_product(m->root) ? "Mul" : "Add", in, 2);
}

static const c2s_op *const ops[] = {&c2s_op_add, &c2s_op_sub, &c2s_op_mul, &c2s_op_div, NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = ops, .out = Y, .in = {X, C1}, .any_order = true},
    {.any_of = ops, .in = {Y, C2}, .any_order = true},
};
const c2s_rule c2s_rule_affine_affine = {
    .name = "affine-affine",
    .summary = "two of Add and Sub, or of Mul and Div, each with a constant -> one",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
