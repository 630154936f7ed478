/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/recompose/known_curves.h"

#include <math.h>
#include <string.h>

static double sigmoid(double x) {
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}
static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* ---- the functions; p: their parameters ---- */

static double at_relu(double x, const double *p) {
    (void)p;
    return x > 0 ? x : 0;
}
static double at_sigmoid(double x, const double *p) {
    (void)p;
    return sigmoid(x);
}
static double at_tanh(double x, const double *p) {
    (void)p;
    return tanh(x);
}
static double at_softplus(double x, const double *p) {
    (void)p;
    return softplus(x);
}
static double at_softsign(double x, const double *p) {
    (void)p;
    return x / (1 + fabs(x));
}
static double at_gelu(double x, const double *p) {
    (void)p;
    return x * 0.5 * erfc(-x * sqrt(0.5));
}
static double at_gelu_tanh(double x, const double *p) {
    (void)p;
    double inner = sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
    return x * sigmoid(2 * inner);
}
static double at_mish(double x, const double *p) {
    (void)p;
    return x * tanh(softplus(x));
}
static double at_hard_swish(double x, const double *p) {
    (void)p;
    return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}
static double at_swish(double x, const double *p) {
    return x * sigmoid(p[0] * x);
}
static double at_hard_sigmoid(double x, const double *p) {
    return fmin(fmax(p[0] * x + p[1], 0), 1);
}
static double at_leaky_relu(double x, const double *p) {
    return x < 0 ? p[0] * x : x;
}
static double at_elu(double x, const double *p) {
    return x < 0 ? p[0] * expm1(x) : x;
}
static double at_selu(double x, const double *p) {
    return p[1] * (x < 0 ? p[0] * expm1(x) : x);
}

/* ---- parameters, from points that every curve has ---- */

static bool fit_nothing(const c2s_curve *c, double *p) {
    (void)c;
    (void)p;
    return true;
}
static bool fit_swish(const c2s_curve *c, double *p) {
    double gate = c2s_curve_at(c, 1);
    p[0] = log(gate / (1 - gate));
    return gate > 0 && gate < 1 && p[0] > 0.1;
}
static bool fit_hard_sigmoid(const c2s_curve *c, double *p) {
    p[0] = (c2s_curve_at(c, 1.0 / 64) - c2s_curve_at(c, -1.0 / 64)) * 32;
    p[1] = c2s_curve_at(c, 0);
    return p[0] > 1e-3 && p[1] > 0 && p[1] < 1;
}
static bool fit_leaky_relu(const c2s_curve *c, double *p) {
    p[0] = -c2s_curve_at(c, -1);
    return p[0] > 1e-6 && p[0] < 0.999;
}
static bool fit_elu(const c2s_curve *c, double *p) {
    p[0] = -c2s_curve_at(c, -80);
    return p[0] > 1e-3 && p[0] < 1e3;
}
static bool fit_selu(const c2s_curve *c, double *p) {
    p[1] = c2s_curve_at(c, 1);
    p[0] = -c2s_curve_at(c, -80) / p[1];
    return p[1] > 1e-3 && p[1] < 1e3 && p[0] > 1e-3 && p[0] < 1e3;
}

typedef struct known_curve {
    c2s_known_curve shown;
    bool (*fit)(const c2s_curve *curve, double *parameters);
    double (*at)(double x, const double *parameters);
} known_curve;

/* Where two fit as well, the first is taken. Opset: the first with the operator. */
static const known_curve known[] = {
    {{"Relu", 1, {NULL}, NULL}, fit_nothing, at_relu},
    {{"Sigmoid", 1, {NULL}, NULL}, fit_nothing, at_sigmoid},
    {{"Tanh", 1, {NULL}, NULL}, fit_nothing, at_tanh},
    {{"Softplus", 1, {NULL}, NULL}, fit_nothing, at_softplus},
    {{"Softsign", 1, {NULL}, NULL}, fit_nothing, at_softsign},
    {{"Gelu", 20, {NULL}, NULL}, fit_nothing, at_gelu},
    {{"Gelu", 20, {NULL}, "tanh"}, fit_nothing, at_gelu_tanh},
    {{"Mish", 18, {NULL}, NULL}, fit_nothing, at_mish},
    {{"HardSwish", 14, {NULL}, NULL}, fit_nothing, at_hard_swish},
    {{"Swish", 24, {"alpha"}, NULL}, fit_swish, at_swish},
    {{"HardSigmoid", 6, {"alpha", "beta"}, NULL}, fit_hard_sigmoid, at_hard_sigmoid},
    {{"LeakyRelu", 6, {"alpha"}, NULL}, fit_leaky_relu, at_leaky_relu},
    {{"Elu", 6, {"alpha"}, NULL}, fit_elu, at_elu},
    {{"Selu", 6, {"alpha", "gamma"}, NULL}, fit_selu, at_selu},
};

/* The largest error, relative to the size of the function or, where it nearly vanishes, of x; stops
 * above `most`. Where the region overflows (exp far out) it says nothing. */
static double distance(const known_curve *k, const c2s_curve *c, const double *p, double most) {
    double worst = 0;
    for (size_t i = 0; i < c->count && worst <= most; i++) {
        double y = k->at(c->x[i], p);
        if (!isfinite(c->y[i]) && fabs(c->x[i]) > 80)
            continue;
        double size = fmax(fabs(y), fmin(fabs(c->x[i]), 1)) + 1e-9;
        double error = fabs(y - c->y[i]) / size;
        worst = error <= most ? fmax(worst, error) : INFINITY; /* NaN, too */
    }
    return worst;
}

const c2s_known_curve *c2s_curve_recognise(const c2s_curve *curve, double tolerance,
                                           double parameters[C2S_CURVE_PARAMETERS]) {
    const c2s_known_curve *best = NULL;
    double least = tolerance, p[C2S_CURVE_PARAMETERS] = {0};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!known[i].fit(curve, p))
            continue;
        double error = distance(&known[i], curve, p, least);
        if (!(error < least || (error == least && !best)))
            continue;
        least = error;
        best = &known[i].shown;
        memcpy(parameters, p, sizeof p);
    }
    return best;
}
