/* SPDX-License-Identifier: Apache-2.0
 *
 * One step of gradient descent: Adagrad, Adam, Momentum. Inputs are the learning rate, the update
 * count and groups of tensors: values, gradients, then each kind of state; outputs the new values
 * and states.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/workspace.h"

/* Number of optimized tensors, from `kinds` groups of inputs. */
static c2s_status count_tensors(const c2s_node *node, unsigned inputs, unsigned outputs,
                                unsigned kinds, unsigned *count) {
    unsigned listed = inputs - 2;
    *count = listed / kinds;
    if (listed % kinds != 0 || outputs > *count * (kinds - 1))
        return c2s_fail(C2S_ERR_INVALID,
                        "%s has %u inputs and %u outputs, expected 2 + n * %u and "
                        "n * %u",
                        node->type, inputs, outputs, kinds, kinds - 1);
    return C2S_OK;
}

static c2s_status infer_groups(c2s_infer *i, unsigned kinds) {
    C2S_TRY(c2s_infer_need(i, 3));
    unsigned count;
    C2S_TRY(count_tensors(i->node, i->in_count, i->out_count, kinds, &count));
    C2S_TRY(c2s_infer_need(i, i->in_count));
    for (unsigned k = 0; k < i->out_count; k++) /* the gradients have no output */
        i->out[k] = *c2s_infer_type(i, 2 + (k < count ? k : k + count));
    return C2S_OK;
}

typedef struct update {
    const c2s_node *node;
    double rate;
    int64_t step;
    size_t count;
    const double *x, *gradient, *state[2];
    double *x_new, *state_new[2];
} update;

typedef c2s_status (*update_fn)(const update *u);

/* An output, or scratch where it is left out. */
static double *open_output(c2s_workspace *ws, const c2s_eval *e, unsigned output, size_t count) {
    c2s_tensor *t = output < e->out_count ? e->out[output] : NULL;
    return t ? c2s_workspace_out_f64(ws, t) : c2s_workspace_array(ws, count, sizeof(double));
}

static c2s_status update_tensor(const c2s_eval *e, unsigned kinds, unsigned count, unsigned index,
                                update u, update_fn apply) {
    c2s_workspace ws = {0};
    const c2s_tensor *x = e->in[2 + index];
    u.count = x->count;
    for (unsigned k = 1; k < kinds; k++)
        if (e->in[2 + k * count + index]->count != x->count)
            return c2s_fail(C2S_ERR_INVALID, "input %u has %zu elements, expected %zu",
                            2 + k * count + index, e->in[2 + k * count + index]->count, x->count);
    u.x = c2s_workspace_f64(&ws, x);
    u.gradient = c2s_workspace_f64(&ws, e->in[2 + count + index]);
    u.x_new = open_output(&ws, e, index, x->count);
    for (unsigned k = 2; k < kinds; k++) {
        u.state[k - 2] = c2s_workspace_f64(&ws, e->in[2 + k * count + index]);
        u.state_new[k - 2] = open_output(&ws, e, (k - 1) * count + index, x->count);
    }
    if (ws.status == C2S_OK)
        ws.status = apply(&u);
    return c2s_workspace_end(&ws);
}

static c2s_status eval_groups(c2s_eval *e, unsigned kinds, update_fn apply) {
    unsigned count;
    C2S_TRY(count_tensors(e->node, e->in_count, e->out_count, kinds, &count));
    update u = {.node = e->node};
    if (e->in[0]->count != 1 || e->in[1]->count != 1 || !c2s_tensor_i64_at(e->in[1], 0, &u.step))
        return c2s_fail(C2S_ERR_INVALID, "the learning rate and the update count must be scalars");
    u.rate = c2s_tensor_f64_at(e->in[0], 0);
    for (unsigned k = 0; k < count; k++)
        C2S_TRY(update_tensor(e, kinds, count, k, u, apply));
    return C2S_OK;
}

static double attr(const update *u, const char *name, float absent) {
    return (double)c2s_attr_float(u->node, name, absent);
}

/* ---- Adagrad ---- */

static c2s_status adagrad(const update *u) {
    double norm = attr(u, "norm_coefficient", 0.0f), epsilon = attr(u, "epsilon", 0.0f);
    double rate = u->rate / (1.0 + (double)u->step * attr(u, "decay_factor", 0.0f));
    for (size_t i = 0; i < u->count; i++) {
        double g = norm * u->x[i] + u->gradient[i];
        double h = u->state[0][i] + g * g;
        u->state_new[0][i] = h;
        u->x_new[i] = u->x[i] - rate * g / (sqrt(h) + epsilon);
    }
    return C2S_OK;
}

