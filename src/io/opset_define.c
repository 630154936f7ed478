/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementwise operators as what they are made of, after their definitions in ONNX.
 */
#include <math.h>
#include <string.h>

#include "io/opset_rows.h"

/* Where a definition is built. Scalars have the element type of input 0. */
typedef struct definition {
    c2s_raise *r;
    c2s_node *node;
    c2s_dtype dtype;
    c2s_status status;
} definition;

static c2s_status begin(definition *d, c2s_raise *r, c2s_node *node) {
    *d = (definition){.r = r, .node = node};
    return c2s_opset_dtype(node, 0, &d->dtype);
}

static c2s_value *op1(const definition *d, const char *type, c2s_value *x) {
    return c2s_raise_node(d->r, d->node, type, &x, 1);
}

static c2s_value *op2(const definition *d, const char *type, c2s_value *a, c2s_value *b) {
    return c2s_raise_node(d->r, d->node, type, (c2s_value *[]){a, b}, 2);
}

static c2s_value *number(definition *d, const char *hint, double value) {
    c2s_value *out = NULL;
    if (d->status == C2S_OK)
        d->status = c2s_raise_scalar(d->r, d->node, hint, d->dtype, value, &out);
    return out;
}

static c2s_status finish(const definition *d, const char *type, c2s_value *a, c2s_value *b) {
    C2S_TRY(d->status);
    c2s_raise_become(d->node, type, (c2s_value *[]){a, b}, 2);
    return C2S_OK;
}

/* x / 2 * (1 + erf(x / sqrt(2))); with tanh: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
 */
c2s_status c2s_lower_gelu(c2s_raise *r, c2s_node *node) {
    definition d;
    C2S_TRY(begin(&d, r, node));
    c2s_value *x = c2s_node_in(node, 0), *inner;
    if (strcmp(c2s_attr_string(node, "approximate", "none"), "tanh") == 0) {
        c2s_value *cube = op2(&d, "Mul", op2(&d, "Mul", x, x), x);
        c2s_value *sum = op2(&d, "Add", x, op2(&d, "Mul", cube, number(&d, "factor", 0.044715)));
        inner = op1(&d, "Tanh", op2(&d, "Mul", sum, number(&d, "root", sqrt(2 / acos(-1)))));
    } else {
        inner = op1(&d, "Erf", op2(&d, "Div", x, number(&d, "root", sqrt(2))));
    }
    c2s_value *half = op2(&d, "Mul", x, number(&d, "half", 0.5));
    return finish(&d, "Mul", half, op2(&d, "Add", inner, number(&d, "one", 1)));
}

/* x * max(0, min(1, x / 6 + 1 / 2)); a sixth as an attribute is a float, too coarse for double. */
c2s_status c2s_lower_hard_swish(c2s_raise *r, c2s_node *node) {
    definition d = {.r = r, .node = node, .dtype = C2S_DOUBLE};
    c2s_value *x = c2s_node_in(node, 0);
    if (c2s_type_is_tensor(&x->type) && x->type.dtype == C2S_DOUBLE) {
        c2s_value *part = op2(&d, "Div", x, number(&d, "six", 6)), *in[3];
        in[0] = op2(&d, "Add", part, number(&d, "half", 0.5));
        in[1] = number(&d, "zero", 0);
        in[2] = number(&d, "one", 1);
        return finish(&d, "Mul", x, c2s_raise_node(r, node, "Clip", in, 3));
    }
    c2s_value *gate = op1(&d, "HardSigmoid", x);
    c2s_attr_set_float(gate->def, "alpha", 1.0f / 6);
    c2s_attr_set_float(gate->def, "beta", 0.5f);
    return finish(&d, "Mul", x, gate);
}

/* x * tanh(softplus(x)) */
c2s_status c2s_lower_mish(c2s_raise *r, c2s_node *node) {
    definition d = {.r = r, .node = node};
    c2s_value *x = c2s_node_in(node, 0);
    return finish(&d, "Mul", x, op1(&d, "Tanh", op1(&d, "Softplus", x)));
}

/* sigmoid(alpha * x) */
static c2s_value *gate(definition *d, c2s_value *x) {
    const float alpha = c2s_attr_float(d->node, "alpha", 1);
    if (alpha != 1)
        return op1(d, "Sigmoid", op2(d, "Mul", x, number(d, "alpha", (double)alpha)));
    return op1(d, "Sigmoid", x);
}

c2s_status c2s_lower_swish(c2s_raise *r, c2s_node *node) {
    definition d;
    C2S_TRY(begin(&d, r, node));
    c2s_value *x = c2s_node_in(node, 0);
    return finish(&d, "Mul", x, gate(&d, x));
}

c2s_status c2s_lower_swiglu(c2s_raise *r, c2s_node *node) {
    definition d;
    C2S_TRY(begin(&d, r, node));
    c2s_value *a = c2s_node_in(node, 0), *b = c2s_node_in(node, 1);
    return finish(&d, "Mul", op2(&d, "Mul", a, gate(&d, a)), b);
}

/* alpha * elu(x / alpha) */
c2s_status c2s_lower_celu(c2s_raise *r, c2s_node *node) {
    definition d;
    C2S_TRY(begin(&d, r, node));
    c2s_value *alpha = number(&d, "alpha", (double)c2s_attr_float(node, "alpha", 1));
    return finish(&d, "Mul", op1(&d, "Elu", op2(&d, "Div", c2s_node_in(node, 0), alpha)), alpha);
}

/* Up to opset 27 there is Celu of float alone. */
c2s_status c2s_lower_celu_type(c2s_raise *r, c2s_node *node) {
    c2s_dtype dtype;
    C2S_TRY(c2s_opset_dtype(node, 0, &dtype));
    return dtype == C2S_FLOAT ? C2S_OK : c2s_lower_celu(r, node);
}

/* GreaterOrEqual, LessOrEqual: not the negation of the other, because of NaN. */
c2s_status c2s_lower_or_equal(c2s_raise *r, c2s_node *node) {
    definition d = {.r = r, .node = node};
    c2s_value *a = c2s_node_in(node, 0), *b = c2s_node_in(node, 1);
    const char *strict = strcmp(node->type, "LessOrEqual") == 0 ? "Less" : "Greater";
    return finish(&d, "Or", op2(&d, strict, a, b), op2(&d, "Equal", a, b));
}

c2s_status c2s_lower_cast_like(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_dtype dtype;
    C2S_TRY(c2s_opset_dtype(node, 1, &dtype));
    c2s_node_resize_inputs(node, 1);
    c2s_node_set_type(node, "", "Cast");
    c2s_attr_set_int(node, "to", dtype);
    return C2S_OK;
}
