/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: operators that ai.onnx has, or that few of its operators write down.
 */
#include <inttypes.h>

#include "ops/composite.h"
#include "ops/conv.h"
#include "ops/ties_rules.h"

#define STANDARD(symbol, name, least, most, outs, rule, attributes, tied)                          \
    const c2s_op c2s_op_ms_##symbol = {.type = name,                                               \
                                       .domain = "com.microsoft",                                  \
                                       .inputs = {least, most},                                    \
                                       .outputs = {1, outs},                                       \
                                       .quant = C2S_QUANT_##rule,                                  \
                                       .attrs = attributes,                                        \
                                       .ties = tied,                                               \
                                       C2S_DEFINED_BY(symbol)};

static c2s_value *scalar_of(c2s_composite *c, c2s_value *x) {
    return x ? c2s_composite_reshape(c, x, NULL, 0) : NULL;
}

/* ---- of other names or operands ---- */

static void expand_dims(c2s_composite *c) {
    static const int64_t one = 1;
    c2s_value *axis = c2s_composite_cast(c, c2s_composite_in(c, 1), C2S_INT64);
    c2s_composite_out(
        c, 0,
        C2S_APPLY(c, "Unsqueeze", c2s_composite_in(c, 0), c2s_composite_reshape(c, axis, &one, 1)));
}
STANDARD(expand_dims, "ExpandDims", 2, 2, 1, UNARY(SAME), NULL, c2s_ties_view)

static void gather_nd(c2s_composite *c) {
    c2s_composite_out(c, 0,
                      C2S_APPLY(c, "GatherND", c2s_composite_in(c, 0),
                                c2s_composite_cast(c, c2s_composite_in(c, 1), C2S_INT64)));
}
STANDARD(gather_nd, "GatherND", 2, 2, 1, UNARY(SAME), NULL, c2s_ties_gather_nd)

static void grid_sample(c2s_composite *c) {
    c2s_composite_out(
        c, 0, C2S_APPLY_LIKE(c, "GridSample", c2s_composite_in(c, 0), c2s_composite_in(c, 1)));
}
static const c2s_attr_spec grid_attrs[] = {{"align_corners", C2S_ATTR_INT, false},
                                           {"mode", C2S_ATTR_STRING, false},
                                           {"padding_mode", C2S_ATTR_STRING, false},
                                           {0}};
STANDARD(grid_sample, "GridSample", 2, 2, 1, UNARY(WITHIN), grid_attrs, c2s_ties_grid_sample)

/* pads may be a row, value a vector of one element */
static void pad(c2s_composite *c) {
    static const int64_t all = -1;
    c2s_value *pads = c2s_composite_reshape(c, c2s_composite_in(c, 1), &all, 1);
    c2s_composite_out(c, 0,
                      C2S_APPLY_LIKE(c, "Pad", c2s_composite_in(c, 0), pads,
                                     scalar_of(c, c2s_composite_in(c, 2))));
}
static const c2s_attr_spec pad_attrs[] = {{"mode", C2S_ATTR_STRING, false}, {0}};
STANDARD(pad, "Pad", 2, 3, 1, SLOTS(UNIFY, C2S_SLOT(0) | C2S_SLOT(2), 1u), pad_attrs,
         c2s_ties_pinned)

static void range(c2s_composite *c) {
    c2s_value *start = scalar_of(c, c2s_composite_in(c, 0)), *step = c2s_composite_in(c, 2);
    step = step ? scalar_of(c, step)
                : c2s_composite_scalar(c, start ? start->type.dtype : C2S_FLOAT, 1);
    c2s_composite_out(c, 0,
                      C2S_APPLY(c, "Range", start, scalar_of(c, c2s_composite_in(c, 1)), step));
}
const c2s_op c2s_op_ms_range = {.type = "Range",
                                .domain = "com.microsoft",
                                .inputs = {2, 3},
                                .outputs = {1, 1},
                                .flags =
                                    C2S_OP_SIZES_OUTPUTS, /* by numbers that inference misses */
                                .quant = C2S_QUANT_ONLY(FLOAT),
                                .ties = c2s_ties_pinned,
                                C2S_DEFINED_BY(range)};

static void trilu(c2s_composite *c) {
    c2s_composite_out(c, 0,
                      C2S_APPLY_LIKE(c, "Trilu", c2s_composite_in(c, 0), c2s_composite_in(c, 1)));
}
static const c2s_attr_spec trilu_attrs[] = {{"upper", C2S_ATTR_INT, false}, {0}};
STANDARD(trilu, "Trilu", 1, 2, 1, UNARY(SAME), trilu_attrs, c2s_ties_trilu)

