/* SPDX-License-Identifier: Apache-2.0
 *
 * SVMClassifier: one machine for each pair of classes, or a linear model per class. Probabilities
 * are coupled from those of the pairs (Wu, Lin, Weng, "Probability estimates for multi-class
 * classification by pairwise coupling", 2004, second method).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/convert.h"
#include "ops/ml/ml.h"
#include "ops/ml/svm.h"
#include "ops/ties_rules.h"

typedef struct classifier {
    c2s_svm_kernel kernel;
    c2s_labels labels;
    c2s_transform transform;
    size_t classes, features, vectors, pairs;
    const float *coefficient; /* [classes - 1, vectors], or linear [classes, features] */
    const float *vector, *rho, *prob_a, *prob_b; /* prob: NULL, or one per pair */
    size_t *start;                               /* per class its first vector, and the end */
} classifier;

static c2s_status labels_of(const c2s_node *node, c2s_labels *labels) {
    return c2s_labels_read(node, "classlabels_ints", "classlabels_strings", labels);
}

/* ---- attributes ---- */

/* Numbers of vectors per class as places; the caller frees. */
static c2s_status read_vectors(const c2s_node *node, classifier *m) {
    size_t count;
    const int64_t *per_class = c2s_attr_ints(node, "vectors_per_class", &count);
    m->start = c2s_alloc_array(m->classes + 1, sizeof *m->start);
    m->start[0] = 0;
    for (size_t k = 0; k < m->classes; k++) {
        const int64_t have = k < count ? per_class[k] : 0;
        if (have < 0 || have > INT32_MAX)
            return c2s_fail(C2S_ERR_INVALID, "vectors_per_class has the element %lld",
                            (long long)have);
        m->start[k + 1] = m->start[k] + (size_t)have;
    }
    m->vectors = m->start[m->classes];
    if (count > m->classes)
        return c2s_fail(C2S_ERR_INVALID, "vectors of %zu classes, but there are %zu", count,
                        m->classes);
    return C2S_OK;
}

static c2s_status check_sizes(const classifier *m, size_t coefficients, size_t numbers, size_t rhos,
                              size_t probabilities[2]) {
    size_t wanted_coefficients, wanted_numbers = 0;
    const size_t rows = m->vectors ? m->classes - 1 : m->classes;
    const size_t least = m->vectors ? m->pairs : 1;
    const bool fits =
        c2s_mul_size(rows, m->vectors ? m->vectors : m->features, &wanted_coefficients) &&
        c2s_mul_size(m->vectors, m->features, &wanted_numbers);
    if (!fits || coefficients != wanted_coefficients || numbers != wanted_numbers || rhos < least)
        return c2s_fail(C2S_ERR_INVALID,
                        "%zu coefficients, %zu numbers of vectors and %zu of rho for %zu classes, "
                        "%zu vectors and %zu features",
                        coefficients, numbers, rhos, m->classes, m->vectors, m->features);
    if (probabilities[0] != probabilities[1] || (probabilities[0] && probabilities[0] < m->pairs))
        return c2s_fail(C2S_ERR_INVALID,
                        "prob_a and prob_b have %zu and %zu elements, expected %zu",
                        probabilities[0], probabilities[1], m->pairs);
    return C2S_OK;
}

static c2s_status read_classifier(const c2s_node *node, size_t features, classifier *m) {
    size_t coefficients, numbers, rhos, probabilities[2];
    C2S_TRY(labels_of(node, &m->labels));
    C2S_TRY(c2s_transform_read(node, &m->transform));
    C2S_TRY(c2s_svm_kernel_read(node, &m->kernel));
    m->classes = m->labels.count;
    m->features = features;
    m->pairs = m->classes * (m->classes - 1) / 2;
    m->coefficient = c2s_attr_floats(node, "coefficients", &coefficients);
    m->vector = c2s_attr_floats(node, "support_vectors", &numbers);
    m->rho = c2s_attr_floats(node, "rho", &rhos);
    m->prob_a = c2s_attr_floats(node, "prob_a", &probabilities[0]);
    m->prob_b = c2s_attr_floats(node, "prob_b", &probabilities[1]);
    C2S_TRY(read_vectors(node, m));
    return check_sizes(m, coefficients, numbers, rhos, probabilities);
}

