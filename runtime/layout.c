/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/layout.h"

#include "base/log.h"
#include "runtime/dnnl_context.h"
#include "runtime/half.h"
#include "runtime/layout_copy.h"
#include "runtime/plan.h"

c2s_const_md c2s_slot_md(const c2s_slot *slot) {
    return slot->layout ? slot->layout->md : NULL;
}

void c2s_layout_free(c2s_slot *slot) {
    if (slot->layout)
        c2s_md_free(slot->layout->md);
    slot->layout = NULL;
}

static bool is_form(const c2s_slot *slot, c2s_const_md md) {
    return md ? slot->layout && dnnl_memory_desc_equal(slot->layout->md, md) : !slot->layout;
}

bool c2s_slot_size(const c2s_slot *slot, size_t *size) {
    size_t count;
    if (slot->layout) {
        *size = dnnl_memory_desc_get_size(slot->layout->md);
        return true;
    }
    return c2s_type_elements(&slot->type, &count) && c2s_dtype_size(slot->type.dtype, count, size);
}

/* ---- choosing ---- */

bool c2s_step_chooses(const c2s_step *step) {
    return !step->plan->closed;
}

c2s_const_md c2s_step_layout(const c2s_step *step, unsigned input) {
    const c2s_slot *slot = input < step->in_count ? step->in[input] : NULL;
    if (!slot || !c2s_step_chooses(step) || !slot->base->made)
        return NULL;
    return c2s_slot_md(slot->base->made);
}

/* A form that no step makes yet; the base itself for row-major. */
static c2s_status new_form(c2s_plan *plan, c2s_slot *base, c2s_const_md md, c2s_slot **out) {
    *out = base;
    if (!md)
        return C2S_OK;
    c2s_slot *form = c2s_arena_alloc(plan->arena, sizeof *form);
    form->value = base->value;
    form->type = base->type;
    form->base = form->store = base;
    form->store = form;
    form->layout = c2s_arena_alloc(plan->arena, sizeof *form->layout);
    C2S_TRY(c2s_dnnl_check(c2s_md_clone(&form->layout->md, md), "descriptor"));
    form->next_form = base->next_form;
    base->next_form = form;
    *out = form;
    return C2S_OK;
}

static c2s_slot *find_form(c2s_slot *base, c2s_const_md md) {
    for (c2s_slot *form = base; form; form = form->next_form)
        if (form->base == base && form->ready && is_form(form, md))
            return form;
    return NULL;
}

c2s_status c2s_layout_make(c2s_step *for_step, c2s_slot *from, c2s_slot *to) {
    c2s_plan *plan = for_step->plan;
    bool same_type = from->type.dtype == to->type.dtype;
    const c2s_kernel_family *kernel = same_type ? &c2s_kernels_reorder : &c2s_kernels_convert;
    c2s_step *step = c2s_arena_alloc(plan->arena, sizeof *step);
    *step = (c2s_step){.node = for_step->node,
                       .plan = plan,
                       .dnnl = for_step->dnnl,
                       .in_count = 1,
                       .out_count = 1,
                       .is_reorder = true};
    step->in = c2s_arena_array(plan->arena, 1, sizeof(c2s_slot *));
    step->out = c2s_arena_array(plan->arena, 1, sizeof(c2s_slot *));
    step->in[0] = from;
    step->out[0] = to;
    C2S_TRY(c2s_step_prepare_kernel(step, kernel));
    step->kernel = kernel;
    to->ready = true;
    if (!to->base->made)
        to->base->made = to;
    c2s_vec_push(&plan->order, step);
    return C2S_OK;
}

c2s_status c2s_step_take(c2s_step *step, unsigned input, c2s_const_md md) {
    c2s_slot *base = step->in[input]->base, *form = find_form(base, md);
    if (!form) {
        if (c2s_step_chooses(step) && !base->made && base->dequantizer) {
            C2S_TRY(c2s_plan_make(step->plan, base));
            return c2s_step_take(step, input, md);
        }
        if (!c2s_step_chooses(step) || !base->made)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "the layout of an input cannot be chosen now");
        C2S_TRY(new_form(step->plan, base, md, &form));
        C2S_TRY(c2s_layout_make(step, base->made, form));
    }
    step->in[input] = form;
    return C2S_OK;
}

c2s_status c2s_step_give(c2s_step *step, unsigned output, c2s_const_md md) {
    if (md && !c2s_step_chooses(step))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the layout of an output cannot be chosen now");
    return new_form(step->plan, step->out[output]->base, md, &step->out[output]);
}

static bool has_tag(c2s_const_md md, const c2s_type *type, dnnl_format_tag_t tag) {
    c2s_md tagged;
    bool same = c2s_md_tagged(&tagged, type->rank, type->dim, c2s_dnnl_type(type->dtype), tag) ==
                dnnl_success;
    if (same)
        same = dnnl_memory_desc_equal(tagged, md);
    c2s_md_free(tagged);
    return same;
}

/* By number of spatial axes. */
static const dnnl_format_tag_t eight[] = {dnnl_nCw8c, dnnl_nChw8c, dnnl_nCdhw8c},
                               sixteen[] = {dnnl_nCw16c, dnnl_nChw16c, dnnl_nCdhw16c},
                               last[] = {dnnl_nwc, dnnl_nhwc, dnnl_ndhwc};

