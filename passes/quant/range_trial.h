/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges by what they do to the model's outputs: the whole model is quantized with ranges of one
 * method, then of the next, and the best is improved part by part. Errors of tensors that are
 * clipped do not add up like noise, so no tensor is judged by itself.
 */
#ifndef C2S_PASSES_QUANT_RANGE_TRIAL_H
#define C2S_PASSES_QUANT_RANGE_TRIAL_H

#include "ir/graph.h"
#include "passes/quant/range_choice.h"

/* A tensor and the codes it is to have. */
typedef struct c2s_range_question {
    const c2s_value *value;
    const c2s_value_stats *stats;
    c2s_dtype dtype;
    bool symmetric;
    float low, high; /* the answer */
} c2s_range_question;

typedef struct c2s_range_trial {
    c2s_range_question *questions; /* in the order of the graph */
    size_t count;
    size_t parts; /* at most; neighbours are changed together. 0: methods for all tensors only */
    /* Sum of error^2 over sum of output^2 of the model with the answers as they stand. */
    c2s_status (*measure)(void *user, double *noise);
    void *user;
} c2s_range_trial;

/* Answers the questions. The ranges of all that was seen stay unless another method is better by a
 * twentieth; a part gets the ranges of another method if the noise falls by a thirtieth. Measures
 * as often as there are methods (all that was seen, MSE, percentile, entropy), and for each part
 * once for each other method that had less than twice the noise of the best. */
c2s_status c2s_range_trial_run(const c2s_range_trial *trial);

#endif
