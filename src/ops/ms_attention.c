/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: RotaryEmbedding, MultiHeadAttention and Attention, by the operators of ai.onnx.
 */
#include <inttypes.h>
#include <math.h>

#include "ops/composite.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"

static c2s_value *unsqueezed(c2s_composite *c, c2s_value *x, const int64_t *axes, size_t count) {
    return C2S_APPLY(c, "Unsqueeze", x, c2s_composite_ints(c, axes, count));
}

/* ---- RotaryEmbedding ---- */

enum { X, POSITIONS, COS, SIN };

/* Extents axis and 0 of x as a vector: [batch, length]. */
static c2s_value *extents(c2s_composite *c, c2s_value *x, int axis) {
    const int64_t which[2] = {0, axis};
    return C2S_APPLY(c, "Gather", C2S_APPLY(c, "Shape", x), c2s_composite_ints(c, which, 2));
}

/* Rows 0, 1, 2, ... of the shape [batch, length]. */
static c2s_value *counted(c2s_composite *c, c2s_value *shape) {
    c2s_value *ones = C2S_APPLY(c, "Expand", c2s_composite_scalar(c, C2S_INT64, 1), shape);
    c2s_node *sum = C2S_START(c, "CumSum", ones, c2s_composite_scalar(c, C2S_INT64, 1));
    if (sum)
        c2s_attr_set_int(sum, "exclusive", 1);
    return c2s_composite_finish(c, sum);
}

/* One position is that of the first element of every sequence: positions [batch, length]. */
static c2s_value *positions_from(c2s_composite *c, c2s_value *x, c2s_value *first) {
    c2s_value *shape = extents(c, x, c2s_composite_rank(x) == 4 ? 2 : 1);
    return C2S_APPLY(c, "Add", counted(c, shape), first);
}

static void rotary(c2s_composite *c) {
    const c2s_node *written = c2s_composite_node(c);
    c2s_value *x = c2s_composite_in(c, X), *positions = c2s_composite_in(c, POSITIONS);
    c2s_value *cosine = c2s_composite_in(c, COS);
    int64_t heads = c2s_attr_int(written, "num_heads", 0);
    if (c2s_attr_int(written, "is_packed_batching", 0) != 0)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_UNSUPPORTED, "packed batches are not supported"));
    if (!c2s_composite_known(x) || !c2s_composite_known(positions) || !c2s_composite_known(cosine))
        return;
    if (cosine->type.rank != 2 || (x->type.rank != 3 && x->type.rank != 4))
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "the input has rank %d and the cache rank %d, expected 3 or "
                                       "4 and 2",
                                       x->type.rank, cosine->type.rank));
    else if (x->type.rank == 3 && heads == 0 && c2s_dim_is_known(x->type.dim[2]) &&
             c2s_dim_is_known(cosine->type.dim[1]) && cosine->type.dim[1] > 0)
        heads = x->type.dim[2] / cosine->type.dim[1] / 2;
    if (positions->type.rank < 2)
        positions = positions_from(c, x, positions);
    c2s_node *node =
        C2S_START(c, "RotaryEmbedding", x, cosine, c2s_composite_in(c, SIN), positions);
    c2s_composite_attributes(c, node);
    if (node)
        c2s_attr_set_int(node, "num_heads", heads);
    c2s_value *y = c2s_composite_finish(c, node);
    const double scale = (double)c2s_attr_float(written, "scale", 1.0f);
    if (y && scale != 1.0)
        y = C2S_APPLY(c, "Mul", y, c2s_composite_scalar(c, y->type.dtype, scale));
    c2s_composite_out(c, 0, y);
}
C2S_COMPOSITE(rotary)

static const c2s_attr_spec rotary_attrs[] = {
    {"interleaved", C2S_ATTR_INT, false}, {"is_packed_batching", C2S_ATTR_INT, false},
    {"num_heads", C2S_ATTR_INT, false},   {"rotary_embedding_dim", C2S_ATTR_INT, false},
    {"scale", C2S_ATTR_FLOAT, false},     {0}};
