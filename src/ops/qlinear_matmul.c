/* SPDX-License-Identifier: Apache-2.0
 *
 * QLinearMatMul: the product of two quantized matrices (with broadcast batches), quantized again.
 * Scales are scalars or belong to the rows of A and Y, the columns of B. Sums are exact: products
 * of two 8-bit numbers in double.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ir/convert.h"
#include "ops/macs.h"
#include "ops/quant_range.h"

enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, Y_SCALE, Y_ZERO };

static c2s_status qlinear_matmul_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 8));
    const c2s_type *a = c2s_infer_type(i, A), *b = c2s_infer_type(i, B);
    c2s_dtype dtype = c2s_infer_type(i, Y_ZERO)->dtype;
    i->out[0] = c2s_type_tensor(dtype, -1, NULL);
    if (!c2s_type_is_tensor(a) || !c2s_type_is_tensor(b) || a->rank < 0 || b->rank < 0)
        return C2S_OK;
    if (a->rank < 2 || b->rank < 2)
        return c2s_fail(C2S_ERR_INVALID, "the operands have ranks %d and %d, expected at least 2",
                        a->rank, b->rank);
    c2s_dim depth_a = a->dim[a->rank - 1], depth_b = b->dim[b->rank - 2];
    if (c2s_dim_is_known(depth_a) && c2s_dim_is_known(depth_b) && depth_a != depth_b)
        return c2s_fail(C2S_ERR_INVALID, "A has %" PRId64 " columns, but B has %" PRId64 " rows",
                        depth_a, depth_b);
    c2s_type batch_a = *a, batch_b = *b, out;
    batch_a.rank -= 2;
    batch_b.rank -= 2;
    C2S_TRY(c2s_infer_broadcast(i, &batch_a, &batch_b, &out));
    out.dim[out.rank] = a->dim[a->rank - 2];
    out.dim[out.rank + 1] = b->dim[b->rank - 1];
    i->out[0] = c2s_type_tensor(dtype, out.rank + 2, out.dim);
    return C2S_OK;
}

/* Where the scale (or zero point) of line `line` of matrix `matrix` stands. */
typedef struct lines {
    size_t of_matrix, of_line; /* steps */
} lines;

static c2s_status lines_of(const c2s_tensor *scale, size_t matrices, size_t count, const char *what,
                           lines *out) {
    *out = (lines){0, 0};
    if (scale->count == 1)
        return C2S_OK;
    out->of_line = 1;
    if (scale->count == count)
        return C2S_OK;
    out->of_matrix = count;
    if (scale->count == matrices * count)
        return C2S_OK;
    return c2s_fail(C2S_ERR_INVALID,
                    "the scale or zero point of %s has %zu elements, expected 1, "
                    "%zu or %zu",
                    what, scale->count, count, matrices * count);
}

/* Elements of matrix `index` of t less the zero points of its rows or columns. */
typedef struct operand {
    const double *at, *zero;
    const float *scale;
    lines zeros, scales;
    size_t matrices, rows, columns;
} operand;

static c2s_status open_operand(c2s_workspace *ws, const c2s_eval *e, unsigned slot, bool by_column,
                               operand *o) {
    const c2s_tensor *t = e->in[slot];
    const char *name = slot == A ? "A" : "B";
    o->rows = (size_t)t->type.dim[t->type.rank - 2];
    o->columns = (size_t)t->type.dim[t->type.rank - 1];
    o->matrices = t->count ? t->count / (o->rows * o->columns) : 0;
    size_t count = by_column ? o->columns : o->rows;
    C2S_TRY(lines_of(e->in[slot + 1], o->matrices, count, name, &o->scales));
    C2S_TRY(lines_of(e->in[slot + 2], o->matrices, count, name, &o->zeros));
    o->at = c2s_workspace_f64(ws, t);
    o->scale = c2s_workspace_f32(ws, e->in[slot + 1]);
    o->zero = c2s_workspace_f64(ws, e->in[slot + 2]);
    return ws->status;
}

/* Index of an operand's matrix for output matrix `index`, under broadcasting. */
static size_t matrix_of(const c2s_type *t, const c2s_type *y, size_t index) {
    size_t result = 0, step = 1;
    for (int k = 3; k <= t->rank; k++) {
        size_t extent = (size_t)y->dim[y->rank - k], own = (size_t)t->dim[t->rank - k];
        if (own > 1)
            result += index % extent * step;
        step *= own;
        index /= extent;
    }
    return result;
}

