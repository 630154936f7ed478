/* SPDX-License-Identifier: Apache-2.0
 *
 * TopK.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/elements.h"
#include "ops/index_sort.h"
#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static c2s_status top_k_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *k;
    unsigned count;
    int axis;
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_dims(i, 1, "K", &known, &k, &count));
    if (known && count != 1)
        return c2s_fail(C2S_ERR_INVALID, "K has %u elements, expected 1", count);
    if (x->rank < 0) {
        C2S_TRY(c2s_infer_output(i, 0, x->dtype, -1, NULL));
        return c2s_infer_output(i, 1, C2S_INT64, -1, NULL);
    }
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", -1), x->rank, &axis));
    c2s_type out = *x;
    if (known && c2s_dim_is_known(*k) && c2s_dim_is_known(x->dim[axis]) &&
        (*k < 0 || *k > x->dim[axis]))
        return c2s_fail(C2S_ERR_INVALID, "K is %" PRId64 ", the axis has %" PRId64 " elements", *k,
                        x->dim[axis]);
    out.dim[axis] = known ? *k : c2s_dim_fresh(i->dims);
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, out.rank, out.dim));
    return c2s_infer_output(i, 1, C2S_INT64, out.rank, out.dim);
}

/* The keys of a line along the axis. */
typedef struct line {
    const double *real;
    const int64_t *whole;
    size_t stride;
    bool largest;
} line;

static bool real_before(const void *context, size_t a, size_t b) {
    const line *l = context;
    double x = l->real[a * l->stride], y = l->real[b * l->stride];
    if (isnan(x) || isnan(y)) /* NaN counts as greater than every number */
        return l->largest ? isnan(x) && !isnan(y) : isnan(y) && !isnan(x);
    return l->largest ? x > y : x < y;
}

static bool whole_before(const void *context, size_t a, size_t b) {
    const line *l = context;
    int64_t x = l->whole[a * l->stride], y = l->whole[b * l->stride];
    return l->largest ? x > y : x < y;
}

typedef struct top_k {
    c2s_sort_keys keys;
    size_t *index; /* the chosen positions of one line */
    c2s_elements x, values;
    bool has_values;
} top_k;

static void top_k_lines(const c2s_eval *e, const top_k *t, int axis, size_t wanted) {
    const c2s_type *in = &e->in[0]->type;
    size_t extent = (size_t)in->dim[axis], inner = 1, outer = 1, size = t->x.size;
    int64_t *positions = e->out_count > 1 && e->out[1] ? c2s_tensor_mutable(e->out[1]) : NULL;
    for (int a = 0; a < in->rank; a++)
        *(a < axis ? &outer : &inner) *= a == axis ? 1 : (size_t)in->dim[a];
    for (size_t row = 0; row < outer * inner; row++) {
        size_t start = row / inner * inner * extent + row % inner;
        size_t to = row / inner * inner * wanted + row % inner;
        const double *real = t->keys.real ? t->keys.real + start : NULL;
        const int64_t *whole = t->keys.whole ? t->keys.whole + start : NULL;
        line l = {real, whole, inner, c2s_attr_int(e->node, "largest", 1) != 0};
        c2s_index_select(t->index, wanted, extent, real ? real_before : whole_before, &l);
        for (size_t k = 0; k < wanted; k++) {
            if (t->has_values)
                memcpy(t->values.data + (to + k * inner) * size,
                       t->x.data + (start + t->index[k] * inner) * size, size);
            if (positions)
                positions[to + k * inner] = (int64_t)t->index[k];
        }
    }
}

/* `sorted` = 0 allows any order; sorted order is one. */
static c2s_status top_k_eval(c2s_eval *e) {
    top_k t = {.has_values = e->out[0] != NULL};
    int axis;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", -1), e->in[0]->type.rank, &axis));
    size_t wanted = (size_t)e->out_type[0].dim[axis];
    c2s_workspace ws = {0};
    c2s_status status = c2s_sort_keys_of(&ws, e->in[0], &t.keys);
    t.index = c2s_workspace_array(&ws, wanted, sizeof *t.index);
    if (status == C2S_OK)
        status = ws.status;
    if (status == C2S_OK)
        status = c2s_elements_read(e->in[0], &t.x);
    if (status == C2S_OK && t.has_values)
        status = c2s_elements_write(e, 0, &t.values);
    if (status == C2S_OK && wanted && e->in[0]->count)
        top_k_lines(e, &t, axis, wanted);
    if (status == C2S_OK && t.has_values)
        status = c2s_elements_commit(e, 0, &t.values);
    c2s_elements_close(&t.x);
    c2s_elements_close(&t.values);
    ws.status = status;
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec top_k_attrs[] = {{"axis", C2S_ATTR_INT, false},
                                            {"largest", C2S_ATTR_INT, false},
                                            {"sorted", C2S_ATTR_INT, false},
                                            {0}};

const c2s_op c2s_op_top_k = {
    .type = "TopK",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {2, 2},
    .quant = C2S_QUANT_UNARY(SAME),
    .attrs = top_k_attrs,
    .ties = c2s_ties_top_k,
    .infer = top_k_infer,
    .eval = top_k_eval,
};
