/* SPDX-License-Identifier: Apache-2.0
 *
 * Few numbers for many: the centres of weighted k-means on a line, of least squared error.
 */
#ifndef C2S_PASSES_LOWRANK_CODEBOOK_H
#define C2S_PASSES_LOWRANK_CODEBOOK_H

#include <stddef.h>

#include "base/status.h"

/* `centres` [most] receives *found ascending numbers for the finite `values` [count]; `weights`: of
 * their squared errors, at least 0, NULL: 1. Up to 4096 different values, or fewer where `most` is
 * small, by dynamic programming (Wang and Song 2011, "Ckmeans.1d.dp"): no other centres are better.
 * More are put into as many cells of neighbours first, and Lloyd's iteration on the values ends it.
 * Where a centre is nearest to 0 and 0 is one of many values, it is 0. */
c2s_status c2s_codebook_fit(const double *values, const double *weights, size_t count, size_t most,
                            double *centres, size_t *found);
/* The index of the centre nearest to the value; the lower one of two. */
size_t c2s_codebook_nearest(const double *centres, size_t count, double value);

#endif
