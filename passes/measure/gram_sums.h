/* SPDX-License-Identifier: Apache-2.0
 *
 * Between gram.c, which runs the samples, and gram_sums.c, which sums up what they give: who wants
 * sums, and the sums over the rows of one tensor.
 */
#ifndef C2S_PASSES_MEASURE_GRAM_SUMS_H
#define C2S_PASSES_MEASURE_GRAM_SUMS_H

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

/* Of how many samples this is one, and how many rows of all are to be taken; 0: all of them. */
typedef struct c2s_gram_share {
    size_t rows, samples, sample;
} c2s_gram_share;

/* a * b of them. C2S_ERR_MEMORY. */
c2s_status c2s_gram_zeros(size_t a, size_t b, double **out);
/* Adds the rows of the site's input to consumer->gram. */
c2s_status c2s_gram_sum_input(const c2s_gram_consumer *consumer, c2s_gram_share share,
                              const c2s_tensor *x);
/* Adds the products of these rows and those of consumer->y, less consumer->besides, to
 * consumer->cross. C2S_ERR_INVALID: y is no output for this input. */
c2s_status c2s_gram_sum_target(c2s_gram_consumer *consumer, c2s_gram_share share,
                               const c2s_tensor *x);

#endif
