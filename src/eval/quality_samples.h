/* SPDX-License-Identifier: Apache-2.0
 *
 * What quality.h keeps: shared by its opening and its measuring.
 */
#ifndef C2S_EVAL_QUALITY_SAMPLES_H
#define C2S_EVAL_QUALITY_SAMPLES_H

#include "base/vec.h"
#include "eval/output_scores.h"
#include "eval/quality.h"

typedef struct c2s_quality_sample {
    size_t index;     /* in the feed */
    c2s_tensor **in;  /* NULL: not kept */
    c2s_tensor **out; /* of the first model */
} c2s_quality_sample;

struct c2s_quality {
    const c2s_evaluator *evaluator;
    c2s_eval_options eval;
    const c2s_feed *feed;
    unsigned input_count, output_count;
    char **input_name;
    C2S_VEC(c2s_quality_sample) samples;
    uint64_t kept_inputs;      /* bytes */
    int64_t *labels;           /* of all samples of the feed; NULL: none */
    size_t labels_each;        /* of one sample */
    int64_t offset;            /* what a label counts more as the index of an element */
    c2s_quality_metric metric; /* `measure` NULL: none */
    double metric_first;
};

/* The inputs of a sample for `graph`, in[inputs]. */
c2s_status c2s_quality_read(const c2s_quality *quality, const c2s_graph *graph,
                            const c2s_quality_sample *sample, c2s_tensor **in);
/* The rows of output 0, with their labels. */
void c2s_quality_add_rows(const c2s_quality *quality, const c2s_quality_sample *sample,
                          const c2s_tensor *found, c2s_row_tally *tally);

#endif
