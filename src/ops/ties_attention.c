/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of attention. Query heads are [key heads, queries of a key head]. A channel of queries and
 * keys is summed over in the scores; the default scale depends on their number, so it is written
 * out when some go. A channel of the values passes to the output, and so do heads.
 */
#include <math.h>

#include "ops/op.h"
#include "ops/ties_rules.h"

enum { BATCH, HEADS, GROUP, CHANNELS, VALUES, PROJECTED };

/* Extents of the spaces above. */
typedef struct sizes {
    int64_t heads, group, channels, values;
} sizes;

static void tie(c2s_ties *t, unsigned space, bool output, unsigned slot, int axis, int64_t repeat) {
    if (output)
        c2s_ties_out(t, space, slot, axis, repeat);
    else
        c2s_ties_in(t, space, slot, axis, repeat);
}

/* Heads of an operand: axis 1 of [batch, heads, length, width], or in the last axis of [batch,
 * length, heads * width]. `heads`: the attribute for the latter, 0 if it must be of rank 4. */
static int64_t heads_of(const c2s_ties *t, unsigned slot, int64_t heads) {
    return c2s_ties_rank(t, false, slot) == 4 ? c2s_ties_extent(t, false, slot, 1) : heads;
}

static int64_t width_of(const c2s_ties *t, unsigned slot, int64_t heads) {
    int64_t last = c2s_ties_extent(t, false, slot, -1);
    if (c2s_ties_rank(t, false, slot) == 4)
        return last;
    return heads > 0 && last % heads == 0 ? last / heads : 0;
}

static void make_spaces(c2s_ties *t, const sizes *s, unsigned q) {
    c2s_ties_over(t, C2S_TIE_KEEP, q, 0, 0);
    c2s_ties_space(t, C2S_TIE_KEEP, s->heads);
    c2s_ties_space(t, C2S_TIE_KEEP, s->group);
    c2s_ties_space(t, C2S_TIE_SUM, s->channels);
    c2s_ties_space(t, C2S_TIE_KEEP, s->values);
}

/* Heads (of queries or of keys) and the channels of `width` elements of an operand. */
static void tie_heads(c2s_ties *t, const sizes *s, bool output, unsigned slot, bool queries,
                      unsigned channels) {
    bool apart = c2s_ties_rank(t, output, slot) == 4;
    int axis = apart ? 1 : 2;
    int64_t width = apart ? 1 : channels == CHANNELS ? s->channels : s->values;
    tie(t, BATCH, output, slot, 0, 1);
    tie(t, HEADS, output, slot, axis, queries ? s->group * width : width);
    if (queries)
        tie(t, GROUP, output, slot, axis, width);
    tie(t, channels, output, slot, -1, 1);
}

/* Scores or what is added to them: [batch, query heads, queries, keys], broadcast. */
static void tie_scores(c2s_ties *t, const sizes *s, bool output, unsigned slot) {
    tie(t, BATCH, output, slot, -4, 1);
    tie(t, HEADS, output, slot, -3, s->group);
    tie(t, GROUP, output, slot, -3, 1);
}

/* The scale is 1 / sqrt(channels) unless it is given. */
static void keep_scale(const c2s_refit *r, bool given) {
    int64_t before = r->before->spaces.at[CHANNELS].extent;
    if (!given && c2s_refit_extent(r, CHANNELS) != before)
        c2s_attr_set_float(r->node, "scale", (float)(1.0 / sqrt((double)before)));
}

/* Their product is an attribute: one is not pinned without the other. */
static void join_heads(c2s_ties *t) {
    if (t->spaces.at[HEADS].extent == 0 || t->spaces.at[GROUP].extent == 0) {
        c2s_ties_pin(t, HEADS);
        c2s_ties_pin(t, GROUP);
    }
}

static void refit_heads(const c2s_refit *r) {
    int64_t heads = c2s_refit_extent(r, HEADS), queries = heads * c2s_refit_extent(r, GROUP);
    if (queries > 0 && c2s_attr_has(r->node, "q_num_heads"))
        c2s_attr_set_int(r->node, "q_num_heads", queries);
    if (heads > 0 && c2s_attr_has(r->node, "kv_num_heads"))
        c2s_attr_set_int(r->node, "kv_num_heads", heads);
}

