/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: Inverse of square matrices, CDist (distances of the rows of two matrices).
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

/* ---- Inverse ---- */

static c2s_status inverse_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_rank(i, 0, 2, C2S_MAX_RANK));
    C2S_TRY(c2s_infer_like_first(i));
    const c2s_type *x = c2s_infer_type(i, 0);
    if (x->rank < 2)
        return C2S_OK;
    const c2s_dim rows = x->dim[x->rank - 2], columns = x->dim[x->rank - 1];
    if (c2s_dim_is_known(rows) && c2s_dim_is_known(columns) && rows != columns)
        return c2s_fail(C2S_ERR_INVALID, "a matrix of %" PRId64 " x %" PRId64 " is not square",
                        rows, columns);
    return C2S_OK;
}

static void swap_rows(double *a, size_t n, size_t p, size_t q) {
    for (size_t c = 0; c < n && p != q; c++) {
        const double other = a[p * n + c];
        a[p * n + c] = a[q * n + c];
        a[q * n + c] = other;
    }
}

/* y [n, n] = the inverse of `a`, which is destroyed: Gauss-Jordan with partial pivoting. A singular
 * matrix gives infinities and NaN. */
static void invert(double *a, double *y, size_t n) {
    memset(y, 0, n * n * sizeof *y);
    for (size_t p = 0; p < n; p++)
        y[p * n + p] = 1;
    for (size_t p = 0; p < n; p++) {
        size_t pivot = p;
        for (size_t r = p + 1; r < n; r++)
            if (fabs(a[r * n + p]) > fabs(a[pivot * n + p]))
                pivot = r;
        swap_rows(a, n, p, pivot);
        swap_rows(y, n, p, pivot);
        const double inverse = 1 / a[p * n + p];
        for (size_t c = 0; c < n; c++) {
            a[p * n + c] *= inverse;
            y[p * n + c] *= inverse;
        }
        for (size_t r = 0; r < n; r++) {
            const double factor = a[r * n + p];
            for (size_t c = 0; r != p && c < n; c++) {
                a[r * n + c] -= factor * a[p * n + c];
                y[r * n + c] -= factor * y[p * n + c];
            }
        }
    }
}

static c2s_status inverse_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    const size_t n = (size_t)x->type.dim[x->type.rank - 1];
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, x);
    double *to = c2s_workspace_out_f64(&ws, e->out[0]);
    double *matrix = c2s_workspace_array(&ws, n * n, sizeof *matrix);
    for (size_t at = 0; ws.status == C2S_OK && at < x->count; at += n * n) {
        memcpy(matrix, from + at, n * n * sizeof *matrix);
        invert(matrix, to + at, n);
    }
    return c2s_workspace_end(&ws);
}

/* Each of n pivots subtracts a row from n others, in the matrix and in its inverse. */
static int64_t inverse_macs(const c2s_node *node) {
    const c2s_value *x = c2s_node_in(node, 0);
    const int rank = x ? x->type.rank : -1;
    return rank < 2 ? 0
                    : c2s_macs_mul(c2s_macs_input(node, 0, 0, -1),
                                   c2s_macs_mul(2, c2s_macs_extents(&x->type, rank - 1, rank)));
}

const c2s_op c2s_op_ms_inverse = {.type = "Inverse",
                                  .domain = "com.microsoft",
                                  .inputs = {1, 1},
                                  .outputs = {1, 1},
                                  .quant = C2S_QUANT_ONLY(FLOAT),
                                  .ties = c2s_ties_trilu,
                                  .infer = inverse_infer,
                                  .eval = inverse_eval,
                                  .macs = inverse_macs};

/* ---- CDist ---- */

static c2s_status cdist_infer(c2s_infer *i) {
    const c2s_type *a = c2s_infer_type(i, 0), *b = c2s_infer_type(i, 1);
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(c2s_infer_same_dtype(i, 0, 1));
    C2S_TRY(c2s_infer_rank(i, 0, 2, 2));
    C2S_TRY(c2s_infer_rank(i, 1, 2, 2));
    if (a->rank < 0 || b->rank < 0)
        return c2s_infer_output_rank(i, 0, a->dtype, 2);
    if (c2s_dim_is_known(a->dim[1]) && c2s_dim_is_known(b->dim[1]) && a->dim[1] != b->dim[1])
        return c2s_fail(C2S_ERR_INVALID, "rows of %" PRId64 " and %" PRId64 " elements", a->dim[1],
                        b->dim[1]);
    const c2s_dim dim[2] = {a->dim[0], b->dim[0]};
    return c2s_infer_output(i, 0, a->dtype, 2, dim);
}

static c2s_status cdist_eval(c2s_eval *e) {
    const char *metric = c2s_attr_string(e->node, "metric", "sqeuclidean");
    const bool root = strcmp(metric, "euclidean") == 0;
    if (!root && strcmp(metric, "sqeuclidean") != 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "metric is \"%s\", expected euclidean or sqeuclidean",
                        metric);
    const int64_t rows = e->in[0]->type.dim[0], columns = e->in[1]->type.dim[0];
    const int64_t width = e->in[0]->type.dim[1];
    c2s_workspace ws = {0};
    const double *a = c2s_workspace_f64(&ws, e->in[0]), *b = c2s_workspace_f64(&ws, e->in[1]);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    for (int64_t p = 0; ws.status == C2S_OK && p < rows * columns; p++) {
        const double *left = a + p / columns * width, *right = b + p % columns * width;
        double sum = 0;
        for (int64_t d = 0; d < width; d++)
            sum += (left[d] - right[d]) * (left[d] - right[d]);
        y[p] = root ? sqrt(sum) : sum;
    }
    return c2s_workspace_end(&ws);
}

static int64_t cdist_macs(const c2s_node *node) {
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), c2s_macs_input(node, 0, 1, 2));
}

static const c2s_attr_spec cdist_attrs[] = {{"metric", C2S_ATTR_STRING, false}, {0}};
const c2s_op c2s_op_ms_cdist = {.type = "CDist",
                                .domain = "com.microsoft",
                                .inputs = {2, 2},
                                .outputs = {1, 1},
                                .quant = C2S_QUANT_ONLY(FLOAT),
                                .attrs = cdist_attrs,
                                .ties = c2s_ties_pinned,
                                .infer = cdist_infer,
                                .eval = cdist_eval,
                                .macs = cdist_macs};
