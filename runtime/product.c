/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/product.h"

#include <string.h>

#include "runtime/layout.h"
#include "runtime/view_transpose.h"

bool c2s_matrices_of(const c2s_type *type, c2s_const_md md, c2s_matrices *out) {
    int64_t step = 1;
    out->rank = type->rank < 2 ? 2 : type->rank;
    for (int i = out->rank - 1, own = type->rank - 1; i >= 0; i--, own--) {
        out->dim[i] = own >= 0 ? type->dim[own] : 1;
        out->stride[i] = step;
        step *= out->dim[i];
    }
    return !md || (type->rank >= 2 && c2s_md_strides(md, out->stride));
}

c2s_status c2s_matrices_take(c2s_step *step, unsigned input, c2s_matrices *out) {
    const c2s_type *type = &step->in[input]->type;
    c2s_const_md md = c2s_step_layout(step, input);
    if (md && !c2s_matrices_of(type, md, out))
        md = NULL;
    if (!md)
        c2s_matrices_of(type, NULL, out);
    return c2s_step_take(step, input, md);
}

/* The step that does nothing but transpose what `step` makes; NULL: there is none. */
static const c2s_step *transposer_of(const c2s_step *step) {
    const c2s_slot *base = step->out[0]->base;
    const c2s_step *reader = base->reader_count == 1 ? base->reader[0] : NULL;
    bool hidden = !base->kept && !base->observed && c2s_step_chooses(step);
    return hidden && reader && reader->node->op == &c2s_op_transpose && !reader->late &&
                   !reader->group && !reader->inside
               ? reader
               : NULL;
}

c2s_status c2s_matrices_give(c2s_step *step, c2s_matrices *c) {
    const c2s_type *type = &step->out[0]->base->type;
    const c2s_step *reader = transposer_of(step);
    int64_t order[C2S_MAX_RANK], stride[C2S_MAX_RANK], count = 1;
    c2s_matrices_of(type, NULL, c);
    if (!reader || type->rank < 2 || !c2s_transpose_order(reader, order) ||
        order[type->rank - 1] != type->rank - 1)
        return c2s_step_give(step, 0, NULL);
    for (int i = type->rank - 1; i >= 0; i--) {
        stride[order[i]] = count;
        count *= type->dim[order[i]];
    }
    c2s_md md;
    C2S_TRY(
        c2s_dnnl_check(c2s_md_strided(&md, type->rank, type->dim, stride, dnnl_f32), "descriptor"));
    c2s_status status = c2s_step_give(step, 0, md);
    c2s_md_free(md);
    memcpy(c->stride, stride, (size_t)type->rank * sizeof *stride);
    return status;
}

static void swap(int64_t *a, int64_t *b) {
    int64_t c = *a;
    *a = *b;
    *b = c;
}

void c2s_matrices_transpose(c2s_matrices *m) {
    swap(&m->dim[m->rank - 1], &m->dim[m->rank - 2]);
    swap(&m->stride[m->rank - 1], &m->stride[m->rank - 2]);
}

/* ---- describing ---- */

/* The stride along an axis of the result; 0 where the operand is broadcast. */
static bool batch_stride(const c2s_matrices *m, int from_end, int64_t extent, int64_t *out) {
    int axis = m->rank - from_end;
    *out = 0;
    if (axis < 0 || m->dim[axis] == 1)
        return true;
    *out = m->stride[axis];
    return m->dim[axis] == extent;
}

bool c2s_product_of(const c2s_matrices *a, const c2s_matrices *b, const c2s_matrices *c,
                    c2s_product *p) {
    *p = (c2s_product){.m = c->dim[c->rank - 2],
                       .n = c->dim[c->rank - 1],
                       .k = a->dim[a->rank - 1],
                       .batch_rank = c->rank - 2,
                       .a_row = a->stride[a->rank - 2],
                       .a_column = a->stride[a->rank - 1],
                       .b_row = b->stride[b->rank - 2],
                       .b_column = b->stride[b->rank - 1],
                       .c_row = c->stride[c->rank - 2],
                       .a_input = 0,
                       .b_input = 1,
                       .packed_count = 1};
    for (int i = 0; i < p->batch_rank; i++) {
        p->batch[i] = c->dim[i];
        p->c_batch[i] = c->stride[i];
        if (!batch_stride(a, c->rank - i, c->dim[i], &p->a_batch[i]) ||
            !batch_stride(b, c->rank - i, c->dim[i], &p->b_batch[i]))
            return false;
    }
    return a->rank <= c->rank && b->rank <= c->rank && a->dim[a->rank - 2] == p->m &&
           b->dim[b->rank - 2] == p->k && b->dim[b->rank - 1] == p->n &&
           (p->n == 1 || c->stride[c->rank - 1] == 1);
}

c2s_status c2s_product_add(c2s_product *p, const c2s_post *post, unsigned input,
                           const c2s_type *operand) {
    if (p->tail.count == C2S_MOST_TAIL || !c2s_tail_serves(post->kind, post->binary))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "there is no code for a post-operation");
    c2s_product_term *term = &p->term[p->tail.count];
    *term = (c2s_product_term){.input = input};
    c2s_tail_op *op = c2s_tail_add(&p->tail, post);
    if (!post->binary)
        return C2S_OK;
    int rank = p->batch_rank + 2;
    int64_t step = 1;
    if (operand->rank > rank)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "an operand has more axes than the result");
    for (int axis = rank - 1, i = operand->rank - 1; i >= 0; axis--, i--) {
        int64_t extent = axis == rank - 1 ? p->n : axis == rank - 2 ? p->m : p->batch[axis];
        if (operand->dim[i] != 1 && operand->dim[i] != extent)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "an operand does not fit");
        term->stride[axis] = operand->dim[i] == 1 ? 0 : step;
        step *= operand->dim[i];
    }
    op->row = term->stride[rank - 2];
    op->column = term->stride[rank - 1];
    return C2S_OK;
}