/* Queries, keys and values in the first three slots. */
static sizes sizes_of(const c2s_ties *t, int64_t q_heads, int64_t kv_heads) {
    enum { Q, K, V };
    q_heads = heads_of(t, Q, q_heads);
    kv_heads = heads_of(t, K, kv_heads);
    bool divides = kv_heads > 0 && q_heads % kv_heads == 0;
    return (sizes){.heads = kv_heads,
                   .group = divides ? q_heads / kv_heads : 0,
                   .channels = width_of(t, K, kv_heads),
                   .values = width_of(t, V, kv_heads)};
}

/* ---- Attention, FlexAttention ---- */

void c2s_ties_attention(c2s_ties *t) {
    enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, VALID };
    enum { Y, PRESENT_KEY, PRESENT_VALUE, SCORES };
    sizes s = sizes_of(t, c2s_attr_int(t->node, "q_num_heads", 0),
                       c2s_attr_int(t->node, "kv_num_heads", 0));
    make_spaces(t, &s, Q);
    tie_heads(t, &s, false, Q, true, CHANNELS);
    tie_heads(t, &s, false, K, false, CHANNELS);
    tie_heads(t, &s, false, V, false, VALUES);
    tie_scores(t, &s, false, MASK);
    tie_heads(t, &s, false, PAST_KEY, false, CHANNELS);
    tie_heads(t, &s, false, PAST_VALUE, false, VALUES);
    c2s_ties_in(t, BATCH, VALID, 0, 1);
    tie_heads(t, &s, true, Y, true, VALUES);
    tie_heads(t, &s, true, PRESENT_KEY, false, CHANNELS);
    tie_heads(t, &s, true, PRESENT_VALUE, false, VALUES);
    tie_scores(t, &s, true, SCORES);
    join_heads(t);
}

c2s_status c2s_refit_attention(const c2s_refit *r) {
    refit_heads(r);
    keep_scale(r, c2s_attr_has(r->node, "scale"));
    return C2S_OK;
}

/* A body may treat each sequence and head in its own way. */
void c2s_ties_flex_attention(c2s_ties *t) {
    enum { Q, K, V };
    sizes s = sizes_of(t, 0, 0);
    make_spaces(t, &s, Q);
    tie_heads(t, &s, false, Q, true, CHANNELS);
    tie_heads(t, &s, false, K, false, CHANNELS);
    tie_heads(t, &s, false, V, false, VALUES);
    tie_heads(t, &s, true, 0, true, VALUES);
    if (c2s_node_body(t->node, 0))
        for (unsigned space = BATCH; space <= GROUP; space++)
            c2s_ties_pin(t, space);
}

/* ---- LinearAttention: rows of the state are channels, columns values ---- */

void c2s_ties_linear_attention(c2s_ties *t) {
    enum { Q, K, V, PAST, DECAY, BETA };
    int64_t heads = c2s_attr_int(t->node, "kv_num_heads", 0);
    sizes s = sizes_of(t, c2s_attr_int(t->node, "q_num_heads", 0), heads);
    make_spaces(t, &s, Q);
    tie_heads(t, &s, false, Q, true, CHANNELS);
    tie_heads(t, &s, false, K, false, CHANNELS);
    tie_heads(t, &s, false, V, false, VALUES);
    tie_heads(t, &s, true, 0, true, VALUES);
    for (unsigned k = 0; k < 2; k++) { /* the state before and after */
        bool output = k == 1;
        unsigned slot = output ? 1 : PAST;
        tie(t, BATCH, output, slot, 0, 1);
        tie(t, HEADS, output, slot, 1, 1);
        tie(t, CHANNELS, output, slot, 2, 1);
        tie(t, VALUES, output, slot, 3, 1);
    }
    c2s_ties_in(t, BATCH, DECAY, 0, 1);
    c2s_ties_in(t, BATCH, BETA, 0, 1);
    c2s_ties_in(t, HEADS, BETA, 2, 1);
    bool by_channel = c2s_ties_extent(t, false, DECAY, 2) != heads;
    c2s_ties_in(t, HEADS, DECAY, 2, by_channel ? s.channels : 1);
    if (by_channel)
        c2s_ties_in(t, CHANNELS, DECAY, 2, 1);
    join_heads(t);
}

c2s_status c2s_refit_linear_attention(const c2s_refit *r) {
    refit_heads(r);
    keep_scale(r, c2s_attr_float(r->node, "scale", 0.0f) != 0.0f);
    return C2S_OK;
}

/* ---- com.microsoft MultiHeadAttention ---- */

