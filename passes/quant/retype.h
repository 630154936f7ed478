/* SPDX-License-Identifier: Apache-2.0
 *
 * Another float type for nodes of the main graph: types, constants and Casts.
 */
#ifndef C2S_PASSES_QUANT_RETYPE_H
#define C2S_PASSES_QUANT_RETYPE_H

#include "ir/graph.h"

/* A value of type `from` has type `to` if a node makes it that was chosen; who wants the other one
 * reads the one Cast of it. */
typedef struct c2s_retyping {
    c2s_dtype from, to;
    const bool
        *chosen; /* by node of the main graph, in list order: it has a row in half_operators.h */
    bool io;     /* inputs and outputs of the graph become `to`, too */
} c2s_retyping;

typedef struct c2s_retype_counts {
    unsigned casts, constants, clamped; /* new nodes; new constants; those with clamped numbers */
} c2s_retype_counts;

/* Adds to *counts. On failure the model is fit for destruction only. */
c2s_status c2s_retype(c2s_model *model, const c2s_retyping *retyping, c2s_retype_counts *counts);

/* A tensor of the type; false of NULL. */
bool c2s_retype_is(const c2s_value *value, c2s_dtype dtype);

/* A constant with the numbers of another one, as another type, and named after it: what float16
 * cannot hold is clamped. */
c2s_status c2s_retype_constant(c2s_value *value, c2s_dtype to, c2s_retype_counts *counts,
                               c2s_value **out);
/* A Cast of `from`, named after `owner`. */
c2s_status c2s_retype_cast(c2s_graph *graph, c2s_node *before, c2s_value *from,
                           const c2s_value *owner, c2s_dtype to, c2s_retype_counts *counts,
                           c2s_value **out);

#endif
