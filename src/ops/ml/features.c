/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators on rows of features: ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer,
 * Normalizer, Scaler.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/convert.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/ml/ml.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static c2s_status same_shape(c2s_infer *i, c2s_dtype dtype) {
    const c2s_type *type = c2s_infer_type(i, 0);
    if (type->kind == C2S_KIND_UNKNOWN && !i->concrete) {
        i->out[0] = c2s_type_tensor(dtype, -1, NULL);
        return C2S_OK;
    }
    if (!c2s_type_is_tensor(type) || type->dtype == C2S_STRING)
        return c2s_fail(C2S_ERR_INVALID, "input 0 is no tensor of numbers");
    i->out[0] =
        c2s_type_tensor(dtype == C2S_UNDEFINED ? type->dtype : dtype, type->rank, type->dim);
    return C2S_OK;
}

static c2s_status same_type_infer(c2s_infer *i) {
    return same_shape(i, C2S_UNDEFINED);
}

static c2s_status float_infer(c2s_infer *i) {
    return same_shape(i, C2S_FLOAT);
}

static size_t row_length(const c2s_tensor *x) {
    return x->type.rank ? (size_t)x->type.dim[x->type.rank - 1] : 1;
}

/* ---- ArrayFeatureExtractor ---- */

static c2s_status extractor_infer(c2s_infer *i) {
    const c2s_type *x = c2s_infer_type(i, 0), *index = c2s_infer_type(i, 1);
    c2s_dim count = index->rank < 0 ? c2s_dim_fresh(i->dims) : 1;
    C2S_TRY(c2s_infer_tensors(i, 2));
    for (int k = 0; k < index->rank; k++)
        count = c2s_dim_mul(i->dims, count, index->dim[k]);
    if (x->rank == 0)
        return c2s_fail(C2S_ERR_INVALID, "a scalar has no features");
    if (x->rank < 0)
        return c2s_infer_output_rank(i, 0, x->dtype, -1);
    c2s_dim dim[C2S_MAX_RANK] = {1};
    int rank = x->rank == 1 ? 2 : x->rank;
    for (int k = 0; k + 1 < x->rank; k++)
        dim[k] = x->dim[k];
    dim[rank - 1] = count;
    return c2s_infer_output(i, 0, x->dtype, rank, dim);
}

static c2s_status extractor_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    size_t length = row_length(x), count = e->in[1]->count;
    c2s_workspace ws = {0};
    const int64_t *index = c2s_workspace_indices(&ws, e->in[1], (int64_t)length);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    c2s_elements from = {0}, to = {0};
    c2s_status status = c2s_elements_open(e, &from, &to);
    for (size_t row = 0; status == C2S_OK && count && length && row < x->count / length; row++)
        for (size_t k = 0; k < count; k++)
            memcpy(to.data + (row * count + k) * to.size,
                   from.data + (row * length + (size_t)index[k]) * from.size, from.size);
    ws.status = c2s_elements_end(e, &from, &to, status);
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_array_feature_extractor = {
    .type = "ArrayFeatureExtractor",
    .domain = "ai.onnx.ml",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .ties = c2s_ties_but_last,
    .infer = extractor_infer,
    .eval = extractor_eval,
};

/* ---- element by element, with the element's place in its row ---- */

/* Computes y from x through doubles; `change` gets one row. */
static c2s_status each_row(c2s_eval *e, void (*change)(const c2s_node *, double *, size_t)) {
    const c2s_tensor *x = e->in[0];
    c2s_tensor *y = e->out[0];
    size_t length = row_length(x);
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, x);
    double *to = c2s_workspace_out_f64(&ws, y);
    if (ws.status == C2S_OK)
        memcpy(to, from, x->count * sizeof *to);
    for (size_t at = 0; ws.status == C2S_OK && length && at < x->count; at += length)
        change(e->node, to + at, length);
    return c2s_workspace_end(&ws);
}

static void binarize(const c2s_node *node, double *row, size_t length) {
    double threshold = (double)c2s_attr_float(node, "threshold", 0);
    for (size_t k = 0; k < length; k++)
        row[k] = row[k] > threshold;
}

static c2s_status binarizer_eval(c2s_eval *e) {
    return each_row(e, binarize);
}

const c2s_op c2s_op_binarizer = {
    .type = "Binarizer",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_BOUNDED(RANGE, 0.0f, 1.0f),
    .flags = C2S_OP_ELEMENTWISE,
    .infer = same_type_infer,
    .eval = binarizer_eval,
};

static void scale(const c2s_node *node, double *row, size_t length) {
    size_t offsets, scales;
    const float *offset = c2s_attr_floats(node, "offset", &offsets);
    const float *factor = c2s_attr_floats(node, "scale", &scales);
    for (size_t k = 0; k < length; k++) {
        if (offsets)
            row[k] -= (double)offset[offsets == 1 ? 0 : k];
        if (scales)
            row[k] *= (double)factor[scales == 1 ? 0 : k];
    }
}

static c2s_status scaler_eval(c2s_eval *e) {
    size_t offsets, scales, length = row_length(e->in[0]);
    c2s_attr_floats(e->node, "offset", &offsets);
    c2s_attr_floats(e->node, "scale", &scales);
    if ((offsets > 1 && offsets != length) || (scales > 1 && scales != length))
        return c2s_fail(C2S_ERR_INVALID, "%zu offsets and %zu scales for %zu features", offsets,
                        scales, length);
    return each_row(e, scale);
}

