/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: MultiHeadAttention and DecoderMaskedMultiHeadAttention, which differ in the order
 * of their inputs.
 */
#include <inttypes.h>

#include "ops/macs.h"
#include "ops/ms_attention_parts.h"
#include "ops/ties_rules.h"

/* The inputs of either. */
typedef struct slots {
    unsigned bias, mask, scores, past_key, past_value, past_length, beams, indirection;
} slots;

enum { QUERY, KEY, VALUE, NONE = 255 };

static const slots multi_head_slots = {3, 4, 5, 6, 7, 8, NONE, 9};
static const slots decoder_slots = {10, 3, 4, 5, 6, 7, 8, 9};

/* ---- packed operands ---- */

/* Part k of `count` on axis 3 of [batch, length, heads, count, width], as [batch, length, rest]. */
static c2s_value *unpacked(c2s_composite *c, c2s_value *x, int64_t count, int k) {
    static const int64_t flat[3] = {0, 0, -1};
    if (c2s_dim_is_known(x->type.dim[3]) && x->type.dim[3] != count) {
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "a packed operand has the extent %" PRId64
                                       " on axis 3, expected %" PRId64,
                                       x->type.dim[3], count));
        return NULL;
    }
    return c2s_composite_reshape(c, c2s_composite_slice(c, x, 3, k, k + 1), flat, 3);
}

/* Thirds of the last axis. */
static c2s_value *third(c2s_composite *c, c2s_value *x, int k) {
    const c2s_dim width = x->type.dim[2];
    const int64_t end[3] = {width / 3, width / 3 * 2, width};
    if (c2s_dim_is_known(width))
        return c2s_ms_part(c, x, end, k);
    c2s_composite_fail(c,
                       c2s_fail(C2S_ERR_UNSUPPORTED, "packed operands need a width that is known"));
    return NULL;
}

/* Queries, keys and values as they come; false if their ranks are not known yet. */
static bool take_operands(c2s_composite *c, c2s_ms_operands *o) {
    c2s_value *q = c2s_composite_in(c, QUERY), *k = c2s_composite_in(c, KEY);
    c2s_value *v = c2s_composite_in(c, VALUE);
    const int rank = c2s_composite_rank(q);
    if (rank < 0 || (k && !c2s_composite_known(k)) || (v && !c2s_composite_known(v)))
        return false;
    *o = (c2s_ms_operands){.q = q, .k = k, .v = v};
    if (!k && rank == 5)
        *o = (c2s_ms_operands){
            .q = unpacked(c, q, 3, 0), .k = unpacked(c, q, 3, 1), .v = unpacked(c, q, 3, 2)};
    else if (!k && rank == 3)
        *o = (c2s_ms_operands){.q = third(c, q, 0), .k = third(c, q, 1), .v = third(c, q, 2)};
    else if (k && !v && c2s_composite_rank(k) == 5)
        *o = (c2s_ms_operands){.q = q, .k = unpacked(c, k, 2, 0), .v = unpacked(c, k, 2, 1)};
    if (o->q && (c2s_composite_rank(o->q) != 3 || !o->k != !o->v || (k && !o->k)))
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "query, key and value have ranks %d, %d and %d", rank,
                                       c2s_composite_rank(k), c2s_composite_rank(v)));
    return o->q && o->k && o->v;
}

/* The three biases stand behind one another in one vector; keys and values that were computed
 * before (rank 4) have theirs already. False if the widths are not known yet. */
static bool add_biases(c2s_composite *c, c2s_ms_operands *o, c2s_value *bias) {
    c2s_value **to[3] = {&o->q, &o->k, &o->v};
    const int64_t heads = c2s_attr_int(c2s_composite_node(c), "num_heads", 0);
    int64_t end[3], sum = 0;
    for (int k = 0; bias && k < 3; k++) {
        const c2s_value *x = *to[k];
        c2s_dim width = x->type.rank == 3 ? x->type.dim[2] : x->type.dim[3];
        if (!c2s_dim_is_known(width))
            return false;
        if (x->type.rank == 4 && !c2s_mul_i64(width, heads, &width))
            width = INT64_MAX;
        end[k] = c2s_add_i64(sum, width, &sum) ? sum : INT64_MAX;
    }
    for (int k = 0; bias && k < 3; k++)
        if (c2s_composite_rank(*to[k]) == 3)
            *to[k] = C2S_APPLY(c, "Add", *to[k], c2s_ms_part(c, bias, end, k));
    return true;
}

