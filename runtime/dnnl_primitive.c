/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/dnnl_primitive.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "runtime/dnnl_context.h"
#include "runtime/layout.h"

#define WORK_ALIGNMENT 64

typedef enum source { FROM_INPUT, FROM_OUTPUT, FROM_BYTES, FROM_WORK } source;

typedef struct argument {
    int arg;
    source from;
    unsigned slot;        /* of the step, for FROM_INPUT and FROM_OUTPUT */
    dnnl_memory_t memory; /* what the primitive sees */
    dnnl_memory_t user;   /* the tensor, where its layout is another; else NULL */
    c2s_reorder reorder;  /* between the two */
    size_t work, scratch; /* offsets of `memory` (if reordered or FROM_WORK), of the reorder's */
    c2s_bytes *bytes;     /* FROM_BYTES */
    void *at, *user_at;   /* where `memory` and `user` point now */
} argument;

struct c2s_primitive {
    c2s_dnnl *dnnl;
    dnnl_primitive_t primitive;
    const_dnnl_primitive_desc_t pd; /* the primitive's own */
    C2S_VEC(argument) args;
    C2S_VEC(dnnl_exec_arg_t) exec;
    size_t work_size;
};

static c2s_status reserve(c2s_primitive *p, size_t size, size_t *offset) {
    size_t end;
    *offset = p->work_size;
    if (!c2s_add_size(p->work_size, size, &end) || !c2s_add_size(end, WORK_ALIGNMENT - 1, &end))
        return c2s_fail(C2S_ERR_MEMORY, "the work space is too large");
    p->work_size = end / WORK_ALIGNMENT * WORK_ALIGNMENT;
    return C2S_OK;
}

c2s_status c2s_primitive_create(c2s_dnnl *dnnl, dnnl_primitive_desc_t pd, c2s_primitive **out) {
    c2s_primitive *p = *out = c2s_zalloc(sizeof *p);
    p->dnnl = dnnl;
    c2s_status status = c2s_dnnl_check(dnnl_primitive_create(&p->primitive, pd), "primitive");
    if (status == C2S_OK)
        status = c2s_dnnl_check(dnnl_primitive_get_primitive_desc(p->primitive, &p->pd),
                                "primitive's descriptor");
    dnnl_primitive_desc_destroy(pd);
    c2s_const_md scratch =
        status == C2S_OK ? dnnl_primitive_desc_query_md(p->pd, dnnl_query_scratchpad_md, 0) : NULL;
    if (status == C2S_OK && scratch && dnnl_memory_desc_get_size(scratch) > 0) {
        size_t offset;
        status = c2s_primitive_temporary(p, DNNL_ARG_SCRATCHPAD, scratch, &offset);
    }
    if (status != C2S_OK) {
        c2s_primitive_destroy(p);
        *out = NULL;
    }
    return status;
}

static void argument_free(argument *a) {
    if (a->memory)
        dnnl_memory_destroy(a->memory);
    if (a->user)
        dnnl_memory_destroy(a->user);
    c2s_dnnl_reorder_destroy(&a->reorder);
    c2s_bytes_unref(a->bytes);
}

void c2s_primitive_destroy(c2s_primitive *p) {
    if (!p)
        return;
    for (size_t i = 0; i < p->args.count; i++)
        argument_free(&p->args.at[i]);
    c2s_vec_free(&p->args);
    c2s_vec_free(&p->exec);
    if (p->primitive)
        dnnl_primitive_destroy(p->primitive);
    free(p);
}

static c2s_status memory(c2s_primitive *p, c2s_const_md md, void *data, dnnl_memory_t *out) {
    return c2s_dnnl_check(dnnl_memory_create(out, md, p->dnnl->engine, data), "memory object");
}

/* Adds the argument if its making went well, else frees it. */
static c2s_status add(c2s_primitive *p, argument *a, c2s_status status) {
    if (status != C2S_OK) {
        argument_free(a);
        return status;
    }
    c2s_vec_push(&p->args, *a);
    c2s_vec_push(&p->exec, (dnnl_exec_arg_t){a->arg, a->memory});
    return C2S_OK;
}

c2s_const_md c2s_primitive_layout(const c2s_primitive *p, int arg) {
    return dnnl_primitive_desc_query_md(p->pd, dnnl_query_exec_arg_md, arg);
}

/* The layout in which the primitive wants the argument; `md` itself if it does not say. */
static c2s_const_md wanted(const c2s_primitive *p, int arg, c2s_const_md md) {
    c2s_const_md want = c2s_primitive_layout(p, arg);
    return want && dnnl_memory_desc_get_size(want) > 0 ? want : md;
}

