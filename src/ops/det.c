/* SPDX-License-Identifier: Apache-2.0
 *
 * Det: determinants of a stack of square matrices, by elimination with partial pivoting in double.
 */
#include <math.h>
#include <string.h>

#include "ops/macs.h"
#include "ops/pointwise.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static c2s_status det_infer(c2s_infer *i) {
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(c2s_infer_rank(i, 0, 2, C2S_MAX_RANK));
    if (x->dtype && !c2s_dtype_is_float(x->dtype))
        return c2s_fail(C2S_ERR_INVALID, "input 0 has elements of type %s, expected floats",
                        c2s_dtype_name(x->dtype));
    i->out[0] = c2s_type_tensor(
        x->dtype, x->kind == C2S_KIND_TENSOR && x->rank >= 2 ? x->rank - 2 : -1, x->dim);
    if (i->out[0].rank < 0)
        return C2S_OK;
    const c2s_dim rows = x->dim[x->rank - 2], columns = x->dim[x->rank - 1];
    if (c2s_dim_is_known(rows) && c2s_dim_is_known(columns) && rows != columns)
        return c2s_fail(C2S_ERR_INVALID, "a matrix of %lld x %lld is not square", (long long)rows,
                        (long long)columns);
    return C2S_OK;
}

/* Destroys `a`, n x n. */
static double determinant(double *a, size_t n) {
    double product = 1;
    for (size_t p = 0; p < n; p++) {
        size_t pivot = p;
        for (size_t r = p + 1; r < n; r++)
            if (fabs(a[r * n + p]) > fabs(a[pivot * n + p]))
                pivot = r;
        const double value = a[pivot * n + p];
        if (value == 0)
            return 0;
        product *= pivot == p ? value : -value;
        for (size_t c = p; c < n && pivot != p; c++) {
            const double swap = a[p * n + c];
            a[p * n + c] = a[pivot * n + c];
            a[pivot * n + c] = swap;
        }
        for (size_t r = p + 1; r < n; r++) {
            const double factor = a[r * n + p] / value;
            for (size_t c = p + 1; c < n; c++)
                a[r * n + c] -= factor * a[p * n + c];
        }
    }
    return product;
}

static c2s_status det_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    const size_t n = (size_t)x->type.dim[x->type.rank - 1];
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, x);
    double *to = c2s_workspace_out_f64(&ws, e->out[0]);
    double *matrix = c2s_workspace_array(&ws, n * n, sizeof *matrix);
    for (size_t k = 0; ws.status == C2S_OK && k < e->out[0]->count; k++) {
        memcpy(matrix, from + k * n * n, n * n * sizeof *matrix);
        to[k] = determinant(matrix, n);
    }
    return c2s_workspace_end(&ws);
}

static int64_t det_macs(const c2s_node *node) {
    const c2s_value *x = c2s_node_in(node, 0);
    const int rank = x ? x->type.rank : -1;
    if (rank < 2)
        return 0;
    const int64_t n = c2s_macs_extents(&x->type, rank - 1, rank);
    return c2s_macs_mul(c2s_macs_input(node, 0, 0, -1), n) / 3;
}

const c2s_op c2s_op_det = {.type = "Det",
                           .domain = "",
                           .inputs = {1, 1},
                           .outputs = {1, 1},
                           .quant = C2S_QUANT_ONLY(FLOAT),
                           .ties = c2s_ties_trilu,
                           .infer = det_infer,
                           .eval = det_eval,
                           .macs = det_macs};