/* ---- caches ---- */

/* Row k of a cache [sequences, heads, positions, width] comes from the sequence of the same search
 * that `indirection` [searches, beams, positions] names, for k before `past`. */
static c2s_value *follow(c2s_composite *c, c2s_value *cache, c2s_value *indirection,
                         c2s_value *past) {
    static const int64_t zero = 0, one = 1, ends[2] = {1, 3};
    const c2s_type *type = &indirection->type;
    if (type->rank != 3 || !c2s_dim_is_known(type->dim[1]) || !c2s_dim_is_known(type->dim[2]))
        return cache; /* its type does not depend on it */
    const int64_t flat[2] = {-1, type->dim[2]};
    c2s_value *beam =
        c2s_composite_reshape(c, c2s_composite_cast(c, indirection, C2S_INT64), flat, 2);
    c2s_value *rows = c2s_composite_extent(c, cache, 2);
    beam = C2S_APPLY(c, "Slice", beam, c2s_composite_ints(c, &zero, 1), rows,
                     c2s_composite_ints(c, &one, 1));
    c2s_value *extents[2] = {c2s_composite_extent(c, cache, 0), rows};
    c2s_value *shape = c2s_composite_concat(c, extents, 2, 0);
    c2s_value *own = c2s_ms_counted(c, shape, 0);
    c2s_value *beams = c2s_composite_scalar(c, C2S_INT64, (double)type->dim[1]);
    c2s_value *first = C2S_APPLY(c, "Mul", C2S_APPLY(c, "Div", own, beams), beams);
    c2s_value *before =
        C2S_APPLY(c, "Less", c2s_ms_counted(c, shape, 1), c2s_composite_cast(c, past, C2S_INT64));
    c2s_value *from = C2S_APPLY(c, "Where", before, C2S_APPLY(c, "Add", first, beam), own);
    from = c2s_composite_unsqueeze(c, from, ends, 2);
    return C2S_APPLY(c, "GatherElements", cache,
                     C2S_APPLY(c, "Expand", from, C2S_APPLY(c, "Shape", cache)));
}

/* Keys and values go into the buffers of the past, which become outputs 1 and 2. */
static void use_buffers(c2s_composite *c, c2s_ms_operands *o, const slots *s) {
    const int64_t heads = c2s_attr_int(c2s_composite_node(c), "num_heads", 0);
    c2s_value *past = c2s_composite_in(c, s->past_length);
    c2s_value *now = c2s_composite_extent(c, o->k, 1), *indirection;
    static const int64_t one = 1;
    o->total = C2S_APPLY(
        c, "Add", c2s_composite_reshape(c, c2s_composite_cast(c, past, C2S_INT64), &one, 1), now);
    o->k = c2s_ms_write(c, o->past_k, c2s_ms_split_heads(c, o->k, heads), past);
    o->v = c2s_ms_write(c, o->past_v, c2s_ms_split_heads(c, o->v, heads), past);
    o->past_k = o->past_v = NULL;
    c2s_composite_out(c, 1, o->k);
    c2s_composite_out(c, 2, o->v);
    indirection = c2s_composite_in(c, s->indirection);
    if (indirection && o->k && o->v) {
        o->k = follow(c, o->k, indirection, past);
        o->v = follow(c, o->v, indirection, past);
    }
    o->valid = C2S_APPLY(c, "Expand", o->total, c2s_composite_extent(c, o->q, 0));
}

/* ---- the operators ---- */

/* Scores of the keys that count: [batch, heads, queries, keys]. */
static c2s_value *counted_scores(c2s_composite *c, const c2s_ms_operands *o, c2s_value *scores) {
    static const int64_t zero = 0, last = 3;
    return o->total ? C2S_APPLY(c, "Slice", scores, c2s_composite_ints(c, &zero, 1), o->total,
                                c2s_composite_ints(c, &last, 1))
                    : scores;
}

