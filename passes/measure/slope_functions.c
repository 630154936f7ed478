/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of transformers: quotients, powers and roots, the error function, and rows that are
 * normalised: Softmax, LayerNormalization.
 */
#include <math.h>
#include <string.h>

#include "ops/broadcast.h"
#include "ops/infer.h"
#include "passes/measure/slope_rules.h"

/* An operand as large as the output, in `room` if it has to be repeated. */
static const float *spread(const c2s_slope *s, const c2s_tensor *operand, float *room) {
    c2s_broadcast b;
    c2s_broadcast_init(&b, &s->out->type, &operand->type);
    return c2s_broadcast_load(&b, c2s_wide_of(C2S_FLOAT), operand, 0, s->out->count, room);
}

/* ---- quotients and powers ---- */

static c2s_status quotient(const c2s_slope *s) {
    const size_t count = s->out->count;
    C2S_TRY(c2s_float_room_for(s->scratch, 2 * count));
    float *product = s->scratch->at;
    const float *y = c2s_tensor_data(s->out), *by = spread(s, s->in[1], product + count);
    for (size_t i = 0; s->dx[0] && i < count; i++)
        product[i] = s->dy[i] / by[i];
    if (s->dx[0])
        c2s_slope_unbroadcast(&s->out->type, product, &s->in[0]->type, s->dx[0]);
    for (size_t i = 0; s->dx[1] && i < count; i++)
        product[i] = -s->dy[i] * y[i] / by[i];
    if (s->dx[1])
        c2s_slope_unbroadcast(&s->out->type, product, &s->in[1]->type, s->dx[1]);
    return C2S_OK;
}

/* By the base alone: exponents are constants where this is of use. */
static c2s_status power(const c2s_slope *s) {
    const size_t count = s->out->count;
    if (!s->dx[0])
        return C2S_OK;
    C2S_TRY(c2s_float_room_for(s->scratch, 3 * count));
    float *product = s->scratch->at;
    const float *x = spread(s, s->in[0], product + count),
                *e = spread(s, s->in[1], product + 2 * count);
    for (size_t i = 0; i < count; i++)
        product[i] = e[i] == 0 ? 0 : s->dy[i] * e[i] * powf(x[i], e[i] - 1);
    c2s_slope_unbroadcast(&s->out->type, product, &s->in[0]->type, s->dx[0]);
    return C2S_OK;
}

/* ---- by x and y of one element ---- */

static c2s_status root(const c2s_slope *s) {
    const float *y = c2s_tensor_data(s->out);
    for (size_t i = 0; i < s->out->count; i++)
        s->dx[0][i] += y[i] > 0 ? 0.5f * s->dy[i] / y[i] : 0;
    return C2S_OK;
}

static c2s_status exponential(const c2s_slope *s) {
    const float *y = c2s_tensor_data(s->out);
    for (size_t i = 0; i < s->out->count; i++)
        s->dx[0][i] += s->dy[i] * y[i];
    return C2S_OK;
}

static c2s_status error_function(const c2s_slope *s) {
    const float *x = c2s_tensor_data(s->in[0]);
    for (size_t i = 0; i < s->out->count; i++) /* 2 / sqrt(pi) */
        s->dx[0][i] += s->dy[i] * 1.1283791671f * expf(-x[i] * x[i]);
    return C2S_OK;
}

/* x times the normal distribution function; the other form of Gelu is another function. */
static c2s_status gelu(const c2s_slope *s) {
    const float *x = c2s_tensor_data(s->in[0]);
    for (size_t i = 0; i < s->out->count; i++) {
        const float below = 0.5f * erfcf(-x[i] * 0.70710678f);
        s->dx[0][i] += s->dy[i] * (below + x[i] * 0.39894228f * expf(-0.5f * x[i] * x[i]));
    }
    return C2S_OK;
}

/* ---- rows ---- */

/* Rows along `axis`: elements `inner` apart. */
typedef struct rows {
    size_t outer, length, inner;
} rows;

