/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ms_attention_parts.h"

c2s_value *c2s_ms_counted(c2s_composite *c, c2s_value *shape, int axis) {
    c2s_value *ones = C2S_APPLY(c, "Expand", c2s_composite_scalar(c, C2S_INT64, 1), shape);
    c2s_node *sum = C2S_START(c, "CumSum", ones, c2s_composite_scalar(c, C2S_INT64, axis));
    if (sum)
        c2s_attr_set_int(sum, "exclusive", 1);
    return c2s_composite_finish(c, sum);
}

c2s_value *c2s_ms_sum(c2s_composite *c, c2s_value *a, c2s_value *b) {
    return a && b ? C2S_APPLY(c, "Add", a, b) : a ? a : b;
}

/* ---- masks ---- */

static c2s_value *key_count(c2s_composite *c, const c2s_ms_operands *o) {
    if (o->total)
        return o->total;
    c2s_value *now = c2s_composite_extent(c, o->k, c2s_composite_rank(o->k) == 4 ? 2 : 1);
    return o->past_k ? C2S_APPLY(c, "Add", now, c2s_composite_extent(c, o->past_k, 2)) : now;
}

/* A mask [batch, keys] of where the keys of a sequence end, and perhaps start. */
static c2s_value *mask_of_lengths(c2s_composite *c, const c2s_ms_operands *o, c2s_value *mask) {
    static const int64_t last = 1;
    const c2s_dim count = mask->type.dim[0], batch = o->q->type.dim[0];
    if (!c2s_dim_is_known(count) || !c2s_dim_is_known(batch) || batch == 0)
        return NULL;
    bool ends = count == batch, starts_too = count % 2 == 0 && count / 2 == batch;
    bool with_queries = count % 3 == 2 && count / 3 == batch; /* ends, then offsets of both */
    if (!ends && !starts_too && !with_queries) {
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "the mask has %lld elements for a batch of %lld",
                                       (long long)count, (long long)batch));
        return NULL;
    }
    mask = c2s_composite_cast(c, mask, C2S_INT64);
    c2s_value *shape[2] = {c2s_composite_extent(c, o->q, 0), key_count(c, o)};
    c2s_value *at = c2s_ms_counted(c, c2s_composite_concat(c, shape, 2, 0), 1);
    c2s_value *end = c2s_composite_slice(c, mask, 0, 0, batch);
    c2s_value *seen = C2S_APPLY(c, "Less", at, c2s_composite_unsqueeze(c, end, &last, 1));
    if (!starts_too)
        return seen;
    c2s_value *start = c2s_composite_slice(c, mask, 0, batch, count);
    start = c2s_composite_unsqueeze(c, start, &last, 1);
    return C2S_APPLY(c, "And", seen, C2S_APPLY(c, "GreaterOrEqual", at, start));
}

/* Of a mask [batch, 1, positions, positions] the rows of the queries and the columns of the keys.
 */
static c2s_value *mask_window(c2s_composite *c, const c2s_ms_operands *o, c2s_value *mask) {
    static const int64_t axes[2] = {2, 3}, zero = 0;
    c2s_value *keys = key_count(c, o);
    c2s_value *first = C2S_APPLY(c, "Sub", keys, c2s_composite_extent(c, o->q, 1));
    c2s_value *from[2] = {first, c2s_composite_ints(c, &zero, 1)}, *to[2] = {keys, keys};
    return C2S_APPLY(c, "Slice", mask, c2s_composite_concat(c, from, 2, 0),
                     c2s_composite_concat(c, to, 2, 0), c2s_composite_ints(c, axes, 2));
}

c2s_value *c2s_ms_mask_bias(c2s_composite *c, const c2s_ms_operands *o, c2s_value *mask,
                            c2s_dtype dtype) {
    static const int64_t middle[2] = {1, 2};
    const double hidden =
        (double)c2s_attr_float(c2s_composite_node(c), "mask_filter_value", -10000.0f);
    const int rank = c2s_composite_rank(mask);
    if (rank < 1 || rank > 4) {
        c2s_composite_fail(
            c, c2s_fail(C2S_ERR_INVALID, "the mask has rank %d, expected 1 to 4", rank));
        return NULL;
    }
    c2s_value *seen;
    if (rank == 1)
        seen = mask_of_lengths(c, o, mask);
    else
        seen = C2S_APPLY(c, "Greater", rank == 4 ? mask_window(c, o, mask) : mask,
                         c2s_composite_scalar(c, mask->type.dtype, 0));
    if (!seen)
        return NULL;
    c2s_value *bias = C2S_APPLY(c, "Where", seen, c2s_composite_scalar(c, dtype, 0),
                                c2s_composite_scalar(c, dtype, hidden));
    return rank == 4 ? bias : c2s_composite_unsqueeze(c, bias, middle, rank == 3 ? 1 : 2);
}

/* ---- caches ---- */

c2s_value *c2s_ms_write(c2s_composite *c, c2s_value *buffer, c2s_value *rows, c2s_value *past) {
    static const int64_t one = 1;
    c2s_value *at = c2s_composite_cast(c, past, C2S_INT64);
    at = c2s_composite_reshape(c, at, &one, 1);
    at = C2S_APPLY(c, "Expand", at, c2s_composite_extent(c, buffer, 0));
    c2s_node *node = C2S_START(c, "TensorScatter", buffer, rows, at);
    if (node)
        c2s_attr_set_int(node, "axis", -2);
    return c2s_composite_finish(c, node);
}

c2s_value *c2s_ms_split_heads(c2s_composite *c, c2s_value *x, int64_t heads) {
    const int64_t shape[4] = {0, 0, heads, -1}, order[4] = {0, 2, 1, 3};
    return c2s_composite_transpose(c, c2s_composite_reshape(c, x, shape, 4), order, 4);
}

/* ---- the attention itself ---- */

c2s_node *c2s_ms_attend(c2s_composite *c, const c2s_ms_operands *o, unsigned outputs) {
    const c2s_node *written = c2s_composite_node(c);
    const int64_t heads = c2s_attr_int(written, "num_heads", 0);
    const float scale = c2s_attr_float(written, "scale", 0.0f);
    c2s_node *node = c2s_composite_start(
        c, "Attention", C2S_OPERANDS(o->q, o->k, o->v, o->bias, o->past_k, o->past_v, o->valid),
        outputs);
    if (!node)
        return NULL;
    c2s_attr_set_int(node, "q_num_heads", heads);
    c2s_attr_set_int(node, "kv_num_heads", heads);
    c2s_attr_set_int(node, "is_causal", c2s_attr_int(written, "unidirectional", 0) != 0);
    c2s_attr_set_int(node, "qk_matmul_output_mode", 2);
    if (scale != 0.0f)
        c2s_attr_set_float(node, "scale", scale);
    return c2s_composite_finish(c, node) ? node : NULL;
}

c2s_value *c2s_ms_part(c2s_composite *c, c2s_value *x, const int64_t *end, int k) {
    return c2s_composite_slice(c, x, c2s_composite_rank(x) - 1, k ? end[k - 1] : 0, end[k]);
}
