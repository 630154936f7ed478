/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: MatMulNBits of com.microsoft, with constant weights
 * After:  MatMul, and Add of the bias
 * Before: GatherBlockQuantized with a constant table
 * After:  Gather
 * Refuses weights that are computed, reordered columns, and layouts of GPUs.
 */
#include <inttypes.h>

#include "ir/convert.h"
#include "passes/quant/form_rules.h"

/* ---- packed codes ---- */

static unsigned code_at(const uint8_t *bytes, int64_t index, unsigned bits) {
    const unsigned each = 8 / bits;
    return (unsigned)(bytes[index / each] >> (index % each * bits)) & ((1u << bits) - 1);
}

typedef struct blocks {
    int64_t n, k, block, blocks;
    unsigned bits;
} blocks;

static blocks blocks_of(const c2s_node *node) {
    blocks q = {.n = c2s_attr_int(node, "N", 0),
                .k = c2s_attr_int(node, "K", 0),
                .block = c2s_attr_int(node, "block_size", 0),
                .bits = (unsigned)c2s_attr_int(node, "bits", 4)};
    const bool fits = q.n >= 1 && q.n <= INT32_MAX && q.k >= 1 && q.k <= INT32_MAX &&
                      q.block >= 1 && q.block <= INT32_MAX;
    q.blocks = fits ? (q.k + q.block - 1) / q.block : 0;
    return q;
}

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };

static const char *refuse_nbits(const c2s_match *m) {
    const c2s_node *node = m->root;
    const c2s_value *codes = c2s_node_in(node, B), *scales = c2s_node_in(node, SCALES),
                    *zeros = c2s_node_in(node, ZEROS);
    const blocks q = blocks_of(node);
    int64_t elements, bytes;
    if (!codes || !codes->constant || !scales || !scales->constant || (zeros && !zeros->constant))
        return "its weights are computed";
    if (c2s_node_in(node, GROUPS))
        return "its columns are reordered";
    if (c2s_attr_int(node, "weight_prepacked", 0) != 0)
        return "its weights have the layout of a GPU";
    if (q.blocks == 0 || (q.bits != 8 && q.bits != 4 && q.bits != 2) || q.block * q.bits % 8 != 0)
        return "its attributes are out of range";
    bytes = q.blocks * q.block * q.bits / 8;
    if (!c2s_mul_i64(q.n, bytes, &elements) || codes->constant->count != (size_t)elements ||
        scales->constant->count != (size_t)(q.n * q.blocks))
        return "its weights have another size than its attributes say";
    bytes = zeros && zeros->type.dtype == C2S_UINT8 ? (q.blocks * q.bits + 7) / 8 : q.blocks;
    return zeros && zeros->constant->count != (size_t)(q.n * bytes)
               ? "its zero points have another size than its attributes say"
               : NULL;
}

static float zero_at(const blocks *q, const c2s_tensor *zeros, int64_t n, int64_t block) {
    if (!zeros)
        return (float)(1u << (q->bits - 1));
    if (zeros->type.dtype != C2S_UINT8)
        return (float)c2s_tensor_f64_at(zeros, (size_t)(n * q->blocks + block));
    const uint8_t *row =
        (const uint8_t *)c2s_tensor_data(zeros) + n * ((q->blocks * q->bits + 7) / 8);
    return (float)code_at(row, block, q->bits);
}

