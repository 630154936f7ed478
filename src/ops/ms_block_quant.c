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
    return *bits == 2 || *bits == 4 || *bits == 8
               ? C2S_OK
               : c2s_fail(C2S_ERR_UNSUPPORTED, "bits is %" PRId64 ", expected 2, 4 or 8", *bits);
}

static bool is_static(const c2s_value *value) {
    return value && c2s_type_is_static(&value->type);
}

/* Bytes along the last axis as elements of 2 or 4 bits, the first in the low bits. */
static c2s_value *unpack(c2s_composite *c, c2s_value *bytes, int64_t bits) {
    if (!bytes || bits == 8)
        return bytes;
    c2s_type type = bytes->type;
    if (type.rank < 1 ||
        !c2s_mul_i64(type.dim[type.rank - 1], 8 / bits, &type.dim[type.rank - 1])) {
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID, "packed elements of rank %d", type.rank));
        return NULL;
    }
    return c2s_composite_view(c, bytes, bits == 4 ? C2S_UINT4 : C2S_UINT2, type.rank, type.dim);
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
    if (q->block < 1 || q->block > INT32_MAX || q->block * q->bits % 8 != 0 || q->k < 1 ||
        q->n < 1 || q->k > INT32_MAX || q->n > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID,
                        "K is %" PRId64 ", N is %" PRId64 ", block_size is %" PRId64
                        ", expected positive numbers and blocks of whole bytes",
                        q->k, q->n, q->block);
    q->blocks = (q->k + q->block - 1) / q->block;
    return C2S_OK;
}

/* Zero points as [N, blocks]: packed like the weights with rows of whole bytes, of the scales'
 * type, or the middle of the range. */
static c2s_value *nbits_zeros(c2s_composite *c, const nbits *q, c2s_value *scales) {
    c2s_value *zeros = c2s_composite_in(c, ZEROS);
    if (!zeros)
        return all_zeros_at(c, scales, (double)(1 << (q->bits - 1)));
    const int64_t whole[2] = {q->n, q->blocks}, packed[2] = {q->n, (q->blocks * q->bits + 7) / 8};
    if (zeros->type.dtype != C2S_UINT8)
        return c2s_composite_reshape(c, zeros, whole, 2);
    zeros = unpack(c, c2s_composite_reshape(c, zeros, packed, 2), q->bits);
    return zeros ? c2s_composite_slice(c, zeros, 1, 0, q->blocks) : NULL;
}

/* Element k belongs to the block groups[k]: (elements - zero) * scale. */
static c2s_value *by_groups(c2s_composite *c, const nbits *q, c2s_value *elements,
                            c2s_value *scales, c2s_value *zeros, c2s_value *groups) {
    const c2s_dtype dtype = scales->type.dtype;
    c2s_value *spread[2] = {scales, c2s_composite_cast(c, zeros, dtype)};
    groups = c2s_composite_slice(c, groups, 0, 0, q->k);
    for (int k = 0; k < 2; k++) {
        c2s_node *node = C2S_START(c, "Gather", spread[k], groups);
        if (node)
            c2s_attr_set_int(node, "axis", 1);
        spread[k] = c2s_composite_finish(c, node);
    }
    elements = c2s_composite_cast(c, c2s_composite_slice(c, elements, 1, 0, q->k), dtype);
    return C2S_APPLY(c, "Mul", C2S_APPLY(c, "Sub", elements, spread[1]), spread[0]);
}

static c2s_value *nbits_weight(c2s_composite *c, const nbits *q) {
    const int64_t bytes[2] = {q->n, q->blocks * q->block * q->bits / 8};
    const int64_t by_block[2] = {q->n, q->blocks}, order[2] = {1, 0};
    c2s_value *groups = c2s_composite_in(c, GROUPS), *rows;
    c2s_value *elements =
        unpack(c, c2s_composite_reshape(c, c2s_composite_in(c, B), bytes, 2), q->bits);
    c2s_value *scales = c2s_composite_reshape(c, c2s_composite_in(c, SCALES), by_block, 2);
    c2s_value *zeros = scales ? nbits_zeros(c, q, scales) : NULL;
    if (groups && scales)
        rows = by_groups(c, q, elements, scales, zeros, groups);
    else
        rows =
            c2s_composite_slice(c, by_blocks(c, elements, scales, zeros, 1, q->block), 1, 0, q->k);
    return c2s_composite_transpose(c, rows, order, 2);
}

static void matmul_nbits(c2s_composite *c) {
    nbits q = {0};
    c2s_value *a = c2s_composite_in(c, A), *bias = c2s_composite_in(c, BIAS);
    c2s_composite_fail(c, read_nbits(c2s_composite_node(c), &q));
    if (c2s_attr_int(c2s_composite_node(c), "weight_prepacked", 0) != 0)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_UNSUPPORTED, "weights in the layout of a GPU"));
    c2s_value *b = c2s_composite_in(c, B), *scales = c2s_composite_in(c, SCALES);
    if (!is_static(b) || !is_static(scales))
        return;
    c2s_value *y = C2S_APPLY(c, "MatMul", a, nbits_weight(c, &q));
    c2s_composite_out(c, 0, bias ? C2S_APPLY(c, "Add", y, bias) : y);
}

static int64_t matmul_nbits_macs(const c2s_node *node) {
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), c2s_attr_int(node, "K", 1));
}