/* ---- scores ---- */

/* One per pair of classes (a, b), a < b; positive ones are a vote for a. */
static void pair_scores(const classifier *m, const double *x, double *kernels, double *scores,
                        size_t *votes) {
    for (size_t k = 0; k < m->vectors; k++)
        kernels[k] = c2s_svm_kernel_apply(&m->kernel, m->features, x, m->vector + k * m->features);
    size_t pair = 0;
    memset(votes, 0, m->classes * sizeof *votes);
    for (size_t a = 0; a < m->classes; a++)
        for (size_t b = a + 1; b < m->classes; b++, pair++) {
            double sum = (double)m->rho[pair];
            for (size_t k = m->start[a]; k < m->start[a + 1]; k++)
                sum += (double)m->coefficient[(b - 1) * m->vectors + k] * kernels[k];
            for (size_t k = m->start[b]; k < m->start[b + 1]; k++)
                sum += (double)m->coefficient[a * m->vectors + k] * kernels[k];
            scores[pair] = sum;
            votes[sum > 0 ? a : b]++;
        }
}

/* Probabilities p that come closest to those of the pairs, r[a][b] = P(a | a or b). */
static void couple(size_t classes, const double *r, double *q, double *qp, double *p) {
    const size_t most = classes > 100 ? classes : 100;
    const double close = 0.005 / (double)classes;
    for (size_t t = 0; t < classes; t++) {
        p[t] = 1.0 / (double)classes;
        q[t * classes + t] = 0;
        for (size_t j = 0; j < classes; j++) {
            if (j == t)
                continue;
            q[t * classes + t] += r[j * classes + t] * r[j * classes + t];
            q[t * classes + j] = -r[j * classes + t] * r[t * classes + j];
        }
    }
    for (size_t round = 0; round < most; round++) {
        double pqp = 0, error = 0;
        for (size_t t = 0; t < classes; t++) {
            qp[t] = 0;
            for (size_t j = 0; j < classes; j++)
                qp[t] += q[t * classes + j] * p[j];
            pqp += p[t] * qp[t];
        }
        for (size_t t = 0; t < classes; t++)
            error = fmax(error, fabs(qp[t] - pqp));
        if (error < close)
            break;
        for (size_t t = 0; t < classes; t++) {
            const double diff = (-qp[t] + pqp) / q[t * classes + t];
            p[t] += diff;
            pqp = (pqp + diff * (diff * q[t * classes + t] + 2 * qp[t])) / (1 + diff) / (1 + diff);
            for (size_t j = 0; j < classes; j++) {
                qp[j] = (qp[j] + diff * q[t * classes + j]) / (1 + diff);
                p[j] /= 1 + diff;
            }
        }
    }
}

/* The scores of the pairs become probabilities of the classes; `work` has room for 2 classes² +
 * 2 classes. */
static void probabilities(const classifier *m, double *scores, double *work) {
    const size_t n = m->classes;
    double *r = work, *q = r + n * n, *qp = q + n * n, *p = qp + n;
    size_t pair = 0;
    memset(r, 0, n * n * sizeof *r);
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++, pair++) {
            const double x = scores[pair] * (double)m->prob_a[pair] + (double)m->prob_b[pair];
            const double of_a = fmin(fmax(c2s_logistic(-x), 1e-7), 1 - 1e-7);
            r[a * n + b] = of_a;
            r[b * n + a] = 1 - of_a;
        }
    couple(n, r, q, qp, p);
    memcpy(scores, p, n * sizeof *scores);
}

static size_t largest(const double *scores, size_t count) {
    size_t best = 0;
    for (size_t k = 1; k < count; k++)
        if (scores[k] > scores[best])
            best = k;
    return best;
}

/* Scores of one row in place, `columns` of them; returns the class: that with the most votes, also
 * where there are probabilities. */
