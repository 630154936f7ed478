/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: Attention, which first projects one input to queries, keys and values, and
 * QAttention, whose projection is a product of 8-bit matrices.
 */
#include <inttypes.h>

#include "ops/macs.h"
#include "ops/ms_attention_parts.h"
#include "ops/ties_rules.h"

/* Where queries, keys and values end in the weights' columns. */
static bool read_widths(c2s_composite *c, const c2s_value *weights, int64_t end[3]) {
    size_t count;
    const int64_t *sizes = c2s_attr_ints(c2s_composite_node(c), "qkv_hidden_sizes", &count);
    if (weights->type.rank != 2 || !c2s_dim_is_known(weights->type.dim[1]))
        return false;
    const c2s_dim all = weights->type.dim[1];
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
    c2s_value *parts[2] = {c2s_composite_unsqueeze(c, keys, &front, 1),
                           c2s_composite_unsqueeze(c, values, &front, 1)};
    return c2s_composite_concat(c, parts, 2, 0);
}

/* Keys and values go into the buffer of the past, of which `length` positions count. */
static void use_buffer(c2s_composite *c, c2s_ms_operands *o, c2s_value *past, c2s_value *length) {
    static const int64_t one = 1;
    const int64_t heads = c2s_attr_int(c2s_composite_node(c), "num_heads", 0);
    length = c2s_composite_reshape(c, c2s_composite_cast(c, length, C2S_INT64), &one, 1);
    o->total = C2S_APPLY(c, "Add", length, c2s_composite_extent(c, o->k, 1));
    c2s_value *rows =
        joined(c, c2s_ms_split_heads(c, o->k, heads), c2s_ms_split_heads(c, o->v, heads));
    past = c2s_ms_write(c, past, rows, length);
    c2s_composite_out(c, 1, past);
    o->k = past_part(c, past, 0);
    o->v = past_part(c, past, 1);
    o->valid = C2S_APPLY(c, "Expand", o->total, c2s_composite_extent(c, o->q, 0));
}

/* The attention behind the projection `all`; the other operands may be NULL. */
static void attend_projected(c2s_composite *c, c2s_value *all, const int64_t end[3],
                             c2s_value *mask, c2s_value *past, c2s_value *added,
                             c2s_value *length) {
    if (!all)
        return;
    c2s_ms_operands o = {.q = c2s_ms_part(c, all, end, 0),
                         .k = c2s_ms_part(c, all, end, 1),
                         .v = c2s_ms_part(c, all, end, 2)};
    const bool shared = past && length;
    if (shared) {
        use_buffer(c, &o, past, length);
    } else if (past) {
        o.past_k = past_part(c, past, 0);
        o.past_v = past_part(c, past, 1);
    }
    if (mask && o.k)
        mask = c2s_ms_mask_bias(c, &o, mask, all->type.dtype);
    o.bias = c2s_ms_sum(c, mask, added);
    c2s_node *node = c2s_ms_attend(c, &o, 3);
    if (!node)
        return;
    c2s_composite_out(c, 0, node->outputs[0]);
    if (c2s_composite_wants(c, 1) && !shared)
        c2s_composite_out(c, 1, joined(c, node->outputs[1], node->outputs[2]));
}

/* Projection and both products of attention. */
static int64_t macs(const c2s_node *node, unsigned past_slot) {
    const c2s_value *x = c2s_node_in(node, 0), *past = c2s_node_in(node, past_slot);
    if (!x || x->type.rank != 3)
        return 0;
    const int64_t rows = c2s_macs_extents(&x->type, 0, 2), keys = c2s_macs_extents(&x->type, 1, 2);
    const int64_t columns = c2s_macs_input(node, 1, 1, -1), values = c2s_macs_output(node, 0, 2, 3);
    const int64_t key_width = columns > values ? (columns - values) / 2 : values;
    int64_t all = keys, width, sum;
    if (past && !c2s_add_i64(keys, c2s_macs_extents(&past->type, 3, 4), &all))
        all = INT64_MAX;
    if (!c2s_add_i64(key_width, values, &width))
        width = INT64_MAX;
    const int64_t wide = c2s_macs_mul(c2s_macs_mul(rows, all), width);
    const int64_t projection =
        c2s_macs_mul(c2s_macs_mul(rows, columns), c2s_macs_input(node, 1, 0, 1));
    return c2s_add_i64(projection, wide, &sum) ? sum : INT64_MAX;
}

