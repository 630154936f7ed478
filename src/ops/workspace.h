/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory and converted operands of one evaluation. Loops are written once, over float or double;
 * this gives them the elements of tensors of any real type as such arrays and rounds results once,
 * when they are stored. The first failure sticks, so a caller asks once, after it has everything:
 *
 *     c2s_workspace ws = {0};
 *     const double *x = c2s_workspace_f64(&ws, e->in[0]);
 *     double *y = c2s_workspace_out_f64(&ws, e->out[0]);
 *     if (ws.status == C2S_OK)
 *         compute(x, y);
 *     return c2s_workspace_end(&ws);
 */
#ifndef C2S_OPS_WORKSPACE_H
#define C2S_OPS_WORKSPACE_H

#include "ops/op.h"

#define C2S_WORKSPACE_BLOCKS 32

typedef struct c2s_workspace {
    c2s_status status;
    unsigned block_count, out_count;
    void *block[C2S_WORKSPACE_BLOCKS];
    struct c2s_workspace_out {
        c2s_tensor *tensor;
        void *at;
        c2s_dtype dtype; /* of the array: float or double */
    } out[C2S_WORKSPACE_BLOCKS];
} c2s_workspace;

/* Elements as float or double: the tensor's own where it has that type, else a converted copy.
 * NULL if the tensor is NULL or on failure. C2S_ERR_INVALID for strings and complex numbers. */
const float *c2s_workspace_f32(c2s_workspace *ws, const c2s_tensor *tensor);
const double *c2s_workspace_f64(c2s_workspace *ws, const c2s_tensor *tensor);
/* Integers and bools only. */
const int64_t *c2s_workspace_i64(c2s_workspace *ws, const c2s_tensor *tensor);

/* An array (not initialised) whose elements c2s_workspace_end stores in `tensor`, rounded to its
 * type. NULL if the tensor is NULL (an output left out) or on failure. */
float *c2s_workspace_out_f32(c2s_workspace *ws, c2s_tensor *tensor);
double *c2s_workspace_out_f64(c2s_workspace *ws, c2s_tensor *tensor);

/* Scratch memory, not initialised; never NULL but on failure. The product is checked. */
void *c2s_workspace_array(c2s_workspace *ws, size_t count, size_t size);

/* Stores the outputs unless something failed, frees everything, returns the status. */
c2s_status c2s_workspace_end(c2s_workspace *ws);

#endif
