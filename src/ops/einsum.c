/* SPDX-License-Identifier: Apache-2.0
 *
 * Operands are multiplied from left to right. Each product becomes a stack of matrix products: axes
 * are sorted into those of the stack (in both operands and needed later), rows (left only), columns
 * (right only) and depth (in both, not needed later); the operands are copied into that order.
 */
#include "ops/einsum.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/gemm.h"

/* A strided array; the axes of extent 1 are left out, each label occurs once. */
typedef struct array {
    const void *data;
    void *owned;
    int count;
    uint8_t label[C2S_EINSUM_LABELS];
    size_t stride[C2S_EINSUM_LABELS];
} array;

/* Axes in order of nesting, the last one running fastest. */
typedef struct axes {
    int count;
    uint8_t label[C2S_EINSUM_LABELS];
} axes;

static int find(const array *a, int label) {
    for (int k = 0; k < a->count; k++)
        if (a->label[k] == label)
            return k;
    return -1;
}

static void view(const c2s_einsum_term *term, const c2s_type *type, const void *data, array *out) {
    size_t stride = 1;
    *out = (array){.data = data};
    for (int d = term->count - 1; d >= 0; d--) {
        const size_t extent = (size_t)type->dim[d];
        if (extent != 1) {
            int k = find(out, term->label[d]);
            if (k < 0) {
                k = out->count++;
                out->label[k] = term->label[d];
                out->stride[k] = 0;
            }
            out->stride[k] += stride; /* twice the same label: the diagonal */
        }
        stride *= extent;
    }
}

typedef struct loop {
    size_t extent, stride, index;
} loop;

/* out[position] += data[offset] over all index combinations; the last `summed` loops do not move
 * the position. The innermost loop is contiguous in `out` or a plain sum. */
#define GATHER(name, type)                                                                         \
    static void name(const type *data, loop *loops, int count, int summed, type *out) {            \
        const loop *inner = &loops[count - 1];                                                     \
        size_t offset = 0, position = 0;                                                           \
        for (;;) {                                                                                 \
            const type *from = data + offset;                                                      \
            if (summed)                                                                            \
                for (size_t i = 0; i < inner->extent; i++)                                         \
                    out[position] += from[i * inner->stride];                                      \
            else                                                                                   \
                for (size_t i = 0; i < inner->extent; i++)                                         \
                    out[position + i] += from[i * inner->stride];                                  \
            if (!summed)                                                                           \
                position += inner->extent;                                                         \
            int d = count - 2;                                                                     \
            for (; d >= 0; d--) {                                                                  \
                if (summed && d == count - summed - 1)                                             \
                    position++;                                                                    \
                offset += loops[d].stride;                                                         \
                if (++loops[d].index < loops[d].extent)                                            \
                    break;                                                                         \
                offset -= loops[d].extent * loops[d].stride;                                       \
                loops[d].index = 0;                                                                \
            }                                                                                      \
            if (d < 0)                                                                             \
                return;                                                                            \
        }                                                                                          \
    }
GATHER(gather_f32, float)
GATHER(gather_f64, double)
GATHER(gather_u64, uint64_t)

/* The array with its axes in the order of `order`, summed over its other axes, dense. */
static void arrange(c2s_wide wide, const array *a, const axes *order, const size_t *extent,
                    size_t size, void *out) {
    loop loops[C2S_EINSUM_LABELS + 1];
    int count = 0, summed = 0;
    bool kept[C2S_EINSUM_LABELS] = {false};
    memset(out, 0, size * c2s_wide_size(wide));
    for (int k = 0; k < order->count; k++) {
        const int at = find(a, order->label[k]);
        kept[order->label[k]] = true;
        loops[count++] = (loop){extent[order->label[k]], at < 0 ? 0 : a->stride[at], 0};
    }
    for (int k = 0; k < a->count; k++)
        if (!kept[a->label[k]]) {
            loops[count++] = (loop){extent[a->label[k]], a->stride[k], 0};
            summed++;
        }
    if (count == summed) { /* an axis of extent 1, so that there is a position to move */
        memmove(loops + 1, loops, (size_t)count * sizeof *loops);
        loops[0] = (loop){1, 0, 0};
        count++;
    }
    for (int k = 0; k < count; k++)
        if (loops[k].extent == 0)
            return;
    if (wide == C2S_WIDE_F32)
        gather_f32(a->data, loops, count, summed, out);
    else if (wide == C2S_WIDE_F64)
        gather_f64(a->data, loops, count, summed, out);
    else
        gather_u64(a->data, loops, count, summed, out);
}

static c2s_status extent_of(const axes *group, const size_t *extent, size_t *product) {
    *product = 1;
    for (int k = 0; k < group->count; k++)
        if (!c2s_mul_size(*product, extent[group->label[k]], product))
            return c2s_fail(C2S_ERR_MEMORY, "an intermediate result is too large");
    return C2S_OK;
}

static void append(axes *to, const axes *from) {
    memcpy(to->label + to->count, from->label, (size_t)from->count);
    to->count += from->count;
}