/* Parts for queries, keys and values behind one another along an axis of an input. */
static void tie_packed(c2s_ties *t, const sizes *s, unsigned slot, int axis) {
    int64_t start = 0;
    for (int k = 0; k < 3 && c2s_ties_rank(t, false, slot) > axis; k++) {
        int64_t width = k < 2 ? s->channels : s->values, count = s->heads * width;
        c2s_ties_part(t, HEADS, false, slot, axis, start, count, width);
        c2s_ties_part(t, k < 2 ? CHANNELS : VALUES, false, slot, axis, start, count, 1);
        start += count;
    }
}

void c2s_ties_multi_head(c2s_ties *t) {
    enum { Q, K, V, BIAS, MASK, ADDED, PAST_KEY, PAST_VALUE };
    int64_t heads = c2s_attr_int(t->node, "num_heads", 0);
    if (!c2s_node_in(t->node, K) || !c2s_node_in(t->node, V))
        return; /* packed in another way */
    sizes s = sizes_of(t, heads, heads);
    make_spaces(t, &s, Q);
    tie_heads(t, &s, false, Q, true, CHANNELS);
    tie_heads(t, &s, false, K, false, CHANNELS);
    tie_heads(t, &s, false, V, false, VALUES);
    tie_packed(t, &s, BIAS, 0);
    c2s_ties_in(t, BATCH, MASK, 0, 1);
    tie_scores(t, &s, false, ADDED);
    tie_heads(t, &s, false, PAST_KEY, false, CHANNELS);
    tie_heads(t, &s, false, PAST_VALUE, false, VALUES);
    tie_heads(t, &s, true, 0, true, VALUES);
    tie_heads(t, &s, true, 1, false, CHANNELS);
    tie_heads(t, &s, true, 2, false, VALUES);
    tie_scores(t, &s, true, 3);
}

c2s_status c2s_refit_multi_head(const c2s_refit *r) {
    if (r->before->spaces.count == 0)
        return C2S_OK;
    c2s_refit_attr(r, "num_heads", HEADS, 1);
    keep_scale(r, c2s_attr_float(r->node, "scale", 0.0f) != 0.0f);
    return C2S_OK;
}

/* ---- com.microsoft Attention, which projects its input first ---- */

void c2s_ties_projected_attention(c2s_ties *t) {
    enum { X, WEIGHT, BIAS, MASK, PAST, ADDED };
    int64_t heads = c2s_attr_int(t->node, "num_heads", 0);
    int64_t values = c2s_ties_extent(t, true, 0, 2), all = c2s_ties_extent(t, false, WEIGHT, 1);
    bool fits = heads > 0 && values > 0 && values % heads == 0 && (all - values) % (2 * heads) == 0;
    sizes s = {.heads = fits ? heads : 0,
               .group = 1,
               .channels = fits ? (all - values) / 2 / heads : 0,
               .values = fits ? values / heads : 0};
    make_spaces(t, &s, X);
    c2s_ties_over(t, C2S_TIE_SUM, X, 2, C2S_TIES_NO_AXIS);
    c2s_ties_in(t, PROJECTED, WEIGHT, 0, 1);
    tie_packed(t, &s, WEIGHT, 1);
    tie_packed(t, &s, BIAS, 0);
    c2s_ties_in(t, BATCH, MASK, 0, 1);
    tie_scores(t, &s, false, ADDED);
    tie_heads(t, &s, true, 0, true, VALUES);
    if (c2s_node_in(t->node, PAST) || c2s_node_out(t->node, 1)) {
        /* [2, batch, heads, length, width]: keys and values have one axis for both widths */
        c2s_ties_pin(t, CHANNELS);
        c2s_ties_pin(t, VALUES);
        c2s_ties_pin(t, BATCH);
        c2s_ties_in(t, HEADS, PAST, 2, 1);
        c2s_ties_out(t, HEADS, 1, 2, 1);
    }
}

c2s_status c2s_refit_projected_attention(const c2s_refit *r) {
    const c2s_type *y = &c2s_node_out(r->node, 0)->type, *w = &c2s_node_in(r->node, 1)->type;
    c2s_refit_attr(r, "num_heads", HEADS, 1);
    keep_scale(r, c2s_attr_float(r->node, "scale", 0.0f) != 0.0f);
    if (!c2s_dim_is_known(w->dim[1]) || !c2s_dim_is_known(y->dim[2]))
        return C2S_OK; /* then all of it is pinned */
    int64_t values = y->dim[2], keys = (w->dim[1] - values) / 2;
    const int64_t widths[3] = {keys, keys, values};
    if (c2s_attr_has(r->node, "qkv_hidden_sizes") || keys != values)
        c2s_attr_set_ints(r->node, "qkv_hidden_sizes", widths, 3);
    return C2S_OK;
}
