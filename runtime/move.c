/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/move.h"

#include <string.h>

#include "ops/strided_copy.h"
#include "runtime/layout.h"

/* How the bytes of a form lie: the axes' strides, and for axis 1 the size of blocks, whose elements
 * lie together; then the axis' stride is that of blocks. */
typedef struct form {
    int64_t block; /* 1: there are none */
    ptrdiff_t stride[C2S_MAX_RANK];
} form;

typedef struct copy {
    c2s_strided plan;
    ptrdiff_t to, from; /* where the first element lies */
    unsigned output;
    bool fills;
} copy;

typedef struct move {
    C2S_VEC(copy) copies;
    c2s_const_md md; /* of the input, borrowed; NULL: row-major */
    int64_t block;   /* of the outputs; 1: row-major; all channels: last */
    size_t element;
    unsigned char fill[16];
} move;

/* ---- forms ---- */

static void set_blocks(const c2s_type *type, int64_t block, size_t element, form *f) {
    ptrdiff_t step = (ptrdiff_t)element * block;
    f->block = block;
    for (int i = type->rank - 1; i >= 2; i--) {
        f->stride[i] = step;
        step *= type->dim[i];
    }
    f->stride[1] = step;
    f->stride[0] = step * (type->dim[1] / block);
}

static void set_channels_last(const c2s_type *type, size_t element, form *f) {
    set_blocks(type, type->dim[1], element, f);
    f->block = 1;
    f->stride[1] = (ptrdiff_t)element;
}

static bool form_of_input(const c2s_step *step, c2s_const_md md, size_t element, form *f) {
    const c2s_type *type = c2s_step_type(step, 0);
    int64_t block = c2s_layout_block(md, type), stride[DNNL_MAX_NDIMS];
    f->block = 1;
    if (!md) {
        c2s_strides_of(type, element, f->stride);
        return true;
    }
    if ((block == 8 || block == 16) && type->dim[1] % block == 0) {
        set_blocks(type, block, element, f);
        return true;
    }
    if (!c2s_md_strides(md, stride))
        return false;
    for (int i = 0; i < type->rank; i++)
        f->stride[i] = (ptrdiff_t)element * stride[i];
    return true;
}

static void form_of_output(const c2s_type *type, int64_t block, size_t element, form *f) {
    f->block = 1;
    if (block == 1)
        c2s_strides_of(type, element, f->stride);
    else if (block == 8 || block == 16)
        set_blocks(type, block, element, f);
    else
        set_channels_last(type, element, f);
}

/* The same axes as the boxes have. */
static form seen_by(const c2s_boxes *boxes, const form *in) {
    form f = {.block = in->block};
    for (int i = 0; i < boxes->in.rank; i++)
        f.stride[i] = boxes->order[i] < 0 ? 0 : in->stride[boxes->order[i]];
    return f;
}

/* ---- copies ---- */

/* True if the boxes' axes are those of the input. */
static bool keeps_axes(const c2s_step *step, const c2s_boxes *boxes) {
    for (int i = 0; i < boxes->in.rank; i++)
        if (boxes->order[i] != i)
            return false;
    return c2s_step_type(step, 0)->rank == boxes->in.rank;
}

static bool fits_blocks(const c2s_boxes *boxes, int64_t block) {
    for (size_t k = 0; k < boxes->all.count; k++) {
        const c2s_box *box = &boxes->all.at[k];
        if (box->to[1] % block != 0 || box->extent[1] % block != 0 ||
            (!box->fills && (box->from[1] % block != 0 || box->step[1] != 1)))
            return false;
    }
    return true;
}

