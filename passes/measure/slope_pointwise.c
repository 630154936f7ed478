/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators whose elements depend on elements at the same place: activations, and sums and products
 * with broadcasting.
 */
#include <math.h>

#include "base/simd.h"
#include "ops/broadcast.h"
#include "passes/clip_bounds.h"
#include "passes/measure/slope_rules.h"

/* ---- broadcasting ---- */

/* Adds a run of dy, which the operand goes through once (stride 1) or stands for as one (0). */
static void add_run(size_t count, const float *dy, size_t stride, float *dx) {
    if (stride) {
        for (size_t i = 0; i < count; i++)
            dx[i * stride] += dy[i];
        return;
    }
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)dy[i];
    *dx += (float)sum;
}

void c2s_slope_unbroadcast(const c2s_type *out, const float *dy, const c2s_type *operand,
                           float *dx) {
    c2s_broadcast b;
    size_t at[C2S_MAX_RANK] = {0}, offset = 0, runs = 1;
    c2s_broadcast_init(&b, out, operand);
    const int last = b.rank - 1;
    for (int k = 0; k < last; k++)
        runs *= b.extent[k];
    for (size_t run = 0; run < runs; run++) {
        add_run(b.extent[last], dy + run * b.extent[last], b.stride[last], dx + offset);
        for (int k = last - 1; k >= 0; k--) {
            offset += b.stride[k];
            if (++at[k] < b.extent[k])
                break;
            offset -= b.stride[k] * b.extent[k];
            at[k] = 0;
        }
    }
}

static c2s_status add(const c2s_slope *s) {
    for (int k = 0; k < 2; k++)
        if (s->dx[k])
            c2s_slope_unbroadcast(&s->out->type, s->dy, &s->in[k]->type, s->dx[k]);
    return C2S_OK;
}

/* scratch = dy times an operand, or -1. */
static const float *times(const c2s_slope *s, const c2s_tensor *other) {
    const size_t count = s->out->count;
    float *product = s->scratch->at;
    if (!other) {
        for (size_t i = 0; i < count; i++)
            product[i] = -s->dy[i];
        return product;
    }
    c2s_broadcast b;
    c2s_broadcast_init(&b, &s->out->type, &other->type);
    const float *factor = c2s_broadcast_load(&b, c2s_wide_of(C2S_FLOAT), other, 0, count, product);
    for (size_t i = 0; i < count; i++)
        product[i] = s->dy[i] * factor[i];
    return product;
}

static c2s_status sub(const c2s_slope *s) {
    C2S_TRY(c2s_float_room_for(s->scratch, s->out->count));
    if (s->dx[0])
        c2s_slope_unbroadcast(&s->out->type, s->dy, &s->in[0]->type, s->dx[0]);
    if (s->dx[1])
        c2s_slope_unbroadcast(&s->out->type, times(s, NULL), &s->in[1]->type, s->dx[1]);
    return C2S_OK;
}

static c2s_status mul(const c2s_slope *s) {
    C2S_TRY(c2s_float_room_for(s->scratch, s->out->count));
    for (int k = 0; k < 2; k++)
        if (s->dx[k])
            c2s_slope_unbroadcast(&s->out->type, times(s, s->in[1 - k]), &s->in[k]->type, s->dx[k]);
    return C2S_OK;
}

/* ---- activations: by x and y of one element ---- */

C2S_INLINE void pass_between_loop(size_t n, const float *x, float least, float most,
                                  const float *dy, float *dx) {
    for (size_t i = 0; i < n; i++)
        dx[i] += ((x[i] > least) & (x[i] < most)) ? dy[i] : 0;
}
C2S_SIMD(pass_between, pass_between_loop,
         (size_t n, const float *x, float least, float most, const float *dy, float *restrict dx),
         (n, x, least, most, dy, dx))

static c2s_status cut_off(const c2s_slope *s) {
    const float *x = c2s_tensor_data(s->in[0]);
    double low, high;
    if (!c2s_clip_bounds(s->node, &low, &high))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s: bounds that are computed",
                        c2s_node_text(s->node));
    pass_between(s->out->count, x, (float)low, (float)high, s->dy, s->dx[0]);
    return C2S_OK;
}

typedef float derivative(const c2s_node *node, float x, float y);

static c2s_status each(const c2s_slope *s, derivative *of) {
    const float *x = c2s_tensor_data(s->in[0]), *y = c2s_tensor_data(s->out);
    for (size_t i = 0; i < s->out->count; i++)
        s->dx[0][i] += s->dy[i] * of(s->node, x[i], y[i]);
    return C2S_OK;
}

static float sigmoid_derivative(const c2s_node *node, float x, float y) {
    (void)node, (void)x;
    return y * (1 - y);
}

static float tanh_derivative(const c2s_node *node, float x, float y) {
    (void)node, (void)x;
    return 1 - y * y;
}

static float leaky_derivative(const c2s_node *node, float x, float y) {
    (void)y;
    return x < 0 ? c2s_attr_float(node, "alpha", 0.01f) : 1;
}

static float hard_sigmoid_derivative(const c2s_node *node, float x, float y) {
    (void)x;
    return y > 0 && y < 1 ? c2s_attr_float(node, "alpha", 0.2f) : 0;
}

static float hard_swish_derivative(const c2s_node *node, float x, float y) {
    (void)node, (void)y;
    return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5f;
}

#define EACH(name)                                                                                 \
    static c2s_status name##_slope(const c2s_slope *s) {                                           \
        return each(s, name##_derivative);                                                         \
    }
EACH(sigmoid)
EACH(tanh)
EACH(leaky)
EACH(hard_sigmoid)
EACH(hard_swish)

c2s_slope_rule *c2s_slope_pointwise(const c2s_node *node) {
    static const struct {
        const c2s_op *op;
        c2s_slope_rule *rule;
    } rules[] = {{&c2s_op_add, add},
                 {&c2s_op_sub, sub},
                 {&c2s_op_mul, mul},
                 {&c2s_op_sigmoid, sigmoid_slope},
                 {&c2s_op_tanh, tanh_slope},
                 {&c2s_op_leaky_relu, leaky_slope},
                 {&c2s_op_hard_sigmoid, hard_sigmoid_slope},
                 {&c2s_op_hard_swish, hard_swish_slope}};
    double low, high;
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
        if (node->op == rules[k].op)
            return rules[k].rule;
    return (node->op == &c2s_op_relu || node->op == &c2s_op_clip) &&
                   c2s_clip_bounds(node, &low, &high)
               ? cut_off
               : NULL;
}
