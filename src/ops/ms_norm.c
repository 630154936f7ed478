/* SPDX-License-Identifier: Apache-2.0
 *
 * Normalisations that ONNX Runtime's optimizers write: SimplifiedLayerNormalization, which it puts
 * into ai.onnx, and of com.microsoft the forms that first add up their inputs.
 */
#include "ops/composite.h"
#include "ops/ties_rules.h"

static c2s_value *add_if(c2s_composite *c, c2s_value *x, c2s_value *added) {
    return added ? C2S_APPLY(c, "Add", x, added) : x;
}

/* A normalisation over the last axis; its outputs (with LayerNormalization mean and inverse
 * deviation) become outputs 0, 1 and 2 of the written node, as far as they are wanted. */
static void normalise(c2s_composite *c, const char *type, c2s_value *x, c2s_value *scale,
                      c2s_value *bias) {
    const float epsilon = c2s_attr_float(c2s_composite_node(c), "epsilon", 1e-12f);
    const bool wants = c2s_composite_wants(c, 1) || c2s_composite_wants(c, 2);
    c2s_node *node = c2s_composite_start(c, type, C2S_OPERANDS(x, scale, bias), wants ? 3 : 1);
    if (node)
        c2s_attr_set_float(node, "epsilon", epsilon);
    c2s_composite_out(c, 0, c2s_composite_finish(c, node));
    for (unsigned k = 1; node && wants && k < 3; k++)
        c2s_composite_out(c, k, node->outputs[k]);
}

/* 1 / sqrt(mean(x * x) + epsilon) over the axes from `axis` on. */
static c2s_value *inverse_root(c2s_composite *c, c2s_value *x, int axis, double epsilon) {
    int64_t axes[C2S_MAX_RANK];
    const int rank = c2s_composite_rank(x);
    for (int k = axis; k < rank; k++)
        axes[k - axis] = k;
    x = c2s_composite_cast(c, x, C2S_FLOAT);
    c2s_value *mean = C2S_APPLY(c, "ReduceMean", C2S_APPLY(c, "Mul", x, x),
                                c2s_composite_ints(c, axes, (size_t)(rank - axis)));
    c2s_value *sum = C2S_APPLY(c, "Add", mean, c2s_composite_scalar(c, C2S_FLOAT, epsilon));
    return C2S_APPLY(c, "Reciprocal", C2S_APPLY(c, "Sqrt", sum));
}

static void simplified(c2s_composite *c) {
    c2s_value *x = c2s_composite_in(c, 0);
    const c2s_node *node = c2s_composite_node(c);
    c2s_composite_out(c, 0, C2S_APPLY_LIKE(c, "RMSNormalization", x, c2s_composite_in(c, 1)));
    if (!c2s_composite_wants(c, 1) || !c2s_composite_known(x))
        return;
    int axis = 0;
    c2s_composite_fail(
        c, c2s_infer_axis(c2s_attr_int(node, "axis", -1), c2s_composite_rank(x), &axis));
    const double epsilon = (double)c2s_attr_float(node, "epsilon", 1e-5f);
    c2s_composite_out(c, 1, inverse_root(c, x, axis, epsilon));
}

static const c2s_attr_spec simplified_attrs[] = {{"axis", C2S_ATTR_INT, false},
                                                 {"epsilon", C2S_ATTR_FLOAT, false},
                                                 {"stash_type", C2S_ATTR_INT, false},
                                                 {0}};
const c2s_op c2s_op_simplified_layer_normalization = {
    .type = "SimplifiedLayerNormalization",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 2},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), C2S_QUANT_NO_AXIS, C2S_QUANT_NO_AXIS, 0),
    .attrs = simplified_attrs,
    .ties = c2s_ties_layer_norm,
    C2S_DEFINED_BY(simplified),
};