static c2s_status adagrad_infer(c2s_infer *i) {
    return infer_groups(i, 3);
}

static c2s_status adagrad_eval(c2s_eval *e) {
    return eval_groups(e, 3, adagrad);
}

static const c2s_attr_spec adagrad_attrs[] = {
    {"decay_factor", C2S_ATTR_FLOAT, false},
    {"epsilon", C2S_ATTR_FLOAT, false},
    {"norm_coefficient", C2S_ATTR_FLOAT, false},
    {0},
};

const c2s_op c2s_op_adagrad = {
    .type = "Adagrad",
    .domain = "ai.onnx.preview.training",
    .inputs = {3, C2S_VARIADIC},
    .outputs = {1, C2S_VARIADIC},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = adagrad_attrs,
    .ties = c2s_ties_pinned,
    .infer = adagrad_infer,
    .eval = adagrad_eval,
};

/* ---- Adam ---- */

static c2s_status adam(const update *u) {
    double norm = attr(u, "norm_coefficient", 0.0f), epsilon = attr(u, "epsilon", 0.0f);
    double alpha = attr(u, "alpha", 0.9f), beta = attr(u, "beta", 0.999f);
    double keep = 1.0 - attr(u, "norm_coefficient_post", 0.0f), rate = u->rate;
    if (u->step > 0)
        rate *= sqrt(1.0 - pow(beta, (double)u->step)) / (1.0 - pow(alpha, (double)u->step));
    for (size_t i = 0; i < u->count; i++) {
        double g = norm * u->x[i] + u->gradient[i];
        double v = alpha * u->state[0][i] + (1.0 - alpha) * g;
        double h = beta * u->state[1][i] + (1.0 - beta) * g * g;
        u->state_new[0][i] = v;
        u->state_new[1][i] = h;
        u->x_new[i] = keep * (u->x[i] - rate * v / (sqrt(h) + epsilon));
    }
    return C2S_OK;
}

static c2s_status adam_infer(c2s_infer *i) {
    return infer_groups(i, 4);
}

static c2s_status adam_eval(c2s_eval *e) {
    return eval_groups(e, 4, adam);
}

static const c2s_attr_spec adam_attrs[] = {
    {"alpha", C2S_ATTR_FLOAT, false},
    {"beta", C2S_ATTR_FLOAT, false},
    {"epsilon", C2S_ATTR_FLOAT, false},
    {"norm_coefficient", C2S_ATTR_FLOAT, false},
    {"norm_coefficient_post", C2S_ATTR_FLOAT, false},
    {0},
};

const c2s_op c2s_op_adam = {
    .type = "Adam",
    .domain = "ai.onnx.preview.training",
    .inputs = {3, C2S_VARIADIC},
    .outputs = {1, C2S_VARIADIC},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = adam_attrs,
    .ties = c2s_ties_pinned,
    .infer = adam_infer,
    .eval = adam_eval,
};

/* ---- Momentum ---- */

static c2s_status momentum(const update *u) {
    const char *mode = c2s_attr_string(u->node, "mode", "");
    bool nesterov = strcmp(mode, "nesterov") == 0;
    if (!nesterov && strcmp(mode, "standard") != 0)
        return c2s_fail(C2S_ERR_INVALID, "mode is \"%s\", expected standard or nesterov", mode);
    double norm = attr(u, "norm_coefficient", 0.0f), alpha = attr(u, "alpha", 0.0f);
    double beta = u->step > 0 ? attr(u, "beta", 1.0f) : 1.0;
    for (size_t i = 0; i < u->count; i++) {
        double g = norm * u->x[i] + u->gradient[i];
        double v = alpha * u->state[0][i] + beta * g;
        u->state_new[0][i] = v;
        u->x_new[i] = u->x[i] - u->rate * (nesterov ? g + alpha * v : v);
    }
    return C2S_OK;
}

static c2s_status momentum_infer(c2s_infer *i) {
    return infer_groups(i, 3);
}

static c2s_status momentum_eval(c2s_eval *e) {
    return eval_groups(e, 3, momentum);
}

static const c2s_attr_spec momentum_attrs[] = {
    {"alpha", C2S_ATTR_FLOAT, true},
    {"beta", C2S_ATTR_FLOAT, true},
    {"mode", C2S_ATTR_STRING, true},
    {"norm_coefficient", C2S_ATTR_FLOAT, true},
    {0},
};

const c2s_op c2s_op_momentum = {
    .type = "Momentum",
    .domain = "ai.onnx.preview.training",
    .inputs = {3, C2S_VARIADIC},
    .outputs = {1, C2S_VARIADIC},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = momentum_attrs,
    .ties = c2s_ties_pinned,
    .infer = momentum_infer,
    .eval = momentum_eval,
};
