/* SPDX-License-Identifier: Apache-2.0
 *
 * Which value of one model is which of another, where one was made from the other: values of the
 * same name first; then those that are computed alike from matched ones, for names may be gone.
 */
#ifndef C2S_EVAL_VALUE_MATCH_H
#define C2S_EVAL_VALUE_MATCH_H

#include "base/vec.h"
#include "ir/graph.h"

typedef struct c2s_value_pair {
    const c2s_value *a, *b;
    bool by_name; /* else by structure */
} c2s_value_pair;

typedef C2S_VEC(c2s_value_pair) c2s_value_pairs;

/* Float values that nodes of the two main graphs and of the bodies in them make, in the order in
 * which `a` computes them, what a body makes before what comes out of it. The outputs of the
 * graphs, which have the same names, match. Bodies match whose nodes make values that match, or of
 * the same name, by the attribute that holds them. QuantizeLinear and DequantizeLinear
 * count for nothing between values: what they give is matched as what they take, by name alone.
 * Free with c2s_vec_free. */
void c2s_values_match(const c2s_graph *a, const c2s_graph *b, c2s_value_pairs *out);

#endif
