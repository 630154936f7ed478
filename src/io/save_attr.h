/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes as AttributeProto.
 */
#ifndef C2S_IO_SAVE_ATTR_H
#define C2S_IO_SAVE_ATTR_H

#include "io/save_graph.h"

/* The attribute's own message where that still says the same, else a new one; bodies are always
 * built anew. Sparse tensors and types that no message describes: C2S_ERR_UNSUPPORTED. */
c2s_status c2s_attr_save(c2s_saver *saver, const c2s_node *node, const c2s_attr *attr,
                         Onnx__AttributeProto **out);

#endif
