/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/dnnl_context.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "runtime/layout_copy.h"

/* A constant in a primitive's layout, or in a form that a kernel has made up. */
typedef struct packed {
    const c2s_tensor *source; /* a reference: keeps the address from being reused */
    c2s_pack_form form;       /* without a name: a layout */
    c2s_md from, to;
    c2s_bytes *bytes;
    struct packed *next;
} packed;

c2s_status c2s_dnnl_check(dnnl_status_t status, const char *what) {
    switch (status) {
    case dnnl_success:
        return C2S_OK;
    case dnnl_out_of_memory:
        return c2s_fail(C2S_ERR_MEMORY, "oneDNN: %s: out of memory", what);
    case dnnl_unimplemented:
        return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN: %s: not implemented for these types", what);
    case dnnl_invalid_arguments:
        return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN: %s: arguments refused", what);
    default:
        return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN: %s: status %d", what, (int)status);
    }
}

c2s_status c2s_dnnl_attr_with(dnnl_post_ops_t ops, dnnl_primitive_attr_t *out) {
    *out = NULL;
    if (ops && !c2s_post_ops_sound(ops))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN would mix up these post-operations");
    dnnl_status_t status = dnnl_primitive_attr_create(out);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (status == dnnl_success && ops)
        status = dnnl_primitive_attr_set_post_ops(*out, ops);
    if (status != dnnl_success && *out) {
        dnnl_primitive_attr_destroy(*out);
        *out = NULL;
    }
    return c2s_dnnl_check(status, "attributes");
}

/* The type of what the step computes in float. */
static c2s_dtype declared_type(const c2s_step *step) {
    const c2s_slot *result = step->out_count && step->out[0] ? step->out[0]->base : NULL;
    return step->widened && result && result->narrow ? result->narrow->type.dtype : C2S_FLOAT;
}

c2s_status c2s_dnnl_attr_of(const c2s_step *step, dnnl_post_ops_t ops, dnnl_primitive_attr_t *out) {
    const c2s_dtype dtype = declared_type(step);
    C2S_TRY(c2s_dnnl_attr_with(ops, out));
    if (dtype == C2S_FLOAT)
        return C2S_OK;
    const dnnl_status_t status = dnnl_primitive_attr_set_fpmath_mode(
        *out, dtype == C2S_BFLOAT16 ? dnnl_fpmath_mode_bf16 : dnnl_fpmath_mode_f16);
    if (status != dnnl_success) {
        dnnl_primitive_attr_destroy(*out);
        *out = NULL;
    }
    return c2s_dnnl_check(status, "arithmetic");
}

c2s_status c2s_dnnl_create(c2s_dnnl **out) {
    c2s_dnnl *dnnl = *out = c2s_zalloc(sizeof *dnnl);
    c2s_status status =
        c2s_dnnl_check(dnnl_engine_create(&dnnl->engine, dnnl_cpu, 0), "CPU engine");
    if (status == C2S_OK)
        status = c2s_dnnl_check(
            dnnl_stream_create(&dnnl->stream, dnnl->engine, dnnl_stream_default_flags), "stream");
    if (status == C2S_OK)
        status = c2s_dnnl_attr_with(NULL, &dnnl->attr);
    if (status != C2S_OK) {
        c2s_dnnl_destroy(dnnl);
        *out = NULL;
    }
    return status;
}

static void packed_free(packed *entry) {
    c2s_tensor_unref(entry->source);
    c2s_md_free(entry->from);
    c2s_md_free(entry->to);
    c2s_bytes_unref(entry->bytes);
    free(entry);
}

void c2s_dnnl_forget(c2s_dnnl *dnnl) {
    for (size_t i = 0; i < dnnl->packed.capacity; i++) {
        packed *entry = dnnl->packed.slots[i].used ? dnnl->packed.slots[i].value : NULL;
        unsigned count = 0;
        for (packed *e = entry; e; e = e->next)
            count++;
        if (!entry || atomic_load(&entry->source->refs) > count)
            continue;
        dnnl->packed.slots[i].value = NULL;
        for (packed *next; entry; entry = next) {
            next = entry->next;
            packed_free(entry);
        }
    }
}

void c2s_dnnl_destroy(c2s_dnnl *dnnl) {
    if (!dnnl)
        return;
    for (size_t i = 0; i < dnnl->packed.capacity; i++)
        if (dnnl->packed.slots[i].used)
            for (packed *entry = dnnl->packed.slots[i].value, *next; entry; entry = next) {
                next = entry->next;
                packed_free(entry);
            }
    c2s_map_free(&dnnl->packed);
    free(dnnl->work);
    if (dnnl->attr)
        dnnl_primitive_attr_destroy(dnnl->attr);
    if (dnnl->stream)
        dnnl_stream_destroy(dnnl->stream);
    if (dnnl->engine)
        dnnl_engine_destroy(dnnl->engine);
    free(dnnl);
}

dnnl_engine_t c2s_dnnl_engine(const c2s_dnnl *dnnl) {
    return dnnl->engine;
}

