/* SPDX-License-Identifier: Apache-2.0
 *
 * The sums over the rows of one tensor.
 */
#ifndef C2S_PASSES_MEASURE_GRAM_SUMS_H
#define C2S_PASSES_MEASURE_GRAM_SUMS_H

#include "passes/measure/gram_consumer.h"

/* Of how many samples this is one, and how many rows of all are to be taken; 0: all of them. */
typedef struct c2s_gram_share {
    size_t rows, samples, sample;
} c2s_gram_share;

/* Adds the rows of the site's input to consumer->gram. */
c2s_status c2s_gram_sum_input(const c2s_gram_consumer *consumer, c2s_gram_share share,
                              const c2s_tensor *x);
/* Adds the products of these rows and those of consumer->y, less consumer->besides, to
 * consumer->cross. C2S_ERR_INVALID: y is no output for this input. */
c2s_status c2s_gram_sum_target(c2s_gram_consumer *consumer, c2s_gram_share share,
                               const c2s_tensor *x);

#endif
