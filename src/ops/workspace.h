/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory and converted operands of one evaluation. Loops are written once per wide type; this gives
 * them whole tensors of any real type as such arrays, and stores results once, rounded. The first
 * failure sticks, so a caller asks once, after it has everything:
 *
 *     c2s_workspace ws = {0};
 *     const double *x = c2s_workspace_f64(&ws, e->in[0]);
 *     double *y = c2s_workspace_out_f64(&ws, e->out[0]);
 *     if (ws.status == C2S_OK)
 *         compute(x, y);
 *     return c2s_workspace_end(&ws);
 *
 * Conversions of large tensors use several threads.
 */
#ifndef C2S_OPS_WORKSPACE_H
#define C2S_OPS_WORKSPACE_H

#include "ops/op.h"
#include "ops/wide.h"

typedef struct c2s_workspace {
    c2s_status status;
    struct c2s_workspace_block *blocks; /* the latest first */
} c2s_workspace;

/* The elements as an array of the wide type: the tensor's own where they are stored so, else a
 * converted copy. NULL if the tensor is NULL or on failure. C2S_ERR_INVALID for elements that are
 * no real numbers. */
const void *c2s_workspace_in(c2s_workspace *ws, c2s_wide wide, const c2s_tensor *tensor);
/* An array (not initialised) whose elements c2s_workspace_end stores in `tensor`: rounded, and from
 * float or double to integers truncated towards zero and kept within their range (NaN: 0). NULL if
 * the tensor is NULL (an output left out) or on failure. */
void *c2s_workspace_out(c2s_workspace *ws, c2s_wide wide, c2s_tensor *tensor);

/* Scratch memory, not initialised; never NULL but on failure. The product is checked. */
void *c2s_workspace_array(c2s_workspace *ws, size_t count, size_t size);

/* Integers and bools only. */
const int64_t *c2s_workspace_i64(c2s_workspace *ws, const c2s_tensor *tensor);
/* Indices made non-negative: each must lie in [-extent, extent). */
const int64_t *c2s_workspace_indices(c2s_workspace *ws, const c2s_tensor *tensor, int64_t extent);
/* One index for an axis, in place; fails naming it and the allowed range. */
c2s_status c2s_index_check(int64_t *index, int64_t extent);

/* Stores the outputs unless something failed, frees everything, returns the status. */
c2s_status c2s_workspace_end(c2s_workspace *ws);

static inline const float *c2s_workspace_f32(c2s_workspace *ws, const c2s_tensor *tensor) {
    return c2s_workspace_in(ws, C2S_WIDE_F32, tensor);
}
static inline const double *c2s_workspace_f64(c2s_workspace *ws, const c2s_tensor *tensor) {
    return c2s_workspace_in(ws, C2S_WIDE_F64, tensor);
}
static inline float *c2s_workspace_out_f32(c2s_workspace *ws, c2s_tensor *tensor) {
    return c2s_workspace_out(ws, C2S_WIDE_F32, tensor);
}
static inline double *c2s_workspace_out_f64(c2s_workspace *ws, c2s_tensor *tensor) {
    return c2s_workspace_out(ws, C2S_WIDE_F64, tensor);
}

#endif
