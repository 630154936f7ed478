/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ties of attention operators share. Query heads are [key heads, queries of a key head]. A
 * channel of queries and keys is summed over in the scores; the default scale depends on their
 * number, so it is written out when some go. A channel of the values passes to the output, and so
 * do heads.
 */
#ifndef C2S_OPS_TIES_HEADS_H
#define C2S_OPS_TIES_HEADS_H

#include "ops/ties.h"

/* The spaces of each of these operators. */
enum {
    C2S_HEADS_BATCH,
    C2S_HEADS_KEYS,    /* key heads */
    C2S_HEADS_QUERIES, /* query heads of a key head */
    C2S_HEADS_CHANNELS,
    C2S_HEADS_VALUES,
    C2S_HEADS_PROJECTED /* channels of an input that the operator projects itself */
};

/* Their extents; 0: not known. */
typedef struct c2s_head_sizes {
    int64_t heads, group, channels, values;
} c2s_head_sizes;

/* Of queries, keys and values in the first three slots, of rank 4 or of rank 3 with so many heads.
 */
c2s_head_sizes c2s_head_sizes_of(const c2s_ties *t, int64_t q_heads, int64_t kv_heads);
/* Makes the spaces; the batch is that of input q. */
void c2s_heads_spaces(c2s_ties *t, const c2s_head_sizes *s, unsigned q);
/* Ties an operand [batch, heads, length, width] or [batch, length, heads * width], of query heads
 * or key heads; `channels`: C2S_HEADS_CHANNELS or _VALUES, what its width is. */
void c2s_heads_tie(c2s_ties *t, const c2s_head_sizes *s, bool output, unsigned slot, bool queries,
                   unsigned channels);
/* Scores or what is added to them: [batch, query heads, queries, keys], broadcast. */
void c2s_heads_tie_scores(c2s_ties *t, const c2s_head_sizes *s, bool output, unsigned slot);
/* An input's axis on which queries, keys and values stand behind one another. */
void c2s_heads_tie_packed(c2s_ties *t, const c2s_head_sizes *s, unsigned slot, int axis);
/* The number of heads is an attribute of one product: pins both factors if one is pinned. */
void c2s_heads_join(c2s_ties *t);
/* Refits `scale`, which is 1 / sqrt(channels) unless it is given. */
void c2s_heads_keep_scale(const c2s_refit *r, bool given);
/* Refits the numbers of query and key heads where the attributes are there. */
void c2s_heads_refit(const c2s_refit *r, const char *query_heads, const char *key_heads);

#endif
