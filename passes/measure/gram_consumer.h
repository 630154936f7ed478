/* SPDX-License-Identifier: Apache-2.0
 *
 * Who wants moments, and how much memory that takes: what gram.c, which runs the samples,
 * gram_sums.c, which sums up what they give, and gram_cache.c know of a request.
 */
#ifndef C2S_PASSES_MEASURE_GRAM_CONSUMER_H
#define C2S_PASSES_MEASURE_GRAM_CONSUMER_H

#include "passes/measure/gram.h"

typedef struct c2s_gram_consumer {
    c2s_linear_site site;
    const c2s_value *target, *beside;
    const c2s_gram_cutoff *cutoff;
    float *weights; /* [groups, k, n], with `cutoff` */
    float *y;       /* of the sample at hand; NULL: it did not come */
    float *besides; /* the same of `beside` */
    c2s_type y_type;
    c2s_cross cross;
    struct c2s_gram_consumer *head; /* the first that reads the same rows: whose gram it is */
    struct c2s_gram_consumer *next, *next_target, *next_beside; /* further ones of the same value */
    struct c2s_gram_consumer *last; /* of its input, in the first one of it */
    c2s_gram *gram;
    uint64_t key; /* gram_cache.h; 0: nothing is kept */
    bool now;     /* collected by this run over the samples */
} c2s_gram_consumer;

/* a * b of them. C2S_ERR_MEMORY. */
c2s_status c2s_gram_zeros(size_t a, size_t b, double **out);
/* What it takes to collect its moments; UINT64_MAX if that overflows. */
uint64_t c2s_gram_consumer_bytes(const c2s_gram_consumer *consumer);
/* Before the first sample, with the head's first: sums of zero. C2S_ERR_MEMORY. */
c2s_status c2s_gram_consumer_begin(c2s_gram_consumer *consumer);
/* Leaves the sample at hand behind. */
void c2s_gram_consumer_forget(c2s_gram_consumer *consumer);
/* Gives up the sums, too. */
void c2s_gram_consumer_end(c2s_gram_consumer *consumer);

/* UINT64_MAX if it overflows. */
static inline uint64_t c2s_add_bytes(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

#endif
