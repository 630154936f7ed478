/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ir/convert.h"
#include "ops/macs.h"
#include "ops/ml/ml.h"

/* ---- features ---- */

c2s_status c2s_features_read(const c2s_tensor *tensor, c2s_features *out) {
    const c2s_type *type = &tensor->type;
    *out = (c2s_features){0};
    if (!c2s_type_is_tensor(type) || type->rank < 1 || type->rank > 2 ||
        type->dtype == C2S_STRING || type->dtype == C2S_COMPLEX64 || type->dtype == C2S_COMPLEX128)
        return c2s_fail(C2S_ERR_INVALID, "the features are no matrix of real numbers");
    out->rows = type->rank == 2 ? (size_t)type->dim[0] : 1;
    out->columns = (size_t)type->dim[type->rank - 1];
    C2S_TRY(c2s_scratch(tensor->count, sizeof *out->at, &out->at));
    c2s_load_f64(type->dtype, c2s_tensor_data(tensor), 0, tensor->count, out->at);
    return C2S_OK;
}

c2s_status c2s_features_need(const c2s_infer *i) {
    const c2s_type *type = c2s_infer_type(i, 0);
    if (type->kind == C2S_KIND_UNKNOWN && !i->concrete)
        return C2S_OK;
    if (!c2s_type_is_tensor(type) || type->rank == 0 || type->rank > 2)
        return c2s_fail(C2S_ERR_INVALID, "input 0 is no tensor of rank 1 or 2");
    return C2S_OK;
}

static c2s_dim rows_of(const c2s_infer *i) {
    const c2s_type *type = c2s_infer_type(i, 0);
    return type->rank == 2 ? type->dim[0] : type->rank == 1 ? 1 : c2s_dim_fresh(i->dims);
}

c2s_type c2s_rows_type(const c2s_infer *i, c2s_dtype dtype) {
    c2s_dim rows = rows_of(i);
    return c2s_type_tensor(dtype, 1, &rows);
}

c2s_type c2s_table_type(const c2s_infer *i, c2s_dtype dtype, c2s_dim columns) {
    c2s_dim dim[2] = {rows_of(i), columns};
    return c2s_type_tensor(dtype, 2, dim);
}

int64_t c2s_coefficient_macs(const c2s_node *node) {
    const c2s_value *x = c2s_node_in(node, 0);
    size_t coefficients, vectors;
    c2s_attr_floats(node, "coefficients", &coefficients);
    c2s_attr_floats(node, "support_vectors", &vectors);
    return c2s_macs_mul(x && x->type.rank == 2 ? c2s_macs_extents(&x->type, 0, 1) : 1,
                        (int64_t)(coefficients + vectors));
}

/* ---- transforms ---- */

c2s_status c2s_transform_read(const c2s_node *node, c2s_transform *out) {
    static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
    const char *name = c2s_attr_string(node, "post_transform", "NONE");
    for (int k = 0; k < 5; k++)
        if (strcmp(name, names[k]) == 0) {
            *out = (c2s_transform)k;
            return C2S_OK;
        }
    return c2s_fail(C2S_ERR_INVALID, "post_transform is \"%s\"", name);
}

double c2s_logistic(double x) {
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* The quantile of the normal distribution: Newton's method on erfc, which converges from a start
 * on the same side of the inflection for every probability in (0, 1). */
static double probit(double p) {
    if (!(p > 0 && p < 1))
        return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    bool upper = p > 0.5;
    double tail = upper ? 1 - p : p, x = -sqrt(-2 * log(tail));
    for (int k = 0; k < 60; k++) {
        double error = 0.5 * erfc(-x / M_SQRT2) - tail;
        double slope = exp(-x * x / 2) / sqrt(2 * M_PI);
        double step = error / slope;
        if (step > 1 || step < -1)
            step = step > 0 ? 1 : -1;
        x -= step;
        if (fabs(step) < 1e-15 * (1 + fabs(x)))
            break;
    }
    return upper ? -x : x;
}

static void softmax(double *scores, size_t count, bool keep_zero) {
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < count; k++)
        most = fmax(most, scores[k]);
    for (size_t k = 0; k < count; k++) {
        if (keep_zero && fabs(scores[k]) <= 1e-7) {
            scores[k] *= exp(-most);
            continue;
        }
        scores[k] = exp(scores[k] - most);
        sum += scores[k];
    }
    for (size_t k = 0; k < count && sum != 0; k++)
        scores[k] /= sum;
}

void c2s_transform_apply(c2s_transform transform, double *scores, size_t count) {
    switch (transform) {
    case C2S_TRANSFORM_NONE:
        break;
    case C2S_TRANSFORM_SOFTMAX:
    case C2S_TRANSFORM_SOFTMAX_ZERO:
        softmax(scores, count, transform == C2S_TRANSFORM_SOFTMAX_ZERO);
        break;
    case C2S_TRANSFORM_LOGISTIC:
        for (size_t k = 0; k < count; k++)
            scores[k] = c2s_logistic(scores[k]);
        break;
    case C2S_TRANSFORM_PROBIT:
        for (size_t k = 0; k < count; k++)
            scores[k] = probit(scores[k]);
        break;
    }
}

int c2s_binary_scores(c2s_transform transform, double score, bool all_positive, double *scores) {
    int winner = score > (all_positive ? 0.5 : 0);
    if (transform == C2S_TRANSFORM_PROBIT) {
        double p = probit(score);
        scores[0] = 1 - p;
        scores[1] = p;
    } else if (transform == C2S_TRANSFORM_LOGISTIC) {
        scores[0] = c2s_logistic(-score);
        scores[1] = c2s_logistic(score);
    } else if (all_positive) {
        scores[0] = 1 - score;
        scores[1] = score;
    } else {
        scores[0] = -score;
        scores[1] = score;
    }
    return winner;
}

/* ---- labels ---- */

c2s_status c2s_labels_read(const c2s_node *node, const char *ints, const char *strings,
                           c2s_labels *out) {
    *out = (c2s_labels){0};
    out->ints = c2s_attr_ints(node, ints, &out->count);
    if (!out->ints)
        out->strings = c2s_attr_strings(node, strings, &out->count);
    if (out->count == 0)
        return c2s_fail(C2S_ERR_INVALID, "there are no class labels");
    return C2S_OK;
}

c2s_status c2s_labels_give(c2s_eval *e, const c2s_labels *labels, const size_t *index,
                           size_t rows) {
    int64_t dim = (int64_t)rows;
    c2s_tensor *given;
    if (labels->ints) {
        C2S_TRY(c2s_tensor_create(C2S_INT64, 1, &dim, &given));
        int64_t *label = c2s_tensor_mutable(given);
        for (size_t k = 0; k < rows; k++)
            label[k] = labels->ints[index[k]];
    } else {
        c2s_string *text = c2s_alloc_array(rows + 1, sizeof *text);
        for (size_t k = 0; k < rows; k++)
            text[k] = labels->strings[index[k]];
        c2s_status status = c2s_tensor_strings(1, &dim, text, &given);
        free(text);
        C2S_TRY(status);
    }
    c2s_eval_set(e, 0, given);
    return C2S_OK;
}
