/* SPDX-License-Identifier: Apache-2.0
 *
 * A model may have been given another type of float at its interface: what it reads, and what it is
 * held against, follow.
 */
#ifndef C2S_EVAL_FLOAT_TYPES_H
#define C2S_EVAL_FLOAT_TYPES_H

#include "ir/tensor.h"

/* Both are tensors of floats, of different types. */
bool c2s_is_other_float(const c2s_type *wanted, const c2s_type *found);
/* The numbers of a tensor of floats in another such type, rounded. */
c2s_status c2s_as_float_type(const c2s_tensor *t, c2s_dtype dtype, c2s_tensor **out);

#endif