static copy copy_of(const c2s_box *box, int rank, const form *in, const form *out, size_t element) {
    copy c = {.plan = {.element = element}, .output = box->output, .fills = box->fills};
    for (int i = 0; i < rank; i++) {
        int64_t block = i == 1 ? out->block : 1;
        c.to += (ptrdiff_t)(box->to[i] / block) * out->stride[i];
        if (!box->fills)
            c.from += (ptrdiff_t)(box->from[i] / block) * in->stride[i];
        c2s_strided_axis(&c.plan, (size_t)(box->extent[i] / block), out->stride[i],
                         box->fills ? 0 : (ptrdiff_t)box->step[i] * in->stride[i]);
    }
    if (out->block > 1)
        c2s_strided_axis(&c.plan, (size_t)out->block, (ptrdiff_t)element,
                         box->fills ? 0 : (ptrdiff_t)element);
    return c;
}

/* The block that the outputs get; 0: the input has to be row-major. */
static int64_t block_of_outputs(const c2s_step *step, const c2s_boxes *boxes, c2s_const_md md,
                                const form *in) {
    const c2s_type *type = c2s_step_type(step, 0);
    if (in->block > 1)
        return keeps_axes(step, boxes) && fits_blocks(boxes, in->block) ? in->block : 0;
    bool last = md && keeps_axes(step, boxes) && type->dim[1] > 1 &&
                c2s_layout_block(md, type) == type->dim[1];
    for (size_t k = 0; k < boxes->all.count && last; k++) {
        const c2s_type *out = &step->out[boxes->all.at[k].output]->type;
        last = out->dim[1] > 1 && out->dim[1] != 8 && out->dim[1] != 16;
    }
    return last ? type->dim[1] : 1;
}

static bool plan_from(const c2s_step *step, const c2s_boxes *boxes, c2s_const_md md, move *m) {
    form in, out;
    ptrdiff_t skipped;
    m->md = md;
    if (!form_of_input(step, md, m->element, &in))
        return false;
    m->block = block_of_outputs(step, boxes, md, &in);
    skipped = boxes->dropped < 0 ? 0 : (ptrdiff_t)boxes->at * in.stride[boxes->dropped];
    in = seen_by(boxes, &in);
    for (size_t k = 0; k < boxes->all.count && m->block; k++) {
        const c2s_box *box = &boxes->all.at[k];
        form_of_output(&step->out[box->output]->type, m->block, m->element, &out);
        copy c = copy_of(box, boxes->in.rank, &in, &out, m->element);
        c.from += skipped;
        c2s_vec_push(&m->copies, c);
    }
    return m->block != 0;
}

static bool plan_move(const c2s_step *step, move *m) {
    c2s_boxes boxes = {.all = {0}};
    bool good = c2s_boxes_of(step, &boxes);
    c2s_const_md md = c2s_step_layout(step, 0);
    m->element = c2s_dtype_bits(boxes.in.dtype) / 8;
    good = good && (plan_from(step, &boxes, md, m) || (md && plan_from(step, &boxes, NULL, m)));
    c2s_vec_free(&boxes.all);
    return good;
}

/* ---- the step ---- */

static bool can_move(const c2s_step *step) {
    const c2s_type *in = c2s_step_type(step, 0);
    size_t count;
    bool some = false;
    if (!c2s_type_is_tensor(in) || in->dtype == C2S_STRING || c2s_dtype_bits(in->dtype) < 8 ||
        !c2s_type_elements(in, &count) || count == 0)
        return false;
    for (unsigned k = 0; k < step->out_count; k++) {
        const c2s_slot *out = step->out[k];
        if (out &&
            (out->type.dtype != in->dtype || !c2s_type_elements(&out->type, &count) || count == 0))
            return false;
        some |= out != NULL;
    }
    return some;
}

static bool move_accepts(const c2s_step *step) {
    c2s_boxes boxes = {.all = {0}};
    bool good = can_move(step) && c2s_boxes_of(step, &boxes);
    c2s_vec_free(&boxes.all);
    return good;
}

static c2s_status give_all(c2s_step *step, int64_t block) {
    for (unsigned k = 0; k < step->out_count && block > 1; k++) {
        c2s_md md;
        if (!step->out[k])
            continue;
        C2S_TRY(c2s_layout_blocked(&step->out[k]->type, block, &md));
        c2s_status status = c2s_step_give(step, k, md);
        c2s_md_free(md);
        C2S_TRY(status);
    }
    return C2S_OK;
}

