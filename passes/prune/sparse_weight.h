/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of a linear operator of which many are 0.
 */
#ifndef C2S_PASSES_PRUNE_SPARSE_WEIGHT_H
#define C2S_PASSES_PRUNE_SPARSE_WEIGHT_H

#include "passes/measure/gram.h"

/* Either a part of all weights is 0, wherever they are; or of every `of` weights that follow each
 * other along the inputs of an output (channels, at one place of a kernel) at most `keep` are not.
 */
typedef struct c2s_sparse_pattern {
    double ratio;
    size_t keep, of; /* of 0: `ratio` counts */
} c2s_sparse_pattern;

/* `weights`, laid out as the site's weight is, lose the smallest of them. C2S_ERR_MEMORY. */
c2s_status c2s_sparse_by_size(const c2s_linear_site *site, const c2s_sparse_pattern *pattern,
                              float *weights);

/* The same, but those go whose loss the others can make up for best, which they do: one column
 * after the other, each with what the columns behind it can correct (optimal brain surgeon in the
 * order of SparseGPT: Frantar and Alistarh 2023, arXiv 2301.00774). bias [groups * n], or NULL:
 * moments are those around the mean then, and it makes up for the means. `damping` of the moments,
 * in parts of their mean. C2S_ERR_MEMORY, C2S_ERR_INVALID: moments that are not finite. */
c2s_status c2s_sparse_by_moments(const c2s_linear_site *site, const c2s_sparse_pattern *pattern,
                                 const c2s_gram *gram, double damping, float *weights, float *bias);

#endif
