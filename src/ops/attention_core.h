/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax attention over plain arrays of doubles: what Attention and FlexAttention share.
 */
#ifndef C2S_OPS_ATTENTION_CORE_H
#define C2S_OPS_ATTENTION_CORE_H

#include "ops/workspace.h"

/* Elements of one operand as [batch, heads, length, width]: of a rank-4 tensor as they are, of a
 * rank-3 one [batch, length, heads * width] by strides. */
typedef struct c2s_heads {
    int64_t batch, heads, length, width;
    int64_t of_batch, of_head, of_position; /* strides in elements; the width is contiguous */
} c2s_heads;

/* `heads` is used for rank 3 only. C2S_ERR_INVALID for other ranks and for widths that `heads` does
 * not divide; `what` names the operand. */
c2s_status c2s_heads_of(const c2s_type *type, int64_t heads, const char *what, c2s_heads *out);

static inline int64_t c2s_heads_at(const c2s_heads *h, int64_t batch, int64_t head, int64_t pos) {
    return batch * h->of_batch + head * h->of_head + pos * h->of_position;
}

/* Each key head serves query_heads / key_heads neighbouring query heads; C2S_ERR_INVALID unless Q,
 * K and V agree in batch, heads, lengths and widths. */
c2s_status c2s_attention_check(const c2s_heads *q, const c2s_heads *k, const c2s_heads *v);

/* scores[h][i][j] = scale * q_i . k_j for one batch entry; [q.heads, q.length, k.length]. k is
 * given turned: [batch, k.heads, k.width, k.length]. */
void c2s_attention_scores(const c2s_heads *q, const double *q_at, const c2s_heads *k,
                          const double *k_turned, int64_t batch, double scale, double *scores);
/* [batch, heads, width, length] of an operand. NULL on failure, kept in `ws`. */
double *c2s_attention_turn(c2s_workspace *ws, const c2s_heads *k, const double *k_at);

/* A row of scores becomes probabilities. A row of nothing but -infinity becomes zeros. */
void c2s_attention_softmax(double *row, int64_t count);

/* y_i = sum over j of p[h][i][j] * v_j for one batch entry. */
void c2s_attention_mix(const c2s_heads *v, const double *v_at, const double *p, int64_t batch,
                       const c2s_heads *y, double *y_at);

/* Turns `half` pairs of x by the angles whose cosines and sines are given; pairs are neighbours
 * (interleaved) or lie `half` elements apart. */
void c2s_attention_rotate(double *x, int64_t half, bool interleaved, const double *cosine,
                          const double *sine);

/* Rounds as storing in float16 or bfloat16 would; other types: unchanged. */
void c2s_attention_round(c2s_dtype dtype, double *values, int64_t count);

/* FlexAttention: the type of scores and probabilities; `dtype` is that of Q. */
c2s_dtype c2s_flex_precision(const c2s_node *node, c2s_dtype dtype);

#endif