/* Memory objects for a tensor of layout `md` that the primitive wants as `want`. */
static c2s_status through_reorder(c2s_primitive *p, argument *a, c2s_const_md md,
                                  c2s_const_md want) {
    bool forward = a->from == FROM_INPUT;
    C2S_TRY(memory(p, want, DNNL_MEMORY_NONE, &a->memory));
    C2S_TRY(memory(p, md, DNNL_MEMORY_NONE, &a->user));
    C2S_TRY(
        c2s_dnnl_reorder_create(p->dnnl, forward ? md : want, forward ? want : md, &a->reorder));
    C2S_TRY(reserve(p, dnnl_memory_desc_get_size(want), &a->work));
    return reserve(p, a->reorder.scratch_size, &a->scratch);
}

static c2s_status bind(c2s_primitive *p, argument *a, c2s_const_md md) {
    c2s_const_md want = wanted(p, a->arg, md);
    if (dnnl_memory_desc_equal(want, md))
        return add(p, a, memory(p, md, DNNL_MEMORY_NONE, &a->memory));
    return add(p, a, through_reorder(p, a, md, want));
}

/* The library wants pointers that it may write through, but only reads its sources. */
static void *readable(const c2s_tensor *tensor) {
    return (void *)(uintptr_t)c2s_tensor_data(tensor);
}

/* True if `md` describes the slot's own axes in row-major order: then its layout may be chosen. */
static bool is_whole(const c2s_step *step, const c2s_slot *slot, c2s_const_md md) {
    c2s_md plain;
    if (!c2s_step_chooses(step) || !c2s_dnnl_accepts(&slot->type) ||
        c2s_md_of(&plain, &slot->type) != C2S_OK)
        return false;
    bool same = dnnl_memory_desc_equal(plain, md);
    c2s_md_free(plain);
    return same;
}

c2s_status c2s_primitive_form(c2s_primitive *p, int arg, bool output, unsigned slot,
                              c2s_const_md md) {
    argument a = {.arg = arg, .from = output ? FROM_OUTPUT : FROM_INPUT, .slot = slot};
    return add(p, &a, memory(p, md, DNNL_MEMORY_NONE, &a.memory));
}

static c2s_status bind_constant(c2s_primitive *p, const c2s_tensor *constant, argument *a,
                                c2s_const_md md) {
    c2s_const_md want = wanted(p, a->arg, md);
    if (dnnl_memory_desc_equal(want, md)) /* read in place at every run */
        return bind(p, a, md);
    a->from = FROM_BYTES;
    c2s_status status = c2s_dnnl_pack(p->dnnl, constant, md, want, &a->bytes);
    if (status == C2S_OK)
        status = memory(p, want, a->bytes->data, &a->memory);
    return add(p, a, status);
}

c2s_status c2s_primitive_input(c2s_primitive *p, c2s_step *step, int arg, unsigned input,
                               c2s_const_md md) {
    argument a = {.arg = arg, .from = FROM_INPUT, .slot = input};
    if (step->in[input]->constant)
        return bind_constant(p, step->in[input]->constant, &a, md);
    c2s_const_md want = wanted(p, arg, md);
    if (is_whole(step, step->in[input], md)) {
        C2S_TRY(c2s_step_take(step, input, dnnl_memory_desc_equal(want, md) ? NULL : want));
        return c2s_primitive_form(p, arg, false, input, want);
    }
    if (c2s_step_chooses(step))
        C2S_TRY(c2s_step_take(step, input, NULL));
    return bind(p, &a, md);
}

c2s_status c2s_primitive_output(c2s_primitive *p, c2s_step *step, int arg, unsigned output,
                                c2s_const_md md) {
    argument a = {.arg = arg, .from = FROM_OUTPUT, .slot = output};
    C2S_TRY(
        c2s_step_give(step, output, NULL)); /* an earlier attempt may have chosen another form */
    c2s_const_md want = wanted(p, arg, md);
    if (dnnl_memory_desc_equal(want, md) || !is_whole(step, step->out[output], md))
        return bind(p, &a, md);
    C2S_TRY(c2s_step_give(step, output, want));
    return c2s_primitive_form(p, arg, true, output, want);
}

c2s_status c2s_primitive_numbers(c2s_primitive *p, int arg, const float *numbers, size_t count,
                                 c2s_const_md md) {
    argument a = {.arg = arg, .from = FROM_BYTES};
    c2s_const_md want = wanted(p, arg, md);
    a.bytes = c2s_bytes_alloc(count * sizeof *numbers);
    if (!a.bytes)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for %zu numbers", count);
    memcpy(a.bytes->data, numbers, count * sizeof *numbers);
    c2s_status status = C2S_OK;
    if (!dnnl_memory_desc_equal(want, md)) {
        c2s_bytes *plain = a.bytes;
        a.bytes = NULL;
        status = c2s_dnnl_reorder_now(p->dnnl, md, plain->data, want, &a.bytes);
        c2s_bytes_unref(plain);
    }
    if (status == C2S_OK)
        status = memory(p, want, a.bytes->data, &a.memory);
    return add(p, &a, status);
}

