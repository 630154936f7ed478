/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges by what they do to the model's outputs: each tensor alone is rounded to codes of each
 * candidate range, and what lies behind it computes on. Rounding all tensors at once would tell
 * nothing about any of them.
 */
#ifndef C2S_PASSES_QUANT_RANGE_TRIAL_H
#define C2S_PASSES_QUANT_RANGE_TRIAL_H

#include "eval/evaluator.h"
#include "eval/feed.h"
#include "passes/quant/range_choice.h"

/* A tensor and the codes it is to have. */
typedef struct c2s_range_question {
    const c2s_value *value; /* of the graph */
    const c2s_value_stats *stats;
    c2s_dtype dtype;
    bool symmetric;
    float low, high; /* the answer */
    /* Sum of error^2 over sum of output^2, the mean over the outputs: of the answer, and of the
     * range of least squared error. NaN: not measured, since there is nothing to choose between, or
     * the tensor is not float. */
    double error, mse_error;
} c2s_range_question;

/* Candidates are the ranges of all methods, and some between the narrowest and the widest; those
 * that hardly differ are one. The range of least squared error stays unless another one is better
 * by a twentieth, beyond what may be chance between the samples. Runs the graph once per sample,
 * and what is behind each tensor once per sample and candidate, as long as that is better on the
 * samples so far. `samples`: of the feed, spread evenly; 0: 8, up to 128 where outputs are small.
 */
c2s_status c2s_range_trial(const c2s_graph *graph, const c2s_feed *feed,
                           const c2s_evaluator *evaluator, const c2s_eval_options *eval,
                           size_t samples, c2s_range_question *questions, size_t count);

#endif
