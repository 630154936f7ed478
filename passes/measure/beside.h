/* SPDX-License-Identifier: Apache-2.0
 *
 * Residuals: what is added to an operator's output behind it.
 */
#ifndef C2S_PASSES_MEASURE_BESIDE_H
#define C2S_PASSES_MEASURE_BESIDE_H

#include "ir/graph.h"

/* Where nodes are in their graph's list, by id; to free. */
size_t *c2s_node_places(const c2s_graph *graph);
/* The other operand of the Add that is all that reads `y`, if it is of the same type and computed
 * before `x`, the input of the operator that gives y: so that the sum, errors of that operand
 * included, can be what is to come out right (c2s_gram_request). Else NULL. */
c2s_value *c2s_value_beside(const c2s_value *y, const c2s_value *x, const size_t *places);

#endif
