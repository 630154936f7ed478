/* SPDX-License-Identifier: Apache-2.0
 *
 * The samples of a data set that a job proves with.
 */
#ifndef C2S_JOB_SAMPLES_H
#define C2S_JOB_SAMPLES_H

#include "c2s.h"
#include "io/dataset.h"

typedef struct c2s_samples {
    c2s_dataset *data;
    unsigned count, inputs;
    c2s_tensor ***sets; /* sets[k][i] is input i of sample k; NULL: there are none */
} c2s_samples;

/* As many as options->samples says, 4 if it does not; spread evenly over the data, since neighbours
 * are often alike. Free also after a failure. */
c2s_status c2s_samples_load(const c2s_model *model, const c2s_run_options *o, c2s_samples *s);
void c2s_samples_free(c2s_samples *s);

#endif
