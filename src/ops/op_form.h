/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a node obeys the form that an opset gives its operator: attributes, number and element
 * types of operands. What the attributes mean is not looked at; see io/opset_table.c for that.
 */
#ifndef C2S_OPS_OP_FORM_H
#define C2S_OPS_OP_FORM_H

#include "ir/graph.h"

/* C2S_ERR_UNSUPPORTED says what this opset of the node's domain does not know. What is not known of
 * types counts as right. Operators that no opset knows are right, too. */
c2s_status c2s_op_form_check(const c2s_node *node, int64_t opset);

/* Of ai.onnx: from a form of `from` to one of the older opset `to`: attributes that `to` lacks are dropped
 * where they have their default value. C2S_ERR_UNSUPPORTED if the node says something that `to`
 * cannot say; also where a type decides that and is not known. */
c2s_status c2s_op_form_adapt(c2s_node *node, int64_t from, int64_t to);

/* True if both opsets have the same version of the operator, or neither knows it. */
bool c2s_op_form_is_same(const c2s_node *node, int64_t a, int64_t b);

#endif
