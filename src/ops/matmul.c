/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/matmul.h"

#include "ops/macs.h"
#include "ops/pointwise.h"

c2s_status c2s_matmul_infer(const c2s_infer *i, const c2s_type *a, const c2s_type *b,
                            c2s_type *out) {
    out->rank = -1;
    if (a->kind != C2S_KIND_TENSOR || b->kind != C2S_KIND_TENSOR || a->rank < 0 || b->rank < 0)
        return C2S_OK;
    if (a->rank == 0 || b->rank == 0)
        return c2s_fail(C2S_ERR_INVALID, "operands of rank %d and %d cannot be multiplied", a->rank,
                        b->rank);
    const c2s_dim a_depth = a->dim[a->rank - 1], b_depth = b->dim[b->rank == 1 ? 0 : b->rank - 2];
    if (c2s_dim_is_known(a_depth) && c2s_dim_is_known(b_depth) && a_depth != b_depth)
        return c2s_fail(C2S_ERR_INVALID,
                        "the first operand has %lld columns, the second has %lld rows",
                        (long long)a_depth, (long long)b_depth);
    c2s_type a_batch = *a, b_batch = *b;
    a_batch.rank = a->rank > 2 ? a->rank - 2 : 0;
    b_batch.rank = b->rank > 2 ? b->rank - 2 : 0;
    C2S_TRY(c2s_infer_broadcast(i, &a_batch, &b_batch, out));
    if (a->rank > 1)
        out->dim[out->rank++] = a->dim[a->rank - 2];
    if (b->rank > 1)
        out->dim[out->rank++] = b->dim[b->rank - 1];
    return C2S_OK;
}

void c2s_matmul_plan(const c2s_type *a, const c2s_type *b, c2s_matmul *out) {
    const int a_rank = a->rank > 2 ? a->rank - 2 : 0, b_rank = b->rank > 2 ? b->rank - 2 : 0;
    const size_t m = a->rank > 1 ? (size_t)a->dim[a->rank - 2] : 1;
    const size_t n = b->rank > 1 ? (size_t)b->dim[b->rank - 1] : 1;
    size_t a_step = 1, b_step = 1;
    out->gemm = c2s_gemm_of(m, n, (size_t)a->dim[a->rank - 1], 0, 0);
    out->batches = 1;
    out->rank = a_rank > b_rank ? a_rank : b_rank;
    for (int d = 0; d < out->rank; d++) { /* innermost first */
        const size_t x = d < a_rank ? (size_t)a->dim[a_rank - 1 - d] : 1;
        const size_t y = d < b_rank ? (size_t)b->dim[b_rank - 1 - d] : 1;
        out->extent[d] = x == 1 ? y : x;
        out->a_step[d] = x == 1 ? 0 : a_step;
        out->b_step[d] = y == 1 ? 0 : b_step;
        out->batches *= out->extent[d];
        a_step *= x;
        b_step *= y;
    }
}

/* With one matrix B the rows of all A are one matrix. */
static c2s_matmul flattened(const c2s_matmul *plan) {
    c2s_matmul flat = *plan;
    size_t step = 1;
    for (int d = 0; d < plan->rank; d++) {
        if (plan->b_step[d] != 0 || plan->a_step[d] != step)
            return flat;
        step *= plan->extent[d];
    }
    flat.gemm.m *= flat.batches;
    flat.batches = 1;
    flat.rank = 0;
    return flat;
}

void c2s_matmul_batch(const c2s_matmul *plan, size_t batch, size_t *a, size_t *b) {
    *a = *b = 0;
    for (int d = 0; d < plan->rank; d++) {
        const size_t index = batch % plan->extent[d];
        *a += index * plan->a_step[d];
        *b += index * plan->b_step[d];
        batch /= plan->extent[d];
    }
}

/* Many small products are shared between threads whole; a few large ones are shared inside. */
static bool share_batches(const c2s_matmul *plan) {
    const c2s_gemm *g = &plan->gemm;
    const double work = (double)g->m * (double)g->n * (double)g->k;
    return plan->batches >= 8 && work < 1 << 18 && work * (double)plan->batches >= 1 << 16;
}

#define MATMUL(suffix, type)                                                                       \
    void c2s_matmul_##suffix(const c2s_matmul *plan, const type *a, const type *b, type *c) {      \
        const c2s_matmul flat = flattened(plan);                                                   \
        const c2s_gemm *g = &flat.gemm;                                                            \
        const size_t size = g->m * g->k;                                                           \
        const bool parallel = share_batches(&flat);                                                \
        _Pragma("omp parallel for schedule(static) if (parallel)") for (size_t batch = 0;          \
                                                                        batch < flat.batches;      \
                                                                        batch++) {                 \
            size_t at, bt;                                                                         \
            c2s_matmul_batch(&flat, batch, &at, &bt);                                              \
            c2s_gemm_##suffix(g, a + at * size, b + bt * g->k * g->n, c + batch * g->m * g->n);    \
        }                                                                                          \
    }
MATMUL(f32, float)
MATMUL(f64, double)
MATMUL(u32, uint32_t)
MATMUL(u64, uint64_t)

int64_t c2s_matmul_macs(const c2s_node *node, unsigned a) {
    const c2s_value *value = c2s_node_in(node, a);
    const int rank = value ? value->type.rank : 0;
    const int64_t depth = rank > 0 ? c2s_macs_extents(&value->type, rank - 1, rank) : 1;
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), depth);
}
