/* SPDX-License-Identifier: Apache-2.0
 *
 * What errors of a layer's outputs are worth: what they do to the outputs of the model, measured by
 * running it with small errors in one output at a time.
 */
#ifndef C2S_PASSES_LOWRANK_LOWRANK_WORTH_H
#define C2S_PASSES_LOWRANK_LOWRANK_WORTH_H

#include "passes/lowrank/lowrank_job.h"

/* Sets `outer` of all items: lower L [n, n] with L L^T = H. An error e of a layer's outputs, at all
 * positions of a sample, is expected to change what the model gives by sum e^T H e: in rows of
 * scores by the Kullback-Leibler divergence of their softmax (twice that, to second order), else by
 * its part of the energy of the outputs.
 *
 * H is J^T F J with J the derivative of the outputs, F the Fisher information of the scores (or the
 * identity): for output i an error with random signs at all positions is added, and H (i, j) is
 * the product of the changes by i and by j, since those of different positions cancel out. Layers
 * with groups, or of very many outputs, get a multiple of the identity.
 *
 * *measured false: that would take too long, or the model does not run. */
c2s_status c2s_lowrank_find_worth(c2s_lowrank_job *job, bool *measured);

#endif
