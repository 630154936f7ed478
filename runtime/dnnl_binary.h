/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations on two tensors as oneDNN knows them.
 */
#ifndef C2S_RUNTIME_DNNL_BINARY_H
#define C2S_RUNTIME_DNNL_BINARY_H

#include "runtime/dnnl_primitive.h"

/* The kind of an operator of ai.onnx; false if oneDNN has no such operation. */
bool c2s_binary_of(const char *op, dnnl_alg_kind_t *kind, bool *commutes);

#endif
