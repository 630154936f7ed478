/* SPDX-License-Identifier: Apache-2.0
 *
 * Raising a model to the operator forms of opset 13 and later, so that no pass and no kernel ever
 * has to ask for the opset. One table (normalise_table.c) lists every old form of ai.onnx.
 */
#ifndef C2S_IO_NORMALISE_H
#define C2S_IO_NORMALISE_H

#include "ir/graph.h"

/* Raises every node of the main graph, of bodies and of functions to its current form and sets the
 * opset of ai.onnx to the larger of 13, the file's, and what the new forms need. Output values keep
 * their names. Training operators (Dropout, BatchNormalization before opset 7) become their
 * inference form when they have the outputs of inference only. Gradient nodes are replaced by the
 * derivative graph. Operators that are not known stay as they are.
 *
 * C2S_ERR_UNSUPPORTED names the node and the reason where a form cannot be raised exactly, such as
 * a rank that is needed and not known; C2S_ERR_INVALID where a node breaks the rules of its form.
 * The model is then partly raised and only fit for c2s_model_destroy. Linear in the graph. */
c2s_status c2s_model_normalise(c2s_model *model);
/* A copy as the passes of the default job see the model: overridable inputs are initializers, calls
 * of functions are expanded, types are inferred. NULL after a failure. */
c2s_status c2s_model_infer_copy(const c2s_model *model, c2s_model **out);

/* The node of `model` has an old form that c2s_model_normalise replaces, whatever it is now. */
bool c2s_normalise_knows(const c2s_model *model, const c2s_node *node);

#endif
