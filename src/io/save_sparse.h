/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors that are mostly zeros as SparseTensorProto: what is not 0, and where it is.
 */
#ifndef C2S_IO_SAVE_SPARSE_H
#define C2S_IO_SAVE_SPARSE_H

#include <onnx.pb-c.h>

#include "base/memory.h"
#include "ir/tensor.h"

/* It takes fewer bytes so. Only elements all of whose bits are 0 are left out: -0 is not. */
bool c2s_sparse_is_smaller(const c2s_tensor *tensor);
/* With flat indices in ascending order. */
void c2s_sparse_save(c2s_arena *arena, const c2s_tensor *tensor, const char *name,
                     Onnx__SparseTensorProto **out);

#endif
