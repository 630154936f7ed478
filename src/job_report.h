/* SPDX-License-Identifier: Apache-2.0
 *
 * The report of a job while it is written. What it points at is in its arena.
 */
#ifndef C2S_JOB_REPORT_H
#define C2S_JOB_REPORT_H

#include "c2s.h"
#include "passes/pipeline.h"

typedef struct c2s_job_report {
    c2s_report public; /* first: c2s_report_free takes it for the whole */
    c2s_arena *arena;
    c2s_trace *trace; /* NULL: not asked for */
    C2S_VEC(const char *) notes;
    C2S_VEC(c2s_pass_report) passes;
} c2s_job_report;

void c2s_job_note(c2s_job_report *r, const char *format, ...) C2S_PRINTF(2, 3);
/* One note for each operator that is neither known nor a function of the model. */
void c2s_job_note_unknown(const c2s_model *model, c2s_job_report *r);
/* The pipeline's steps. */
void c2s_job_take_results(const c2s_pipeline_result *result, c2s_job_report *r);
/* Notes, steps and the trace's events, as the public part has them. */
void c2s_job_finish(c2s_job_report *r);

#endif
