/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a model takes in the runtime at hand.
 */
#ifndef C2S_PASSES_MEASURE_MODEL_SECONDS_H
#define C2S_PASSES_MEASURE_MODEL_SECONDS_H

#include "passes/pass.h"

/* Seconds of the processor for one run on one thread, on random inputs: the least of several, since
 * what else goes on makes it longer only. */
c2s_status c2s_model_seconds(const c2s_model *model, const c2s_pass_context *context,
                             double *seconds);

#endif
