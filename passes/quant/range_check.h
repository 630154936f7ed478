/* SPDX-License-Identifier: Apache-2.0
 *
 * Do the ranges of a quantized model suit its data? For each quantizer of an activation: what its
 * codes reach, what the model in float holds there, and what range would lose least.
 */
#ifndef C2S_PASSES_QUANT_RANGE_CHECK_H
#define C2S_PASSES_QUANT_RANGE_CHECK_H

#include "base/vec.h"
#include "eval/evaluator.h"
#include "eval/feed.h"
#include "ir/dtype.h"

typedef struct c2s_range_check {
    char *value; /* what is quantized, by its name in the model; of operators on codes, what they
                    would quantize, by the name of the codes */
    c2s_dtype dtype;
    float low, high;   /* what the codes stand for */
    float least, most; /* what was seen */
    double clipped;    /* share of the numbers that have no code: by more than half a step */
    double unused;     /* share of the codes that are beyond what was seen */
    float better_low, better_high; /* the range of least squared error */
    double gain_db;                /* in signal-to-noise, with that; at least 0 */
    bool poor;                     /* that range would halve the noise, or more */
} c2s_range_check;

typedef struct c2s_range_report {
    C2S_VEC(c2s_range_check) checks; /* in the order of the graph */
    unsigned poor, skipped;          /* skipped: scales that are computed, or by channel */
    size_t samples;
} c2s_range_report;

/* Of a normalised model with inferred types, in any form but dynamic. The feed is that of its
 * inputs, `samples` of it at most (0: all). Free also after a failure. */
c2s_status c2s_range_check_run(const c2s_model *model, const c2s_feed *feed,
                               const c2s_evaluator *evaluator, const c2s_eval_options *eval,
                               size_t samples, c2s_range_report *out);
void c2s_range_report_free(c2s_range_report *report);

#endif