/* ---- fewer and larger matrices ---- */

/* The last batch axis continues the rows of a, of c and of the tail's operands, and b is the same
 * for all: then they are rows. */
static bool last_axis_is_rows(const c2s_product *p) {
    int last = p->batch_rank - 1;
    if (p->b_batch[last] != 0 || p->a_batch[last] != p->m * p->a_row ||
        p->c_batch[last] != p->m * p->c_row)
        return false;
    for (unsigned k = 0; k < p->tail.count; k++)
        if (p->term[k].stride[last] != p->m * p->tail.op[k].row)
            return false;
    return true;
}

static void drop_axis(c2s_product *p, int axis) {
    for (int i = axis; i + 1 < p->batch_rank; i++) {
        p->batch[i] = p->batch[i + 1];
        p->a_batch[i] = p->a_batch[i + 1];
        p->b_batch[i] = p->b_batch[i + 1];
        p->c_batch[i] = p->c_batch[i + 1];
        for (unsigned k = 0; k < p->tail.count; k++)
            p->term[k].stride[i] = p->term[k].stride[i + 1];
    }
    p->batch_rank--;
}

static void merge(c2s_product *p) {
    for (int i = p->batch_rank - 1; i >= 0; i--)
        if (p->batch[i] == 1)
            drop_axis(p, i);
    if (p->m == 1 && p->batch_rank > 0) { /* the stride of one row does not matter */
        int last = p->batch_rank - 1;
        p->a_row = p->a_batch[last];
        p->c_row = p->c_batch[last];
        for (unsigned k = 0; k < p->tail.count; k++)
            p->tail.op[k].row = p->term[k].stride[last];
    }
    while (p->batch_rank > 0 && last_axis_is_rows(p)) {
        p->m *= p->batch[p->batch_rank - 1];
        drop_axis(p, p->batch_rank - 1);
    }
}

/* A result of one column is computed as one row: b and a change places. */
static void lay_down(c2s_product *p) {
    if (p->n != 1 || p->m == 1 || p->c_row != 1)
        return;
    for (unsigned k = 0; k < p->tail.count; k++)
        if (p->tail.op[k].row > 1)
            return;
    for (int i = 0; i < p->batch_rank; i++)
        swap(&p->a_batch[i], &p->b_batch[i]);
    int64_t a_row = p->a_row, a_column = p->a_column;
    p->a_row = 0;
    p->a_column = p->b_row;
    p->b_row = a_column;
    p->b_column = a_row;
    p->n = p->m;
    p->m = 1;
    unsigned input = p->a_input;
    p->a_input = p->b_input;
    p->b_input = input;
    for (unsigned k = 0; k < p->tail.count; k++)
        swap(&p->tail.op[k].row, &p->tail.op[k].column);
}

/* ---- packing ---- */

int64_t c2s_product_matrices(const c2s_product *p) {
    int64_t count = 1;
    for (int i = 0; i < p->batch_rank; i++)
        count *= p->batch[i];
    return count;
}

bool c2s_product_is_few(const c2s_product *p) {
    c2s_gemm g = {.m = p->m,
                  .n = p->n,
                  .k = p->k,
                  .a_column = p->a_column,
                  .b_row = p->b_row,
                  .b_column = p->b_column};
    return c2s_gemm_few_serves(&g);
}

c2s_product_place c2s_product_place_of(const c2s_product *p, int64_t matrix) {
    c2s_product_place at = {0};
    for (int i = p->batch_rank - 1; i >= 0; i--) {
        int64_t index = matrix % p->batch[i];
        matrix /= p->batch[i];
        at.a += index * p->a_batch[i];
        at.b += index * p->b_batch[i];
        at.c += index * p->c_batch[i];
        for (unsigned k = 0; k < p->tail.count; k++)
            at.term[k] += index * p->term[k].stride[i];
    }
    return at;
}

/* `how`: the product. */
static c2s_status pack_all(const c2s_tensor *b, const void *how, c2s_bytes **out) {
    const c2s_product *p = how;
    size_t count = c2s_gemm_packed_count(p->n, p->k), size;
    if (!c2s_mul_size(count, (size_t)p->packed_count * sizeof(float), &size))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the matrices are too large");
    *out = c2s_bytes_alloc(size);
    if (!*out)
        return c2s_fail_alloc(1, size);
    for (int64_t i = 0; i < p->packed_count; i++) {
        c2s_gemm g = {.n = p->n,
                      .k = p->k,
                      .b = (const float *)c2s_tensor_data(b) + c2s_product_place_of(p, i).b,
                      .b_row = p->b_row,
                      .b_column = p->b_column};
        c2s_gemm_pack(&g, 0, c2s_gemm_panels(p->n), (float *)(*out)->data + (size_t)i * count);
    }
    return C2S_OK;
}

c2s_status c2s_product_finish(c2s_product *p, const c2s_step *step) {
    merge(p);
    lay_down(p);
    const c2s_tensor *b = step->in[p->b_input]->constant;
    if (!b || c2s_product_is_few(p) || step->in[p->b_input]->layout)
        return C2S_OK;
    for (int i = 0; i < p->batch_rank; i++)
        if (p->b_batch[i] != 0)
            p->packed_count = c2s_product_matrices(p);
    const c2s_pack_form form = {"product", {p->n, p->k, p->b_row, p->b_column, p->packed_count}};
    return c2s_dnnl_pack_as(step->dnnl, b, &form, pack_all, p, &p->packed);
}

void c2s_product_free(c2s_product *p) {
    c2s_bytes_unref(p->packed);
    p->packed = NULL;
}