/* In the order of their first occurrence; without the places of those. */
static void unique(c2s_composite *c) {
    c2s_node *node = c2s_composite_start(c, "Unique", C2S_OPERANDS(c2s_composite_in(c, 0)), 4);
    if (node)
        c2s_attr_set_int(node, "sorted", 0);
    if (!c2s_composite_finish(c, node))
        return;
    c2s_composite_out(c, 0, node->outputs[0]);
    c2s_composite_out(c, 1, node->outputs[2]);
    c2s_composite_out(c, 2, node->outputs[3]);
}
const c2s_op c2s_op_ms_unique = {.type = "Unique",
                                 .domain = "com.microsoft",
                                 .inputs = {1, 1},
                                 .outputs = {3, 3},
                                 .flags = C2S_OP_SIZES_OUTPUTS,
                                 .quant = C2S_QUANT_UNARY(SAME),
                                 .ties = c2s_ties_pinned,
                                 C2S_DEFINED_BY(unique)};

/* The pads are an input; what they are decides the extents only. */
static void conv_transpose(c2s_composite *c) {
    c2s_value *x = c2s_composite_in(c, 0), *pads = c2s_composite_in(c, 2);
    if (pads && !pads->constant) {
        c2s_type type = c2s_type_tensor(x->type.dtype, -1, NULL);
        c2s_composite_out(c, 0, c2s_composite_view(c, x, type.dtype, -1, NULL));
        return;
    }
    c2s_node *node =
        C2S_START(c, "ConvTranspose", x, c2s_composite_in(c, 1), c2s_composite_in(c, 3));
    c2s_composite_attributes(c, node);
    if (node && pads && pads->constant->count <= 2 * C2S_MAX_RANK) {
        int64_t values[2 * C2S_MAX_RANK] = {0};
        for (size_t k = 0; k < pads->constant->count; k++)
            c2s_tensor_i64_at(pads->constant, k, &values[k]);
        c2s_attr_set_ints(node, "pads", values, pads->constant->count);
    }
    c2s_composite_out(c, 0, c2s_composite_finish(c, node));
}
static int64_t conv_transpose_macs(const c2s_node *node) {
    return c2s_conv_macs(node, true, 0, 1);
}
static const c2s_attr_spec conv_transpose_attrs[] = {
    C2S_CONV_ATTRS, {"output_padding", C2S_ATTR_INTS, false}, {0}};
const c2s_op c2s_op_ms_conv_transpose_with_dynamic_pads = {
    .type = "ConvTransposeWithDynamicPads",
    .domain = "com.microsoft",
    .inputs = {2, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), 1, 0, 4),
    .attrs = conv_transpose_attrs,
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(conv_transpose),
    .macs = conv_transpose_macs,
};

/* ---- of a few nodes ---- */

/* All pieces of `size` elements along an axis, `step` apart; they become a last axis. */
static void unfold(c2s_composite *c) {
    const c2s_node *written = c2s_composite_node(c);
    const int64_t size = c2s_attr_int(written, "size", 0), step = c2s_attr_int(written, "step", 1);
    c2s_value *x = c2s_composite_in(c, 0);
    int axis = 0;
    if (!c2s_composite_known(x))
        return;
    const int rank = x->type.rank;
    c2s_composite_fail(c, c2s_infer_axis(c2s_attr_int(written, "dim", -1), rank, &axis));
    if (size < 1 || step < 1 || rank >= C2S_MAX_RANK) {
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "size is %" PRId64 ", step is %" PRId64
                                       ", expected positive numbers",
                                       size, step));
        return;
    }
    const int64_t column = 1;
    c2s_value *end = C2S_APPLY(c, "Sub", scalar_of(c, c2s_composite_extent(c, x, axis)),
                               c2s_composite_scalar(c, C2S_INT64, (double)(size - 1)));
    c2s_value *first = C2S_APPLY(c, "Range", c2s_composite_scalar(c, C2S_INT64, 0), end,
                                 c2s_composite_scalar(c, C2S_INT64, (double)step));
    c2s_value *within = C2S_APPLY(c, "Range", c2s_composite_scalar(c, C2S_INT64, 0),
                                  c2s_composite_scalar(c, C2S_INT64, (double)size),
                                  c2s_composite_scalar(c, C2S_INT64, 1));
    first = c2s_composite_unsqueeze(c, first, &column, 1);
    c2s_node *gather = C2S_START(c, "Gather", x, C2S_APPLY(c, "Add", first, within));
    if (gather)
        c2s_attr_set_int(gather, "axis", axis);
    int64_t order[C2S_MAX_RANK];
    for (int k = 0; k <= rank; k++)
        order[k] = k <= axis ? k : k < rank ? k + 1 : axis + 1;
    c2s_composite_out(c, 0,
                      c2s_composite_transpose(c, c2s_composite_finish(c, gather), order, rank + 1));
}
static const c2s_attr_spec unfold_attrs[] = {
    {"dim", C2S_ATTR_INT, false}, {"size", C2S_ATTR_INT, true}, {"step", C2S_ATTR_INT, false}, {0}};
