/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of Attention, FlexAttention, LinearAttention (ties_heads.h).
 */
#include "ops/op.h"
#include "ops/ties_heads.h"
#include "ops/ties_rules.h"

/* ---- Attention, FlexAttention ---- */

void c2s_ties_attention(c2s_ties *t) {
    enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, VALID };
    enum { Y, PRESENT_KEY, PRESENT_VALUE, SCORES };
    c2s_head_sizes s = c2s_head_sizes_of(t, c2s_attr_int(t->node, "q_num_heads", 0),
                                         c2s_attr_int(t->node, "kv_num_heads", 0));
    c2s_heads_spaces(t, &s, Q);
    c2s_heads_tie(t, &s, false, Q, true, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, K, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, V, false, C2S_HEADS_VALUES);
    c2s_heads_tie_scores(t, &s, false, MASK);
    c2s_heads_tie(t, &s, false, PAST_KEY, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, PAST_VALUE, false, C2S_HEADS_VALUES);
    c2s_ties_in(t, C2S_HEADS_BATCH, VALID, 0, 1);
    c2s_heads_tie(t, &s, true, Y, true, C2S_HEADS_VALUES);
    c2s_heads_tie(t, &s, true, PRESENT_KEY, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, true, PRESENT_VALUE, false, C2S_HEADS_VALUES);
    c2s_heads_tie_scores(t, &s, true, SCORES);
    c2s_heads_join(t);
}

c2s_status c2s_refit_attention(const c2s_refit *r) {
    c2s_heads_refit(r, "q_num_heads", "kv_num_heads");
    c2s_heads_keep_scale(r, c2s_attr_has(r->node, "scale"));
    return C2S_OK;
}

/* A body may treat each sequence and head in its own way. */
void c2s_ties_flex_attention(c2s_ties *t) {
    enum { Q, K, V };
    c2s_head_sizes s = c2s_head_sizes_of(t, 0, 0);
    c2s_heads_spaces(t, &s, Q);
    c2s_heads_tie(t, &s, false, Q, true, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, K, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, V, false, C2S_HEADS_VALUES);
    c2s_heads_tie(t, &s, true, 0, true, C2S_HEADS_VALUES);
    if (c2s_node_body(t->node, 0))
        for (unsigned space = C2S_HEADS_BATCH; space <= C2S_HEADS_QUERIES; space++)
            c2s_ties_pin(t, space);
}

/* ---- LinearAttention: rows of the state are channels, columns values ---- */

void c2s_ties_linear_attention(c2s_ties *t) {
    enum { Q, K, V, PAST, DECAY, BETA };
    int64_t heads = c2s_attr_int(t->node, "kv_num_heads", 0);
    c2s_head_sizes s = c2s_head_sizes_of(t, c2s_attr_int(t->node, "q_num_heads", 0), heads);
    c2s_heads_spaces(t, &s, Q);
    c2s_heads_tie(t, &s, false, Q, true, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, K, false, C2S_HEADS_CHANNELS);
    c2s_heads_tie(t, &s, false, V, false, C2S_HEADS_VALUES);
    c2s_heads_tie(t, &s, true, 0, true, C2S_HEADS_VALUES);
    for (unsigned k = 0; k < 2; k++) { /* the state before and after */
        bool output = k == 1;
        unsigned slot = output ? 1 : PAST;
        c2s_ties_whole(t, C2S_HEADS_BATCH, output, slot, 0, 1);
        c2s_ties_whole(t, C2S_HEADS_KEYS, output, slot, 1, 1);
        c2s_ties_whole(t, C2S_HEADS_CHANNELS, output, slot, 2, 1);
        c2s_ties_whole(t, C2S_HEADS_VALUES, output, slot, 3, 1);
    }
    c2s_ties_in(t, C2S_HEADS_BATCH, DECAY, 0, 1);
    c2s_ties_in(t, C2S_HEADS_BATCH, BETA, 0, 1);
    c2s_ties_in(t, C2S_HEADS_KEYS, BETA, 2, 1);
    bool by_channel = c2s_ties_extent(t, false, DECAY, 2) != heads;
    c2s_ties_in(t, C2S_HEADS_KEYS, DECAY, 2, by_channel ? s.channels : 1);
    if (by_channel)
        c2s_ties_in(t, C2S_HEADS_CHANNELS, DECAY, 2, 1);
    c2s_heads_join(t);
}

c2s_status c2s_refit_linear_attention(const c2s_refit *r) {
    c2s_heads_refit(r, "q_num_heads", "kv_num_heads");
    c2s_heads_keep_scale(r, c2s_attr_float(r->node, "scale", 0.0f) != 0.0f);
    return C2S_OK;
}