/* One output row, before rounding: sums scaled by what belongs to the row and its columns. */
static void multiply_row(const operand *a, size_t ma, const operand *b, size_t mb, size_t row,
                         float y_scale, double *sums, float *y) {
    memset(sums, 0, b->columns * sizeof *sums);
    const double *b_at = b->at + mb * b->rows * b->columns;
    const double *b_zero = b->zero + mb * b->zeros.of_matrix;
    double a_zero = a->zero[ma * a->zeros.of_matrix + row * a->zeros.of_line];
    for (size_t k = 0; k < a->columns; k++) {
        double factor = a->at[(ma * a->rows + row) * a->columns + k] - a_zero;
        for (size_t n = 0; n < b->columns; n++)
            sums[n] += factor * (b_at[k * b->columns + n] - b_zero[n * b->zeros.of_line]);
    }
    const float *b_scale = b->scale + mb * b->scales.of_matrix;
    float a_scale = a->scale[ma * a->scales.of_matrix + row * a->scales.of_line];
    for (size_t n = 0; n < b->columns; n++)
        y[n] = (float)sums[n] * (a_scale * b_scale[n * b->scales.of_line] / y_scale);
}

static c2s_status qlinear_matmul_eval(c2s_eval *e) {
    c2s_tensor *y = e->out[0];
    C2S_TRY(c2s_quant_check(y->type.dtype));
    c2s_workspace ws = {0};
    operand a = {0}, b = {0};
    ws.status = open_operand(&ws, e, A, false, &a);
    if (ws.status == C2S_OK)
        ws.status = open_operand(&ws, e, B, true, &b);
    size_t matrices = ws.status == C2S_OK && y->count ? y->count / (a.rows * b.columns) : 0;
    lines y_scales = {0}, y_zeros = {0};
    if (ws.status == C2S_OK)
        ws.status = lines_of(e->in[Y_SCALE], matrices, a.rows, "Y", &y_scales);
    if (ws.status == C2S_OK)
        ws.status = lines_of(e->in[Y_ZERO], matrices, a.rows, "Y", &y_zeros);
    const float *y_scale = c2s_workspace_f32(&ws, e->in[Y_SCALE]);
    const float *y_zero = c2s_workspace_f32(&ws, e->in[Y_ZERO]);
    double *sums = c2s_workspace_array(&ws, b.columns, sizeof *sums);
    float *out = c2s_workspace_out_f32(&ws, y);
    if (ws.status != C2S_OK || y->count == 0)
        return c2s_workspace_end(&ws);
    bool whole = c2s_dtype_is_integer(y->type.dtype);
    for (size_t m = 0; m < matrices; m++) {
        size_t ma = matrix_of(&e->in[A]->type, &y->type, m);
        size_t mb = matrix_of(&e->in[B]->type, &y->type, m);
        for (size_t r = 0; r < a.rows; r++) {
            float *row = out + (m * a.rows + r) * b.columns;
            float scale = y_scale[m * y_scales.of_matrix + r * y_scales.of_line];
            float zero = y_zero[m * y_zeros.of_matrix + r * y_zeros.of_line];
            multiply_row(&a, ma, &b, mb, r, scale, sums, row);
            for (size_t n = 0; n < b.columns; n++)
                row[n] = (whole ? rintf(row[n]) : row[n]) + zero;
        }
    }
    if (whole)
        c2s_quant_saturate(y->type.dtype, out, y->count);
    return c2s_workspace_end(&ws);
}

static int64_t qlinear_matmul_macs(const c2s_node *node) {
    const c2s_value *a = c2s_node_in(node, A);
    int depth = a ? a->type.rank - 1 : 0;
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1),
                        a && depth >= 0 ? c2s_macs_extents(&a->type, depth, -1) : 1);
}

const c2s_op c2s_op_qlinear_matmul = {
    .type = "QLinearMatMul",
    .domain = "",
    .inputs = {8, 8},
    .outputs = {1, 1},
    .infer = qlinear_matmul_infer,
    .eval = qlinear_matmul_eval,
    .macs = qlinear_matmul_macs,
};
