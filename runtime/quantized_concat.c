/* SPDX-License-Identifier: Apache-2.0
 *
 * Concat of integers: pieces whose scale or zero point is not that of the result go through a
 * table.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "runtime/byte_table.h"
#include "runtime/layout.h"
#include "runtime/quantized.h"

enum { CODES = C2S_BYTES };

typedef struct piece {
    unsigned input;
    size_t size; /* bytes of a row */
    bool scaled;
    uint8_t table[CODES];
} piece;

typedef struct concat {
    size_t outer, row; /* rows, and bytes of one */
    piece *piece;
    unsigned count;
} concat;

static bool find_axis(const c2s_step *step, int *axis) {
    int rank = step->out[0]->type.rank;
    int64_t given = c2s_attr_int(step->node, "axis", 0);
    *axis = (int)(given < 0 ? given + rank : given);
    return given >= -rank && given < rank;
}

static bool concat_accepts(const c2s_step *step) {
    int axis;
    size_t count;
    if (!step->quantized->requantizes || !find_axis(step, &axis) ||
        step->in_count != step->node->formal_count || step->quantized->count == 0 ||
        !c2s_type_elements(&step->out[0]->type, &count) || count == 0)
        return false;
    for (unsigned k = 0; k < step->quantized->count; k++)
        if (!c2s_quantized_is_plain(step, k))
            return false;
    return true;
}

/* Channels last if the first input has them so, and all can. */
static bool wants_last(const c2s_step *step) {
    const unsigned first = step->quantized->x[0].input;
    const c2s_type *x = &step->in[first]->base->type;
    return x->rank >= 3 && x->dim[1] > 1 &&
           c2s_layout_block(c2s_step_layout(step, first), x) == x->dim[1];
}

static c2s_status last_of(const c2s_type *type, bool last, c2s_layout *out) {
    out->md = NULL;
    return last ? c2s_channels_last(type, out) : C2S_OK;
}

static c2s_status choose_layouts(c2s_step *step, bool last) {
    c2s_layout layout;
    for (unsigned k = 0; k < step->quantized->count; k++) {
        const unsigned input = step->quantized->x[k].input;
        C2S_TRY(last_of(&step->in[input]->base->type, last, &layout));
        c2s_status status = c2s_step_take(step, input, layout.md);
        c2s_md_free(layout.md);
        C2S_TRY(status);
    }
    C2S_TRY(last_of(&step->out[0]->type, last, &layout));
    c2s_status status = c2s_step_give(step, 0, layout.md);
    c2s_md_free(layout.md);
    return status;
}

/* What the codes of an operand become. */
static void fill(const c2s_step *step, const c2s_codes *x, piece *p) {
    const c2s_quantized *q = step->quantized;
    const int zero = c2s_codes_zero(x, 0);
    float low, high;
    c2s_quantized_bounds(step, &low, &high);
    for (int k = 0; k < CODES; k++) {
        int code = x->slot->type.dtype == C2S_INT8 && k > 127 ? k - CODES : k;
        float v = rintf((float)(code - zero) * x->scale[0] / q->scale);
        v = v < high ? v : high;
        v = v > low ? v : low;
        p->table[k] = (uint8_t)((int)v + q->zero);
        p->scaled |= p->table[k] != k;
    }
}

/* Bytes from the axis on, in the order of the layout: with channels last, these stand behind all
 * other axes but the batch. */
static size_t row_size(const c2s_type *type, int axis, bool last) {
    size_t size = last && axis > 0 ? (size_t)type->dim[1] : 1;
    for (int i = last && axis == 1 ? type->rank : axis; i < type->rank; i++)
        size *= (size_t)type->dim[i];
    return size;
}

static c2s_status concat_prepare(c2s_step *step) {
    int axis;
    const bool last = wants_last(step);
    const c2s_type *y = &step->out[0]->type;
    if (!find_axis(step, &axis))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected axis");
    C2S_TRY(choose_layouts(step, last));
    concat *c = c2s_zalloc(sizeof *c);
    c->count = step->quantized->count;
    c->piece = c2s_zalloc(c->count * sizeof *c->piece);
    c->row = row_size(y, axis, last);
    c->outer = row_size(y, 0, false) / c->row;
    for (unsigned k = 0; k < c->count; k++) {
        const c2s_codes *x = &step->quantized->x[k];
        c->piece[k].input = x->input;
        c->piece[k].size = row_size(&x->slot->type, axis, last);
        fill(step, x, &c->piece[k]);
    }
    step->state = c;
    return C2S_OK;
}

typedef struct task {
    const piece *piece;
    const uint8_t *from;
    uint8_t *to;
    size_t row;
} task;

static void copy_rows(const void *context, size_t first, size_t end) {
    const task *k = context;
    const piece *p = k->piece;
    for (size_t r = first; r < end; r++) {
        const uint8_t *from = k->from + r * p->size;
        uint8_t *to = k->to + r * k->row;
        if (p->scaled)
            c2s_bytes_map(p->table, from, to, p->size);
        else
            memcpy(to, from, p->size);
    }
}

static c2s_status concat_run(c2s_step *step) {
    const concat *c = step->state;
    uint8_t *to = c2s_tensor_mutable(step->out[0]->tensor);
    for (unsigned k = 0; k < c->count; to += c->piece[k++].size) {
        const piece *p = &c->piece[k];
        const task one = {p, c2s_tensor_data(step->in[p->input]->tensor), to, c->row};
        c2s_share(p->size ? c->outer : 0, c->outer * p->size >= 1 << 16, copy_rows, &one);
    }
    return C2S_OK;
}

static void concat_release(c2s_step *step) {
    concat *c = step->state;
    free(c->piece);
    free(c);
    step->state = NULL;
}

const c2s_kernel_family c2s_kernels_quantized_concat = {
    .name = "quantized_concat",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = concat_accepts,
    .prepare = concat_prepare,
    .run = concat_run,
    .release = concat_release,
};