static const c2s_attr_spec matmul_nbits_attrs[] = {
    {"K", C2S_ATTR_INT, true},
    {"N", C2S_ATTR_INT, true},
    {"accuracy_level", C2S_ATTR_INT, false},
    {"bits", C2S_ATTR_INT, false},
    {"block_size", C2S_ATTR_INT, true},
    {"weight_prepacked", C2S_ATTR_INT, false},
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
    C2S_DEFINED_BY(matmul_nbits),
    .macs = matmul_nbits_macs,
};

/* ---- GatherBlockQuantized: rows of a quantized table, as floats ---- */

static c2s_value *gathered(c2s_composite *c, c2s_value *table, c2s_value *indices, int axis) {
    c2s_node *node = C2S_START(c, "Gather", table, indices);
    if (node)
        c2s_attr_set_int(node, "axis", axis);
    return c2s_composite_finish(c, node);
}

/* Elements, scales and zero points (may be NULL) on their way. */
typedef struct table {
    c2s_value *data, *scales, *zeros;
    int64_t bits; /* 0: not packed in bytes */
    int axis;     /* of the blocks */
} table;

/* To the rows that the indices name, the table staying quantized. */
static void gather_rows(c2s_composite *c, table *t, c2s_value *indices, int axis) {
    t->data = gathered(c, t->data, indices, axis);
    if (t->scales->type.dim[axis] != 1)
        t->scales = gathered(c, t->scales, indices, axis);
    else if (indices->type.rank != 1)
        t->scales = c2s_composite_reshape(c, t->scales, (int64_t[]){1}, 1); /* of the whole table */
    if (t->zeros)
        t->zeros = gathered(c, t->zeros, indices, axis);
    if (t->axis > axis)
        t->axis += indices->type.rank - 1;
}

static c2s_value *dequantized(c2s_composite *c, const table *t, int64_t block) {
    c2s_value *data = t->data, *scales = t->scales, *zeros = t->zeros;
    if (!data || !scales)
        return NULL;
    const c2s_dtype dtype = scales->type.dtype;
    if (c2s_dtype_is_float(data->type.dtype)) {
        data = c2s_composite_cast(c, data, dtype);
        if (scales->type.rank == data->type.rank && scales->type.dim[t->axis] != 1)
            return by_blocks(c, data, scales, NULL, t->axis, block);
        return C2S_APPLY(c, "Mul", data, scales);
    }
    if (t->bits) {
        data = unpack(c, data, t->bits);
        zeros = unpack(c, zeros, t->bits);
        /* Packing pads the zero points to whole bytes. */
        if (zeros && t->axis == scales->type.rank - 1)
            zeros = c2s_composite_slice(c, zeros, t->axis, 0, scales->type.dim[t->axis]);
        if (!zeros)
            zeros = all_zeros_at(c, scales, (double)(1 << (t->bits - 1)));
    }
    return by_blocks(c, data, scales, zeros, t->axis, block);
}

static void gather_block(c2s_composite *c) {
    const c2s_node *node = c2s_composite_node(c);
    table t = {c2s_composite_in(c, 0), c2s_composite_in(c, 2), c2s_composite_in(c, 3), 0, 0};
    c2s_value *indices = c2s_composite_in(c, 1);
    int axis = 0;
    if (!is_static(t.data) || !is_static(t.scales) || (t.zeros && !is_static(t.zeros)) ||
        !c2s_composite_known(indices))
        return;
    if (t.data->type.dtype == C2S_UINT8)
        c2s_composite_fail(c, read_bits(node, &t.bits));
    const int rank = t.data->type.rank;
    c2s_composite_fail(c, c2s_infer_axis(c2s_attr_int(node, "quantize_axis", 1), rank, &t.axis));
    c2s_composite_fail(c, c2s_infer_axis(c2s_attr_int(node, "gather_axis", 0), rank, &axis));
    if (t.scales->type.rank != rank || rank < 1) {
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID, "scales have rank %d, data %d",
                                       t.scales->type.rank, rank));
        return;
    }
    int64_t block = c2s_attr_int(node, "block_size", 128);
    c2s_value *extent = c2s_composite_extent(c, t.data, axis);
    c2s_value *least = C2S_APPLY(c, "Neg", extent);
    c2s_value *index = c2s_composite_cast(c, indices, C2S_INT64);
    c2s_value *inside = C2S_APPLY(c, "And", C2S_APPLY(c, "GreaterOrEqual", index, least),
                                  C2S_APPLY(c, "Less", index, extent));
    index = C2S_APPLY(c, "Where", inside, index, c2s_composite_scalar(c, C2S_INT64, 0));
    if (indices->type.rank == 0) { /* broadcasting with the vector `extent` gave an axis */
        index = c2s_composite_reshape(c, index, NULL, 0);
        inside = c2s_composite_reshape(c, inside, NULL, 0);
    }
    if (!index)
        return;
    const c2s_dtype dtype = t.scales->type.dtype; /* there may be no scales behind gather_rows */
    const bool first = axis != t.axis;
    if (first)
        gather_rows(c, &t, index, axis);
    c2s_value *y = dequantized(c, &t, block);
    if (!first)
        y = gathered(c, y, index, axis);
    /* [indices, 1, ...] aligns with the axes from `axis` on */
    int64_t behind[C2S_MAX_RANK];
    for (int k = 0; k < rank - 1 - axis; k++)
        behind[k] = indices->type.rank + k;
    inside = c2s_composite_unsqueeze(c, inside, behind, (size_t)(rank - 1 - axis));
    c2s_composite_out(c, 0, C2S_APPLY(c, "Where", inside, y, c2s_composite_scalar(c, dtype, 0)));
}

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
    C2S_DEFINED_BY(gather_block),
};
