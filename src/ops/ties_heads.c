/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ties_heads.h"

#include <math.h>

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

c2s_head_sizes c2s_head_sizes_of(const c2s_ties *t, int64_t q_heads, int64_t kv_heads) {
    enum { Q, K, V };
    q_heads = heads_of(t, Q, q_heads);
    kv_heads = heads_of(t, K, kv_heads);
    bool divides = kv_heads > 0 && q_heads % kv_heads == 0 && q_heads <= INT32_MAX;
    return (c2s_head_sizes){.heads = kv_heads,
                            .group = divides ? q_heads / kv_heads : 0,
                            .channels = width_of(t, K, kv_heads),
                            .values = width_of(t, V, kv_heads)};
}

/* Elements that the query heads of one key head take; 0 (no tie fits) if they are too many. */
static int64_t of_key_head(const c2s_head_sizes *s, int64_t width) {
    int64_t product;
    return c2s_mul_i64(s->group, width, &product) ? product : 0;
}

void c2s_heads_spaces(c2s_ties *t, const c2s_head_sizes *s, unsigned q) {
    c2s_ties_over(t, C2S_TIE_KEEP, q, 0, 0);
    c2s_ties_space(t, C2S_TIE_KEEP, s->heads);
    c2s_ties_space(t, C2S_TIE_KEEP, s->group);
    c2s_ties_space(t, C2S_TIE_SUM, s->channels);
    c2s_ties_space(t, C2S_TIE_KEEP, s->values);
}

void c2s_heads_tie(c2s_ties *t, const c2s_head_sizes *s, bool output, unsigned slot, bool queries,
                   unsigned channels) {
    bool apart = c2s_ties_rank(t, output, slot) == 4;
    int axis = apart ? 1 : 2;
    int64_t width = apart ? 1 : channels == C2S_HEADS_CHANNELS ? s->channels : s->values;
    c2s_ties_whole(t, C2S_HEADS_BATCH, output, slot, 0, 1);
    c2s_ties_whole(t, C2S_HEADS_KEYS, output, slot, axis, queries ? of_key_head(s, width) : width);
    if (queries)
        c2s_ties_whole(t, C2S_HEADS_QUERIES, output, slot, axis, width);
    c2s_ties_whole(t, channels, output, slot, -1, 1);
}

void c2s_heads_tie_scores(c2s_ties *t, const c2s_head_sizes *s, bool output, unsigned slot) {
    c2s_ties_whole(t, C2S_HEADS_BATCH, output, slot, -4, 1);
    c2s_ties_whole(t, C2S_HEADS_KEYS, output, slot, -3, s->group);
    c2s_ties_whole(t, C2S_HEADS_QUERIES, output, slot, -3, 1);
}

void c2s_heads_tie_packed(c2s_ties *t, const c2s_head_sizes *s, unsigned slot, int axis) {
    int64_t start = 0;
    for (int k = 0; k < 3 && c2s_ties_rank(t, false, slot) > axis; k++) {
        int64_t width = k < 2 ? s->channels : s->values;
        int64_t count;
        if (!c2s_mul_i64(s->heads, k == 0 ? of_key_head(s, width) : width, &count))
            count = -1; /* fits nowhere */
        unsigned channels = k < 2 ? C2S_HEADS_CHANNELS : C2S_HEADS_VALUES;
        c2s_ties_part(t, C2S_HEADS_KEYS, false, slot, axis, start, count,
                      k == 0 ? of_key_head(s, width) : width);
        if (k == 0)
            c2s_ties_part(t, C2S_HEADS_QUERIES, false, slot, axis, start, count, width);
        c2s_ties_part(t, channels, false, slot, axis, start, count, 1);
        start = count < 0 ? -1 : start + count;
    }
}

void c2s_heads_join(c2s_ties *t) {
    if (t->spaces.at[C2S_HEADS_KEYS].extent == 0 || t->spaces.at[C2S_HEADS_QUERIES].extent == 0) {
        c2s_ties_pin(t, C2S_HEADS_KEYS);
        c2s_ties_pin(t, C2S_HEADS_QUERIES);
    }
}

void c2s_heads_keep_scale(const c2s_refit *r, bool given) {
    int64_t before = r->before->spaces.at[C2S_HEADS_CHANNELS].extent;
    if (!given && c2s_refit_extent(r, C2S_HEADS_CHANNELS) != before)
        c2s_attr_set_float(r->node, "scale", (float)(1.0 / sqrt((double)before)));
}

void c2s_heads_refit(const c2s_refit *r, const char *query_heads, const char *key_heads) {
    int64_t heads = c2s_refit_extent(r, C2S_HEADS_KEYS);
    int64_t queries = heads * c2s_refit_extent(r, C2S_HEADS_QUERIES);
    if (queries > 0 && c2s_attr_has(r->node, query_heads))
        c2s_attr_set_int(r->node, query_heads, queries);
    if (heads > 0 && c2s_attr_has(r->node, key_heads))
        c2s_attr_set_int(r->node, key_heads, heads);
}