c2s_status c2s_layout_blocked(const c2s_type *type, int64_t block, c2s_md *out) {
    int i = type->rank - 3;
    return c2s_dnnl_check(c2s_md_tagged(out, type->rank, type->dim, c2s_dnnl_type(type->dtype),
                                        block == 8    ? eight[i]
                                        : block == 16 ? sixteen[i]
                                                      : last[i]),
                          "descriptor");
}

int64_t c2s_layout_block(c2s_const_md md, const c2s_type *type) {
    if (!md)
        return 1;
    if (type->rank < 3 || type->rank > 5)
        return 0;
    int i = type->rank - 3;
    return has_tag(md, type, eight[i])     ? 8
           : has_tag(md, type, sixteen[i]) ? 16
           : has_tag(md, type, last[i])    ? type->dim[1]
                                           : 0;
}

c2s_status c2s_step_keep(c2s_step *step, unsigned input) {
    c2s_const_md layout = c2s_step_layout(step, input);
    const c2s_type *type = &step->in[input]->type;
    int64_t block = c2s_layout_block(layout, type);
    if (!layout || block == 0 || type->dim[1] % block != 0)
        return c2s_step_chooses(step) ? c2s_step_take(step, input, NULL) : C2S_OK;
    c2s_md md;
    C2S_TRY(c2s_step_take(step, input, layout));
    C2S_TRY(c2s_layout_blocked(&step->out[0]->type, block, &md));
    c2s_status status = c2s_step_give(step, 0, md);
    c2s_md_free(md);
    return status;
}

/* ---- the step between two forms ---- */

static c2s_status form_md(const c2s_slot *slot, c2s_md *out) {
    return slot->layout ? c2s_dnnl_check(c2s_md_clone(out, slot->layout->md), "descriptor")
                        : c2s_md_of(out, &slot->type);
}

static c2s_status bind(c2s_step *step, c2s_const_md from, c2s_const_md to) {
    dnnl_primitive_desc_t pd;
    c2s_primitive *p;
    dnnl_engine_t engine = c2s_dnnl_engine(step->dnnl);
    C2S_TRY(c2s_dnnl_check(dnnl_reorder_primitive_desc_create(&pd, from, engine, to, engine,
                                                              c2s_dnnl_attr(step->dnnl)),
                           "reorder"));
    C2S_TRY(c2s_primitive_create(step->dnnl, pd, &p));
    c2s_status status = c2s_primitive_form(p, DNNL_ARG_FROM, false, 0, from);
    if (status == C2S_OK)
        status = c2s_primitive_form(p, DNNL_ARG_TO, true, 0, to);
    if (status == C2S_OK)
        step->state = p;
    else
        c2s_primitive_destroy(p);
    return status;
}

/* From now on the plain code copies. */
static void give_up(c2s_step *step) {
    c2s_log(1, "%s: reorder failed, the plain code runs instead: %s", c2s_node_text(step->node),
            c2s_error());
    c2s_error_clear();
    c2s_primitive_release(step);
}

static c2s_status reorder_prepare(c2s_step *step) {
    c2s_md from = NULL, to = NULL;
    c2s_status status = form_md(step->in[0], &from);
    if (status == C2S_OK)
        status = form_md(step->out[0], &to);
    if (status == C2S_OK && bind(step, from, to) != C2S_OK)
        give_up(step);
    c2s_md_free(from);
    c2s_md_free(to);
    return status;
}

static c2s_status copy(const c2s_step *step) {
    c2s_md from = NULL, to = NULL;
    c2s_status status = form_md(step->in[0], &from);
    if (status == C2S_OK)
        status = form_md(step->out[0], &to);
    if (status == C2S_OK)
        status = c2s_layout_copy(from, c2s_tensor_data(step->in[0]->tensor), to,
                                 c2s_tensor_mutable(step->out[0]->tensor));
    c2s_md_free(from);
    c2s_md_free(to);
    return status;
}

static c2s_status reorder_run(c2s_step *step) {
    if (step->state && c2s_primitive_run_state(step) == C2S_OK)
        return C2S_OK;
    if (step->state)
        give_up(step);
    return copy(step);
}

const c2s_kernel_family c2s_kernels_reorder = {
    .name = "reorder",
    .flags = C2S_KERNEL_LAYOUTS,
    .prepare = reorder_prepare,
    .run = reorder_run,
    .release = c2s_primitive_release,
};

/* ---- at once ---- */

c2s_status c2s_slot_plain(c2s_dnnl *dnnl, const c2s_slot *slot, c2s_tensor **out) {
    *out = NULL;
    if (!slot->layout) {
        *out = c2s_tensor_ref(slot->tensor);
        return C2S_OK;
    }
    c2s_md plain;
    c2s_bytes *bytes = NULL;
    C2S_TRY(c2s_md_of(&plain, &slot->type));
    c2s_status status = c2s_dnnl_reorder_now(dnnl, slot->layout->md,
                                             c2s_tensor_mutable(slot->tensor), plain, &bytes);
    c2s_md_free(plain);
    if (status == C2S_OK)
        status = c2s_tensor_view(slot->type.dtype, slot->type.rank, slot->type.dim, bytes, 0, out);
    c2s_bytes_unref(bytes);
    return status;
}

c2s_status c2s_slot_fill(c2s_dnnl *dnnl, const c2s_slot *slot, const c2s_tensor *plain,
                         void *target) {
    c2s_md md;
    C2S_TRY(c2s_md_of(&md, &slot->type));
    c2s_status status = c2s_dnnl_reorder_into(dnnl, md, (void *)(uintptr_t)c2s_tensor_data(plain),
                                              slot->layout->md, target);
    c2s_md_free(md);
    return status;
}
