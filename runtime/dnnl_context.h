/* SPDX-License-Identifier: Apache-2.0
 *
 * What the primitives of one session share. For dnnl_primitive.c; kernels include
 * dnnl_primitive.h.
 */
#ifndef C2S_RUNTIME_DNNL_CONTEXT_H
#define C2S_RUNTIME_DNNL_CONTEXT_H

#include "base/map.h"
#include "runtime/dnnl_primitive.h"

struct c2s_dnnl {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attr;
    void *work; /* scratchpads and reordered tensors of the primitive that runs */
    size_t work_size;
    c2s_map packed; /* constant tensor -> its packed forms */
};

/* Makes the work space at least this large; its content is lost. */
c2s_status c2s_dnnl_work(c2s_dnnl *dnnl, size_t size);

typedef struct c2s_reorder {
    dnnl_primitive_t primitive; /* NULL: nothing to do */
    dnnl_memory_t scratch;
    size_t scratch_size;
} c2s_reorder;

c2s_status c2s_dnnl_reorder_create(c2s_dnnl *dnnl, c2s_const_md from, c2s_const_md to,
                                   c2s_reorder *out);
void c2s_dnnl_reorder_destroy(c2s_reorder *reorder);
c2s_status c2s_dnnl_reorder_run(c2s_dnnl *dnnl, const c2s_reorder *reorder, dnnl_memory_t from,
                                dnnl_memory_t to, void *scratch);

/* Reorders once what lies at `data`. */
c2s_status c2s_dnnl_reorder_into(c2s_dnnl *dnnl, c2s_const_md from, void *data, c2s_const_md to,
                                 void *target);
/* A copy in layout `to` of what lies at `data`. */
c2s_status c2s_dnnl_reorder_now(c2s_dnnl *dnnl, c2s_const_md from, void *data, c2s_const_md to,
                                c2s_bytes **out);
/* The constant's bytes in layout `to`: made at the first call, kept for the session. *out receives
 * a reference. */
c2s_status c2s_dnnl_pack(c2s_dnnl *dnnl, const c2s_tensor *tensor, c2s_const_md from,
                         c2s_const_md to, c2s_bytes **out);

#endif