/* input, skip, gamma, beta, bias */
static void skip_norm(c2s_composite *c) {
    c2s_value *sum = C2S_APPLY(c, "Add", c2s_composite_in(c, 0), c2s_composite_in(c, 1));
    sum = add_if(c, sum, c2s_composite_in(c, 4));
    normalise(c, "LayerNormalization", sum, c2s_composite_in(c, 2), c2s_composite_in(c, 3));
    c2s_composite_out(c, 3, sum);
}

/* input, skip, gamma, bias; output 2 is the inverse root of the mean square, 1 is not computed by
 * the definition: there is no mean. */
static void skip_simplified(c2s_composite *c) {
    c2s_value *sum = C2S_APPLY(c, "Add", c2s_composite_in(c, 0), c2s_composite_in(c, 1));
    const float epsilon = c2s_attr_float(c2s_composite_node(c), "epsilon", 1e-12f);
    sum = add_if(c, sum, c2s_composite_in(c, 3));
    c2s_node *node = C2S_START(c, "RMSNormalization", sum, c2s_composite_in(c, 2));
    if (node)
        c2s_attr_set_float(node, "epsilon", epsilon);
    c2s_composite_out(c, 0, c2s_composite_finish(c, node));
    if (c2s_composite_wants(c, 2) && c2s_composite_known(sum))
        c2s_composite_out(c, 2, inverse_root(c, sum, sum->type.rank - 1, (double)epsilon));
    c2s_composite_out(c, 3, sum);
}

static const c2s_attr_spec skip_attrs[] = {{"epsilon", C2S_ATTR_FLOAT, false}, {0}};
const c2s_op c2s_op_ms_skip_layer_normalization = {
    .type = "SkipLayerNormalization",
    .domain = "com.microsoft",
    .inputs = {3, 5},
    .outputs = {1, 4},
    .quant = {.kind = C2S_QUANT_FLOAT,
              .operands = C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2),
              .results = C2S_SLOT(0) | C2S_SLOT(3),
              .weights = C2S_SLOT(2),
              .weight_axis = C2S_QUANT_NO_AXIS,
              .sum_axis = C2S_QUANT_NO_AXIS},
    .attrs = skip_attrs,
    .ties = c2s_ties_layer_norm,
    C2S_DEFINED_BY(skip_norm),
};
const c2s_op c2s_op_ms_skip_simplified_layer_normalization = {
    .type = "SkipSimplifiedLayerNormalization",
    .domain = "com.microsoft",
    .inputs = {3, 4},
    .outputs = {1, 4},
    .quant = {.kind = C2S_QUANT_FLOAT,
              .operands = C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2),
              .results = C2S_SLOT(0) | C2S_SLOT(3),
              .weights = C2S_SLOT(2),
              .weight_axis = C2S_QUANT_NO_AXIS,
              .sum_axis = C2S_QUANT_NO_AXIS},
    .attrs = skip_attrs,
    .ties = c2s_ties_layer_norm,
    C2S_DEFINED_BY(skip_simplified),
};

/* ---- EmbedLayerNormalization ---- */

enum { IDS, SEGMENTS, WORDS, POSITIONS, SEGMENT_ROWS, GAMMA, BETA, MASK, POSITION_IDS };

/* The rows of the positions: those of position_ids, else the first ones. */
static c2s_value *position_rows(c2s_composite *c, c2s_value *ids, c2s_value *rows,
                                c2s_value *given) {
    const int64_t zero = 0;
    if (given)
        return C2S_APPLY(c, "Gather", rows, given);
    c2s_value *first = c2s_composite_ints(c, &zero, 1);
    return C2S_APPLY(c, "Slice", rows, first, c2s_composite_extent(c, ids, 1), first);
}