c2s_status c2s_primitive_bytes(c2s_primitive *p, int arg, c2s_bytes *bytes, c2s_const_md md) {
    argument a = {.arg = arg, .from = FROM_BYTES, .bytes = c2s_bytes_ref(bytes)};
    return add(p, &a, memory(p, md, bytes->data, &a.memory));
}

c2s_status c2s_primitive_temporary(c2s_primitive *p, int arg, c2s_const_md md, size_t *offset) {
    argument a = {.arg = arg, .from = FROM_WORK};
    c2s_status status = memory(p, md, DNNL_MEMORY_NONE, &a.memory);
    if (status == C2S_OK)
        status = reserve(p, dnnl_memory_desc_get_size(md), &a.work);
    *offset = a.work;
    return add(p, &a, status);
}

void *c2s_primitive_work(const c2s_primitive *p, size_t offset) {
    return (char *)p->dnnl->work + offset;
}

c2s_status c2s_primitive_begin(c2s_primitive *p) {
    return c2s_dnnl_work(p->dnnl, p->work_size);
}

/* Planned memory stays where it is from run to run. */
static c2s_status set(dnnl_memory_t object, void **at, void *data) {
    if (*at == data)
        return C2S_OK;
    *at = data;
    return c2s_dnnl_check(dnnl_memory_set_data_handle(object, data), "memory object");
}

/* Points the argument at its data, and brings inputs into the wanted layout. */
static c2s_status before(c2s_primitive *p, argument *a, const c2s_step *step) {
    if (a->from == FROM_BYTES)
        return C2S_OK;
    if (a->from == FROM_WORK)
        return set(a->memory, &a->at, c2s_primitive_work(p, a->work));
    void *data = a->from == FROM_INPUT ? readable(step->in[a->slot]->tensor)
                                       : c2s_tensor_mutable(step->out[a->slot]->tensor);
    if (!a->user)
        return set(a->memory, &a->at, data);
    C2S_TRY(set(a->memory, &a->at, c2s_primitive_work(p, a->work)));
    C2S_TRY(set(a->user, &a->user_at, data));
    return a->from == FROM_INPUT ? c2s_dnnl_reorder_run(p->dnnl, &a->reorder, a->user, a->memory,
                                                        c2s_primitive_work(p, a->scratch))
                                 : C2S_OK;
}

c2s_status c2s_primitive_run(c2s_primitive *p, const c2s_step *step) {
    C2S_TRY(c2s_primitive_begin(p));
    for (size_t i = 0; i < p->args.count; i++)
        C2S_TRY(before(p, &p->args.at[i], step));
    dnnl_status_t status =
        dnnl_primitive_execute(p->primitive, p->dnnl->stream, (int)p->exec.count, p->exec.at);
    if (status == dnnl_success)
        status = dnnl_stream_wait(p->dnnl->stream);
    C2S_TRY(c2s_dnnl_check(status, "execution"));
    for (size_t i = 0; i < p->args.count; i++) {
        argument *a = &p->args.at[i];
        if (a->from == FROM_OUTPUT && a->user)
            C2S_TRY(c2s_dnnl_reorder_run(p->dnnl, &a->reorder, a->memory, a->user,
                                         c2s_primitive_work(p, a->scratch)));
    }
    return C2S_OK;
}

c2s_status c2s_primitive_unary(c2s_step *step, dnnl_primitive_desc_t pd, c2s_const_md src,
                               c2s_const_md dst) {
    c2s_primitive *p;
    C2S_TRY(c2s_primitive_create(step->dnnl, pd, &p));
    c2s_status status = c2s_primitive_input(p, step, DNNL_ARG_SRC, 0, src);
    if (status == C2S_OK)
        status = c2s_primitive_output(p, step, DNNL_ARG_DST, 0, dst);
    if (status == C2S_OK)
        step->state = p;
    else
        c2s_primitive_destroy(p);
    return status;
}

static const char *code_of(const_dnnl_primitive_desc_t pd) {
    const char *name = NULL;
    dnnl_status_t status = dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return status == dnnl_success && name ? name : "";
}

bool c2s_pd_is_plain(const_dnnl_primitive_desc_t pd) {
    const char *name = code_of(pd);
    return strncmp(name, "ref", 3) == 0 || strncmp(name, "simple", 6) == 0;
}

bool c2s_pd_is_gemm(const_dnnl_primitive_desc_t pd) {
    return strstr(code_of(pd), "gemm") != NULL && !strstr(code_of(pd), "brgemm");
}

void c2s_primitive_release(c2s_step *step) {
    c2s_primitive_destroy(step->state);
    step->state = NULL;
}

c2s_status c2s_primitive_run_state(c2s_step *step) {
    return c2s_primitive_run(step->state, step);
}
