/* SPDX-License-Identifier: Apache-2.0
 *
 * Scatter, ScatterElements, ScatterND: a copy of the data with updates written over it, or combined
 * with it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/simd.h"
#include "ops/combine.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

/* Writes or combines one run of elements. */
static inline void put(char *to, const char *from, size_t count, size_t size, c2s_combine combine) {
    if (combine)
        combine(to, from, count);
    else
        memcpy(to, from, count * size);
}

static size_t extents(const c2s_type *type, int begin, int end) {
    size_t product = 1;
    for (int axis = begin; axis < end; axis++)
        product *= (size_t)type->dim[axis];
    return product;
}

/* Data, indices and updates of a scatter operator, opened; the output already holds the data. */
typedef struct scatter {
    c2s_workspace ws;
    c2s_elements x, updates, y;
    const int64_t *index;
    c2s_combine combine;
} scatter;

static c2s_status scatter_close(c2s_eval *e, scatter *s, c2s_status status) {
    if (status == C2S_OK)
        status = c2s_elements_commit(e, 0, &s->y);
    s->ws.status = status;
    c2s_elements_close(&s->x);
    c2s_elements_close(&s->updates);
    c2s_elements_close(&s->y);
    return c2s_workspace_end(&s->ws);
}

/* `extent`: all indices are for axes of that extent; -1: of several. */
static c2s_status scatter_open(c2s_eval *e, int64_t extent, scatter *s) {
    *s = (scatter){0};
    C2S_TRY(c2s_combine_of(e->node, e->in[0]->type.dtype, &s->combine));
    s->index = extent >= 0 ? c2s_workspace_indices(&s->ws, e->in[1], extent)
                           : c2s_workspace_i64(&s->ws, e->in[1]);
    c2s_status status = s->ws.status;
    if (status == C2S_OK)
        status = c2s_elements_read(e->in[0], &s->x);
    if (status == C2S_OK)
        status = c2s_elements_read(e->in[2], &s->updates);
    if (status == C2S_OK)
        status = c2s_elements_write(e, 0, &s->y);
    if (status != C2S_OK)
        return scatter_close(e, s, status);
    memcpy(s->y.data, s->x.data, s->x.size * s->x.count);
    return C2S_OK;
}

/* What all three inputs have in common. */
static c2s_status scatter_types(c2s_infer *i, const c2s_type **x, const c2s_type **index,
                                const c2s_type **updates) {
    C2S_TRY(c2s_infer_tensors(i, 3));
    *x = c2s_infer_type(i, 0);
    *index = c2s_infer_type(i, 1);
    *updates = c2s_infer_type(i, 2);
    if ((*index)->dtype != C2S_UNDEFINED && !c2s_dtype_is_integer((*index)->dtype))
        return c2s_fail(C2S_ERR_INVALID, "indices are of type %s, expected integers",
                        c2s_dtype_name((*index)->dtype));
    if ((*x)->dtype != C2S_UNDEFINED && (*updates)->dtype != C2S_UNDEFINED &&
        (*x)->dtype != (*updates)->dtype)
        return c2s_fail(C2S_ERR_INVALID, "data is of type %s, updates are of type %s",
                        c2s_dtype_name((*x)->dtype), c2s_dtype_name((*updates)->dtype));
    return c2s_infer_output(i, 0, (*x)->dtype, (*x)->rank, (*x)->dim);
}

/* ---- ScatterElements ---- */

static c2s_status scatter_elements_infer(c2s_infer *i) {
    const c2s_type *x, *index, *updates;
    int axis;
    C2S_TRY(scatter_types(i, &x, &index, &updates));
    if (x->rank < 0 || index->rank < 0 || updates->rank < 0)
        return C2S_OK;
    if (x->rank != index->rank || x->rank != updates->rank)
        return c2s_fail(C2S_ERR_INVALID, "data, indices and updates have ranks %d, %d and %d",
                        x->rank, index->rank, updates->rank);
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), x->rank, &axis));
    for (int a = 0; a < x->rank; a++) {
        c2s_dim have = x->dim[a], want = index->dim[a], given = updates->dim[a];
        if (c2s_dim_is_known(want) && c2s_dim_is_known(given) && want != given)
            return c2s_fail(C2S_ERR_INVALID,
                            "along axis %d indices have extent %" PRId64 ", updates %" PRId64, a,
                            want, given);
        if (a != axis && c2s_dim_is_known(want) && c2s_dim_is_known(have) && want > have)
            return c2s_fail(C2S_ERR_INVALID,
                            "along axis %d indices have extent %" PRId64 ", data has %" PRId64, a,
                            want, have);
    }
    return C2S_OK;
}

/* Element k goes to + k * step + index[k] * stride. `size` is a constant at every call. */
C2S_INLINE void drop_sized(char *to, const char *from, const int64_t *index, size_t count,
                           size_t step, size_t stride, size_t size) {
    for (size_t k = 0; k < count; k++)
        memcpy(to + k * step + (size_t)index[k] * stride, from + k * size, size);
}

static void drop(const scatter *s, char *to, const char *from, const int64_t *index, size_t count,
                 size_t step, size_t stride) {
    const size_t size = s->x.size;
    if (s->combine)
        for (size_t k = 0; k < count; k++)
            s->combine(to + k * step + (size_t)index[k] * stride, from + k * size, 1);
    else if (size == 4)
        drop_sized(to, from, index, count, step, stride, 4);
    else if (size == 8)
        drop_sized(to, from, index, count, step, stride, 8);
    else
        drop_sized(to, from, index, count, step, stride, size);
}

