/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline's prover by execution: the model as it was at the first proof runs once, every later
 * state is held against those results. So errors of several passes add up and are seen.
 */
#ifndef C2S_PASSES_PROVER_H
#define C2S_PASSES_PROVER_H

#include "passes/pipeline.h"

/* `options` are copied, the tensors of its sets are not. `baseline` (taken over; may be NULL): what
 * to hold every state against instead. */
c2s_prover *c2s_prover_create(const c2s_prove_options *options, c2s_baseline *baseline);
/* What `slower` compares with, a model that stays unchanged and alive; NULL ends that. */
void c2s_prover_race(c2s_prover *prover, const c2s_model *before);
void c2s_prover_destroy(c2s_prover *prover); /* NULL is allowed */

#endif
