/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention on matrices that lie in memory in any strided way: softmax(q x k * scale + mask) x v.
 * The scores of a few queries at a time stay in the cache; they are never written out.
 */
#ifndef C2S_RUNTIME_PRODUCT_ATTENTION_H
#define C2S_RUNTIME_PRODUCT_ATTENTION_H

#include "runtime/kernel.h"

enum { C2S_Q, C2S_K, C2S_V, C2S_MASK, C2S_ATTENTION_INPUTS };

typedef struct c2s_attention {
    int batch_rank;
    int64_t batch[C2S_MAX_RANK];
    /* Per input [batch.., row, column], 0: broadcast. Rows and columns are queries and depth, depth
     * and keys, keys and width, queries and keys. */
    int64_t stride[C2S_ATTENTION_INPUTS][C2S_MAX_RANK + 1];
    int64_t c_stride[C2S_MAX_RANK + 1];
    int64_t queries, depth, keys, width; /* of v and of the result */
    float scale;
    bool causal; /* query i sees keys up to i + past */
    int64_t past;
    bool zeros;    /* for a query that sees no key; else NaN */
    bool doubtful; /* the mask may hold NaN or infinity */
    int64_t block; /* queries at a time */
    int64_t pitch; /* of a row of scores */
} c2s_attention;

/* Settles block and pitch; the rest is given. */
void c2s_attention_plan(c2s_attention *t);
/* in[C2S_MASK] may be NULL. */
c2s_status c2s_attention_run(const c2s_attention *t, struct c2s_dnnl *dnnl,
                             const float *const in[C2S_ATTENTION_INPUTS], float *c);

#endif
