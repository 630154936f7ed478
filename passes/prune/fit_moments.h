/* SPDX-License-Identifier: Apache-2.0
 *
 * Second moments as weights are fitted by them: around the mean, and damped.
 */
#ifndef C2S_PASSES_PRUNE_FIT_MOMENTS_H
#define C2S_PASSES_PRUNE_FIT_MOMENTS_H

#include "passes/measure/gram.h"

/* Of group g of a reader, around the mean (`centred`) or as c2s_gram holds them: out[k, k]. */
void c2s_centred_moments(const c2s_gram *gram, size_t g, bool centred, double *out);

/* False: no channel varies (one row, say, and a bias), so nothing can be learnt from them. */
bool c2s_moments_vary(size_t k, const double *moments);

/* What is added to their diagonal, in parts of its mean: what was asked for, and more where there
 * are few rows for as many columns: what fits these exactly fits others badly. None if none was
 * asked for. */
double c2s_moments_damping(const c2s_gram *gram, double asked);

#endif
