/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of scores (along the last axis of a float tensor, two or more to a row) of a value and its
 * reference: do the largest ones stay where they are, and how far are the distributions apart?
 */
#ifndef C2S_EVAL_ROW_SCORES_H
#define C2S_EVAL_ROW_SCORES_H

#include "eval/metric.h"
#include "ir/tensor.h"

enum { C2S_TOP = 5 }; /* of top-5 */

typedef struct c2s_row_scores {
    uint64_t rows, agreeing;
    uint64_t wide_rows, shared; /* of more than five; of their five largest, those that both have */
    double divergence;          /* sum of the Kullback-Leibler divergences */
} c2s_row_scores;

/* Adds the rows of a sample; tensors without, or of other extents, add nothing. C2S_ERR_MEMORY. */
c2s_status c2s_row_scores_add(c2s_row_scores *s, const c2s_tensor *reference,
                              const c2s_tensor *found);
void c2s_row_scores_metrics(const c2s_row_scores *s, double value[C2S_METRIC_COUNT]);
/* 100 part / whole; NaN of nothing. */
double c2s_per_cent(uint64_t part, uint64_t whole);

#endif
