/* SPDX-License-Identifier: Apache-2.0
 *
 * Putting a known tensor where a node computed it.
 */
#ifndef C2S_PASSES_PLACE_CONSTANT_H
#define C2S_PASSES_PLACE_CONSTANT_H

#include "ir/graph.h"

/* True if a constant in place of `old` would have to be a Constant node: functions have no
 * initializers, and ONNX Runtime wants the outputs of a body to be made inside it. */
bool c2s_constant_needs_node(const c2s_value *old);

/* Every use of `old` becomes a use of a constant `tensor` (a reference is taken): an initializer,
 * or a Constant node where c2s_constant_needs_node. The caller removes the node that made `old` and
 * gives the result its name. */
c2s_value *c2s_place_constant(c2s_value *old, const c2s_tensor *tensor);

/* c2s_place_constant for all used outputs of `node` (tensors[i] for outputs[i]); then the node is
 * removed, and the constants have the names. */
void c2s_replace_by_constants(c2s_node *node, c2s_tensor *const *tensors);

#endif
