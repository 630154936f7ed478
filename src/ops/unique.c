/* SPDX-License-Identifier: Apache-2.0
 *
 * Unique: the distinct elements of a tensor, or its distinct slices along an axis.
 */
#include <string.h>

#include "ops/contents.h"
#include "ops/elements.h"
#include "ops/index_sort.h"
#include "ops/infer_tensor.h"
#include "ops/workspace.h"

static c2s_status unique_infer(c2s_infer *i) {
    int axis = 0;
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    c2s_dim found = c2s_dim_fresh(i->dims), all = c2s_dim_fresh(i->dims);
    if (!c2s_attr_has(i->node, "axis")) {
        if (x->rank >= 0)
            all = c2s_dim_product(i->dims, x->dim, 0, x->rank);
        C2S_TRY(c2s_infer_output(i, 0, x->dtype, 1, &found));
    } else if (x->rank >= 0) {
        c2s_type out = *x;
        C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), x->rank, &axis));
        all = x->dim[axis];
        out.dim[axis] = found;
        C2S_TRY(c2s_infer_output(i, 0, x->dtype, out.rank, out.dim));
    } else {
        C2S_TRY(c2s_infer_output(i, 0, x->dtype, -1, NULL));
    }
    C2S_TRY(c2s_infer_output(i, 1, C2S_INT64, 1, &found));
    C2S_TRY(c2s_infer_output(i, 2, C2S_INT64, 1, &all));
    return c2s_infer_output(i, 3, C2S_INT64, 1, &found);
}

/* The input as [outer][count][inner]: item k is the slice [:][k][:]. */
typedef struct items {
    c2s_elements x;
    size_t outer, count, inner;
    c2s_dtype dtype;
    c2s_sort_keys keys; /* strings compare as they are */
    size_t parts;       /* numbers per element: 2 of complex ones, the real one first */
} items;

/* A complex tensor as one of twice as many real numbers. */
static c2s_status parts_of(const c2s_tensor *x, c2s_tensor **out) {
    const int64_t count = (int64_t)(2 * x->count);
    return c2s_tensor_view(x->type.dtype == C2S_COMPLEX64 ? C2S_FLOAT : C2S_DOUBLE, 1, &count,
                           x->bytes, x->offset, out);
}

/* NaN comes last and equals NaN. */
static int compare_real(double a, double b) {
    return a < b ? -1 : a > b ? 1 : a == b ? 0 : (a != a) - (b != b);
}

static int compare_element(const items *s, size_t a, size_t b) {
    const double *real = s->keys.real;
    const int64_t *whole = s->keys.whole;
    if (real && s->parts == 1)
        return compare_real(real[a], real[b]);
    if (real) {
        const int order = compare_real(real[2 * a], real[2 * b]);
        return order ? order : compare_real(real[2 * a + 1], real[2 * b + 1]);
    }
    if (whole)
        return (whole[a] > whole[b]) - (whole[a] < whole[b]);
    const c2s_string *text = (const c2s_string *)(const void *)s->x.data;
    size_t shorter = text[a].size < text[b].size ? text[a].size : text[b].size;
    int order = shorter ? memcmp(text[a].data, text[b].data, shorter) : 0;
    return order ? order : (text[a].size > text[b].size) - (text[a].size < text[b].size);
}

static int compare_items(const items *s, size_t a, size_t b) {
    for (size_t o = 0; o < s->outer; o++) {
        size_t row = o * s->count;
        for (size_t k = 0; k < s->inner; k++) {
            int order = compare_element(s, (row + a) * s->inner + k, (row + b) * s->inner + k);
            if (order)
                return order;
        }
    }
    return 0;
}

static bool item_before(const void *context, size_t a, size_t b) {
    return compare_items(context, a, b) < 0;
}

static bool first_before(const void *context, size_t a, size_t b) {
    const size_t *first = context;
    return first[a] < first[b];
}

/* What there is to find; all arrays have one entry per item. */
typedef struct groups {
    size_t count;
    size_t *order;  /* groups in the order of the output */
    size_t *first;  /* first item of a group */
    size_t *size;   /* items of a group */
    size_t *member; /* group of an item */
    size_t *sorted, *spare;
} groups;