static c2s_status rows_of(const c2s_slope *s, rows *r) {
    const c2s_type *t = &s->out->type;
    int axis;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(s->node, "axis", -1), t->rank, &axis));
    *r = (rows){1, (size_t)t->dim[axis], 1};
    for (int k = 0; k < t->rank; k++)
        if (k != axis)
            *(k < axis ? &r->outer : &r->inner) *= (size_t)t->dim[k];
    return C2S_OK;
}

static c2s_status softmax(const c2s_slope *s) {
    const float *y = c2s_tensor_data(s->out);
    rows r;
    C2S_TRY(rows_of(s, &r));
    for (size_t row = 0; row < r.outer * r.inner; row++) {
        const size_t first = row / r.inner * r.length * r.inner + row % r.inner;
        double common = 0;
        for (size_t i = 0; i < r.length; i++)
            common += (double)s->dy[first + i * r.inner] * (double)y[first + i * r.inner];
        for (size_t i = 0; i < r.length; i++) {
            const size_t at = first + i * r.inner;
            s->dx[0][at] += y[at] * (s->dy[at] - (float)common);
        }
    }
    return C2S_OK;
}

/* One row of x - mean over its deviation; returns 1 / deviation. */
static float normalise(const float *x, size_t n, float epsilon, float *out) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean);
    const float by = (float)(1 / sqrt(square / (double)n + (double)epsilon));
    for (size_t i = 0; i < n; i++)
        out[i] = (x[i] - (float)mean) * by;
    return by;
}

/* dx of a row, of which `g` is the slope by what normalise gave. */
static void denormalise(const float *z, const float *g, size_t n, float by, float *dx) {
    double mean = 0, along = 0;
    for (size_t i = 0; i < n; i++) {
        mean += (double)g[i];
        along += (double)g[i] * (double)z[i];
    }
    for (size_t i = 0; i < n; i++)
        dx[i] += by * (g[i] - (float)(mean / (double)n) - z[i] * (float)(along / (double)n));
}

static c2s_status layer_normalization(const c2s_slope *s) {
    const float *x = c2s_tensor_data(s->in[0]), *scale = c2s_tensor_data(s->in[1]);
    const size_t n = s->in[1]->count, count = n ? s->out->count / n : 0;
    const float epsilon = c2s_attr_float(s->node, "epsilon", 1e-5f);
    C2S_TRY(c2s_float_room_for(s->scratch, 2 * n));
    float *z = s->scratch->at, *g = z + n;
    for (size_t row = 0; row < count; row++) {
        const float *dy = s->dy + row * n;
        const float by = normalise(x + row * n, n, epsilon, z);
        for (size_t i = 0; i < n; i++) {
            g[i] = dy[i] * scale[i];
            if (s->dx[1])
                s->dx[1][i] += dy[i] * z[i];
            if (s->node->formal_count > 2 && s->dx[2])
                s->dx[2][i] += dy[i];
        }
        if (s->dx[0])
            denormalise(z, g, n, by, s->dx[0] + row * n);
    }
    return C2S_OK;
}

/* Scale and bias are those of the last axis. */
static bool by_last_axis(const c2s_node *node) {
    const c2s_value *x = c2s_node_in(node, 0), *scale = c2s_node_in(node, 1),
                    *bias = c2s_node_in(node, 2);
    const int64_t axis = c2s_attr_int(node, "axis", -1);
    return x && scale && scale->type.rank == 1 && (!bias || bias->type.rank == 1) &&
           c2s_type_is_static(&scale->type) && scale->type.dim[0] > 1 &&
           (axis == -1 || axis == x->type.rank - 1);
}

c2s_slope_rule *c2s_slope_functions(const c2s_node *node) {
    static const struct {
        const c2s_op *op;
        c2s_slope_rule *rule;
    } rules[] = {{&c2s_op_div, quotient},       {&c2s_op_pow, power},
                 {&c2s_op_sqrt, root},          {&c2s_op_exp, exponential},
                 {&c2s_op_erf, error_function}, {&c2s_op_softmax, softmax}};
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
        if (node->op == rules[k].op)
            return rules[k].rule;
    if (node->op == &c2s_op_gelu)
        return strcmp(c2s_attr_string(node, "approximate", "none"), "none") == 0 ? gelu : NULL;
    return node->op == &c2s_op_layer_normalization && by_last_axis(node) ? layer_normalization
                                                                         : NULL;
}