const c2s_op c2s_op_ms_rotary_embedding = {
    .type = "RotaryEmbedding",
    .domain = "com.microsoft",
    .inputs = {4, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(FLOAT),
    .attrs = rotary_attrs,
    .ties = c2s_ties_ms_rotary,
    .refit = c2s_refit_rotary,
    .infer = rotary_infer,
    .eval = rotary_eval,
};

/* ---- what both attentions share ---- */

typedef struct operands {
    c2s_value *q, *k, *v, *mask, *past_k, *past_v;
} operands;

/* Numbers of keys that are no padding, one per sequence, as a mask [batch, keys]. */
static c2s_value *mask_of_lengths(c2s_composite *c, const operands *o, c2s_value *lengths) {
    static const int64_t last = 1;
    const c2s_dim given = lengths->type.dim[0], batch = o->k ? o->k->type.dim[0] : given;
    if (o->past_k || (c2s_dim_is_known(given) && c2s_dim_is_known(batch) && given != batch)) {
        c2s_composite_fail(c, c2s_fail(C2S_ERR_UNSUPPORTED,
                                       "a mask of one axis must give one length per sequence, "
                                       "and there must be no past"));
        return NULL;
    }
    lengths = unsqueezed(c, c2s_composite_cast(c, lengths, C2S_INT64), &last, 1);
    return C2S_APPLY(c, "Less", counted(c, extents(c, o->k, 1)), lengths);
}

/* A mask of integers, 0 where a key is hidden, or of lengths, as what is added to the scores:
 * [batch, 1, 1 or queries, keys]. */
static c2s_value *mask_bias(c2s_composite *c, const operands *o, c2s_value *mask, c2s_dtype dtype) {
    static const int64_t middle[2] = {1, 2};
    const double hidden =
        (double)c2s_attr_float(c2s_composite_node(c), "mask_filter_value", -10000.0f);
    const int rank = c2s_composite_rank(mask);
    if (rank < 1 || rank > 3) {
        c2s_composite_fail(
            c, c2s_fail(C2S_ERR_UNSUPPORTED, "the mask has rank %d, expected 1 to 3", rank));
        return NULL;
    }
    c2s_value *seen =
        rank == 1 ? mask_of_lengths(c, o, mask)
                  : C2S_APPLY(c, "Greater", mask, c2s_composite_scalar(c, mask->type.dtype, 0));
    c2s_value *bias = C2S_APPLY(c, "Where", seen, c2s_composite_scalar(c, dtype, 0),
                                c2s_composite_scalar(c, dtype, hidden));
    return unsqueezed(c, bias, middle, rank == 3 ? 1 : 2);
}

/* Both may be NULL. */
static c2s_value *both(c2s_composite *c, c2s_value *a, c2s_value *b) {
    return a && b ? C2S_APPLY(c, "Add", a, b) : a ? a : b;
}

/* The node Attention of ai.onnx, computed; its outputs are at the caller's disposal. */
static c2s_node *attend(c2s_composite *c, const operands *o, unsigned outputs) {
    const c2s_node *written = c2s_composite_node(c);
    const int64_t heads = c2s_attr_int(written, "num_heads", 0);
    const float scale = c2s_attr_float(written, "scale", 0.0f);
    c2s_node *node = c2s_composite_start(
        c, "Attention", C2S_OPERANDS(o->q, o->k, o->v, o->mask, o->past_k, o->past_v), outputs);
    if (!node)
        return NULL;
    c2s_attr_set_int(node, "q_num_heads", heads);
    c2s_attr_set_int(node, "kv_num_heads", heads);
    c2s_attr_set_int(node, "is_causal", c2s_attr_int(written, "unidirectional", 0) != 0);
    if (scale != 0.0f)
        c2s_attr_set_float(node, "scale", scale);
    return c2s_composite_finish(c, node) ? node : NULL;
}

/* Part k of three along the last axis, whose extents are known. */
static c2s_value *part(c2s_composite *c, c2s_value *x, const int64_t *end, int k) {
    return c2s_composite_slice(c, x, c2s_composite_rank(x) - 1, k ? end[k - 1] : 0, end[k]);
}

/* ---- MultiHeadAttention ---- */

enum { QUERY, KEY, VALUE, BIAS, MASK, SCORE_BIAS, PAST_KEY, PAST_VALUE, PAST_LENGTH, INDIRECTION };

/* The three biases stand behind one another in one vector. */
static void add_biases(c2s_composite *c, operands *o) {
    c2s_value *bias = c2s_composite_in(c, BIAS), **to[3] = {&o->q, &o->k, &o->v};
    int64_t end[3], sum = 0;
    for (int k = 0; bias && k < 3; k++) {
        const c2s_value *x = *to[k];
        const c2s_dim width = c2s_composite_rank(x) == 3 ? x->type.dim[2] : -1;
        if (!c2s_dim_is_known(width)) {
            c2s_composite_fail(c, c2s_fail(C2S_ERR_UNSUPPORTED,
                                           "a bias needs operands [batch, length, known width]"));
            return;
        }
        end[k] = c2s_add_i64(sum, width, &sum) ? sum : INT64_MAX;
    }
    for (int k = 0; bias && k < 3; k++)
        *to[k] = C2S_APPLY(c, "Add", *to[k], part(c, bias, end, k));
}

static void multi_head(c2s_composite *c) {
    operands o = {.q = c2s_composite_in(c, QUERY),
                  .k = c2s_composite_in(c, KEY),
                  .v = c2s_composite_in(c, VALUE),
                  .past_k = c2s_composite_in(c, PAST_KEY),
                  .past_v = c2s_composite_in(c, PAST_VALUE)};
    c2s_value *mask = c2s_composite_in(c, MASK);
    if (!o.k || !o.v)
        c2s_composite_fail(
            c, c2s_fail(C2S_ERR_UNSUPPORTED, "packed queries, keys and values are not supported"));
    if (c2s_composite_in(c, PAST_LENGTH) || c2s_composite_in(c, INDIRECTION))
        c2s_composite_fail(
            c, c2s_fail(C2S_ERR_UNSUPPORTED, "a cache that shares its buffer is not supported"));
    if (!c2s_composite_known(o.q) || !c2s_composite_known(o.k) || !c2s_composite_known(o.v) ||
        (mask && !c2s_composite_known(mask)))
        return;
    if (o.q->type.rank != 3) {
        c2s_composite_fail(
            c, c2s_fail(C2S_ERR_UNSUPPORTED, "the query has rank %d, expected 3", o.q->type.rank));
        return;
    }
    add_biases(c, &o);
    if (mask)
        mask = mask_bias(c, &o, mask, o.q ? o.q->type.dtype : C2S_FLOAT);
    o.mask = both(c, mask, c2s_composite_in(c, SCORE_BIAS));
    c2s_node *node = attend(c, &o, 3);
    for (unsigned k = 0; node && k < 3; k++)
        c2s_composite_out(c, k, node->outputs[k]);
}
C2S_COMPOSITE(multi_head)

/* Every element of the queries meets every key, every element of the output every value. */
static int64_t multi_head_macs(const c2s_node *node) {
    const c2s_value *k = c2s_node_in(node, KEY), *past = c2s_node_in(node, PAST_KEY);
    if (!k || k->type.rank != 3)
        return 0;
    int64_t keys = c2s_macs_extents(&k->type, 1, 2), sum;
    if (past && !c2s_add_i64(keys, c2s_macs_extents(&past->type, 2, 3), &keys))
        keys = INT64_MAX;
    const int64_t elements = c2s_macs_input(node, QUERY, 0, -1);
    if (!c2s_add_i64(elements, c2s_macs_output(node, 0, 0, -1), &sum))
        sum = INT64_MAX;
    return c2s_macs_mul(sum, keys);
}

static const c2s_attr_spec multi_head_attrs[] = {{"mask_filter_value", C2S_ATTR_FLOAT, false},
                                                 {"num_heads", C2S_ATTR_INT, true},
                                                 {"scale", C2S_ATTR_FLOAT, false},
                                                 {"unidirectional", C2S_ATTR_INT, false},
                                                 {0}};
const c2s_op c2s_op_ms_multi_head_attention = {
    .type = "MultiHeadAttention",
    .domain = "com.microsoft",
    .inputs = {1, 10},
    .outputs = {1, 3},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2), 1u),
    .attrs = multi_head_attrs,
    .ties = c2s_ties_multi_head,
    .refit = c2s_refit_multi_head,
    .infer = multi_head_infer,
    .eval = multi_head_eval,
    .macs = multi_head_macs,
};

