/* SPDX-License-Identifier: Apache-2.0
 *
 * The reductions with which the scatter operators meet elements that are already there.
 */
#ifndef C2S_OPS_COMBINE_H
#define C2S_OPS_COMBINE_H

#include "ops/op.h"

/* into[k] = into[k] op from[k] for `count` elements. */
typedef void (*c2s_combine)(void *into, const void *from, size_t count);

/* The function for the node's attribute `reduction`; NULL in *out for "none". */
c2s_status c2s_combine_of(const c2s_node *node, c2s_dtype dtype, c2s_combine *out);

#endif
