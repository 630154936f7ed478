/* SPDX-License-Identifier: Apache-2.0
 *
 * A weight whose elements share a few numbers: sets of these, and codes that say which one each
 * element is.
 */
#ifndef C2S_PASSES_LOWRANK_CLUSTERED_WEIGHT_H
#define C2S_PASSES_LOWRANK_CLUSTERED_WEIGHT_H

#include "passes/quant/weight_plan.h"

typedef struct c2s_clustered {
    size_t sets, each; /* sets of numbers; elements of each, which follow each other */
    size_t most;       /* numbers of a set */
    c2s_dtype code;    /* the type of a code */
    double *numbers;   /* [sets, most] */
    int64_t *codes;    /* [sets, each] */
} c2s_clustered;

/* What the weight takes in a file then. */
double c2s_clustered_bytes(const c2s_tensor *weight, const c2s_clustered *clustered);
/* What its codes and numbers take if a compressor knows how often each code occurs, and nothing
 * else: by their entropy. */
double c2s_clustered_least_bytes(const c2s_tensor *weight, const c2s_clustered *clustered);
/* Fills in numbers and codes for sizes that are given. `importance`: of the squared error of each
 * element; NULL: all are alike. C2S_ERR_UNSUPPORTED: NaN or infinity. */
c2s_status c2s_clustered_fit(const c2s_tensor *weight, const float *importance,
                             c2s_clustered *clustered);
/* All readers of the weight read Gather(numbers, Cast(codes)) after it, with several sets
 * Reshape(GatherElements(numbers, Cast(codes))); types are inferred. */
c2s_status c2s_clustered_write(const c2s_clustered *clustered, const c2s_planned_weight *planned);
void c2s_clustered_free(c2s_clustered *clustered);

#endif
