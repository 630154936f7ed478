/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/recompose/curve.h"

#include <assert.h>
#include <math.h>

#include "base/status.h"
#include "base/vec.h"

/* ---- where to sample ---- */

static void add_both(c2s_curve *c, double x) {
    c->x[c->count++] = x;
    c->x[c->count++] = -x;
}

enum { FINE = 48, MOST_CONSTANTS = 8, NEAR_CONSTANT = 8, FIXED = 1 + 2 * (FINE + 12) };

/* Breaks of piecewise functions are at constants, or at quotients and products of two. */
static void place_samples(c2s_curve *c, const double *constants, size_t count) {
    static const double far_out[] = {1, 1.0 / 64, 1e-8, 1e-4, 12, 20, 35, 80, 1e3, 7e4, 1e6, 1e30};
    c->x = c2s_alloc_array(FIXED + NEAR_CONSTANT * count + 4 * count * count, sizeof *c->x);
    c->count = 0;
    c->x[c->count++] = 0;
    for (size_t i = 0; i < sizeof far_out / sizeof *far_out; i++)
        add_both(c, far_out[i]);
    for (int i = 0; i < FINE; i++)
        add_both(c, 0.0131 * i * i * 0.35 + 0.0177 * (i + 1));
    for (size_t i = 0; i < count; i++) {
        add_both(c, constants[i]);
        add_both(c, constants[i] * 1.01);
        add_both(c, constants[i] * 0.99);
        add_both(c, constants[i] * 1.7);
        for (size_t k = 0; k < count; k++) {
            add_both(c, constants[i] * constants[k]);
            add_both(c, constants[k] != 0 ? constants[i] / constants[k] : 0);
        }
    }
}

double c2s_curve_at(const c2s_curve *curve, double x) {
    for (size_t i = 0; i < curve->count; i++)
        if (curve->x[i] == x)
            return curve->y[i];
    assert(false && "every curve has that sample");
    return NAN;
}

void c2s_curve_free(c2s_curve *curve) {
    free(curve->x);
    free(curve->y);
    *curve = (c2s_curve){0};
}

/* ---- computing ---- */

/* Tensors of the values of the region, found by going through a list: regions are small. */
typedef struct binding {
    const c2s_value *value;
    c2s_tensor *tensor;
} binding;
typedef C2S_VEC(binding) bindings;

static c2s_tensor *find(const bindings *known, const c2s_value *value) {
    for (size_t i = 0; i < known->count; i++)
        if (known->at[i].value == value)
            return known->at[i].tensor;
    return NULL;
}

/* Constants of one element, floats in double, integers (exponents) as they are. */
static bool bind_constant(bindings *known, const c2s_value *value) {
    double number;
    c2s_tensor *tensor;
    const c2s_tensor *constant = value->constant;
    if (find(known, value))
        return true;
    if (!constant || constant->type.kind != C2S_KIND_TENSOR || constant->count != 1)
        return false;
    if (c2s_dtype_is_float(constant->type.dtype)) {
        number = c2s_tensor_f64_at(constant, 0);
        if (c2s_tensor_from_f64(C2S_DOUBLE, 0, NULL, &number, &tensor) != C2S_OK)
            return false;
    } else {
        tensor = c2s_tensor_ref(constant);
    }
    c2s_vec_push(known, (binding){value, tensor});
    return true;
}

static bool compute_node(bindings *known, const c2s_node *node) {
    enum { MOST_INPUTS = 4 };
    const c2s_tensor *in[MOST_INPUTS];
    c2s_tensor *out;
    if (node->formal_count > MOST_INPUTS || node->output_count != 1)
        return false;
    for (unsigned k = 0; k < node->formal_count; k++)
        in[k] = node->inputs[k].value ? find(known, node->inputs[k].value) : NULL;
    if (c2s_node_eval(node, in, &out, NULL, 0) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    c2s_vec_push(known, (binding){node->outputs[0], out});
    return true;
}

static bool bind_constants(bindings *known, const c2s_match *m) {
    for (unsigned i = 0; i < m->node_count; i++)
        for (unsigned k = 0; k < m->node[i]->formal_count; k++) {
            const c2s_value *value = m->node[i]->inputs[k].value;
            if (value && value->constant && !bind_constant(known, value))
                return false;
        }
    return true;
}

static bool compute(bindings *known, const c2s_match *m, const c2s_value *x, c2s_curve *c) {
    double constants[MOST_CONSTANTS];
    size_t constant_count = 0;
    if (known->count > MOST_CONSTANTS)
        return false;
    for (size_t i = 0; i < known->count; i++)
        constants[constant_count++] = c2s_tensor_f64_at(known->at[i].tensor, 0);
    place_samples(c, constants, constant_count);
    c2s_tensor *samples;
    if (c2s_tensor_from_f64(C2S_DOUBLE, 1, &(int64_t){(int64_t)c->count}, c->x, &samples) != C2S_OK)
        return false;
    c2s_vec_push(known, (binding){x, samples});
    for (unsigned i = 0; i < m->node_count; i++)
        if (!compute_node(known, m->node[i]))
            return false;
    const c2s_tensor *result = known->at[known->count - 1].tensor;
    if (result->type.dtype != C2S_DOUBLE || result->count != c->count)
        return false;
    c->y = c2s_alloc_array(c->count, sizeof *c->y);
    for (size_t i = 0; i < c->count; i++)
        c->y[i] = c2s_tensor_f64_at(result, i);
    return true;
}

bool c2s_curve_sample(const c2s_match *match, const c2s_value *x, c2s_curve *curve) {
    bindings known = {0};
    *curve = (c2s_curve){0};
    bool good = bind_constants(&known, match) && compute(&known, match, x, curve);
    for (size_t i = 0; i < known.count; i++)
        c2s_tensor_unref(known.at[i].tensor);
    c2s_vec_free(&known);
    if (!good)
        c2s_curve_free(curve);
    return good;
}
