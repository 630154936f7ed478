/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft MatMulBnb4: weights [N, K] as one flat run of codes of 4 bits, the first of a byte
 * in its high half, with a scale per block of the run.
 */
#include <inttypes.h>

#include "ops/gemm.h"
#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum { A, B, SCALES };

/* What codes stand for: floats of 4 bits scaled to a largest of 1; quantiles of the normal
 * distribution (QLoRA, arXiv 2305.14314, appendix E). */
static const float codebook[2][16] = {
    {0.0f, 0.005208333f, 0.6666667f, 1.0f, 0.3333333f, 0.5f, 0.1666667f, 0.25f, -0.0f,
     -0.005208333f, -0.6666667f, -1.0f, -0.3333333f, -0.5f, -0.1666667f, -0.25f},
    {-1.0f, -0.6961928f, -0.52507305f, -0.39491748f, -0.28444138f, -0.18477343f, -0.09105004f, 0.0f,
     0.0795803f, 0.1609302f, 0.2461123f, 0.33791524f, 0.44070983f, 0.562617f, 0.72295684f, 1.0f},
};

typedef struct bnb4 {
    int64_t k, n, block;
    const float *codes;
    bool turned; /* the product sums over K; else over N */
} bnb4;

static c2s_status read_bnb4(const c2s_node *node, bnb4 *q) {
    const int64_t type = c2s_attr_int(node, "quant_type", 0);
    q->k = c2s_attr_int(node, "K", 0);
    q->n = c2s_attr_int(node, "N", 0);
    q->block = c2s_attr_int(node, "block_size", 0);
    q->turned = c2s_attr_int(node, "transB", 1) != 0;
    if (q->k < 1 || q->n < 1 || q->block < 1 || q->k > INT32_MAX || q->n > INT32_MAX ||
        q->block > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID,
                        "K is %" PRId64 ", N is %" PRId64 ", block_size is %" PRId64
                        ", expected positive numbers",
                        q->k, q->n, q->block);
    if (type != 0 && type != 1)
        return c2s_fail(C2S_ERR_INVALID, "quant_type is %" PRId64 ", expected 0 or 1", type);
    q->codes = codebook[type];
    return C2S_OK;
}

static c2s_status bnb4_infer(c2s_infer *i) {
    bnb4 q;
    C2S_TRY(c2s_infer_tensors(i, 3));
    C2S_TRY(read_bnb4(i->node, &q));
    c2s_type y = *c2s_infer_type(i, A);
    if (y.rank < 0)
        return c2s_infer_output_rank(i, 0, y.dtype, -1);
    C2S_TRY(c2s_infer_rank(i, A, 1, C2S_MAX_RANK));
    const c2s_dim have = y.dim[y.rank - 1], inner = q.turned ? q.k : q.n;
    if (c2s_dim_is_known(have) && have != inner)
        return c2s_fail(C2S_ERR_INVALID, "A has %" PRId64 " columns, expected %" PRId64, have,
                        inner);
    y.dim[y.rank - 1] = q.turned ? q.n : q.k;
    return c2s_infer_output(i, 0, y.dtype, y.rank, y.dim);
}

static c2s_status bnb4_eval(c2s_eval *e) {
    bnb4 q;
    C2S_TRY(read_bnb4(e->node, &q));
    const int64_t count = q.n * q.k;
    const c2s_tensor *b = e->in[B];
    if (b->type.dtype != C2S_UINT8 || (int64_t)b->count != (count + 1) / 2 ||
        (int64_t)e->in[SCALES]->count != (count + q.block - 1) / q.block)
        return c2s_fail(
            C2S_ERR_INVALID,
            "B has %zu and absmax %zu elements, expected %" PRId64 " bytes and %" PRId64 " scales",
            b->count, e->in[SCALES]->count, (count + 1) / 2, (count + q.block - 1) / q.block);
    c2s_workspace ws = {0};
    const uint8_t *bytes = c2s_tensor_data(b);
    const float *a = c2s_workspace_f32(&ws, e->in[A]);
    const float *scales = c2s_workspace_f32(&ws, e->in[SCALES]);
    float *weight = c2s_workspace_array(&ws, (size_t)count, sizeof *weight);
    float *y = c2s_workspace_out_f32(&ws, e->out[0]);
    if (ws.status == C2S_OK) {
        for (int64_t j = 0; j < count; j++)
            weight[j] =
                q.codes[j % 2 ? bytes[j / 2] & 15 : bytes[j / 2] >> 4] * scales[j / q.block];
        const size_t inner = (size_t)(q.turned ? q.k : q.n), columns = (size_t)(count) / inner;
        const c2s_gemm g = c2s_gemm_of(e->in[A]->count / inner, columns, inner, 0, q.turned);
        c2s_gemm_f32(&g, a, weight, y);
    }
    return c2s_workspace_end(&ws);
}

static int64_t bnb4_macs(const c2s_node *node) {
    const bool turned = c2s_attr_int(node, "transB", 1) != 0;
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), c2s_attr_int(node, turned ? "K" : "N", 1));
}

static const c2s_attr_spec bnb4_attrs[] = {
    {"K", C2S_ATTR_INT, true},
    {"N", C2S_ATTR_INT, true},
    {"block_size", C2S_ATTR_INT, true},
    {"quant_type", C2S_ATTR_INT, true},
    {"training_mode", C2S_ATTR_INT, false},
    {"transB", C2S_ATTR_INT, false},
    {0},
};
const c2s_op c2s_op_ms_matmul_bnb4 = {
    .type = "MatMulBnb4",
    .domain = "com.microsoft",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = bnb4_attrs,
    .ties = c2s_ties_pinned,
    .infer = bnb4_infer,
    .eval = bnb4_eval,
    .macs = bnb4_macs,
};
