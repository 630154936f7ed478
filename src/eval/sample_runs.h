/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph on many samples: several at a time, each on a thread of its own, which costs less than
 * many threads for one sample after the other; large models, whose packed weights should not be in
 * memory twice, are run the other way.
 */
#ifndef C2S_EVAL_SAMPLE_RUNS_H
#define C2S_EVAL_SAMPLE_RUNS_H

#include "eval/evaluator.h"

typedef struct c2s_sample_runs {
    const c2s_graph *graph; /* the main graph of its model, with types inferred */
    const c2s_evaluator *evaluator;
    const c2s_eval_options *eval; /* without observer */
    size_t count;
    const char *what; /* for c2s_progress */
    /* The inputs of run `index` go into `in`, zeroed: one reference per graph input. */
    c2s_status (*read)(void *user, size_t index, c2s_tensor **in);
    /* What came out. Neither is called twice at a time; the order is not that of the runs. */
    c2s_status (*take)(void *user, size_t index, c2s_tensor *const *in, c2s_tensor *const *out);
    void *user;
} c2s_sample_runs;

/* Fails with the first failure that there was. */
c2s_status c2s_sample_runs_do(const c2s_sample_runs *runs);

#endif
