/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention of com.microsoft over a cache of keys and values in which every sequence has a length
 * of its own: what GroupQueryAttention and SparseAttention share.
 */
#ifndef C2S_OPS_MS_CACHED_ATTENTION_H
#define C2S_OPS_MS_CACHED_ATTENTION_H

#include "ops/attention_core.h"

/* Which inputs of the node are what; outputs 0, 1, 2 are the result and the caches. */
typedef struct c2s_cached_slots {
    unsigned query, key, value, past_key, past_value, cosine, sine;
} c2s_cached_slots;

typedef struct c2s_cached_attention {
    c2s_cached_slots slot;
    int64_t batch, length, heads, key_heads, width;
    int64_t past_rows, present_rows; /* of the caches */
    int64_t rows;                    /* of the keys below: the most that a sequence has */
    const int64_t *total;            /* per sequence: positions with those of this step */
    int64_t *past;                   /* per sequence: positions before this step */
    int64_t *first;                  /* per sequence: position of key 0 */
    double *q;                       /* [batch, heads, length, width] */
    double *k, *v;                   /* [batch, key_heads, rows, width] */
} c2s_cached_attention;

/* Types of the three outputs: the result as the query is; the caches of `present` rows. Refuses
 * numbers of heads that are not 1 to INT32_MAX. */
c2s_status c2s_cached_infer(c2s_infer *i, const c2s_cached_slots *slot, c2s_dim present);

/* Extents of the node's operands, queries with keys and values behind them taken apart. */
c2s_status c2s_cached_open(const c2s_eval *e, const c2s_cached_slots *slot,
                           c2s_cached_attention *a);
/* The step's queries, and keys and values behind those of `past_key` and `past_value` (rows of the
 * caches, NULL: none; `kept` rows of them count). `total` and `past` are set; allocates the rest.
 */
c2s_status c2s_cached_gather(c2s_workspace *ws, const c2s_eval *e, c2s_cached_attention *a,
                             const double *past_key, const double *past_value, const int64_t *kept);
/* Turns queries and keys of this step; `positions` [batch, length], NULL: as they count. */
c2s_status c2s_cached_rotate(c2s_workspace *ws, const c2s_eval *e, c2s_cached_attention *a,
                             bool interleaved, const int64_t *positions);
/* The key rows that belong to a sequence. */
int64_t c2s_cached_rows(const c2s_cached_attention *a, int64_t batch);

/* Softmax attention: `finish` makes the scores [rows] of one query into probabilities. The result
 * is [batch, length, heads * width]. */
typedef void (*c2s_cached_finish)(const void *context, int64_t batch, int64_t head, int64_t query,
                                  double *scores);
void c2s_cached_attend(c2s_workspace *ws, const c2s_cached_attention *a, double scale,
                       c2s_cached_finish finish, const void *context, double *y);

#endif
