/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: weights of 4 or 8 bits with a scale per block: MatMulNBits, GatherBlockQuantized.
 */
#include <inttypes.h>

#include "ops/composite.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"

static c2s_status read_bits(const c2s_node *node, int64_t *bits) {
    *bits = c2s_attr_int(node, "bits", 4);
    return *bits == 4 || *bits == 8
               ? C2S_OK
               : c2s_fail(C2S_ERR_UNSUPPORTED, "bits is %" PRId64 ", expected 4 or 8", *bits);
}

static bool is_static(const c2s_value *value) {
    return value && c2s_type_is_static(&value->type);
}

/* Half a byte per element, the low half first, along the last axis: the bytes as uint4. */
static c2s_value *unpack(c2s_composite *c, c2s_value *bytes) {
    c2s_type type = bytes->type;
    if (type.rank < 1 || !c2s_mul_i64(type.dim[type.rank - 1], 2, &type.dim[type.rank - 1])) {
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID, "packed elements of rank %d", type.rank));
        return NULL;
    }
    return c2s_composite_view(c, bytes, C2S_UINT4, type.rank, type.dim);
}

/* (elements - zero) * scale by blocks along `axis`. */
static c2s_value *by_blocks(c2s_composite *c, c2s_value *elements, c2s_value *scales,
                            c2s_value *zeros, int64_t axis, int64_t block) {
    c2s_node *node = C2S_START(c, "DequantizeLinear", elements, scales, zeros);
    if (node) {
        c2s_attr_set_int(node, "axis", axis);
        c2s_attr_set_int(node, "block_size", block);
    }
    return c2s_composite_finish(c, node);
}

/* As many zero points as scales, all of one value. */
static c2s_value *all_zeros_at(c2s_composite *c, c2s_value *scales, double value) {
    return C2S_APPLY(c, "Expand", c2s_composite_scalar(c, C2S_FLOAT, value),
                     C2S_APPLY(c, "Shape", scales));
}

/* ---- MatMulNBits: A [.., K] times the transposed of B [N, K] ---- */

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };

typedef struct nbits {
    int64_t bits, block, blocks, k, n;
} nbits;

static c2s_status read_nbits(const c2s_node *node, nbits *q) {
    C2S_TRY(read_bits(node, &q->bits));
    q->block = c2s_attr_int(node, "block_size", 0);
    q->k = c2s_attr_int(node, "K", 0);
    q->n = c2s_attr_int(node, "N", 0);
    if (q->block < 2 || q->block % 2 != 0 || q->block > INT32_MAX || q->k < 1 || q->n < 1 ||
        q->k > INT32_MAX || q->n > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID,
                        "K is %" PRId64 ", N is %" PRId64 ", block_size is %" PRId64
                        ", expected positive numbers and an even block_size",
                        q->k, q->n, q->block);
    q->blocks = (q->k + q->block - 1) / q->block;
    return C2S_OK;
}

/* Zero points as [N, blocks]: packed like the weights with rows of whole bytes, of the scales'
 * type, or the middle of the range. */
static c2s_value *nbits_zeros(c2s_composite *c, const nbits *q, c2s_value *scales) {
    c2s_value *zeros = c2s_composite_in(c, ZEROS);
    if (!zeros)
        return all_zeros_at(c, scales, q->bits == 4 ? 8 : 128);
    const int64_t whole[2] = {q->n, q->blocks}, packed[2] = {q->n, (q->blocks + 1) / 2};
    if (q->bits == 8 || zeros->type.dtype != C2S_UINT8)
        return c2s_composite_reshape(c, zeros, whole, 2);
    zeros = c2s_composite_reshape(c, zeros, packed, 2);
    return zeros ? c2s_composite_slice(c, unpack(c, zeros), 1, 0, q->blocks) : NULL;
}

static c2s_value *nbits_weight(c2s_composite *c, const nbits *q) {
    const int64_t bytes[2] = {q->n, q->blocks * q->block * q->bits / 8};
    const int64_t by_block[2] = {q->n, q->blocks}, order[2] = {1, 0};
    c2s_value *elements = c2s_composite_reshape(c, c2s_composite_in(c, B), bytes, 2);
    if (elements && q->bits == 4)
        elements = unpack(c, elements);
    c2s_value *scales = c2s_composite_reshape(c, c2s_composite_in(c, SCALES), by_block, 2);
    c2s_value *rows = by_blocks(c, elements, scales, nbits_zeros(c, q, scales), 1, q->block);
    return c2s_composite_transpose(c, c2s_composite_slice(c, rows, 1, 0, q->k), order, 2);
}