/* Axes of a product of two arrays by their role. */
typedef struct roles {
    axes stack, rows, columns, depth;
} roles;

static void sort_axes(const array *a, const array *b, const bool *needed, roles *r) {
    memset(r, 0, sizeof *r);
    for (int k = 0; k < a->count; k++) {
        const uint8_t label = a->label[k];
        const bool shared = find(b, label) >= 0;
        axes *to = needed[label] ? (shared ? &r->stack : &r->rows) : shared ? &r->depth : NULL;
        if (to)
            to->label[to->count++] = label;
    }
    for (int k = 0; k < b->count; k++)
        if (needed[b->label[k]] && find(a, b->label[k]) < 0)
            r->columns.label[r->columns.count++] = b->label[k];
}

static void multiply(c2s_wide wide, const c2s_gemm *g, size_t stack, const void *a, const void *b,
                     void *c) {
    for (size_t s = 0; s < stack; s++) {
        const size_t at = s * g->m * g->k, bt = s * g->k * g->n, ct = s * g->m * g->n;
        if (wide == C2S_WIDE_F32)
            c2s_gemm_f32(g, (const float *)a + at, (const float *)b + bt, (float *)c + ct);
        else if (wide == C2S_WIDE_F64)
            c2s_gemm_f64(g, (const double *)a + at, (const double *)b + bt, (double *)c + ct);
        else
            c2s_gemm_u64(g, (const uint64_t *)a + at, (const uint64_t *)b + bt, (uint64_t *)c + ct);
    }
}

/* *a = the product of *a and b, summed over what is not needed later. */
static c2s_status contract(c2s_wide wide, array *a, const array *b, const bool *needed,
                           const size_t *extent) {
    const size_t size = c2s_wide_size(wide);
    size_t s, m, n, k, left = 0, right = 0, result = 0;
    void *x = NULL, *y = NULL, *z = NULL;
    roles r;
    sort_axes(a, b, needed, &r);
    C2S_TRY(extent_of(&r.stack, extent, &s));
    C2S_TRY(extent_of(&r.rows, extent, &m));
    C2S_TRY(extent_of(&r.columns, extent, &n));
    C2S_TRY(extent_of(&r.depth, extent, &k));
    axes a_order = r.stack, b_order = r.stack, out = r.stack;
    append(&a_order, &r.rows);
    append(&a_order, &r.depth);
    append(&b_order, &r.depth);
    append(&b_order, &r.columns);
    append(&out, &r.rows);
    append(&out, &r.columns);
    C2S_TRY(extent_of(&a_order, extent, &left));
    C2S_TRY(extent_of(&b_order, extent, &right));
    C2S_TRY(extent_of(&out, extent, &result));
    c2s_status status = c2s_scratch(left, size, &x);
    if (status == C2S_OK)
        status = c2s_scratch(right, size, &y);
    if (status == C2S_OK)
        status = c2s_scratch(result, size, &z);
    if (status == C2S_OK) {
        const c2s_gemm g = c2s_gemm_of(m, n, k, 0, 0);
        arrange(wide, a, &a_order, extent, left, x);
        arrange(wide, b, &b_order, extent, right, y);
        multiply(wide, &g, s, x, y, z);
        free(a->owned);
        *a = (array){.data = z, .owned = z};
        size_t stride = result;
        for (int d = 0; d < out.count; d++) {
            stride = extent[out.label[d]] ? stride / extent[out.label[d]] : 0;
            a->label[a->count] = out.label[d];
            a->stride[a->count++] = stride;
        }
    }
    free(x);
    free(y);
    return status;
}

c2s_status c2s_einsum_compute(const c2s_einsum *e, c2s_wide wide, const c2s_type *const *type,
                              const void *const *data, void *out) {
    size_t extent[C2S_EINSUM_LABELS], size;
    unsigned last_use[C2S_EINSUM_LABELS] = {0};
    bool needed[C2S_EINSUM_LABELS];
    axes order = {.count = e->out.count};
    for (int label = 0; label < C2S_EINSUM_LABELS; label++)
        extent[label] = 1;
    for (unsigned k = 0; k < e->operands; k++)
        for (int d = 0; d < e->in[k].count; d++) {
            const int label = e->in[k].label[d];
            if (type[k]->dim[d] != 1)
                extent[label] = (size_t)type[k]->dim[d];
            last_use[label] = k;
        }
    for (int d = 0; d < e->out.count; d++) {
        order.label[d] = e->out.label[d];
        last_use[e->out.label[d]] = e->operands;
    }
    array product, next;
    view(&e->in[0], type[0], data[0], &product);
    c2s_status status = C2S_OK;
    for (unsigned k = 1; k < e->operands && status == C2S_OK; k++) {
        for (int label = 0; label < C2S_EINSUM_LABELS; label++)
            needed[label] = last_use[label] > k;
        view(&e->in[k], type[k], data[k], &next);
        status = contract(wide, &product, &next, needed, extent);
    }
    if (status == C2S_OK)
        status = extent_of(&order, extent, &size);
    if (status == C2S_OK)
        arrange(wide, &product, &order, extent, size, out);
    free(product.owned);
    return status;
}