/* ---- Attention: projects one input to queries, keys and values first ---- */

enum { INPUT, WEIGHTS, PROJECTED_BIAS, MASK_INDEX, PAST, ADDED, SHARED_LENGTH };

/* Where queries, keys and values end in the weights' columns. */
static bool read_widths(c2s_composite *c, const c2s_value *weights, int64_t end[3]) {
    size_t count;
    const int64_t *sizes = c2s_attr_ints(c2s_composite_node(c), "qkv_hidden_sizes", &count);
    const c2s_dim all = weights->type.rank == 2 ? weights->type.dim[1] : -1;
    if (!c2s_dim_is_known(all))
        return false;
    for (int k = 0; k < 3; k++)
        end[k] = all / 3 * (k + 1);
    bool fits = all % 3 == 0;
    if (count == 3) {
        fits = sizes[0] > 0 && sizes[1] > 0 && sizes[2] > 0 && sizes[0] < all &&
               sizes[1] < all - sizes[0] && sizes[2] == all - sizes[0] - sizes[1];
        end[0] = sizes[0];
        end[1] = fits ? sizes[0] + sizes[1] : all;
        end[2] = all;
    }
    if (!fits)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "the %" PRId64 " columns of the weights are not those of "
                                       "queries, keys and values",
                                       all));
    return fits;
}

