/* SPDX-License-Identifier: Apache-2.0
 *
 * Concat: contiguous pieces, row-major or in blocks of channels. Where the plan has put an input
 * right into the output's memory, nothing is copied.
 */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "runtime/concat_pieces.h"
#include "runtime/layout.h"

/* Below this many bytes one thread is faster. */
#define PARALLEL_BYTES ((size_t)1 << 18)

typedef struct concat {
    size_t outer;  /* rows; each is a piece of every input in turn */
    size_t row;    /* bytes of a row of the output */
    size_t *piece; /* bytes of a row of each input */
} concat;

static bool find_axis(const c2s_step *step, int *axis) {
    int rank = step->out[0]->type.rank;
    int64_t given = c2s_attr_int(step->node, "axis", 0);
    *axis = (int)(given < 0 ? given + rank : given);
    return given >= -rank && given < rank;
}

static bool concat_accepts(const c2s_step *step) {
    int axis;
    if (!c2s_step_wants(step, 0) || step->in_count != step->node->formal_count)
        return false;
    const c2s_type *y = &step->out[0]->type;
    if (!c2s_type_is_tensor(y) || y->dtype == C2S_STRING || c2s_dtype_bits(y->dtype) < 8 ||
        !find_axis(step, &axis))
        return false;
    for (unsigned k = 0; k < step->in_count; k++) {
        const c2s_type *x = c2s_step_type(step, k);
        if (!step->in[k] || x->dtype != y->dtype || x->rank != y->rank)
            return false;
    }
    return true;
}

/* ---- layouts ---- */

/* The block of channels that some input has and all can have; 1: row-major. */
static int64_t find_block(const c2s_step *step, int axis) {
    const c2s_type *y = &step->out[0]->type;
    int64_t block = 1;
    if (axis != 1 || y->dtype != C2S_FLOAT)
        return 1;
    for (unsigned k = 0; k < step->in_count && block == 1; k++) {
        int64_t one = c2s_layout_block(c2s_step_layout(step, k), c2s_step_type(step, k));
        if (one == 8 || one == 16)
            block = one;
    }
    for (unsigned k = 0; k < step->in_count; k++)
        if (c2s_step_type(step, k)->dim[1] % block != 0 ||
            !c2s_dnnl_accepts(c2s_step_type(step, k)))
            return 1;
    return block;
}

static c2s_status choose_layouts(c2s_step *step, int64_t block) {
    c2s_md md;
    for (unsigned k = 0; k < step->in_count; k++) {
        C2S_TRY(c2s_layout_blocked(&step->in[k]->type, block, &md));
        c2s_status status = c2s_step_take(step, k, md);
        c2s_md_free(md);
        C2S_TRY(status);
    }
    C2S_TRY(c2s_layout_blocked(&step->out[0]->type, block, &md));
    c2s_status status = c2s_step_give(step, 0, md);
    c2s_md_free(md);
    return status;
}

/* ---- pieces ---- */

/* Elements from axis `axis` on: [channels / block, spatial.., block] has as many as row-major. */
static size_t row_elements(const c2s_type *type, int axis) {
    size_t count = 1;
    for (int i = axis; i < type->rank; i++)
        count *= (size_t)type->dim[i];
    return count;
}

static c2s_status concat_prepare(c2s_step *step) {
    int axis;
    if (!find_axis(step, &axis))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected axis");
    int64_t block = c2s_step_chooses(step) ? find_block(step, axis) : 1;
    if (block > 1)
        C2S_TRY(choose_layouts(step, block));
    const c2s_type *y = &step->out[0]->type;
    size_t element = c2s_dtype_bits(y->dtype) / 8;
    concat *c = c2s_zalloc(sizeof *c);
    c->outer = 1;
    for (int i = 0; i < axis; i++)
        c->outer *= (size_t)y->dim[i];
    c->row = row_elements(y, axis) * element;
    c->piece = c2s_alloc_array(step->in_count + 1u, sizeof *c->piece);
    for (unsigned k = 0; k < step->in_count; k++)
        c->piece[k] = row_elements(c2s_step_type(step, k), axis) * element;
    step->state = c;
    return C2S_OK;
}

bool c2s_concat_offset(const c2s_step *step, unsigned input, size_t *offset) {
    if (step->kernel != &c2s_kernels_concat)
        return false;
    const concat *c = step->state;
    *offset = 0;
    for (unsigned k = 0; k < input; k++)
        *offset += c->piece[k];
    return c->outer == 1;
}

typedef struct rows {
    const char *from;
    char *to;
    size_t size, step; /* of a row; from one to the next in `to` */
} rows;

static inline void copy_each(const rows *r, size_t from, size_t to, size_t size) {
    for (size_t i = from; i < to; i++)
        memcpy(r->to + i * r->step, r->from + i * size, size);
}

/* Of sizes that are known when compiling, a row is one move instead of a call. */
static void copy_rows(const void *context, size_t from, size_t to) {
    const rows *r = context;
    switch (r->size) {
    case 1:
        copy_each(r, from, to, 1);
        break;
    case 4:
        copy_each(r, from, to, 4);
        break;
    case 8:
        copy_each(r, from, to, 8);
        break;
    default:
        copy_each(r, from, to, r->size);
        break;
    }
}

static void copy_bytes(const void *context, size_t from, size_t to) {
    const rows *r = context;
    memcpy(r->to + from, r->from + from, to - from);
}

static void copy_piece(const concat *c, const char *from, char *to, size_t piece) {
    const rows r = {from, to, piece, c->row};
    if (c->outer > 1)
        c2s_share(c->outer, c->outer * piece >= PARALLEL_BYTES, copy_rows, &r);
    else
        c2s_share(piece, piece >= PARALLEL_BYTES, copy_bytes, &r);
}

static c2s_status concat_run(c2s_step *step) {
    const concat *c = step->state;
    if (step->out[0]->tensor->count == 0)
        return C2S_OK;
    char *to = c2s_tensor_mutable(step->out[0]->tensor);
    for (unsigned k = 0; k < step->in_count; to += c->piece[k++]) {
        const char *from = c2s_tensor_data(step->in[k]->tensor);
        if (c->piece[k] > 0 && from != to)
            copy_piece(c, from, to, c->piece[k]);
    }
    return C2S_OK;
}

static void concat_release(c2s_step *step) {
    concat *c = step->state;
    free(c->piece);
    free(c);
    step->state = NULL;
}

const c2s_kernel_family c2s_kernels_concat = {
    .name = "concat",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = concat_accepts,
    .prepare = concat_prepare,
    .run = concat_run,
    .release = concat_release,
};