static bool can_start(c2s_composite *c, c2s_value *x, c2s_value *mask) {
    if (c2s_attr_int(c2s_composite_node(c), "do_rotary", 0) != 0)
        c2s_composite_fail(
            c, c2s_fail(C2S_ERR_UNSUPPORTED, "do_rotary without caches of angles is not defined"));
    return c2s_composite_known(x) && (!mask || c2s_composite_known(mask));
}

/* ---- Attention ---- */

enum { INPUT, WEIGHTS, BIAS, MASK, PAST, ADDED, LENGTH };

static void projected(c2s_composite *c) {
    c2s_value *x = c2s_composite_in(c, INPUT), *weights = c2s_composite_in(c, WEIGHTS);
    c2s_value *mask = c2s_composite_in(c, MASK), *bias = c2s_composite_in(c, BIAS);
    int64_t end[3];
    if (!can_start(c, x, mask) || !read_widths(c, weights, end))
        return;
    c2s_value *all = c2s_ms_sum(c, C2S_APPLY(c, "MatMul", x, weights), bias);
    attend_projected(c, all, end, mask, c2s_composite_in(c, PAST), c2s_composite_in(c, ADDED),
                     c2s_composite_in(c, LENGTH));
}

static int64_t projected_macs(const c2s_node *node) {
    return macs(node, PAST);
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
    C2S_DEFINED_BY(projected),
    .macs = projected_macs,
};

/* ---- QAttention ---- */

enum { Q_BIAS = 2, X_SCALE, W_SCALE, Q_MASK, X_ZERO, W_ZERO, Q_PAST };

static void quantized(c2s_composite *c) {
    c2s_value *x = c2s_composite_in(c, INPUT), *weights = c2s_composite_in(c, WEIGHTS);
    c2s_value *mask = c2s_composite_in(c, Q_MASK), *scale = c2s_composite_in(c, X_SCALE);
    int64_t end[3];
    if (!can_start(c, x, mask) || !read_widths(c, weights, end))
        return;
    c2s_value *sums = C2S_APPLY(c, "MatMulInteger", x, weights, c2s_composite_in(c, X_ZERO),
                                c2s_composite_in(c, W_ZERO));
    c2s_value *all = C2S_APPLY(c, "Mul", c2s_composite_cast(c, sums, scale->type.dtype),
                               C2S_APPLY(c, "Mul", scale, c2s_composite_in(c, W_SCALE)));
    attend_projected(c, C2S_APPLY(c, "Add", all, c2s_composite_in(c, Q_BIAS)), end, mask,
                     c2s_composite_in(c, Q_PAST), NULL, NULL);
}

static int64_t quantized_macs(const c2s_node *node) {
    return macs(node, Q_PAST);
}

static const c2s_attr_spec quantized_attrs[] = {
    {"do_rotary", C2S_ATTR_INT, false},
    {"mask_filter_value", C2S_ATTR_FLOAT, false},
    {"num_heads", C2S_ATTR_INT, true},
    {"past_present_share_buffer", C2S_ATTR_INT, false},
    {"scale", C2S_ATTR_FLOAT, false},
    {"unidirectional", C2S_ATTR_INT, false},
    {0},
};
const c2s_op c2s_op_ms_qattention = {
    .type = "QAttention",
    .domain = "com.microsoft",
    .inputs = {5, 9},
    .outputs = {1, 2},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = quantized_attrs,
    .ties = c2s_ties_qattention,
    .refit = c2s_refit_multi_head,
    C2S_DEFINED_BY(quantized),
    .macs = quantized_macs,
};