/* Per sequence the number of ones in the mask; 0 without a mask. */
static c2s_value *count_mask(c2s_composite *c, c2s_value *ids) {
    const int64_t last = 1;
    c2s_value *mask = c2s_composite_in(c, MASK), *found;
    if (mask)
        found = C2S_APPLY(c, "Equal", mask, c2s_composite_scalar(c, mask->type.dtype, 1));
    else
        found = C2S_APPLY(c, "Less", ids, ids);
    c2s_node *sum = C2S_START(c, "ReduceSum", c2s_composite_cast(c, found, C2S_INT32),
                              c2s_composite_ints(c, &last, 1));
    if (sum)
        c2s_attr_set_int(sum, "keepdims", 0);
    return c2s_composite_finish(c, sum);
}

typedef struct embedding {
    c2s_value *words, *positions, *segments, *gamma, *beta; /* tables and scales */
} embedding;

static void embed_by(c2s_composite *c, const embedding *t, c2s_value *position_ids) {
    c2s_value *ids = c2s_composite_in(c, IDS), *segments = c2s_composite_in(c, SEGMENTS);
    if (segments && !t->segments)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID, "segment_ids are given without "
                                                        "segment_embedding"));
    c2s_value *sum = C2S_APPLY(c, "Gather", t->words, ids);
    sum = C2S_APPLY(c, "Add", sum, position_rows(c, ids, t->positions, position_ids));
    if (segments)
        sum = C2S_APPLY(c, "Add", sum, C2S_APPLY(c, "Gather", t->segments, segments));
    c2s_node *norm = C2S_START(c, "LayerNormalization", sum, t->gamma, t->beta);
    if (norm)
        c2s_attr_set_float(norm, "epsilon",
                           c2s_attr_float(c2s_composite_node(c), "epsilon", 1e-12f));
    c2s_composite_out(c, 0, c2s_composite_finish(c, norm));
    if (c2s_composite_wants(c, 1))
        c2s_composite_out(c, 1, count_mask(c, ids));
    c2s_composite_out(c, 2, sum);
}

static void embed(c2s_composite *c) {
    const embedding t = {c2s_composite_in(c, WORDS), c2s_composite_in(c, POSITIONS),
                         c2s_composite_in(c, SEGMENT_ROWS), c2s_composite_in(c, GAMMA),
                         c2s_composite_in(c, BETA)};
    embed_by(c, &t, c2s_composite_in(c, POSITION_IDS));
}

static const c2s_attr_spec embed_attrs[] = {
    {"epsilon", C2S_ATTR_FLOAT, false}, {"mask_index_type", C2S_ATTR_INT, false}, {0}};
const c2s_op c2s_op_ms_embed_layer_normalization = {
    .type = "EmbedLayerNormalization",
    .domain = "com.microsoft",
    .inputs = {1, 9}, /* segments and what follows beta may be left out */
    .outputs = {1, 3},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(2) | C2S_SLOT(3) | C2S_SLOT(4), 1u),
    .attrs = embed_attrs,
    .ties = c2s_ties_embed_norm,
    C2S_DEFINED_BY(embed),
};

/* The five tables come quantized; their scales start at input 8, their zero points at 13. */
static void quantized_embed(c2s_composite *c) {
    c2s_value *table[5];
    for (unsigned k = 0; k < 5; k++) {
        c2s_value *x = c2s_composite_in(c, WORDS + k);
        table[k] = x ? C2S_APPLY(c, "DequantizeLinear", x, c2s_composite_in(c, 8 + k),
                                 c2s_composite_in(c, 13 + k))
                     : NULL;
    }
    const embedding t = {table[0], table[1], table[2], table[3], table[4]};
    embed_by(c, &t, NULL);
}

static const c2s_attr_spec quantized_embed_attrs[] = {{"epsilon", C2S_ATTR_FLOAT, false}, {0}};
const c2s_op c2s_op_ms_qembed_layer_normalization = {
    .type = "QEmbedLayerNormalization",
    .domain = "com.microsoft",
    .inputs = {1, 18}, /* segments and the mask may be left out */
    .outputs = {1, 2},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = quantized_embed_attrs,
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(quantized_embed),
};