static void matmul_nbits(c2s_composite *c) {
    nbits q = {0};
    c2s_value *a = c2s_composite_in(c, A), *bias = c2s_composite_in(c, BIAS);
    c2s_composite_fail(c, read_nbits(c2s_composite_node(c), &q));
    if (c2s_composite_in(c, GROUPS))
        c2s_composite_fail(c, c2s_fail(C2S_ERR_UNSUPPORTED, "g_idx reorders the blocks, which is "
                                                            "not supported"));
    c2s_value *b = c2s_composite_in(c, B), *scales = c2s_composite_in(c, SCALES);
    if (!is_static(b) || !is_static(scales))
        return;
    c2s_value *y = C2S_APPLY(c, "MatMul", a, nbits_weight(c, &q));
    c2s_composite_out(c, 0, bias ? C2S_APPLY(c, "Add", y, bias) : y);
}
C2S_COMPOSITE(matmul_nbits)

static int64_t matmul_nbits_macs(const c2s_node *node) {
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), c2s_attr_int(node, "K", 1));
}

static const c2s_attr_spec matmul_nbits_attrs[] = {
    {"K", C2S_ATTR_INT, true},
    {"N", C2S_ATTR_INT, true},
    {"accuracy_level", C2S_ATTR_INT, false},
    {"bits", C2S_ATTR_INT, false},
    {"block_size", C2S_ATTR_INT, true},
    {0},
};
const c2s_op c2s_op_ms_matmul_nbits = {
    .type = "MatMulNBits",
    .domain = "com.microsoft",
    .inputs = {3, 6},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = matmul_nbits_attrs,
    .ties = c2s_ties_matmul_nbits,
    .refit = c2s_refit_matmul_nbits,
    .infer = matmul_nbits_infer,
    .eval = matmul_nbits_eval,
    .macs = matmul_nbits_macs,
};

/* ---- GatherBlockQuantized: rows of a quantized table, as floats ---- */

static void gather_block(c2s_composite *c) {
    const c2s_node *node = c2s_composite_node(c);
    c2s_value *data = c2s_composite_in(c, 0), *zeros = c2s_composite_in(c, 3);
    c2s_value *scales = c2s_composite_in(c, 2);
    int64_t bits = 0;
    double middle = 0;
    if (!is_static(data) || !is_static(scales) || (zeros && !is_static(zeros)))
        return;
    if (data->type.dtype == C2S_UINT8) {
        c2s_composite_fail(c, read_bits(node, &bits));
        middle = bits == 4 ? 8 : 128;
        if (bits == 4) {
            data = unpack(c, data);
            zeros = zeros ? unpack(c, zeros) : NULL;
        }
    }
    if (!data)
        return;
    int axis = 0;
    c2s_composite_fail(
        c, c2s_infer_axis(c2s_attr_int(node, "quantize_axis", 1), data->type.rank, &axis));
    /* Packing pads an odd number of zero points. */
    if (zeros && bits == 4 && axis == data->type.rank - 1 && scales->type.rank == data->type.rank)
        zeros = c2s_composite_slice(c, zeros, axis, 0, scales->type.dim[axis]);
    c2s_value *table = by_blocks(c, data, scales, zeros ? zeros : all_zeros_at(c, scales, middle),
                                 axis, c2s_attr_int(node, "block_size", 128));
    c2s_node *gather = C2S_START(c, "Gather", table, c2s_composite_in(c, 1));
    if (gather)
        c2s_attr_set_int(gather, "axis", c2s_attr_int(node, "gather_axis", 0));
    c2s_composite_out(c, 0, c2s_composite_finish(c, gather));
}
C2S_COMPOSITE(gather_block)

static const c2s_attr_spec gather_block_attrs[] = {{"bits", C2S_ATTR_INT, false},
                                                   {"block_size", C2S_ATTR_INT, false},
                                                   {"gather_axis", C2S_ATTR_INT, false},
                                                   {"quantize_axis", C2S_ATTR_INT, false},
                                                   {0}};
const c2s_op c2s_op_ms_gather_block_quantized = {
    .type = "GatherBlockQuantized",
    .domain = "com.microsoft",
    .inputs = {3, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = gather_block_attrs,
    .ties = c2s_ties_gather_blocks,
    .infer = gather_block_infer,
    .eval = gather_block_eval,
};