dnnl_primitive_attr_t c2s_dnnl_attr(const c2s_dnnl *dnnl) {
    return dnnl->attr;
}

bool c2s_dnnl_accepts(const c2s_type *type) {
    size_t count;
    return c2s_type_is_tensor(type) && type->dtype == C2S_FLOAT && c2s_type_is_static(type) &&
           type->rank <= DNNL_MAX_NDIMS && c2s_type_elements(type, &count) && count > 0 &&
           count <= INT_MAX;
}

dnnl_data_type_t c2s_dnnl_type(c2s_dtype dtype) {
    switch (dtype) {
    case C2S_FLOAT:
        return dnnl_f32;
    case C2S_UINT8:
        return dnnl_u8;
    case C2S_INT8:
        return dnnl_s8;
    case C2S_INT32:
        return dnnl_s32;
    default:
        return dnnl_data_type_undef;
    }
}

static c2s_status plain_md(c2s_md *out, int rank, const int64_t *dims, dnnl_data_type_t type) {
    int64_t strides[C2S_MAX_RANK], step = 1;
    static const int64_t one = 1;
    if (rank == 0) /* the library has no scalars */
        return c2s_dnnl_check(c2s_md_strided(out, 1, &one, &one, type), "descriptor");
    for (int axis = rank - 1; axis >= 0; axis--) {
        strides[axis] = step;
        step *= dims[axis];
    }
    return c2s_dnnl_check(c2s_md_strided(out, rank, dims, strides, type), "descriptor");
}

c2s_status c2s_md_plain(c2s_md *out, int rank, const int64_t *dims) {
    return plain_md(out, rank, dims, dnnl_f32);
}

c2s_status c2s_md_of(c2s_md *out, const c2s_type *type) {
    return plain_md(out, type->rank, type->dim, c2s_dnnl_type(type->dtype));
}

c2s_status c2s_dnnl_work(c2s_dnnl *dnnl, size_t size) {
    if (size <= dnnl->work_size)
        return C2S_OK;
    void *work = c2s_try_alloc_aligned(size);
    if (!work)
        return c2s_fail_alloc(1, size);
    free(dnnl->work);
    dnnl->work = work;
    dnnl->work_size = size;
    return C2S_OK;
}

c2s_status c2s_dnnl_work_space(c2s_dnnl *dnnl, size_t size, void **out) {
    C2S_TRY(c2s_dnnl_work(dnnl, size));
    *out = dnnl->work;
    return C2S_OK;
}

c2s_status c2s_dnnl_reorder_create(c2s_dnnl *dnnl, c2s_const_md from, c2s_const_md to,
                                   c2s_reorder *out) {
    dnnl_primitive_desc_t pd = NULL;
    *out = (c2s_reorder){0};
    c2s_status status = c2s_dnnl_check(
        dnnl_reorder_primitive_desc_create(&pd, from, dnnl->engine, to, dnnl->engine, dnnl->attr),
        "reorder");
    if (status != C2S_OK)
        return status;
    c2s_const_md scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    out->scratch_size = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
    status = c2s_dnnl_check(dnnl_primitive_create(&out->primitive, pd), "reorder");
    if (status == C2S_OK && out->scratch_size)
        status = c2s_dnnl_check(
            dnnl_memory_create(&out->scratch, scratch, dnnl->engine, DNNL_MEMORY_NONE), "reorder");
    dnnl_primitive_desc_destroy(pd);
    if (status != C2S_OK)
        c2s_dnnl_reorder_destroy(out);
    return status;
}

void c2s_dnnl_reorder_destroy(c2s_reorder *reorder) {
    if (reorder->primitive)
        dnnl_primitive_destroy(reorder->primitive);
    if (reorder->scratch)
        dnnl_memory_destroy(reorder->scratch);
    *reorder = (c2s_reorder){0};
}

c2s_status c2s_dnnl_reorder_run(c2s_dnnl *dnnl, const c2s_reorder *reorder, dnnl_memory_t from,
                                dnnl_memory_t to, void *scratch) {
    dnnl_exec_arg_t args[3] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    int count = 2;
    if (reorder->scratch) {
        C2S_TRY(c2s_dnnl_check(dnnl_memory_set_data_handle(reorder->scratch, scratch), "reorder"));
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, reorder->scratch};
    }
    dnnl_status_t status = dnnl_primitive_execute(reorder->primitive, dnnl->stream, count, args);
    if (status == dnnl_success)
        status = dnnl_stream_wait(dnnl->stream);
    return c2s_dnnl_check(status, "reorder");
}

