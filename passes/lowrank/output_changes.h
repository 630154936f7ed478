/* SPDX-License-Identifier: Apache-2.0
 *
 * By how much the outputs of a model change, as a vector whose square is what that is worth: of
 * rows of scores the Kullback-Leibler divergence of their softmax (twice that, to second order), of
 * other outputs the part of their energy.
 */
#ifndef C2S_PASSES_LOWRANK_OUTPUT_CHANGES_H
#define C2S_PASSES_LOWRANK_OUTPUT_CHANGES_H

#include "ir/tensor.h"

typedef struct c2s_changes c2s_changes;

/* Rows of scores are what a model gives whose only output has two axes or more, two elements or
 * more along the last one, and rows that softmax does not make all but certain. */
c2s_changes *c2s_changes_open(size_t samples, unsigned outputs);
void c2s_changes_close(c2s_changes *changes); /* NULL is allowed */
/* What the model gives for a sample as it is. Of many elements some are looked at, spread evenly.
 */
c2s_status c2s_changes_first(c2s_changes *changes, size_t sample, c2s_tensor *const *out);
/* Rows of scores, or elements of others, that are looked at, of all samples. */
size_t c2s_changes_rows(const c2s_changes *changes);
size_t c2s_changes_length(const c2s_changes *changes, size_t sample); /* of the vector */
/* The vector, times `factor`. C2S_ERR_INVALID: outputs of other extents. */
c2s_status c2s_changes_of(const c2s_changes *changes, size_t sample, c2s_tensor *const *out,
                          double factor, float *change);

#endif
