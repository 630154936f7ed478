/* SPDX-License-Identifier: Apache-2.0
 *
 * A pipeline whose result may not be slower than what it was given.
 */
#ifndef C2S_PASSES_GUARD_H
#define C2S_PASSES_GUARD_H

#include "passes/prover.h"

/* c2s_pipeline_run with `options`, whose prover is `prover`. If the model has become slower as a
 * whole, the pipeline runs again and every pass is judged by its speed, too; if that does not find
 * out what it is, all of it is rolled back. */
c2s_status c2s_guard_run(const c2s_pipeline *pipeline, c2s_model *model,
                         const c2s_pipeline_options *options, c2s_prover *prover,
                         c2s_pipeline_result *result);

#endif
