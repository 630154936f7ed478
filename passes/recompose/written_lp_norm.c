/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: x / n, or x times the reciprocal of n, where n is the sum of magnitudes of x along one
 * axis, or the root of the sum of squares, at least epsilon; n may be expanded to the extents of x
 * After:  LpNormalization, which leaves zeros where n is zero
 * Refuses when there are several axes, or epsilon is more than rounding: what is shorter than that
 * has length 1 afterwards.
 *
 * Asked for by name alone. ONNX Runtime 1.30 takes 1.6 times as long for it as for its parts along
 * other axes than the last, and as long along the last (float32, 50 to 800 thousand elements, one
 * thread); our runtime 3 to 9 times as long.
 */
#include <math.h>

#include "passes/recompose/attention_parts.h"

enum { X = C2S_LETTER_A, N };

#define MOST_EPSILON 1e-6

typedef struct norm {
    c2s_node *node[8]; /* from the root backwards */
    unsigned count;
    c2s_value *x;
    c2s_node *sum;
    int order, axis;
    double epsilon;
} norm;

/* The value's maker, which belongs to the pattern then. */
static c2s_node *take(norm *n, const c2s_value *value, const c2s_op *op) {
    c2s_node *node = c2s_maker(value, op);
    if (node)
        n->node[n->count++] = node;
    return node;
}

/* What is under a lower bound; `value` if there is none. */
static c2s_value *unbounded(norm *n, c2s_value *value) {
    c2s_node *node = take(n, value, &c2s_op_clip);
    if (node)
        return !c2s_node_in(node, 2) && c2s_constant_scalar(c2s_node_in(node, 1), &n->epsilon)
                   ? c2s_node_in(node, 0)
                   : NULL;
    node = take(n, value, &c2s_op_max);
    if (!node)
        return value;
    for (unsigned i = 0; i < 2 && node->formal_count == 2; i++)
        if (c2s_constant_scalar(c2s_node_in(node, i), &n->epsilon))
            return c2s_node_in(node, 1 - i);
    return NULL;
}

static bool read_squares(norm *n, c2s_value *value) {
    n->order = 2;
    n->sum = take(n, value, &c2s_op_reduce_sum_square);
    if (n->sum)
        return c2s_node_in(n->sum, 0) == n->x;
    n->sum = take(n, value, &c2s_op_reduce_sum);
    if (!n->sum)
        return false;
    const c2s_value *squares = c2s_node_in(n->sum, 0);
    c2s_node *node = take(n, squares, &c2s_op_mul);
    if (!node)
        node = take(n, squares, &c2s_op_pow);
    return node && c2s_is_square(node, n->x);
}

static bool read_norm(norm *n, c2s_value *value) {
    n->order = 2;
    n->sum = take(n, value, &c2s_op_reduce_l2);
    if (!n->sum && (n->sum = take(n, value, &c2s_op_reduce_l1)) != NULL)
        n->order = 1;
    if (n->sum)
        return c2s_node_in(n->sum, 0) == n->x;
    const c2s_node *root = take(n, value, &c2s_op_sqrt);
    double half;
    if (!root && (root = take(n, value, &c2s_op_pow)) != NULL &&
        (!c2s_constant_scalar(c2s_node_in(root, 1), &half) || half != 0.5))
        return false;
    if (!root || n->epsilon != 0)
        return root && read_squares(n, c2s_node_in(root, 0));
    value = unbounded(n, c2s_node_in(root, 0)); /* of the squares: as TensorFlow has it */
    n->epsilon = sqrt(n->epsilon);
    return value && read_squares(n, value);
}

static bool read(c2s_node *root, norm *n) {
    *n = (norm){.node = {root}, .count = 1, .x = c2s_node_in(root, 0)};
    c2s_value *value = c2s_node_in(root, 1);
    if (root->op == &c2s_op_mul) {
        if (!c2s_maker(value, &c2s_op_reciprocal)) { /* either order */
            n->x = value;
            value = c2s_node_in(root, 0);
        }
        const c2s_node *inverse = take(n, value, &c2s_op_reciprocal);
        value = inverse ? c2s_node_in(inverse, 0) : NULL;
    }
    const c2s_node *expand = take(n, value, &c2s_op_expand);
    if (expand)
        value = c2s_node_in(expand, 0);
    value = unbounded(n, value);
    return value && n->x && read_norm(n, value);
}

static bool find(c2s_node *root, c2s_match *m) {
    norm n;
    if (!read(root, &n))
        return false;
    m->node_count = 0;
    for (unsigned i = n.count; i-- > 0;)
        m->node[m->node_count++] = n.node[i];
    return true;
}

static const char *check(norm *n, const c2s_value *result) {
    c2s_ints axes;
    bool given;
    const c2s_type *type = &n->x->type;
    if (!c2s_is_float_value(n->x) || type->dtype == C2S_BFLOAT16 || type->rank < 1 ||
        !c2s_same_type(n->x, result))
        return "the types do not allow it";
    if (c2s_attr_int(n->sum, "keepdims", 1) != 1 ||
        !c2s_node_axes(n->sum, 1, type->rank, &axes, &given) || !given || axes.count != 1)
        return "it does not run along one axis";
    n->axis = (int)axes.at[0];
    return n->epsilon <= MOST_EPSILON ? NULL : "epsilon is more than rounding";
}

static const char *refuse(const c2s_match *m) {
    norm n;
    return read(m->root, &n) ? check(&n, m->root->outputs[0]) : c2s_no_match;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    norm n;
    read(m->root, &n);
    check(&n, m->root->outputs[0]);
    c2s_node *node = c2s_build_start(b, "LpNormalization", &n.x, 1);
    if (node) {
        c2s_attr_set_int(node, "axis", n.axis);
        c2s_attr_set_int(node, "p", n.order);
    }
    return c2s_build_finish(b, node);
}

static const c2s_op *const roots[] = {&c2s_op_div, &c2s_op_mul, NULL};
static const c2s_pattern_row rows[] = {{.any_of = roots}};
const c2s_rule c2s_rule_lp_norm = {
    .name = "lp-norm",
    .summary = "division by the length along one axis -> LpNormalization, with recompose(lp_norm)",
    C2S_ROWS(rows),
    .find = find,
    .refuse = refuse,
    .build = build};
