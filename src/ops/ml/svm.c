/* SPDX-License-Identifier: Apache-2.0
 *
 * SVMRegressor, and the kernels.
 */
#include "ops/ml/svm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/ml/ml.h"
#include "ops/ties_rules.h"

c2s_status c2s_svm_kernel_read(const c2s_node *node, c2s_svm_kernel *kernel) {
    static const char *const names[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    const char *name = c2s_attr_string(node, "kernel_type", "LINEAR");
    size_t count;
    const float *parameter = c2s_attr_floats(node, "kernel_params", &count);
    int k = 0;
    while (k < 4 && strcmp(name, names[k]) != 0)
        k++;
    if (k == 4 || (k != C2S_SVM_LINEAR && count != 3))
        return c2s_fail(C2S_ERR_INVALID, "kernel \"%s\" with %zu parameters", name, count);
    *kernel = (c2s_svm_kernel){.kind = (c2s_svm_kind)k};
    if (count == 3) {
        kernel->gamma = (double)parameter[0];
        kernel->coef0 = (double)parameter[1];
        kernel->degree = (double)parameter[2];
    }
    return C2S_OK;
}

double c2s_svm_kernel_apply(const c2s_svm_kernel *kernel, size_t features, const double *x,
                            const float *vector) {
    double dot = 0, distance = 0;
    for (size_t k = 0; k < features; k++) {
        const double v = (double)vector[k];
        dot += x[k] * v;
        distance += (x[k] - v) * (x[k] - v);
    }
    switch (kernel->kind) {
    case C2S_SVM_LINEAR:
        return dot;
    case C2S_SVM_POLY:
        return pow(kernel->gamma * dot + kernel->coef0, kernel->degree);
    case C2S_SVM_RBF:
        return exp(-kernel->gamma * distance);
    case C2S_SVM_SIGMOID:
        return tanh(kernel->gamma * dot + kernel->coef0);
    }
    return dot;
}

/* ---- SVMRegressor ---- */

typedef struct machine {
    c2s_svm_kernel kernel;
    double rho;
    const float *vector, *coefficient; /* vector: count rows of features; NULL: one linear model */
    size_t count, features;
} machine;

static c2s_status read_machine(const c2s_node *node, size_t features, machine *m) {
    size_t coefficients, vectors, rhos, wanted;
    int64_t supports = c2s_attr_int(node, "n_supports", 0);
    const float *rho = c2s_attr_floats(node, "rho", &rhos);
    *m = (machine){.features = features};
    m->coefficient = c2s_attr_floats(node, "coefficients", &coefficients);
    m->vector = c2s_attr_floats(node, "support_vectors", &vectors);
    m->rho = rhos ? (double)rho[0] : 0;
    m->count = supports > 0 ? (size_t)supports : 0;
    if (!c2s_mul_size(m->count, features, &wanted) || vectors != wanted ||
        coefficients != (m->count ? m->count : features))
        return c2s_fail(C2S_ERR_INVALID,
                        "%zu coefficients and %zu numbers of support vectors for %zu vectors of "
                        "%zu features",
                        coefficients, vectors, m->count, features);
    return c2s_svm_kernel_read(node, &m->kernel);
}

static double predict(const machine *m, const double *x) {
    if (m->count == 0)
        return c2s_svm_kernel_apply(&m->kernel, m->features, x, m->coefficient) + m->rho;
    double sum = m->rho;
    for (size_t k = 0; k < m->count; k++)
        sum += (double)m->coefficient[k] *
               c2s_svm_kernel_apply(&m->kernel, m->features, x, m->vector + k * m->features);
    return sum;
}

static c2s_status regressor_infer(c2s_infer *i) {
    C2S_TRY(c2s_features_need(i));
    i->out[0] = c2s_table_type(i, C2S_FLOAT, 1);
    return C2S_OK;
}

static c2s_status regressor_eval(c2s_eval *e) {
    c2s_features x;
    machine m;
    c2s_transform transform;
    C2S_TRY(c2s_transform_read(e->node, &transform));
    C2S_TRY(c2s_features_read(e->in[0], &x));
    c2s_status status = read_machine(e->node, x.columns, &m);
    bool one_class = c2s_attr_int(e->node, "one_class", 0) != 0;
    float *y = c2s_tensor_mutable(e->out[0]);
    for (size_t row = 0; row < x.rows && status == C2S_OK; row++) {
        double score = predict(&m, x.at + row * x.columns);
        if (one_class)
            score = score > 0 ? 1 : -1;
        else
            c2s_transform_apply(transform, &score, 1);
        y[row] = (float)score;
    }
    free(x.at);
    return status;
}

const c2s_op c2s_op_svm_regressor = {
    .type = "SVMRegressor",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_batch,
    .infer = regressor_infer,
    .eval = regressor_eval,
    .macs = c2s_coefficient_macs,
};
