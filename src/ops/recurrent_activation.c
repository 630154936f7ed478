/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/recurrent_activation.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static double relu(double x, double alpha, double beta) {
    (void)alpha, (void)beta;
    return x > 0.0 ? x : 0.0;
}

static double hyperbolic(double x, double alpha, double beta) {
    (void)alpha, (void)beta;
    return tanh(x);
}

static double sigmoid(double x, double alpha, double beta) {
    (void)alpha, (void)beta;
    return 1.0 / (1.0 + exp(-x));
}

static double affine(double x, double alpha, double beta) {
    return alpha * x + beta;
}

static double leaky_relu(double x, double alpha, double beta) {
    (void)beta;
    return x >= 0.0 ? x : alpha * x;
}

static double thresholded_relu(double x, double alpha, double beta) {
    (void)beta;
    return x > alpha ? x : 0.0;
}

static double scaled_tanh(double x, double alpha, double beta) {
    return alpha * tanh(beta * x);
}

static double hard_sigmoid(double x, double alpha, double beta) {
    return fmin(fmax(alpha * x + beta, 0.0), 1.0);
}

static double elu(double x, double alpha, double beta) {
    (void)beta;
    return x >= 0.0 ? x : alpha * expm1(x);
}

static double softsign(double x, double alpha, double beta) {
    (void)alpha, (void)beta;
    return x / (1.0 + fabs(x));
}

static double softplus(double x, double alpha, double beta) {
    (void)alpha, (void)beta;
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static const struct row {
    const char *name;
    double (*apply)(double x, double alpha, double beta);
    bool has_alpha, has_beta;
    double alpha, beta; /* where the attributes give none */
} table[] = {
    {"Relu", relu, false, false, 0.0, 0.0},
    {"Tanh", hyperbolic, false, false, 0.0, 0.0},
    {"Sigmoid", sigmoid, false, false, 0.0, 0.0},
    {"Affine", affine, true, true, 1.0, 0.0},
    {"LeakyRelu", leaky_relu, true, false, (double)0.01f, 0.0},
    {"ThresholdedRelu", thresholded_relu, true, false, 1.0, 0.0},
    {"ScaledTanh", scaled_tanh, true, true, 1.0, 1.0},
    {"HardSigmoid", hard_sigmoid, true, true, (double)0.2f, 0.5},
    {"Elu", elu, true, false, 1.0, 0.0},
    {"Softsign", softsign, false, false, 0.0, 0.0},
    {"Softplus", softplus, false, false, 0.0, 0.0},
};

static const struct row *find(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strlen(table[i].name) == length && strncasecmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

c2s_status c2s_activations_read(const c2s_node *node, const char *const *defaults, int functions,
                                int directions, c2s_activation *out) {
    size_t names = 0, alphas = 0, betas = 0, next_alpha = 0, next_beta = 0;
    const c2s_string *name = c2s_attr_strings(node, "activations", &names);
    const float *alpha = c2s_attr_floats(node, "activation_alpha", &alphas);
    const float *beta = c2s_attr_floats(node, "activation_beta", &betas);
    int total = functions * directions;
    if (names > 0 && names < (size_t)total)
        return c2s_fail(C2S_ERR_INVALID, "activations lists %zu functions, expected %d", names,
                        total);
    for (int i = 0; i < total; i++) {
        const char *given = names > 0 ? name[i].data : defaults[i % functions];
        size_t length = names > 0 ? name[i].size : strlen(given);
        const struct row *row = find(given, length);
        if (!row)
            return c2s_fail(C2S_ERR_INVALID, "activations names \"%.*s\", which is no activation",
                            (int)(length < 64 ? length : 64), given);
        out[i] = (c2s_activation){row->apply, row->alpha, row->beta};
        if (row->has_alpha && next_alpha < alphas)
            out[i].alpha = (double)alpha[next_alpha++];
        if (row->has_beta && next_beta < betas)
            out[i].beta = (double)beta[next_beta++];
    }
    return C2S_OK;
}
