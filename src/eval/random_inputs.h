/* SPDX-License-Identifier: Apache-2.0
 *
 * Random inputs that a graph can work on: right types, consistent symbolic extents, indices inside
 * what they index. The same seed gives the same inputs on every machine.
 *
 * Floats are uniform in [0, 1) in even samples (as pixels are) and normal in odd ones. 8-bit
 * integers take their whole range, wider ones 0 or 1, scalars 1 to 3, unless the graph uses them as
 * indices, lengths or counts.
 */
#ifndef C2S_EVAL_RANDOM_INPUTS_H
#define C2S_EVAL_RANDOM_INPUTS_H

#include "ops/op.h"

/* How many attempts (see there) are worth it. */
enum { C2S_RANDOM_ATTEMPTS = 24 };

typedef struct c2s_random_options {
    uint64_t seed;
    unsigned sample;             /* which set of inputs of this seed: 0, 1, ... */
    const c2s_dim_binding *dims; /* extents of named dimensions */
    unsigned dim_count;
    /* Extents that nobody gave: 1 on the first axis; elsewhere attempt 0, 1, ... tries other
     * values, of those for which inference finds no contradiction. */
    unsigned attempt;
} c2s_random_options;

/* `in` receives one reference per formal input, NULL for those with an initializer. Errors:
 * C2S_ERR_USAGE: a binding names no dimension of the inputs or is negative; C2S_ERR_UNSUPPORTED: an
 * input's type is not known well enough, or there is no further attempt. */
c2s_status c2s_random_inputs(const c2s_graph *graph, const c2s_random_options *options,
                             c2s_tensor **in);
/* The types alone: `types` receives one per formal input. */
c2s_status c2s_random_types(const c2s_graph *graph, const c2s_random_options *options,
                            c2s_type *types);

#endif
