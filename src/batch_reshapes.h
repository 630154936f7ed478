/* SPDX-License-Identifier: Apache-2.0
 *
 * Reshapes that have the number of samples built in.
 */
#ifndef C2S_BATCH_RESHAPES_H
#define C2S_BATCH_RESHAPES_H

#include "ir/graph.h"

/* A Reshape of [batch, ...] to a constant [batch, ...] becomes one to [0, ...], which takes the
 * first extent over from the input: the same for the inputs that `model` has now, and samples stay
 * apart when there are more of them. Nothing is done in bodies, nor where types cannot be inferred.
 * Returns how many were changed, and in *first the first of them. */
unsigned c2s_batch_reshapes_open(c2s_model *model, int64_t batch, const c2s_node **first);

#endif