const c2s_op c2s_op_scaler = {
    .type = "Scaler",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_batch,
    .infer = float_infer,
    .eval = scaler_eval,
};

static void normalize(const c2s_node *node, double *row, size_t length) {
    const char *norm = c2s_attr_string(node, "norm", "MAX");
    double divisor = norm[0] == 'M' ? row[0] : 0;
    for (size_t k = 0; k < length; k++)
        divisor = norm[0] == 'M'            ? fmax(divisor, row[k])
                  : strcmp(norm, "L1") == 0 ? divisor + fabs(row[k])
                                            : divisor + row[k] * row[k];
    bool square = strcmp(norm, "L2") == 0;
    if (square)
        divisor = sqrt(divisor);
    for (size_t k = 0; k < length && divisor != 0; k++)
        row[k] /= divisor;
}

static c2s_status normalizer_eval(c2s_eval *e) {
    const char *norm = c2s_attr_string(e->node, "norm", "MAX");
    if (strcmp(norm, "MAX") != 0 && strcmp(norm, "L1") != 0 && strcmp(norm, "L2") != 0)
        return c2s_fail(C2S_ERR_INVALID, "norm is \"%s\", expected MAX, L1 or L2", norm);
    return each_row(e, normalize);
}

const c2s_op c2s_op_normalizer = {
    .type = "Normalizer",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_batch,
    .infer = float_infer,
    .eval = normalizer_eval,
};

/* ---- Imputer ---- */

static c2s_status impute_ints(c2s_eval *e, const int64_t *value, size_t count) {
    const c2s_tensor *x = e->in[0];
    const int64_t replaced = c2s_attr_int(e->node, "replaced_value_int64", 0);
    c2s_workspace ws = {0};
    const int64_t *from = c2s_workspace_i64(&ws, x);
    int64_t *to = c2s_workspace_out(&ws, C2S_WIDE_I64, e->out[0]);
    for (size_t k = 0; ws.status == C2S_OK && k < x->count; k++)
        to[k] = from[k] == replaced ? value[count == 1 ? 0 : k % count] : from[k];
    return c2s_workspace_end(&ws);
}

static c2s_status impute_floats(c2s_eval *e, const float *value, size_t count) {
    const c2s_tensor *x = e->in[0];
    const double replaced = (double)c2s_attr_float(e->node, "replaced_value_float", 0);
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, x);
    double *to = c2s_workspace_out_f64(&ws, e->out[0]);
    for (size_t k = 0; ws.status == C2S_OK && k < x->count; k++) {
        const bool found = from[k] == replaced || (isnan(from[k]) && isnan(replaced));
        to[k] = found ? (double)value[count == 1 ? 0 : k % count] : from[k];
    }
    return c2s_workspace_end(&ws);
}

static c2s_status imputer_eval(c2s_eval *e) {
    size_t floats, ints, length = row_length(e->in[0]);
    const float *f = c2s_attr_floats(e->node, "imputed_value_floats", &floats);
    const int64_t *i = c2s_attr_ints(e->node, "imputed_value_int64s", &ints);
    bool is_integer = c2s_dtype_is_integer(e->in[0]->type.dtype);
    size_t count = is_integer ? ints : floats;
    if (count != 1 && (count == 0 || count != length))
        return c2s_fail(C2S_ERR_INVALID, "%zu imputed values for %zu features", count, length);
    return is_integer ? impute_ints(e, i, count) : impute_floats(e, f, count);
}

const c2s_op c2s_op_imputer = {
    .type = "Imputer",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_batch,
    .infer = same_type_infer,
    .eval = imputer_eval,
};

/* ---- FeatureVectorizer ---- */

static c2s_status vectorizer_infer(c2s_infer *i) {
    C2S_TRY(c2s_features_need(i));
    c2s_dim columns = 0;
    for (unsigned k = 0; k < i->in_count; k++) {
        const c2s_type *type = c2s_infer_type(i, k);
        c2s_dim extent = type->rank > 0 ? type->dim[type->rank - 1] : c2s_dim_fresh(i->dims);
        columns = c2s_dim_add(i->dims, columns, extent);
    }
    i->out[0] = c2s_table_type(i, C2S_FLOAT, columns);
    return C2S_OK;
}

static c2s_status vectorizer_eval(c2s_eval *e) {
    c2s_tensor *y = e->out[0];
    size_t columns = (size_t)y->type.dim[1], rows = (size_t)y->type.dim[0], begin = 0;
    for (unsigned k = 0; k < e->in_count; k++) {
        c2s_features x;
        C2S_TRY(c2s_features_read(e->in[k], &x));
        for (size_t row = 0; row < rows && x.rows == rows; row++)
            c2s_store_f64(C2S_FLOAT, c2s_tensor_mutable(y), row * columns + begin, x.columns,
                          x.at + row * x.columns);
        free(x.at);
        if (x.rows != rows)
            return c2s_fail(C2S_ERR_INVALID, "input %u has %zu rows, expected %zu", k, x.rows,
                            rows);
        begin += x.columns;
    }
    return C2S_OK;
}

const c2s_op c2s_op_feature_vectorizer = {
    .type = "FeatureVectorizer",
    .domain = "ai.onnx.ml",
    .inputs = {1, C2S_VARIADIC},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_all_batches,
    .infer = vectorizer_infer,
    .eval = vectorizer_eval,
};