/* The element that Pad puts around its input; 0 if it is left out. */
static bool read_fill(const c2s_step *step, move *m) {
    if (!c2s_node_is(step->node, "Pad") || !c2s_step_has(step, 2))
        return true;
    const c2s_tensor *value = c2s_step_constant(step, 2);
    if (!value || value->type.dtype != c2s_step_type(step, 0)->dtype)
        return false;
    if (value->count > 0)
        memcpy(m->fill, c2s_tensor_data(value), m->element);
    return true;
}

static void move_release(c2s_step *step) {
    move *m = step->state;
    c2s_vec_free(&m->copies);
    free(m);
    step->state = NULL;
}

static c2s_status move_prepare(c2s_step *step) {
    move *m = c2s_zalloc(sizeof *m);
    step->state = m;
    c2s_status status = plan_move(step, m) && read_fill(step, m)
                            ? C2S_OK
                            : c2s_fail(C2S_ERR_UNSUPPORTED, "it is not known what goes where");
    if (status == C2S_OK && c2s_step_chooses(step))
        status = c2s_step_take(step, 0, m->md);
    if (status == C2S_OK)
        status = give_all(step, m->block);
    if (status != C2S_OK)
        move_release(step);
    return status;
}

static c2s_status move_run(c2s_step *step) {
    const move *m = step->state;
    const char *from = c2s_tensor_data(step->in[0]->tensor);
    for (size_t k = 0; k < m->copies.count; k++) {
        const copy *c = &m->copies.at[k];
        char *to = c2s_tensor_mutable(step->out[c->output]->tensor);
        c2s_strided_copy(&c->plan, to + c->to, c->fills ? (const char *)m->fill : from + c->from);
    }
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_move = {
    .name = "move",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = move_accepts,
    .prepare = move_prepare,
    .run = move_run,
    .release = move_release,
};

/* ---- parts: elements that lie together in the input, in the order that the output has ---- */

static bool is_part(const copy *c) {
    for (int i = 0; i < c->plan.rank; i++)
        if (c->plan.extent[i] > 1 && c->plan.to[i] != c->plan.from[i])
            return false;
    return !c->fills && c->to == 0;
}

/* What stays of the input while the parts are needed must not be much more than they are. */
static bool is_worth_keeping(const c2s_step *step) {
    size_t whole, part, sum = 0;
    c2s_type_elements(c2s_step_type(step, 0), &whole);
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && c2s_type_elements(&step->out[k]->type, &part))
            sum += part;
    return sum >= whole / 4;
}

static bool part_accepts(const c2s_step *step) {
    move m = {.md = NULL};
    bool good = can_move(step) && is_worth_keeping(step) && plan_move(step, &m);
    for (unsigned k = 0; k < step->out_count; k++)
        good = good && !(step->out[k] && step->out[k]->kept);
    for (size_t k = 0; k < m.copies.count && good; k++)
        good = is_part(&m.copies.at[k]);
    c2s_vec_free(&m.copies);
    return good;
}

static c2s_status part_run(c2s_step *step) {
    const move *m = step->state;
    const c2s_tensor *in = step->in[0]->tensor;
    for (size_t k = 0; k < m->copies.count; k++) {
        const copy *c = &m->copies.at[k];
        const c2s_type *type = &step->out[c->output]->type;
        C2S_TRY(c2s_tensor_view(type->dtype, type->rank, type->dim, in->bytes,
                                in->offset + (size_t)c->from, &step->out[c->output]->tensor));
    }
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_part = {
    .name = "part",
    .flags = C2S_KERNEL_MAKES_OUTPUTS | C2S_KERNEL_LAYOUTS | C2S_KERNEL_PARTS,
    .accepts = part_accepts,
    .prepare = move_prepare,
    .run = part_run,
    .release = move_release,
};