/* Line by line of the last axis; with indices along that axis, lines do not meet. */
static void scatter_lines(const scatter *s, const c2s_type *x, const c2s_type *index, int axis) {
    size_t stride[C2S_MAX_RANK];
    const int last = x->rank - 1;
    stride[last] = s->x.size;
    for (int a = last - 1; a >= 0; a--)
        stride[a] = stride[a + 1] * (size_t)x->dim[a + 1];
    const size_t line = (size_t)index->dim[last], count = s->updates.count;
    const size_t lines = count ? count / line : 0, step = axis == last ? 0 : s->x.size;
#pragma omp parallel for schedule(static) if (axis == last && count >= 1 << 16)
    for (size_t l = 0; l < lines; l++) {
        size_t base = 0, rest = l;
        for (int a = last - 1; a >= 0; a--) {
            base += a == axis ? 0 : rest % (size_t)index->dim[a] * stride[a];
            rest /= (size_t)index->dim[a];
        }
        drop(s, s->y.data + base, s->updates.data + l * line * s->x.size, s->index + l * line, line,
             step, stride[axis]);
    }
}

static c2s_status scatter_elements_eval(c2s_eval *e) {
    scatter s;
    int axis;
    const c2s_type *x = &e->in[0]->type;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), x->rank, &axis));
    C2S_TRY(scatter_open(e, x->dim[axis], &s));
    scatter_lines(&s, x, &e->in[1]->type, axis);
    return scatter_close(e, &s, C2S_OK);
}

static const c2s_attr_spec scatter_elements_attrs[] = {
    {"axis", C2S_ATTR_INT, false}, {"reduction", C2S_ATTR_STRING, false}, {0}};

const c2s_op c2s_op_scatter_elements = {
    .type = "ScatterElements",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(UNIFY, C2S_SLOT(0) | C2S_SLOT(2), 1u),
    .attrs = scatter_elements_attrs,
    .ties = c2s_ties_scatter_elements,
    .infer = scatter_elements_infer,
    .eval = scatter_elements_eval,
};

static const c2s_attr_spec scatter_attrs[] = {{"axis", C2S_ATTR_INT, false}, {0}};

/* The name that ScatterElements had up to opset 10. */
const c2s_op c2s_op_scatter = {
    .type = "Scatter",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(UNIFY, C2S_SLOT(0) | C2S_SLOT(2), 1u),
    .attrs = scatter_attrs,
    .ties = c2s_ties_scatter_elements,
    .infer = scatter_elements_infer,
    .eval = scatter_elements_eval,
};

/* ---- ScatterND ---- */

static c2s_status scatter_nd_infer(c2s_infer *i) {
    const c2s_type *x, *index, *updates;
    C2S_TRY(scatter_types(i, &x, &index, &updates));
    if (x->rank < 0 || index->rank < 0 || updates->rank < 0)
        return C2S_OK;
    if (index->rank < 1)
        return c2s_fail(C2S_ERR_INVALID, "indices are a scalar");
    c2s_dim depth = index->dim[index->rank - 1];
    if (!c2s_dim_is_known(depth))
        return C2S_OK;
    if (depth > x->rank)
        return c2s_fail(C2S_ERR_INVALID, "indices have last extent %" PRId64 ", data has rank %d",
                        depth, x->rank);
    int rank = index->rank - 1 + x->rank - (int)depth;
    if (updates->rank != rank)
        return c2s_fail(C2S_ERR_INVALID, "updates have rank %d, expected %d", updates->rank, rank);
    for (int a = 0; a < rank; a++) {
        int inner = a - (index->rank - 1) + (int)depth;
        c2s_dim want = a < index->rank - 1 ? index->dim[a] : x->dim[inner];
        if (c2s_dim_is_known(want) && c2s_dim_is_known(updates->dim[a]) && want != updates->dim[a])
            return c2s_fail(C2S_ERR_INVALID,
                            "updates have extent %" PRId64 " along axis %d, expected %" PRId64,
                            updates->dim[a], a, want);
    }
    return C2S_OK;
}

static c2s_status scatter_tuples(scatter *s, const c2s_type *x, const c2s_type *index) {
    int depth = (int)index->dim[index->rank - 1];
    size_t rows = extents(index, 0, index->rank - 1), run = extents(x, depth, x->rank);
    for (size_t row = 0; row < rows; row++) {
        size_t offset = 0;
        for (int k = 0; k < depth; k++) {
            int64_t at = s->index[row * (size_t)depth + (size_t)k];
            C2S_TRY(c2s_index_check(&at, x->dim[k]));
            offset = offset * (size_t)x->dim[k] + (size_t)at;
        }
        if (run)
            put(s->y.data + offset * run * s->x.size, s->updates.data + row * run * s->x.size, run,
                s->x.size, s->combine);
    }
    return C2S_OK;
}

static c2s_status scatter_nd_eval(c2s_eval *e) {
    scatter s;
    C2S_TRY(scatter_open(e, -1, &s));
    c2s_status status = C2S_OK;
    if (s.updates.count)
        status = scatter_tuples(&s, &e->in[0]->type, &e->in[1]->type);
    return scatter_close(e, &s, status);
}

static const c2s_attr_spec scatter_nd_attrs[] = {{"reduction", C2S_ATTR_STRING, false}, {0}};

const c2s_op c2s_op_scatter_nd = {
    .type = "ScatterND",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(UNIFY, C2S_SLOT(0) | C2S_SLOT(2), 1u),
    .attrs = scatter_nd_attrs,
    .ties = c2s_ties_scatter_nd,
    .infer = scatter_nd_infer,
    .eval = scatter_nd_eval,
};
