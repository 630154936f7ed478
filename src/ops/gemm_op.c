/* SPDX-License-Identifier: Apache-2.0
 *
 * Gemm: Y = alpha * A' * B' + beta * C, where ' is an optional transposition.
 */
#include "ops/macs.h"
#include "ops/matmul.h"
#include "ops/pointwise.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum { A, B, C };

static bool flag(const c2s_node *node, const char *name) {
    return c2s_attr_int(node, name, 0) != 0;
}

static c2s_status gemm_infer(c2s_infer *i) {
    const c2s_type *a = c2s_infer_type(i, A), *b = c2s_infer_type(i, B), *c = c2s_infer_type(i, C);
    const bool a_turned = flag(i->node, "transA"), b_turned = flag(i->node, "transB");
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(c2s_infer_same_dtype(i, A, B));
    C2S_TRY(c2s_infer_same_dtype(i, A, C));
    C2S_TRY(c2s_infer_rank(i, A, 2, 2));
    C2S_TRY(c2s_infer_rank(i, B, 2, 2));
    C2S_TRY(c2s_infer_rank(i, C, 0, 2));
    c2s_type out = c2s_type_tensor(a->dtype ? a->dtype : b->dtype, 2, (c2s_dim[2]){0});
    out.dim[0] = a->rank == 2 ? a->dim[a_turned] : c2s_dim_fresh(i->dims);
    out.dim[1] = b->rank == 2 ? b->dim[!b_turned] : c2s_dim_fresh(i->dims);
    i->out[0] = out;
    if (a->rank == 2 && b->rank == 2) {
        const c2s_dim k = a->dim[!a_turned], rows = b->dim[b_turned];
        if (c2s_dim_is_known(k) && c2s_dim_is_known(rows) && k != rows)
            return c2s_fail(C2S_ERR_INVALID, "A has %lld columns, B has %lld rows", (long long)k,
                            (long long)rows);
    }
    if (!c2s_type_is_static(&out) || !c2s_type_is_static(c))
        return C2S_OK;
    for (int d = 1; d <= c->rank; d++)
        if (c->dim[c->rank - d] != 1 && c->dim[c->rank - d] != out.dim[2 - d])
            return c2s_fail(C2S_ERR_INVALID, "C does not broadcast to %lld x %lld",
                            (long long)out.dim[0], (long long)out.dim[1]);
    return C2S_OK;
}

/* y = alpha * y + beta * C, the second term only if C is given. Integers are scaled in double. */
#define SCALE(name, type)                                                                          \
    static void name(const c2s_broadcast *c, c2s_wide wide, const c2s_tensor *added, type *y,      \
                     size_t count, double alpha, double beta) {                                    \
        type buffer[C2S_BLOCK_ELEMENTS];                                                           \
        for (size_t start = 0; start < count; start += C2S_BLOCK_ELEMENTS) {                       \
            const size_t left = count - start;                                                     \
            const size_t n = left < C2S_BLOCK_ELEMENTS ? left : C2S_BLOCK_ELEMENTS;                \
            if (alpha != 1)                                                                        \
                for (size_t k = 0; k < n; k++)                                                     \
                    y[start + k] = (type)(SCALED(type, alpha, y[start + k]));                      \
            if (!added)                                                                            \
                continue;                                                                          \
            const type *term = c2s_broadcast_load(c, wide, added, start, n, buffer);               \
            for (size_t k = 0; k < n; k++)                                                         \
                y[start + k] += beta == 1 ? term[k] : (type)(SCALED(type, beta, term[k]));         \
        }                                                                                          \
    }
#define SCALED(type, factor, value) (type) factor *value
SCALE(scale_f32, float)
SCALE(scale_f64, double)
#undef SCALED
#define SCALED(type, factor, value) c2s_wide_truncate(factor *(double)(int64_t)value)
SCALE(scale_u64, uint64_t)

static c2s_status gemm_eval(c2s_eval *e) {
    const c2s_wide wide = c2s_wide_of(e->in[A]->type.dtype);
    const c2s_tensor *added = e->in_count > C ? e->in[C] : NULL;
    c2s_tensor *out = e->out[0];
    const bool a_turned = flag(e->node, "transA"), b_turned = flag(e->node, "transB");
    const double alpha = (double)c2s_attr_float(e->node, "alpha", 1.0f);
    const double beta = (double)c2s_attr_float(e->node, "beta", 1.0f);
    const c2s_gemm g = c2s_gemm_of((size_t)out->type.dim[0], (size_t)out->type.dim[1],
                                   (size_t)e->in[A]->type.dim[!a_turned], a_turned, b_turned);
    c2s_workspace ws = {0};
    c2s_broadcast c;
    if (!wide || e->in[A]->type.dtype == C2S_BOOL)
        return c2s_fail(C2S_ERR_INVALID, "matrices of type %s cannot be multiplied",
                        c2s_dtype_name(e->in[A]->type.dtype));
    if (beta == 0) /* what is in C does not matter then, not even NaN */
        added = NULL;
    if (added)
        c2s_broadcast_init(&c, &out->type, &added->type);
    const void *a = c2s_workspace_in(&ws, wide, e->in[A]);
    const void *b = c2s_workspace_in(&ws, wide, e->in[B]);
    void *y = c2s_workspace_out(&ws, wide, out);
    if (ws.status == C2S_OK) {
        if (wide == C2S_WIDE_F32) {
            c2s_gemm_f32(&g, a, b, y);
            scale_f32(&c, wide, added, y, out->count, alpha, beta);
        } else if (wide == C2S_WIDE_F64) {
            c2s_gemm_f64(&g, a, b, y);
            scale_f64(&c, wide, added, y, out->count, alpha, beta);
        } else {
            c2s_gemm_u64(&g, a, b, y);
            scale_u64(&c, wide, added, y, out->count, alpha, beta);
        }
    }
    return c2s_workspace_end(&ws);
}

static int64_t gemm_macs(const c2s_node *node) {
    const c2s_value *a = c2s_node_in(node, A);
    const int depth = flag(node, "transA") ? 0 : 1;
    if (!a || a->type.rank != 2)
        return c2s_macs_output(node, 0, 0, -1);
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1),
                        c2s_macs_extents(&a->type, depth, depth + 1));
}

static const c2s_attr_spec gemm_attrs[] = {{"alpha", C2S_ATTR_FLOAT, false},
                                           {"beta", C2S_ATTR_FLOAT, false},
                                           {"transA", C2S_ATTR_INT, false},
                                           {"transB", C2S_ATTR_INT, false},
                                           {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_gemm = {.type = "Gemm",
                            .domain = "",
                            .inputs = {2, 3},
                            .outputs = {1, 1},
                            .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), -1, -2, 3),
                            .attrs = gemm_attrs,
                            .ties = c2s_ties_gemm,
                            .infer = gemm_infer,
                            .eval = gemm_eval,
                            .macs = gemm_macs};
