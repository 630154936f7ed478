/* SPDX-License-Identifier: Apache-2.0
 *
 * LinearClassifier and LinearRegressor.
 */
#include <stdlib.h>

#include "ir/convert.h"
#include "ops/ml/ml.h"
#include "ops/ties_rules.h"

typedef struct model {
    const float *coefficient, *intercept;
    size_t outputs, features, intercepts;
    c2s_transform transform;
} model;

static c2s_status model_read(const c2s_node *node, size_t outputs, size_t features, model *m) {
    size_t coefficients;
    m->coefficient = c2s_attr_floats(node, "coefficients", &coefficients);
    m->intercept = c2s_attr_floats(node, "intercepts", &m->intercepts);
    m->outputs = outputs;
    m->features = features;
    size_t wanted;
    if (!c2s_mul_size(outputs, features, &wanted) || coefficients != wanted ||
        (m->intercepts && m->intercepts != outputs))
        return c2s_fail(C2S_ERR_INVALID,
                        "%zu coefficients and %zu intercepts for %zu outputs of %zu features",
                        coefficients, m->intercepts, outputs, features);
    return c2s_transform_read(node, &m->transform);
}

static void model_apply(const model *m, const double *row, double *scores) {
    for (size_t o = 0; o < m->outputs; o++) {
        double sum = m->intercepts ? (double)m->intercept[o] : 0;
        for (size_t k = 0; k < m->features; k++)
            sum += (double)m->coefficient[o * m->features + k] * row[k];
        scores[o] = sum;
    }
}

/* ---- LinearRegressor ---- */

static c2s_status regressor_infer(c2s_infer *i) {
    int64_t targets = c2s_attr_int(i->node, "targets", 1);
    C2S_TRY(c2s_features_need(i));
    if (targets < 1 || targets > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "targets is %lld", (long long)targets);
    i->out[0] = c2s_table_type(i, C2S_FLOAT, targets);
    return C2S_OK;
}

static c2s_status regressor_eval(c2s_eval *e) {
    size_t targets = (size_t)e->out_type[0].dim[1];
    c2s_features x;
    model m;
    C2S_TRY(c2s_features_read(e->in[0], &x));
    c2s_status status = model_read(e->node, targets, x.columns, &m);
    double *scores = c2s_alloc_array(targets + 1, sizeof *scores);
    for (size_t row = 0; row < x.rows && status == C2S_OK; row++) {
        model_apply(&m, x.at + row * x.columns, scores);
        c2s_transform_apply(m.transform, scores, targets);
        c2s_store_f64(C2S_FLOAT, c2s_tensor_mutable(e->out[0]), row * targets, targets, scores);
    }
    free(scores);
    free(x.at);
    return status;
}

const c2s_op c2s_op_linear_regressor = {
    .type = "LinearRegressor",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_batch,
    .infer = regressor_infer,
    .eval = regressor_eval,
    .macs = c2s_coefficient_macs,
};

/* ---- LinearClassifier ---- */

static c2s_status labels_of(const c2s_node *node, c2s_labels *labels) {
    return c2s_labels_read(node, "classlabels_ints", "classlabels_strings", labels);
}

static c2s_status classifier_infer(c2s_infer *i) {
    c2s_labels labels;
    C2S_TRY(c2s_features_need(i));
    C2S_TRY(labels_of(i->node, &labels));
    i->out[0] = c2s_rows_type(i, labels.ints ? C2S_INT64 : C2S_STRING);
    if (i->out_count > 1)
        i->out[1] = c2s_table_type(i, C2S_FLOAT, (c2s_dim)(labels.count < 2 ? 2 : labels.count));
    return C2S_OK;
}

/* Scores in place; one set of coefficients is the second of two classes, and the first has what is
 * left to 1, as in ONNX Runtime, whatever the sign. */
static size_t classify(const model *m, double *scores) {
    size_t winner = m->outputs == 1 && scores[0] > 0;
    if (m->outputs == 1) {
        c2s_binary_scores(m->transform, scores[0], true, scores);
        return winner;
    }
    for (size_t k = 1; k < m->outputs; k++)
        if (scores[k] > scores[winner])
            winner = k;
    c2s_transform_apply(m->transform, scores, m->outputs);
    return winner;
}

static c2s_status classify_rows(c2s_eval *e, const model *m, const c2s_features *x,
                                const c2s_labels *labels) {
    size_t columns = m->outputs < 2 ? 2 : m->outputs;
    int64_t dim[2] = {(int64_t)x->rows, (int64_t)columns};
    c2s_tensor *table;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 2, dim, &table));
    double *scores = c2s_alloc_array(columns, sizeof *scores);
    size_t *winner = c2s_alloc_array(x->rows + 1, sizeof *winner);
    for (size_t row = 0; row < x->rows; row++) {
        model_apply(m, x->at + row * x->columns, scores);
        winner[row] = classify(m, scores);
        if (winner[row] >= labels->count)
            winner[row] = labels->count - 1;
        c2s_store_f64(C2S_FLOAT, c2s_tensor_mutable(table), row * columns, columns, scores);
    }
    c2s_status status = c2s_labels_give(e, labels, winner, x->rows);
    free(winner);
    free(scores);
    c2s_eval_set(e, 1, table);
    return status;
}

static c2s_status classifier_eval(c2s_eval *e) {
    c2s_labels labels;
    c2s_features x;
    model m;
    size_t coefficients;
    C2S_TRY(labels_of(e->node, &labels));
    C2S_TRY(c2s_features_read(e->in[0], &x));
    c2s_attr_floats(e->node, "coefficients", &coefficients);
    size_t outputs = coefficients == x.columns && labels.count <= 2 ? 1 : labels.count;
    c2s_status status = model_read(e->node, outputs, x.columns, &m);
    if (status == C2S_OK)
        status = classify_rows(e, &m, &x, &labels);
    free(x.at);
    return status;
}

const c2s_op c2s_op_linear_classifier = {
    .type = "LinearClassifier",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 2},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_batch,
    .infer = classifier_infer,
    .eval = classifier_eval,
    .macs = c2s_coefficient_macs,
};