/* Keys (0) or values (1) of the past [2, batch, heads, length, width]. */
static c2s_value *past_part(c2s_composite *c, c2s_value *past, int which) {
    return C2S_APPLY(c, "Gather", past, c2s_composite_scalar(c, C2S_INT64, which));
}

static c2s_value *joined(c2s_composite *c, c2s_value *keys, c2s_value *values) {
    static const int64_t front = 0;
    c2s_node *node =
        C2S_START(c, "Concat", unsqueezed(c, keys, &front, 1), unsqueezed(c, values, &front, 1));
    if (node)
        c2s_attr_set_int(node, "axis", 0);
    return c2s_composite_finish(c, node);
}

static void projected(c2s_composite *c) {
    const c2s_node *written = c2s_composite_node(c);
    c2s_value *mask = c2s_composite_in(c, MASK_INDEX), *past = c2s_composite_in(c, PAST);
    c2s_value *weights = c2s_composite_in(c, WEIGHTS);
    int64_t end[3];
    if (c2s_attr_int(written, "do_rotary", 0) != 0 || c2s_composite_in(c, SHARED_LENGTH) ||
        c2s_attr_int(written, "past_present_share_buffer", 0) != 0)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_UNSUPPORTED,
                                       "rotation inside and shared caches are not supported"));
    if (!c2s_composite_known(c2s_composite_in(c, INPUT)) || (mask && !c2s_composite_known(mask)) ||
        !read_widths(c, weights, end))
        return;
    c2s_value *all = C2S_APPLY(c, "MatMul", c2s_composite_in(c, INPUT), weights);
    if (c2s_composite_in(c, PROJECTED_BIAS))
        all = C2S_APPLY(c, "Add", all, c2s_composite_in(c, PROJECTED_BIAS));
    if (!all)
        return;
    operands o = {
        part(c, all, end, 0), part(c, all, end, 1), part(c, all, end, 2), NULL, NULL, NULL};
    if (past) {
        o.past_k = past_part(c, past, 0);
        o.past_v = past_part(c, past, 1);
    }
    if (mask)
        mask = mask_bias(c, &o, mask, all->type.dtype);
    o.mask = both(c, mask, c2s_composite_in(c, ADDED));
    c2s_node *node = attend(c, &o, 3);
    if (!node)
        return;
    c2s_composite_out(c, 0, node->outputs[0]);
    if (c2s_composite_wants(c, 1))
        c2s_composite_out(c, 1, joined(c, node->outputs[1], node->outputs[2]));
}
C2S_COMPOSITE(projected)

/* Projection and both products of attention. */
static int64_t projected_macs(const c2s_node *node) {
    const c2s_value *x = c2s_node_in(node, INPUT), *past = c2s_node_in(node, PAST);
    if (!x || x->type.rank != 3)
        return 0;
    const int64_t rows = c2s_macs_extents(&x->type, 0, 2), keys = c2s_macs_extents(&x->type, 1, 2);
    int64_t all = keys, wide;
    if (past && !c2s_add_i64(keys, c2s_macs_extents(&past->type, 3, 4), &all))
        all = INT64_MAX;
    /* queries * keys * (key width + value width), where both are as wide as the output */
    wide = c2s_macs_mul(c2s_macs_mul(2, all), c2s_macs_output(node, 0, 0, -1));
    int64_t projection = c2s_macs_mul(rows, c2s_macs_input(node, WEIGHTS, 0, -1)), sum;
    return c2s_add_i64(projection, wide, &sum) ? sum : INT64_MAX;
}

static const c2s_attr_spec projected_attrs[] = {
    {"do_rotary", C2S_ATTR_INT, false},
    {"mask_filter_value", C2S_ATTR_FLOAT, false},
    {"num_heads", C2S_ATTR_INT, true},
    {"past_present_share_buffer", C2S_ATTR_INT, false},
    {"qkv_hidden_sizes", C2S_ATTR_INTS, false},
    {"rotary_embedding_dim", C2S_ATTR_INT, false},
    {"scale", C2S_ATTR_FLOAT, false},
    {"unidirectional", C2S_ATTR_INT, false},
    {0},
};
const c2s_op c2s_op_ms_attention = {
    .type = "Attention",
    .domain = "com.microsoft",
    .inputs = {2, 7},
    .outputs = {1, 2},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), -1, 0, 0),
    .attrs = projected_attrs,
    .ties = c2s_ties_projected_attention,
    .refit = c2s_refit_projected_attention,
    .infer = projected_infer,
    .eval = projected_eval,
    .macs = projected_macs,
};
