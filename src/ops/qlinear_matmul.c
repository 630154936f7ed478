/* SPDX-License-Identifier: Apache-2.0
 *
 * QLinearMatMul: the product of two quantized matrices (with broadcast batches), quantized again.
 * Scales are scalars or belong to the rows of A and Y, the columns of B. Sums are exact: products
 * of two 8-bit numbers in double.
 */
#include <math.h>

#include "ops/infer_tensor.h"
#include "ops/matmul.h"
#include "ops/quant_range.h"
#include "ops/ties_rules.h"

enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, Y_SCALE, Y_ZERO };

static c2s_status qlinear_matmul_infer(c2s_infer *i) {
    c2s_type out;
    C2S_TRY(c2s_infer_tensors(i, 8));
    C2S_TRY(c2s_infer_same_dtype(i, A, A_ZERO));
    C2S_TRY(c2s_infer_same_dtype(i, B, B_ZERO));
    C2S_TRY(c2s_matmul_infer(i, c2s_infer_type(i, A), c2s_infer_type(i, B), &out));
    i->out[0] = c2s_type_tensor(c2s_infer_type(i, Y_ZERO)->dtype, out.rank, out.dim);
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

/* Stacked matrices of `rows` x `columns`; the lines that scales and zero points belong to are the
 * columns of B, else rows. */
typedef struct operand {
    size_t matrices, rows, columns;
    const float *scale, *zero;
    lines scales, zeros;
} operand;

static c2s_status open_operand(c2s_workspace *ws, const c2s_eval *e, unsigned scale,
                               const char *name, size_t matrices, size_t rows, size_t columns,
                               operand *o) {
    const size_t count = scale == B_SCALE ? columns : rows;
    *o = (operand){.matrices = matrices, .rows = rows, .columns = columns};
    C2S_TRY(lines_of(e->in[scale], matrices, count, name, &o->scales));
    C2S_TRY(lines_of(e->in[scale + 1], matrices, count, name, &o->zeros));
    o->scale = c2s_workspace_f32(ws, e->in[scale]);
    o->zero = c2s_workspace_f32(ws, e->in[scale + 1]);
    return ws->status;
}

/* Elements less the zero points of their lines. */
static const double *shifted(c2s_workspace *ws, const c2s_tensor *t, const operand *o,
                             bool by_column) {
    const double *from = c2s_workspace_f64(ws, t);
    double *to = c2s_workspace_array(ws, t->count, sizeof *to);
    for (size_t r = 0; to && r < o->matrices * o->rows; r++) {
        const float *zero = o->zero + r / o->rows * o->zeros.of_matrix;
        const size_t step = by_column ? o->zeros.of_line : 0;
        if (!by_column)
            zero += r % o->rows * o->zeros.of_line;
        for (size_t c = 0; c < o->columns; c++)
            to[r * o->columns + c] = from[r * o->columns + c] - (double)zero[c * step];
    }
    return to;
}

/* Row `row` of matrix `m` of the result from exact sums. */
static void quantize_row(const c2s_matmul *plan, const operand *a, const operand *b,
                         const operand *y, size_t m, size_t row, bool whole, const double *sums,
                         float *out) {
    size_t ma, mb;
    c2s_matmul_batch(plan, m, &ma, &mb);
    const float a_scale = a->scale[ma * a->scales.of_matrix + row * a->scales.of_line];
    const float y_scale = y->scale[m * y->scales.of_matrix + row * y->scales.of_line];
    const float y_zero = y->zero[m * y->zeros.of_matrix + row * y->zeros.of_line];
    const float *b_scale = b->scale + mb * b->scales.of_matrix;
    for (size_t n = 0; n < y->columns; n++) {
        const float scaled = (float)sums[n] * (a_scale * b_scale[n * b->scales.of_line] / y_scale);
        out[n] = (whole ? rintf(scaled) : scaled) + y_zero;
    }
}

static c2s_status qlinear_matmul_eval(c2s_eval *e) {
    c2s_tensor *y = e->out[0];
    const c2s_tensor *a = e->in[A], *b = e->in[B];
    const bool whole = c2s_dtype_is_integer(y->type.dtype);
    c2s_matmul plan;
    C2S_TRY(c2s_quant_check(y->type.dtype));
    if (y->count == 0)
        return C2S_OK;
    c2s_matmul_plan(&a->type, &b->type, &plan);
    const size_t m = plan.gemm.m, n = plan.gemm.n, k = plan.gemm.k;
    c2s_workspace ws = {0};
    operand of_a = {0}, of_b = {0}, of_y = {0};
    ws.status = open_operand(&ws, e, A_SCALE, "A", k ? a->count / (m * k) : 0, m, k, &of_a);
    if (ws.status == C2S_OK)
        ws.status = open_operand(&ws, e, B_SCALE, "B", k ? b->count / (k * n) : 0, k, n, &of_b);
    if (ws.status == C2S_OK)
        ws.status = open_operand(&ws, e, Y_SCALE, "Y", plan.batches, m, n, &of_y);
    const double *left = NULL, *right = NULL;
    if (ws.status == C2S_OK) {
        left = shifted(&ws, a, &of_a, false);
        right = shifted(&ws, b, &of_b, true);
    }
    double *sums = c2s_workspace_array(&ws, y->count, sizeof *sums);
    float *out = c2s_workspace_out_f32(&ws, y);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    c2s_matmul_f64(&plan, left, right, sums);
#pragma omp parallel for schedule(static) if (y->count > 65536)
    for (size_t r = 0; r < plan.batches * m; r++) {
        quantize_row(&plan, &of_a, &of_b, &of_y, r / m, r % m, whole, sums + r * n, out + r * n);
        if (whole)
            c2s_quant_saturate(y->type.dtype, out + r * n, n);
    }
    return c2s_workspace_end(&ws);
}

static int64_t qlinear_matmul_macs(const c2s_node *node) {
    return c2s_matmul_macs(node, A);
}

const c2s_op c2s_op_qlinear_matmul = {
    .type = "QLinearMatMul",
    .domain = "",
    .inputs = {8, 8},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .ties = c2s_ties_qlinear_matmul,
    .infer = qlinear_matmul_infer,
    .eval = qlinear_matmul_eval,
    .macs = qlinear_matmul_macs,
};
