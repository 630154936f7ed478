/* SPDX-License-Identifier: Apache-2.0
 *
 * Products: Conv, MatMul, Gemm.
 */
#include "base/linear_algebra.h"
#include "base/memory.h"
#include "ops/conv.h"
#include "passes/measure/conv_products.h"
#include "passes/measure/slope_rules.h"

static c2s_status conv(const c2s_slope *s) {
    const c2s_tensor *x = s->in[0], *w = s->in[1];
    c2s_conv_shape shape;
    C2S_TRY(c2s_conv_shape_of(s->node, false, &x->type, &w->type, &shape));
    const size_t floats = c2s_conv_scratch(&shape);
    if (floats == 0)
        return c2s_fail_alloc(x->count, w->count);
    C2S_TRY(c2s_float_room_for(s->scratch, floats));
    c2s_conv_derive(&shape, c2s_tensor_data(x), c2s_tensor_data(w), s->dy, s->scratch->at, s->dx[0],
                    s->dx[1]);
    if (s->node->formal_count < 3 || !s->dx[2])
        return C2S_OK;
    const size_t channels = (size_t)w->type.dim[0];
    const size_t positions = (size_t)c2s_window_out_size(&shape.window);
    for (size_t i = 0; i < (size_t)shape.batch * channels; i++)
        s->dx[2][i % channels] += c2s_float_sum(s->dy + i * positions, positions);
    return C2S_OK;
}

/* ---- y [m, n] = a' [m, k] b' [k, n], where ' is an optional transposition ---- */

typedef struct product {
    size_t m, n, k;
    bool a_turned, b_turned;
} product;

/* c += op(left) op(right); strides are the lengths of rows as they are stored. */
static void add_product(size_t m, size_t n, size_t k, c2s_float_part left, bool left_turned,
                        c2s_float_part right, bool right_turned, float *c) {
    const c2s_product shape = {left_turned, right_turned, m, n, k, 1};
    c2s_float_multiply(&shape, left, right, c, n);
}

static void derive(const product *p, const float *a, const float *b, const float *dy, float *da,
                   float *db) {
    const c2s_float_part left = {a, p->a_turned ? p->m : p->k},
                         right = {b, p->b_turned ? p->k : p->n}, slope = {dy, p->n};
    if (da && p->a_turned)
        add_product(p->k, p->m, p->n, right, p->b_turned, slope, true, da);
    else if (da)
        add_product(p->m, p->k, p->n, slope, false, right, !p->b_turned, da);
    if (db && p->b_turned)
        add_product(p->n, p->k, p->m, slope, true, left, p->a_turned, db);
    else if (db)
        add_product(p->k, p->n, p->m, left, !p->a_turned, slope, false, db);
}

static c2s_status matmul(const c2s_slope *s) {
    const c2s_type *a = &s->in[0]->type, *b = &s->in[1]->type;
    const float *left = c2s_tensor_data(s->in[0]), *right = c2s_tensor_data(s->in[1]);
    product p = {.k = (size_t)b->dim[b->rank - 2], .n = (size_t)b->dim[b->rank - 1]};
    size_t times = 1;
    if (s->out->count == 0 || p.k == 0)
        return C2S_OK;
    if (b->rank == 2) {
        p.m = s->in[0]->count / p.k; /* all rows at once */
    } else {
        p.m = (size_t)a->dim[a->rank - 2];
        times = s->in[1]->count / (p.k * p.n);
    }
    for (size_t i = 0; i < times; i++)
        derive(&p, left + i * p.m * p.k, right + i * p.k * p.n, s->dy + i * p.m * p.n,
               s->dx[0] ? s->dx[0] + i * p.m * p.k : NULL,
               s->dx[1] ? s->dx[1] + i * p.k * p.n : NULL);
    return C2S_OK;
}

static c2s_status gemm(const c2s_slope *s) {
    const bool a_turned = c2s_attr_int(s->node, "transA", 0) != 0,
               b_turned = c2s_attr_int(s->node, "transB", 0) != 0;
    const c2s_type *a = &s->in[0]->type, *y = &s->out->type;
    const product p = {(size_t)y->dim[0], (size_t)y->dim[1], (size_t)a->dim[!a_turned], a_turned,
                       b_turned};
    derive(&p, c2s_tensor_data(s->in[0]), c2s_tensor_data(s->in[1]), s->dy, s->dx[0], s->dx[1]);
    if (s->node->formal_count > 2 && s->dx[2])
        c2s_slope_unbroadcast(y, s->dy, &s->in[2]->type, s->dx[2]);
    return C2S_OK;
}

/* ---- which are there ---- */

/* The second operand is one matrix, or there are as many of both. */
static bool is_paired(const c2s_node *node) {
    const c2s_type *a = &c2s_node_in(node, 0)->type, *b = &c2s_node_in(node, 1)->type;
    if (a->rank < 2 || b->rank < 2 || (b->rank != 2 && a->rank != b->rank))
        return false;
    for (int k = 0; b->rank > 2 && k < b->rank - 2; k++)
        if (a->dim[k] != b->dim[k])
            return false;
    return true;
}

c2s_slope_rule *c2s_slope_linear(const c2s_node *node) {
    if (node->op == &c2s_op_conv)
        return conv;
    if (node->op == &c2s_op_matmul)
        return is_paired(node) ? matmul : NULL;
    if (node->op == &c2s_op_gemm && c2s_attr_float(node, "alpha", 1) == 1 &&
        c2s_attr_float(node, "beta", 1) == 1)
        return gemm;
    return NULL;
}
