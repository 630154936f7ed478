/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline's prover by execution: the model as it was at the first proof runs once, every later
 * state is held against those results. So errors of several passes add up and are seen. What a
 * lossy pass made takes the first model's place for the passes behind it.
 */
#ifndef C2S_PASSES_PROVER_H
#define C2S_PASSES_PROVER_H

#include "passes/pipeline.h"

/* `options` are copied, the tensors of its sets are not. `baseline` (taken over; may be NULL): what
 * to hold every state against instead. */
c2s_prover *c2s_prover_create(const c2s_prove_options *options, c2s_baseline *baseline);
/* What lossy passes are judged by; borrowed. NULL: they only have to leave a model that runs. */
void c2s_prover_set_budget(c2s_prover *prover, c2s_quality *quality, const c2s_budget *budget);
/* The largest relative error of a graph against the first model, if a lossy pass has taken that
 * one's place; unchanged if none has, or it does not run. */
void c2s_prover_total(const c2s_prover *prover, const c2s_graph *graph, double *error);
/* Forgets what lossy passes did: the next one starts with the first model again. */
void c2s_prover_restart(c2s_prover *prover);
/* What `slower` compares with, a model that stays unchanged and alive; NULL ends that. */
void c2s_prover_race(c2s_prover *prover, const c2s_model *before);
void c2s_prover_destroy(c2s_prover *prover); /* NULL is allowed */

#endif
