/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of attention of com.microsoft (ties_heads.h).
 */
#include "ops/op.h"
#include "ops/ties_heads.h"
#include "ops/ties_rules.h"

enum { BATCH = C2S_HEADS_BATCH, HEADS = C2S_HEADS_KEYS };

static void pin_channels(c2s_ties *t) {
    c2s_ties_pin(t, C2S_HEADS_CHANNELS);
    c2s_ties_pin(t, C2S_HEADS_VALUES);
}

static bool has_scale(const c2s_node *node) {
    return c2s_attr_float(node, "scale", 0.0f) != 0.0f;
}

/* ---- MultiHeadAttention, DecoderMaskedMultiHeadAttention ---- */

enum { Q, K, V };

typedef struct slots {
    unsigned bias, mask, added, past_key, past_value, indirection;
} slots;

/* Operands in one: [batch, length, heads, 2 or 3, width], or queries, keys and values behind one
 * another in thirds of an axis; then all three are of one width. */
static void tie_packed_operand(c2s_ties *t, const c2s_head_sizes *s, unsigned slot) {
    pin_channels(t);
    c2s_ties_in(t, BATCH, slot, 0, 1);
    if (c2s_ties_rank(t, false, slot) == 5)
        c2s_ties_in(t, HEADS, slot, 2, 1);
    else
        c2s_heads_tie_packed(t, s, slot, 2);
}

static void tie_multi_head(c2s_ties *t, const slots *slot) {
    int64_t heads = c2s_attr_int(t->node, "num_heads", 0), all = c2s_ties_extent(t, true, 0, 2);
    bool has_k = c2s_node_in(t->node, K), has_v = c2s_node_in(t->node, V);
    c2s_head_sizes s = c2s_head_sizes_of(t, heads, heads);
    if (!has_k || !has_v) {
        int64_t width = heads > 0 && all % heads == 0 ? all / heads : 0;
        s = (c2s_head_sizes){.heads = heads, .group = 1, .channels = width, .values = width};
    }
    c2s_heads_spaces(t, &s, Q);
    if (has_k)
        c2s_heads_tie(t, &s, false, Q, true, C2S_HEADS_CHANNELS);
    if (!has_k || !has_v)
        tie_packed_operand(t, &s, has_k ? K : Q);
    else
        c2s_heads_tie(t, &s, false, K, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, V, false, C2S_HEADS_VALUES);
    c2s_heads_tie_packed(t, &s, slot->bias, 0);
    c2s_ties_in(t, BATCH, slot->mask, 0, 1);
    c2s_heads_tie_scores(t, &s, false, slot->added);
    c2s_heads_tie(t, &s, false, slot->past_key, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, slot->past_value, false, C2S_HEADS_VALUES);
    c2s_heads_tie(t, &s, true, 0, true, C2S_HEADS_VALUES);
    c2s_heads_tie(t, &s, true, 1, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, true, 2, false, C2S_HEADS_VALUES);
    c2s_heads_tie_scores(t, &s, true, 3);
    if (c2s_node_in(t->node, slot->indirection))
        c2s_ties_pin(t, BATCH); /* sequences read those of one search */
}

void c2s_ties_multi_head(c2s_ties *t) {
    tie_multi_head(
        t, &(slots){
               .bias = 3, .mask = 4, .added = 5, .past_key = 6, .past_value = 7, .indirection = 9});
}

void c2s_ties_decoder_multi_head(c2s_ties *t) {
    tie_multi_head(
        t,
        &(slots){
            .bias = 10, .mask = 3, .added = 4, .past_key = 5, .past_value = 6, .indirection = 9});
}

c2s_status c2s_refit_multi_head(const c2s_refit *r) {
    c2s_refit_attr(r, "num_heads", HEADS, 1);
    c2s_heads_keep_scale(r, has_scale(r->node));
    return C2S_OK;
}

/* ---- GroupQueryAttention ---- */

