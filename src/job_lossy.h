/* SPDX-License-Identifier: Apache-2.0
 *
 * What lossy passes of a job learn from, and what they are judged by.
 */
#ifndef C2S_JOB_LOSSY_H
#define C2S_JOB_LOSSY_H

#include "job_report.h"
#include "metric_command.h"
#include "passes/measure/gram_cache.h"
#include "passes/measure/ranges_cache.h"
#include "passes/prover.h"

typedef struct c2s_job_lossy {
    c2s_feed *learn, *judge; /* may be one */
    c2s_quality *quality;
    c2s_metric_command metric; /* `text` NULL: none */
    c2s_ranges_cache *cache;   /* passes run again where a bound is not kept: the model need not */
    c2s_gram_cache *grams;     /* likewise */
    c2s_pass_context context;
} c2s_job_lossy;

/* Fills in the context; data are opened only if a pass of the pipeline learns from samples, and
 * `model` is run on them only if one is lossy. `baseline` (NULL: nothing is proved or measured) is
 * that of the model, and stays alive. Close also after a failure. */
c2s_status c2s_job_lossy_open(const c2s_model *model, const c2s_pipeline *pipeline,
                              const c2s_run_options *o, const c2s_baseline *baseline,
                              c2s_job_report *r, c2s_job_lossy *out);
void c2s_job_lossy_close(c2s_job_lossy *lossy);
bool c2s_pipeline_is_lossy(const c2s_pipeline *pipeline);
/* Has a pass that makes the same only if it can measure, whether or not anything is proved. */
bool c2s_pipeline_measures(const c2s_pipeline *pipeline);

#endif