static size_t classify(const classifier *m, const double *x, size_t columns, double *scores,
                       double *work, size_t *votes) {
    size_t count = m->pairs, winner;
    if (m->vectors) {
        pair_scores(m, x, work, scores, votes);
        winner = 0;
        for (size_t k = 1; k < m->classes; k++)
            winner = votes[k] > votes[winner] ? k : winner;
        if (m->prob_a) {
            probabilities(m, scores, work);
            count = m->classes;
        }
    } else {
        count = m->classes;
        for (size_t k = 0; k < count; k++)
            scores[k] =
                c2s_svm_kernel_apply(&m->kernel, m->features, x, m->coefficient + k * m->features) +
                (double)m->rho[0];
        winner = largest(scores, count);
    }
    const bool softmax =
        m->transform == C2S_TRANSFORM_SOFTMAX || m->transform == C2S_TRANSFORM_SOFTMAX_ZERO;
    if (count == 1 && columns == 2) /* of one score softmax is not taken: 1 - score and score */
        c2s_binary_scores(softmax ? C2S_TRANSFORM_NONE : m->transform, scores[0], softmax, scores);
    else
        c2s_transform_apply(m->transform, scores, count);
    return winner;
}

/* ---- the operator ---- */

static c2s_status columns_of(const c2s_node *node, size_t *columns) {
    c2s_labels labels;
    size_t vectors, probabilities_given;
    C2S_TRY(labels_of(node, &labels));
    if (labels.count > 10000)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%zu classes, expected at most 10000", labels.count);
    c2s_attr_floats(node, "support_vectors", &vectors);
    c2s_attr_floats(node, "prob_a", &probabilities_given);
    *columns =
        vectors && !probabilities_given ? labels.count * (labels.count - 1) / 2 : labels.count;
    *columns = *columns < 2 ? 2 : *columns;
    return C2S_OK;
}

static c2s_status classifier_infer(c2s_infer *i) {
    c2s_labels labels;
    size_t columns;
    C2S_TRY(c2s_features_need(i));
    C2S_TRY(labels_of(i->node, &labels));
    C2S_TRY(columns_of(i->node, &columns));
    i->out[0] = c2s_rows_type(i, labels.ints ? C2S_INT64 : C2S_STRING);
    if (i->out_count > 1)
        i->out[1] = c2s_table_type(i, C2S_FLOAT, (c2s_dim)columns);
    return C2S_OK;
}

static c2s_status classify_rows(c2s_eval *e, const classifier *m, const c2s_features *x,
                                size_t columns) {
    const int64_t dim[2] = {(int64_t)x->rows, (int64_t)columns};
    const size_t n = m->classes, room = 2 * n * n + 2 * n;
    c2s_tensor *table;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 2, dim, &table));
    double *scores = c2s_alloc_array(columns + n, sizeof *scores);
    double *work = c2s_alloc_array(room > m->vectors ? room : m->vectors, sizeof *work);
    size_t *votes = c2s_alloc_array(n, sizeof *votes);
    size_t *winner = c2s_alloc_array(x->rows + 1, sizeof *winner);
    for (size_t row = 0; row < x->rows; row++) {
        winner[row] = classify(m, x->at + row * x->columns, columns, scores, work, votes);
        if (winner[row] >= n)
            winner[row] = n - 1;
        c2s_store_f64(C2S_FLOAT, c2s_tensor_mutable(table), row * columns, columns, scores);
    }
    c2s_status status = c2s_labels_give(e, &m->labels, winner, x->rows);
    free(winner);
    free(votes);
    free(work);
    free(scores);
    c2s_eval_set(e, 1, table);
    return status;
}

static c2s_status classifier_eval(c2s_eval *e) {
    classifier m = {0};
    c2s_features x;
    size_t columns;
    C2S_TRY(columns_of(e->node, &columns));
    C2S_TRY(c2s_features_read(e->in[0], &x));
    c2s_status status = read_classifier(e->node, x.columns, &m);
    if (status == C2S_OK)
        status = classify_rows(e, &m, &x, columns);
    free(m.start);
    free(x.at);
    return status;
}

const c2s_op c2s_op_svm_classifier = {
    .type = "SVMClassifier",
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