static c2s_status groups_find(c2s_workspace *ws, const items *s, bool sorted, groups *g) {
    size_t **arrays[] = {&g->order, &g->first, &g->size, &g->member, &g->sorted, &g->spare};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        *arrays[k] = c2s_workspace_array(ws, s->count, sizeof **arrays[k]);
    if (ws->status != C2S_OK)
        return ws->status;
    for (size_t k = 0; k < s->count; k++)
        g->sorted[k] = k;
    c2s_index_sort(g->sorted, g->spare, s->count, item_before, s);
    for (size_t k = 0; k < s->count; k++) {
        if (k == 0 || compare_items(s, g->sorted[k - 1], g->sorted[k]) != 0) {
            g->first[g->count] = g->sorted[k]; /* the sort is stable: the first occurrence */
            g->size[g->count] = 0;
            g->order[g->count] = g->count;
            g->count++;
        }
        g->member[g->sorted[k]] = g->count - 1;
        g->size[g->count - 1]++;
    }
    if (!sorted) /* in the order of their first occurrence */
        c2s_index_sort(g->order, g->spare, g->count, first_before, g->first);
    return C2S_OK;
}

static c2s_status unique_values(c2s_eval *e, const items *s, const groups *g, int axis) {
    const c2s_type *in = &e->in[0]->type;
    int64_t dim[C2S_MAX_RANK];
    int rank = c2s_attr_has(e->node, "axis") ? in->rank : 1;
    c2s_elements y;
    for (int a = 0; rank == in->rank && a < rank; a++)
        dim[a] = in->dim[a];
    dim[axis] = (int64_t)g->count;
    C2S_TRY(c2s_eval_new(e, 0, in->dtype, rank, dim));
    C2S_TRY(c2s_elements_write(e, 0, &y));
    size_t run = s->inner * s->x.size;
    for (size_t o = 0; o < s->outer; o++) {
        for (size_t k = 0; k < g->count; k++)
            memcpy(y.data + (o * g->count + k) * run,
                   s->x.data + (o * s->count + g->first[g->order[k]]) * run, run);
    }
    c2s_status status = c2s_elements_commit(e, 0, &y);
    c2s_elements_close(&y);
    return status;
}

static c2s_status unique_positions(c2s_eval *e, const items *s, const groups *g) {
    int64_t found = (int64_t)g->count, all = (int64_t)s->count, *out[4] = {0};
    for (unsigned k = 1; k < 4; k++) {
        if (!c2s_eval_wants(e, k))
            continue;
        C2S_TRY(c2s_eval_new(e, k, C2S_INT64, 1, k == 2 ? &all : &found));
        out[k] = c2s_tensor_mutable(e->out[k]);
    }
    for (size_t k = 0; k < g->count; k++) {
        size_t group = g->order[k];
        if (out[1])
            out[1][k] = (int64_t)g->first[group];
        if (out[3])
            out[3][k] = (int64_t)g->size[group];
        g->spare[group] = k;
    }
    for (size_t k = 0; out[2] && k < s->count; k++)
        out[2][k] = (int64_t)g->spare[g->member[k]];
    return C2S_OK;
}

static c2s_status unique_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    items s = {.outer = 1, .count = x->count, .inner = 1, .dtype = x->type.dtype};
    groups g = {0};
    c2s_workspace ws = {0};
    int axis = 0;
    if (c2s_attr_has(e->node, "axis")) {
        C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), x->type.rank, &axis));
        s.count = (size_t)x->type.dim[axis];
        for (int a = 0; a < x->type.rank; a++)
            *(a < axis ? &s.outer : &s.inner) *= a == axis ? 1 : (size_t)x->type.dim[a];
    }
    c2s_tensor *numbers = NULL;
    c2s_status status = c2s_elements_read(x, &s.x);
    s.parts = s.dtype == C2S_COMPLEX64 || s.dtype == C2S_COMPLEX128 ? 2 : 1;
    if (status == C2S_OK && s.parts == 2)
        status = parts_of(x, &numbers);
    if (status == C2S_OK && s.dtype != C2S_STRING)
        status = c2s_sort_keys_of(&ws, numbers ? numbers : x, &s.keys);
    if (status == C2S_OK)
        status = groups_find(&ws, &s, c2s_attr_int(e->node, "sorted", 1) != 0, &g);
    if (status == C2S_OK)
        status = unique_positions(e, &s, &g);
    if (status == C2S_OK)
        status = unique_values(e, &s, &g, axis);
    c2s_elements_close(&s.x);
    c2s_tensor_unref(numbers);
    ws.status = status;
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec unique_attrs[] = {
    {"axis", C2S_ATTR_INT, false}, {"sorted", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_unique = {
    .type = "Unique",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 4},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = unique_attrs,
    .ties = c2s_ties_pinned,
    .infer = unique_infer,
    .eval = unique_eval,
};
