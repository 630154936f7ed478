/* SPDX-License-Identifier: Apache-2.0
 *
 * What quality.h counts of an output in one sample, and what the sums over samples come to.
 */
#ifndef C2S_EVAL_OUTPUT_SCORES_H
#define C2S_EVAL_OUTPUT_SCORES_H

#include "eval/quality.h"

/* Of float outputs: the sums of the signal-to-noise ratio. */
typedef struct c2s_output_power {
    double signal, noise;
    bool counts; /* it is a float output */
} c2s_output_power;

/* Rows along the last axis of an output. */
typedef struct c2s_row_tally {
    size_t rows, agreeing;
    size_t labelled, hits, hits_first, gained, lost;
} c2s_row_tally;

bool c2s_is_float_tensor(const c2s_tensor *tensor);
/* `first`: a float tensor, what the first model gave. */
void c2s_output_power_add(c2s_output_power *power, const c2s_tensor *first,
                          const c2s_tensor *found);
/* Rows of two or more floats; 0: there are none. */
size_t c2s_rows_of(const c2s_tensor *tensor);
/* `labels`: a class per row, which is element class + `offset`; NULL: none. */
void c2s_row_tally_add(c2s_row_tally *tally, const c2s_tensor *first, const c2s_tensor *found,
                       const int64_t *labels, int64_t offset);
/* Sets all of the result but `samples` and `divergence`. */
void c2s_scores_sum_up(const c2s_output_power *powers, unsigned outputs, const c2s_row_tally *tally,
                       c2s_quality_result *result);

#endif
