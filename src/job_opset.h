/* SPDX-License-Identifier: Apache-2.0
 *
 * The step of a job that writes a model in another opset, and proves it.
 */
#ifndef C2S_JOB_OPSET_H
#define C2S_JOB_OPSET_H

#include "job_report.h"

/* The oldest whose forms can be executed and counted. */
enum { C2S_NORMAL_OPSET = 13 };

/* A copy of the model in forms that can be executed and counted. */
c2s_status c2s_normal_copy(c2s_model *model, c2s_model **out);
/* A step of its own in the report. What was asked for and cannot be had is a failure. `prover`:
 * NULL if nothing is proved. */
c2s_status c2s_job_convert_opset(c2s_model *model, int64_t opset, const c2s_prover *prover,
                                 c2s_job_report *r);

#endif
