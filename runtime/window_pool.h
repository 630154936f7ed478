/* SPDX-License-Identifier: Apache-2.0
 *
 * AveragePool and MaxPool over 1 to 3 spatial axes, as the kernels for them want it.
 */
#ifndef C2S_RUNTIME_WINDOW_POOL_H
#define C2S_RUNTIME_WINDOW_POOL_H

#include "runtime/dnnl_primitive.h"

typedef struct c2s_pool {
    dnnl_alg_kind_t kind;
    c2s_dnnl_window window;
} c2s_pool;

/* False where windows see nothing of the input, count padding in a way of their own, or indices are
 * wanted. */
bool c2s_pool_of(const c2s_step *step, c2s_pool *out);

#endif