static void multi_head_of(c2s_composite *c, const slots *s) {
    c2s_ms_operands o;
    c2s_value *mask = c2s_composite_in(c, s->mask);
    if ((mask && !c2s_composite_known(mask)) || !take_operands(c, &o))
        return;
    if (!add_biases(c, &o, c2s_composite_in(c, s->bias)))
        return;
    const bool before = c2s_composite_rank(o.k) == 4; /* no new keys */
    if (!o.k || !o.v || !o.q)
        return;
    if (!before) {
        o.past_k = c2s_composite_in(c, s->past_key);
        o.past_v = c2s_composite_in(c, s->past_value);
    }
    const bool shared = c2s_composite_in(c, s->past_length) && o.past_k && o.past_v;
    if (shared)
        use_buffers(c, &o, s);
    if (mask && o.q && o.k)
        mask = c2s_ms_mask_bias(c, &o, mask, o.q->type.dtype);
    o.bias = c2s_ms_sum(c, mask, c2s_composite_in(c, s->scores));
    const bool scores = c2s_composite_wants(c, 3);
    c2s_node *node = c2s_ms_attend(c, &o, scores ? 4 : 3);
    for (unsigned k = 0; node && k < (shared ? 1 : 3); k++)
        c2s_composite_out(c, k, node->outputs[k]);
    if (node && scores)
        c2s_composite_out(c, 3, counted_scores(c, &o, node->outputs[3]));
}

static void multi_head(c2s_composite *c) {
    multi_head_of(c, &multi_head_slots);
}

static void decoder_multi_head(c2s_composite *c) {
    multi_head_of(c, &decoder_slots);
}

/* Every element of the queries meets every key, every element of the output every value. */
static int64_t macs(const c2s_node *node, unsigned past_slot) {
    const c2s_value *k = c2s_node_in(node, KEY), *past = c2s_node_in(node, past_slot);
    const c2s_value *q = c2s_node_in(node, QUERY);
    const c2s_value *of = k ? k : q; /* packed operands */
    if (!of || of->type.rank < 3)
        return 0;
    const int axis = of->type.rank == 4 ? 2 : 1;
    int64_t keys = c2s_macs_extents(&of->type, axis, axis + 1), sum;
    if (past && axis == 1 && !c2s_add_i64(keys, c2s_macs_extents(&past->type, 2, 3), &keys))
        keys = INT64_MAX;
    const int64_t elements =
        k ? c2s_macs_input(node, QUERY, 0, -1) : c2s_macs_output(node, 0, 0, -1);
    if (!c2s_add_i64(elements, c2s_macs_output(node, 0, 0, -1), &sum))
        sum = INT64_MAX;
    return c2s_macs_mul(sum, keys);
}

static int64_t multi_head_macs(const c2s_node *node) {
    return macs(node, multi_head_slots.past_key);
}

static int64_t decoder_multi_head_macs(const c2s_node *node) {
    return macs(node, decoder_slots.past_key);
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
    .outputs = {1, 4},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2), 1u),
    .attrs = multi_head_attrs,
    .ties = c2s_ties_multi_head,
    .refit = c2s_refit_multi_head,
    C2S_DEFINED_BY(multi_head),
    .macs = multi_head_macs,
};

static const c2s_attr_spec decoder_attrs[] = {{"mask_filter_value", C2S_ATTR_FLOAT, false},
                                              {"num_heads", C2S_ATTR_INT, true},
                                              {"output_qk", C2S_ATTR_INT, false},
                                              {"past_present_share_buffer", C2S_ATTR_INT, false},
                                              {"scale", C2S_ATTR_FLOAT, false},
                                              {0}};
const c2s_op c2s_op_ms_decoder_masked_multi_head_attention = {
    .type = "DecoderMaskedMultiHeadAttention",
    .domain = "com.microsoft",
    .inputs = {1, 11},
    .outputs = {1, 4},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2), 1u),
    .attrs = decoder_attrs,
    .ties = c2s_ties_decoder_multi_head,
    .refit = c2s_refit_multi_head,
    C2S_DEFINED_BY(decoder_multi_head),
    .macs = decoder_multi_head_macs,
};
