/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul and MatMulInteger.
 */
#include "ops/infer_tensor.h"
#include "ops/matmul.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static c2s_status matmul_infer(c2s_infer *i) {
    const c2s_type *a = c2s_infer_type(i, 0), *b = c2s_infer_type(i, 1);
    c2s_type out;
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(c2s_infer_same_dtype(i, 0, 1));
    C2S_TRY(c2s_matmul_infer(i, a, b, &out));
    i->out[0] = c2s_type_tensor(a->dtype ? a->dtype : b->dtype, out.rank, out.dim);
    return C2S_OK;
}

static void matmul_run(const c2s_matmul *plan, c2s_wide wide, const void *a, const void *b,
                       void *c) {
    if (wide == C2S_WIDE_F32)
        c2s_matmul_f32(plan, a, b, c);
    else if (wide == C2S_WIDE_F64)
        c2s_matmul_f64(plan, a, b, c);
    else
        c2s_matmul_u64(plan, a, b, c);
}

static c2s_status matmul_eval(c2s_eval *e) {
    const c2s_wide wide = c2s_wide_of(e->in[0]->type.dtype);
    c2s_workspace ws = {0};
    c2s_matmul plan;
    if (!wide || e->in[0]->type.dtype == C2S_BOOL)
        return c2s_fail(C2S_ERR_INVALID, "matrices of type %s cannot be multiplied",
                        c2s_dtype_name(e->in[0]->type.dtype));
    c2s_matmul_plan(&e->in[0]->type, &e->in[1]->type, &plan);
    const void *a = c2s_workspace_in(&ws, wide, e->in[0]);
    const void *b = c2s_workspace_in(&ws, wide, e->in[1]);
    void *c = c2s_workspace_out(&ws, wide, e->out[0]);
    if (ws.status == C2S_OK)
        matmul_run(&plan, wide, a, b, c);
    return c2s_workspace_end(&ws);
}

static int64_t matmul_macs(const c2s_node *node) {
    return c2s_matmul_macs(node, 0);
}

const c2s_op c2s_op_matmul = {.type = "MatMul",
                              .domain = "",
                              .inputs = {2, 2},
                              .outputs = {1, 1},
                              .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), -1, -2, 0),
                              .ties = c2s_ties_matmul,
                              .infer = matmul_infer,
                              .eval = matmul_eval,
                              .macs = matmul_macs};

/* ---- MatMulInteger: 8-bit operands less their zero points, 32-bit result ---- */

enum { A, B, A_ZERO, B_ZERO };

static c2s_status matmul_integer_infer(c2s_infer *i) {
    const c2s_type *a = c2s_infer_type(i, A), *b = c2s_infer_type(i, B);
    c2s_type out;
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(c2s_infer_same_dtype(i, A, A_ZERO));
    C2S_TRY(c2s_infer_same_dtype(i, B, B_ZERO));
    C2S_TRY(c2s_matmul_infer(i, a, b, &out));
    i->out[0] = c2s_type_tensor(C2S_INT32, out.rank, out.dim);
    return C2S_OK;
}

/* Zero points: one, one per line (row of A, column of B), or one per line of every matrix. */
static size_t zero_of(size_t zeros, size_t lines, size_t matrix, size_t line) {
    return zeros == 1 ? 0 : zeros == lines ? line : matrix * lines + line;
}

/* Elements less their zero points, as 32-bit integers that wrap around. */
static const uint32_t *shifted(c2s_workspace *ws, const c2s_tensor *tensor, const c2s_tensor *zero,
                               bool by_column) {
    const c2s_type *type = &tensor->type;
    const size_t columns = by_column && type->rank == 1 ? 1 : (size_t)type->dim[type->rank - 1];
    const size_t rows = type->rank > 1 ? (size_t)type->dim[type->rank - 2]
                        : by_column    ? (size_t)type->dim[0]
                                       : 1;
    const size_t lines = by_column ? columns : rows, size = rows * columns;
    const size_t matrices = size ? tensor->count / size : 0, zeros = zero ? zero->count : 1;
    static const int64_t none;
    if (ws->status == C2S_OK && zeros != 1 && zeros != lines && zeros != lines * matrices)
        ws->status = c2s_fail(C2S_ERR_INVALID, "a zero point has %zu elements, expected 1 or %zu",
                              zeros, lines);
    const int64_t *from = c2s_workspace_i64(ws, tensor);
    const int64_t *offset = zero ? c2s_workspace_i64(ws, zero) : &none;
    uint32_t *out = c2s_workspace_array(ws, tensor->count, sizeof *out);
    for (size_t t = 0; ws->status == C2S_OK && t < matrices; t++)
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++) {
                const size_t at = (t * rows + r) * columns + c;
                const size_t line = zero_of(zeros, lines, t, by_column ? c : r);
                out[at] = (uint32_t)from[at] - (uint32_t)offset[line];
            }
    return out;
}

static c2s_status matmul_integer_eval(c2s_eval *e) {
    const c2s_tensor *a_zero = e->in_count > A_ZERO ? e->in[A_ZERO] : NULL;
    const c2s_tensor *b_zero = e->in_count > B_ZERO ? e->in[B_ZERO] : NULL;
    c2s_workspace ws = {0};
    c2s_matmul plan;
    c2s_matmul_plan(&e->in[A]->type, &e->in[B]->type, &plan);
    const uint32_t *a = shifted(&ws, e->in[A], a_zero, false);
    const uint32_t *b = shifted(&ws, e->in[B], b_zero, true);
    if (ws.status == C2S_OK)
        c2s_matmul_u32(&plan, a, b, c2s_tensor_mutable(e->out[0]));
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_matmul_integer = {.type = "MatMulInteger",
                                      .domain = "",
                                      .inputs = {2, 4},
                                      .outputs = {1, 1},
                                      .quant = C2S_QUANT_ONLY(CODES),
                                      .ties = c2s_ties_matmul_integer,
                                      .infer = matmul_integer_infer,
                                      .eval = matmul_integer_eval,
                                      .macs = matmul_macs};
