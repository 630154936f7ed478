/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/padded_input.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/dnnl_context.h"
#include "runtime/layout.h"

struct c2s_padded_input {
    c2s_dnnl *dnnl;
    unsigned input;
    c2s_bytes *bytes;
    c2s_reorder reorder;
    dnnl_memory_t from, to;
};

void c2s_padded_destroy(c2s_padded_input *p) {
    if (!p)
        return;
    if (p->from)
        dnnl_memory_destroy(p->from);
    if (p->to)
        dnnl_memory_destroy(p->to);
    c2s_dnnl_reorder_destroy(&p->reorder);
    c2s_bytes_unref(p->bytes);
    free(p);
}

c2s_bytes *c2s_padded_bytes(const c2s_padded_input *p) {
    return p->bytes;
}

static c2s_status connect(c2s_padded_input *p, c2s_const_md from, c2s_const_md to) {
    C2S_TRY(c2s_dnnl_reorder_create(p->dnnl, from, to, &p->reorder));
    C2S_TRY(c2s_dnnl_check(dnnl_memory_create(&p->from, from, p->dnnl->engine, DNNL_MEMORY_NONE),
                           "memory object"));
    return c2s_dnnl_check(dnnl_memory_create(&p->to, to, p->dnnl->engine, p->bytes->data),
                          "memory object");
}

static c2s_status fill(c2s_padded_input *p, c2s_step *step, c2s_const_md md,
                       const int64_t *offsets) {
    const c2s_type *type = &step->in[p->input]->type;
    c2s_md plain = NULL, part = NULL;
    size_t size = dnnl_memory_desc_get_size(md);
    C2S_TRY(c2s_step_take(step, p->input, c2s_step_layout(step, p->input)));
    p->bytes = c2s_bytes_alloc(size);
    if (!p->bytes)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for a padded input of %zu bytes", size);
    memset(p->bytes->data, 0, size);
    c2s_const_md have = c2s_slot_md(step->in[p->input]);
    c2s_status status = have ? C2S_OK : c2s_md_of(&plain, type);
    if (status == C2S_OK)
        status = c2s_dnnl_check(c2s_md_part(&part, md, type->rank, type->dim, offsets), "padding");
    if (status == C2S_OK)
        status = connect(p, have ? have : plain, part);
    c2s_md_free(plain);
    c2s_md_free(part);
    return status;
}

c2s_status c2s_padded_create(c2s_step *step, unsigned input, c2s_const_md md,
                             const int64_t *offsets, c2s_padded_input **out) {
    c2s_padded_input *p = *out = c2s_zalloc(sizeof *p);
    p->dnnl = step->dnnl;
    p->input = input;
    c2s_status status = fill(p, step, md, offsets);
    if (status == C2S_OK)
        return C2S_OK;
    c2s_padded_destroy(p);
    *out = NULL;
    return status;
}

c2s_status c2s_padded_run(c2s_padded_input *p, const c2s_step *step) {
    /* The library only reads its source; its interface does not say so. */
    void *data = (void *)(uintptr_t)c2s_tensor_data(step->in[p->input]->tensor);
    C2S_TRY(c2s_dnnl_work(p->dnnl, p->reorder.scratch_size));
    C2S_TRY(c2s_dnnl_check(dnnl_memory_set_data_handle(p->from, data), "memory object"));
    return c2s_dnnl_reorder_run(p->dnnl, &p->reorder, p->from, p->to, p->dnnl->work);
}
