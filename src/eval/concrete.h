/* SPDX-License-Identifier: Apache-2.0
 *
 * What a graph's types become when the free dimensions of its inputs get values.
 */
#ifndef C2S_EVAL_CONCRETE_H
#define C2S_EVAL_CONCRETE_H

#include "ops/op.h"

typedef struct c2s_concrete {
    const c2s_graph *graph;
    c2s_arena *arena;
    c2s_type *type; /* by value id, of values of the main graph; unknown where not inferred */
    bool valid;     /* no node contradicts these extents */
} c2s_concrete;

/* Infers types for the given types of the formal inputs. Free with c2s_concrete_free. */
void c2s_concrete_infer(const c2s_graph *graph, const c2s_type *inputs, c2s_concrete *out);
void c2s_concrete_free(c2s_concrete *concrete);

/* Gives every value its type for these types of the formal inputs, those of bodies included. What
 * cannot be inferred keeps the one it has. */
void c2s_concrete_apply(c2s_graph *graph, const c2s_type *inputs);

#endif