/* [K, N] of the type that the scales have. */
static c2s_tensor *decode(c2s_builder *b, const c2s_node *node) {
    const blocks q = blocks_of(node);
    const c2s_value *zeros = c2s_node_in(node, ZEROS);
    const c2s_tensor *scales = node->inputs[SCALES].value->constant;
    const uint8_t *codes = c2s_tensor_data(node->inputs[B].value->constant);
    const size_t rows = (size_t)q.k, columns = (size_t)q.n;
    const int64_t step = q.blocks * q.block * q.bits / 8;
    float *values;
    c2s_tensor *out;
    if (!c2s_build_ok(b, c2s_tensor_create(scales->type.dtype, 2, (int64_t[]){q.k, q.n}, &out)))
        return NULL;
    if (!c2s_build_ok(b, c2s_scratch(rows * columns, sizeof *values, &values))) {
        c2s_tensor_unref(out);
        return NULL;
    }
    for (int64_t n = 0; n < q.n; n++)
        for (int64_t k = 0; k < q.k; k++) {
            const int64_t block = k / q.block;
            const float scale = (float)c2s_tensor_f64_at(scales, (size_t)(n * q.blocks + block));
            values[(size_t)k * columns + (size_t)n] =
                ((float)code_at(codes + n * step, k, q.bits) -
                 zero_at(&q, zeros ? zeros->constant : NULL, n, block)) *
                scale;
        }
    c2s_store_f32(out->type.dtype, c2s_tensor_mutable(out), 0, rows * columns, values);
    free(values);
    return out;
}

static c2s_value *build_nbits(c2s_builder *b, const c2s_match *m) {
    const c2s_node *node = m->root;
    c2s_value *bias = c2s_node_in(node, BIAS);
    c2s_value *in[] = {c2s_node_in(node, A),
                       c2s_build_constant(b, node->inputs[B].value->name, decode(b, node))};
    c2s_value *sum[] = {c2s_build(b, "MatMul", in, 2), bias};
    return bias ? c2s_build(b, "Add", sum, 2) : sum[0];
}

static const c2s_pattern_row nbits_rows[] = {{.op = &c2s_op_ms_matmul_nbits}};
const c2s_rule c2s_rule_nbits_float = {.name = "nbits-float",
                                       .summary = "MatMulNBits -> MatMul",
                                       C2S_ROWS(nbits_rows),
                                       .refuse = refuse_nbits,
                                       .build = build_nbits};

/* ---- tables ---- */

enum { DATA, INDICES, TABLE_SCALES, TABLE_ZEROS };

static const char *refuse_gather(const c2s_match *m) {
    const c2s_node *node = m->root;
    for (unsigned k = 0; k < 4; k++)
        if (k != INDICES && c2s_node_in(node, k) && !node->inputs[k].value->constant)
            return "its table is computed";
    if (!c2s_node_in(node, DATA) || !c2s_node_in(node, INDICES))
        return "it has no table";
    if (c2s_attr_int(node, "gather_axis", 0) != 0)
        return "it does not pick rows";
    return node->inputs[DATA].value->type.rank >= 1 ? NULL : "it is no table";
}

/* All rows, picked once, as the operator itself decodes them. */
static c2s_tensor *decode_table(c2s_builder *b, const c2s_node *node) {
    const int64_t rows = node->inputs[DATA].value->type.dim[0];
    int64_t *every = c2s_alloc_array((size_t)rows, sizeof *every);
    for (int64_t i = 0; i < rows; i++)
        every[i] = i;
    c2s_tensor *indices = NULL, *out = NULL;
    c2s_build_ok(b, c2s_tensor_from_i64(C2S_INT64, 1, &rows, every, &indices));
    free(every);
    const c2s_tensor *in[4] = {0};
    for (unsigned k = 0; k < node->formal_count && k < 4; k++)
        in[k] = node->inputs[k].value ? node->inputs[k].value->constant : NULL;
    in[INDICES] = indices;
    if (indices)
        c2s_build_ok(b, c2s_node_eval(node, in, &out, NULL, 0));
    c2s_tensor_unref(indices);
    return out;
}

static c2s_value *build_gather(c2s_builder *b, const c2s_match *m) {
    const c2s_node *node = m->root;
    c2s_value *in[] = {c2s_build_constant(b, node->inputs[DATA].value->name, decode_table(b, node)),
                       c2s_node_in(node, INDICES)};
    return c2s_build(b, "Gather", in, 2);
}

static const c2s_pattern_row gather_rows[] = {{.op = &c2s_op_ms_gather_block_quantized}};
const c2s_rule c2s_rule_gather_float = {.name = "gather-codes-float",
                                        .summary = "GatherBlockQuantized -> Gather",
                                        C2S_ROWS(gather_rows),
                                        .refuse = refuse_gather,
                                        .build = build_gather};