static c2s_status reorder_into(c2s_dnnl *dnnl, c2s_const_md from, void *data, c2s_const_md to,
                               void *target) {
    c2s_reorder reorder;
    dnnl_memory_t source = NULL, destination = NULL;
    C2S_TRY(c2s_dnnl_reorder_create(dnnl, from, to, &reorder));
    c2s_status status = c2s_dnnl_work(dnnl, reorder.scratch_size);
    if (status == C2S_OK)
        status = c2s_dnnl_check(dnnl_memory_create(&source, from, dnnl->engine, data), "reorder");
    if (status == C2S_OK)
        status =
            c2s_dnnl_check(dnnl_memory_create(&destination, to, dnnl->engine, target), "reorder");
    if (status == C2S_OK)
        status = c2s_dnnl_reorder_run(dnnl, &reorder, source, destination, dnnl->work);
    if (source)
        dnnl_memory_destroy(source);
    if (destination)
        dnnl_memory_destroy(destination);
    c2s_dnnl_reorder_destroy(&reorder);
    return status;
}

c2s_status c2s_dnnl_reorder_into(c2s_dnnl *dnnl, c2s_const_md from, void *data, c2s_const_md to,
                                 void *target) {
    if (reorder_into(dnnl, from, data, to, target) == C2S_OK)
        return C2S_OK;
    c2s_log(1, "the plain code copies instead: %s", c2s_error());
    c2s_error_clear();
    return c2s_layout_copy(from, data, to, target);
}

c2s_status c2s_dnnl_reorder_now(c2s_dnnl *dnnl, c2s_const_md from, void *data, c2s_const_md to,
                                c2s_bytes **out) {
    *out = c2s_bytes_alloc(dnnl_memory_desc_get_size(to));
    if (!*out)
        return c2s_fail(C2S_ERR_MEMORY, "no memory to pack a constant");
    c2s_status status = c2s_dnnl_reorder_into(dnnl, from, data, to, (*out)->data);
    if (status != C2S_OK) {
        c2s_bytes_unref(*out);
        *out = NULL;
    }
    return status;
}

/* Keeps what was made for a constant, in front of its other forms; frees it on failure. */
static c2s_status keep(c2s_dnnl *dnnl, packed *entry, packed *first, c2s_status status,
                       c2s_bytes **out) {
    if (status != C2S_OK) {
        packed_free(entry);
        return status;
    }
    entry->next = first;
    c2s_map_put(&dnnl->packed, entry->source, entry);
    *out = c2s_bytes_ref(entry->bytes);
    return C2S_OK;
}

c2s_status c2s_dnnl_pack(c2s_dnnl *dnnl, const c2s_tensor *tensor, c2s_const_md from,
                         c2s_const_md to, c2s_bytes **out) {
    packed *first = c2s_map_get(&dnnl->packed, tensor);
    for (packed *entry = first; entry; entry = entry->next)
        if (!entry->form.name && dnnl_memory_desc_equal(entry->from, from) &&
            dnnl_memory_desc_equal(entry->to, to)) {
            *out = c2s_bytes_ref(entry->bytes);
            return C2S_OK;
        }
    packed *entry = c2s_zalloc(sizeof *entry);
    entry->source = c2s_tensor_ref(tensor);
    c2s_status status = c2s_dnnl_check(c2s_md_clone(&entry->from, from), "descriptor");
    if (status == C2S_OK)
        status = c2s_dnnl_check(c2s_md_clone(&entry->to, to), "descriptor");
    c2s_tensor *once = NULL;
    if (status == C2S_OK)
        status = c2s_tensor_once(tensor, &once);
    /* The library only reads its source; its interface does not say so. */
    if (status == C2S_OK)
        status = c2s_dnnl_reorder_now(dnnl, from, (void *)(uintptr_t)c2s_tensor_data(once), to,
                                      &entry->bytes);
    c2s_tensor_unref(once);
    return keep(dnnl, entry, first, status, out);
}

static bool is_form(const c2s_pack_form *a, const c2s_pack_form *b) {
    return a->name && strcmp(a->name, b->name) == 0 &&
           memcmp(a->number, b->number, sizeof a->number) == 0;
}

c2s_status c2s_dnnl_pack_as(c2s_dnnl *dnnl, const c2s_tensor *tensor, const c2s_pack_form *form,
                            c2s_pack_maker *make, const void *how, c2s_bytes **out) {
    packed *first = c2s_map_get(&dnnl->packed, tensor);
    for (packed *entry = first; entry; entry = entry->next)
        if (is_form(&entry->form, form)) {
            *out = c2s_bytes_ref(entry->bytes);
            return C2S_OK;
        }
    packed *entry = c2s_zalloc(sizeof *entry);
    entry->source = c2s_tensor_ref(tensor);
    entry->form = *form;
    c2s_tensor *once;
    c2s_status status = c2s_tensor_once(tensor, &once);
    if (status == C2S_OK)
        status = make(once, how, &entry->bytes);
    c2s_tensor_unref(once);
    return keep(dnnl, entry, first, status, out);
}

c2s_status c2s_dnnl_multiply(int64_t m, int64_t n, int64_t k, const float *a, const float *b,
                             int64_t b_row, float *c, int64_t c_row) {
    return c2s_dnnl_check(dnnl_sgemm('N', 'T', m, n, k, 1, a, k, b, b_row, 0, c, c_row), "product");
}