/* Keys and values are of one width, which is rotated and cached: heads go as a whole. */
void c2s_ties_group_query(c2s_ties *t) {
    enum { PAST_KEY = 3, PAST_VALUE, LENGTHS, POSITIONS = 9, BIAS, SINK, K_SCALE, V_SCALE };
    int64_t queries = c2s_attr_int(t->node, "num_heads", 0), all = c2s_ties_extent(t, true, 0, 2);
    int64_t keys = c2s_attr_int(t->node, "kv_num_heads", 0);
    bool fits = keys > 0 && queries > 0 && queries % keys == 0 && all > 0 && all % queries == 0;
    int64_t width = fits ? all / queries : 0;
    c2s_head_sizes s = {.heads = fits ? keys : 0,
                        .group = fits ? queries / keys : 0,
                        .channels = width,
                        .values = width};
    c2s_heads_spaces(t, &s, Q);
    pin_channels(t);
    if (c2s_node_in(t->node, K))
        c2s_heads_tie(t, &s, false, Q, true, C2S_HEADS_CHANNELS);
    else
        c2s_heads_tie_packed(t, &s, Q, 2);
    c2s_heads_tie(t, &s, false, K, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, V, false, C2S_HEADS_VALUES);
    c2s_heads_tie(t, &s, false, PAST_KEY, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, PAST_VALUE, false, C2S_HEADS_VALUES);
    c2s_ties_in(t, BATCH, LENGTHS, 0, 1);
    c2s_ties_in(t, BATCH, POSITIONS, 0, 1);
    c2s_heads_tie_scores(t, &s, false, BIAS);
    c2s_ties_in(t, HEADS, SINK, 0, s.group);
    c2s_ties_in(t, C2S_HEADS_QUERIES, SINK, 0, 1);
    c2s_heads_tie(t, &s, true, 0, true, C2S_HEADS_VALUES);
    c2s_heads_tie(t, &s, true, 1, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, true, 2, false, C2S_HEADS_VALUES);
    c2s_heads_tie_scores(t, &s, true, 3);
    if (c2s_node_in(t->node, K_SCALE) || c2s_node_in(t->node, V_SCALE))
        c2s_ties_pin(t, HEADS); /* of every head and element, perhaps */
    c2s_heads_join(t);
}

c2s_status c2s_refit_group_query(const c2s_refit *r) {
    c2s_heads_refit(r, "num_heads", "kv_num_heads");
    return C2S_OK;
}

/* ---- Attention, QAttention: the input is projected first ---- */

enum { X, WEIGHT, BIAS };

static c2s_head_sizes tie_projection(c2s_ties *t, unsigned mask, unsigned past) {
    int64_t heads = c2s_attr_int(t->node, "num_heads", 0);
    int64_t values = c2s_ties_extent(t, true, 0, 2), all = c2s_ties_extent(t, false, WEIGHT, 1);
    bool fits = heads > 0 && values > 0 && values % heads == 0 && (all - values) % 2 == 0 &&
                (all - values) / 2 % heads == 0;
    c2s_head_sizes s = {.heads = fits ? heads : 0,
                        .group = 1,
                        .channels = fits ? (all - values) / 2 / heads : 0,
                        .values = fits ? values / heads : 0};
    c2s_heads_spaces(t, &s, X);
    c2s_ties_over(t, C2S_TIE_SUM, X, 2, C2S_TIES_NO_AXIS);
    c2s_ties_in(t, C2S_HEADS_PROJECTED, WEIGHT, 0, 1);
    c2s_heads_tie_packed(t, &s, WEIGHT, 1);
    c2s_heads_tie_packed(t, &s, BIAS, 0);
    c2s_ties_in(t, BATCH, mask, 0, 1);
    c2s_heads_tie(t, &s, true, 0, true, C2S_HEADS_VALUES);
    if (c2s_node_in(t->node, past) || c2s_node_out(t->node, 1)) {
        /* [2, batch, heads, length, width]: keys and values have one axis for both widths. The
         * batch is output 1's axis 1, not the first. */
        pin_channels(t);
        c2s_ties_pin(t, BATCH);
        c2s_ties_in(t, HEADS, past, 2, 1);
        c2s_ties_out(t, HEADS, 1, 2, 1);
    }
    return s;
}

void c2s_ties_projected_attention(c2s_ties *t) {
    enum { MASK = 3, PAST, ADDED };
    c2s_head_sizes s = tie_projection(t, MASK, PAST);
    c2s_heads_tie_scores(t, &s, false, ADDED);
}

c2s_status c2s_refit_projected_attention(const c2s_refit *r) {
    const c2s_type *y = &c2s_node_out(r->node, 0)->type, *w = &c2s_node_in(r->node, WEIGHT)->type;
    c2s_refit_attr(r, "num_heads", HEADS, 1);
    c2s_heads_keep_scale(r, has_scale(r->node));
    if (!c2s_dim_is_known(w->dim[1]) || !c2s_dim_is_known(y->dim[2]))
        return C2S_OK; /* then heads and channels are pinned */
    int64_t values = y->dim[2], keys = (w->dim[1] - values) / 2;
    const int64_t widths[3] = {keys, keys, values};
    if (c2s_attr_has(r->node, "qkv_hidden_sizes") || keys != values)
        c2s_attr_set_ints(r->node, "qkv_hidden_sizes", widths, 3);
    return C2S_OK;
}

/* Queries, keys and values are thirds of the weights. */
void c2s_ties_qattention(c2s_ties *t) {
    enum { W_SCALE = 4, MASK, X_ZERO, W_ZERO, PAST };
    c2s_head_sizes s = tie_projection(t, MASK, PAST);
    pin_channels(t);
    if (c2s_ties_extent(t, false, W_SCALE, 0) > 1)
        c2s_heads_tie_packed(t, &s, W_SCALE, 0);
    if (c2s_ties_extent(t, false, W_ZERO, 0) > 1)
        c2s_heads_tie_packed(t, &s, W_ZERO, 0);
}