STANDARD(unfold, "UnfoldTensor", 1, 1, 1, UNARY(SAME), unfold_attrs, c2s_ties_pinned)

/* Softmax over all axes from `axis` on, taken together. */
static void bias_softmax(c2s_composite *c) {
    c2s_value *x = C2S_APPLY(c, "Add", c2s_composite_in(c, 0), c2s_composite_in(c, 1));
    c2s_node *flat = C2S_START(c, "Flatten", x);
    if (flat)
        c2s_attr_set_int(flat, "axis", c2s_attr_int(c2s_composite_node(c), "axis", 1));
    c2s_value *y = C2S_APPLY(c, "Softmax", c2s_composite_finish(c, flat));
    c2s_composite_out(c, 0, C2S_APPLY(c, "Reshape", y, C2S_APPLY(c, "Shape", x)));
}
static const c2s_attr_spec bias_softmax_attrs[] = {
    {"axis", C2S_ATTR_INT, false}, {"is_inner_broadcast", C2S_ATTR_INT, true}, {0}};
STANDARD(bias_softmax, "BiasSoftmax", 2, 2, 1, ONLY(FLOAT), bias_softmax_attrs,
         c2s_ties_bias_softmax)

/* Sums of 8 bits in 32, along the axes that the attribute lists. */
static void reduce_sum_integer(c2s_composite *c) {
    const c2s_node *written = c2s_composite_node(c);
    c2s_value *x = c2s_composite_in(c, 0);
    size_t count;
    const int64_t *axes = c2s_attr_ints(written, "axes", &count);
    const c2s_dtype dtype = x->type.dtype == C2S_UINT8 ? C2S_UINT32 : C2S_INT32;
    c2s_node *node = C2S_START(c, "ReduceSum", c2s_composite_cast(c, x, dtype),
                               c2s_composite_ints(c, axes, count));
    if (node)
        c2s_attr_set_int(node, "keepdims", c2s_attr_int(written, "keepdims", 1));
    c2s_composite_out(c, 0, c2s_composite_finish(c, node));
}
static const c2s_attr_spec reduce_sum_integer_attrs[] = {
    {"axes", C2S_ATTR_INTS, true}, {"keepdims", C2S_ATTR_INT, false}, {0}};
STANDARD(reduce_sum_integer, "ReduceSumInteger", 1, 1, 1, ONLY(NONE), reduce_sum_integer_attrs,
         c2s_ties_pinned)

static void bias_add(c2s_composite *c) {
    c2s_value *sum = C2S_APPLY(c, "Add", c2s_composite_in(c, 0), c2s_composite_in(c, 1));
    c2s_composite_out(c, 0, C2S_APPLY(c, "Add", sum, c2s_composite_in(c, 2)));
}
STANDARD(bias_add, "BiasAdd", 3, 3, 1, SLOTS(OWN, 7u, 1u), NULL, c2s_ties_elementwise)

/* x + y * gate */
static void gated_add(c2s_composite *c) {
    c2s_value *scaled = C2S_APPLY(c, "Mul", c2s_composite_in(c, 1), c2s_composite_in(c, 2));
    c2s_composite_out(c, 0, C2S_APPLY(c, "Add", c2s_composite_in(c, 0), scaled));
}
STANDARD(gated_add, "GatedAdd", 3, 3, 1, SLOTS(OWN, 7u, 1u), NULL, c2s_ties_elementwise)

/* The left half of x + bias times Gelu of the right half. */
static void bias_split_gelu(c2s_composite *c) {
    c2s_value *sum = C2S_APPLY(c, "Add", c2s_composite_in(c, 0), c2s_composite_in(c, 1));
    if (!c2s_composite_known(sum))
        return;
    c2s_node *split = c2s_composite_start(c, "Split", C2S_OPERANDS(sum), 2);
    if (split) {
        c2s_attr_set_int(split, "axis", -1);
        c2s_attr_set_int(split, "num_outputs", 2);
    }
    if (c2s_composite_finish(c, split))
        c2s_composite_out(
            c, 0, C2S_APPLY(c, "Mul", split->outputs[0], C2S_APPLY(c, "Gelu", split->outputs[1])));
}
STANDARD(bias_split_gelu, "BiasSplitGelu", 2, 2, 1, BINARY(OWN), NULL, c2s_ties_pinned)
