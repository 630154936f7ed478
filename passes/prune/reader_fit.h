/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights for readers that have lost channels: those with which they come closest, by least
 * squares, to what they computed in the first model.
 */
#ifndef C2S_PASSES_PRUNE_READER_FIT_H
#define C2S_PASSES_PRUNE_READER_FIT_H

#include "passes/measure/gram.h"
#include "passes/prune/readers.h"

/* What a reader had before anything changed. */
typedef struct c2s_reader_first {
    const c2s_tensor *weight, *bias; /* bias NULL: none that can be changed */
    bool *removed;                   /* [k]: rows that must stay 0 */
} c2s_reader_first;

/* Minimises |x v + b - y|^2 + d |v - w|^2 over the rows of v that stay, and over b if the reader
 * can add a vector: x as collected (nothing changes without rows), y what the first model gives (`cross`), w its weights, d
 * `damping` times the mean of the diagonal of the moments. Without `cross` y = x w. Writes weights
 * and bias. Method: He et al. 2017 (arXiv 1707.06168), on the already pruned input, there without b
 * and d. */
c2s_status c2s_reader_fit(const c2s_reader *reader, const c2s_reader_first *first,
                          const c2s_gram *gram, const c2s_cross *cross, double damping);

#endif
