/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxPool with its optional indices, and MaxUnpool.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/pool.h"
#include "ops/ties_rules.h"
#include "base/simd.h"
#include "ops/workspace.h"

/* ---- MaxPool ---- */

static c2s_status max_pool_infer(c2s_infer *i) {
    C2S_TRY(c2s_pool_infer(i));
    if (i->out_count > 1) {
        i->out[1] = i->out[0];
        i->out[1].dtype = C2S_INT64;
    }
    return C2S_OK;
}

/* NaN wins, so that a proof sees it. */
C2S_INLINE void take_max_loop(int64_t count, const double *restrict x, int64_t x_step,
                              double parameter, double *restrict y) {
    (void)parameter;
    if (x_step == 1)
        for (int64_t i = 0; i < count; i++)
            y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];
    else
        for (int64_t i = 0; i < count; i++) {
            const double v = x[i * x_step];
            y[i] = v > y[i] || v != v ? v : y[i];
        }
}
C2S_SIMD(take_max, take_max_loop,
         (int64_t count, const double *x, int64_t x_step, double parameter, double *y),
         (count, x, x_step, parameter, y))

/* Position within a plane of `row`, `column`; storage order 1 lets the first axis vary fastest. */
static int64_t plane_index(const c2s_window *w, int64_t row, int64_t column, int64_t order) {
    int last = w->rank - 1;
    if (order == 0)
        return row * w->in[last] + column;
    int64_t index = column;
    for (int a = last - 1; a >= 0; a--) {
        int64_t step = row % w->in[a];
        row /= w->in[a];
        index = index * w->in[a] + step;
    }
    return index;
}

static void max_plane(const c2s_window *w, const double *x, int64_t base, int64_t order, double *y,
                      int64_t *index) {
    int last = w->rank - 1;
    int64_t rows = c2s_window_out_rows(w), k_begin, k_end;
    c2s_window_kernel_columns(w, &k_begin, &k_end);
    for (int64_t r = 0; r < rows; r++, y += w->out[last], index += w->out[last]) {
        for (int64_t i = 0; i < w->out[last]; i++)
            index[i] = -1;
        c2s_window_walk walk;
        for (c2s_window_walk_begin(&walk, w, r); walk.more; c2s_window_walk_next(&walk)) {
            const double *row = x + walk.in_row * w->in[last];
            for (int64_t k = k_begin; k < k_end; k++) {
                int64_t begin, end, column;
                c2s_window_columns(w, k, &begin, &end, &column);
                for (int64_t o = begin; o < end; o++, column += w->stride[last]) {
                    bool more = index[o] < 0 || row[column] > y[o];
                    if (!more && !(isnan(row[column]) && !isnan(y[o])))
                        continue;
                    y[o] = row[column];
                    index[o] = base + plane_index(w, walk.in_row, column, order);
                }
            }
        }
    }
}

/* What a window without elements gives. */
static double lowest(c2s_dtype dtype) {
    switch (dtype) {
    case C2S_INT8:
        return INT8_MIN;
    case C2S_UINT8:
        return 0.0;
    case C2S_FLOAT16:
        return -65504.0;
    case C2S_DOUBLE:
        return -DBL_MAX;
    default:
        return -FLT_MAX;
    }
}

static c2s_status max_pool_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    c2s_window window;
    C2S_TRY(c2s_window_of(e->node, false, &x->type, NULL, &window));
    size_t planes = (size_t)(x->type.dim[0] * x->type.dim[1]);
    int64_t order = c2s_attr_int(e->node, "storage_order", 0);
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, x);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    c2s_tensor *index = e->out_count > 1 ? e->out[1] : NULL;
    if (!y && ws.status == C2S_OK)
        y = c2s_workspace_array(&ws, index ? index->count : 0, sizeof *y);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    c2s_pool_reduce(&window, planes, take_max, 0.0, lowest(x->type.dtype), from, y);
    if (index && index->count > 0) {
        int64_t in = c2s_window_in_size(&window), out = c2s_window_out_size(&window);
        int64_t *to = c2s_tensor_mutable(index);
        for (size_t p = 0; p < planes; p++)
            max_plane(&window, from + (int64_t)p * in, (int64_t)p * in, order, y + (int64_t)p * out,
                      to + (int64_t)p * out);
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec max_pool_attrs[] = {
    C2S_POOL_ATTRS,
    {"storage_order", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_max_pool = {
    .type = "MaxPool",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 2},
    .quant = C2S_QUANT_UNARY(SAME),
    .attrs = max_pool_attrs,
    .ties = c2s_ties_max_pool,
    .infer = max_pool_infer,
    .eval = max_pool_eval,
};

/* ---- MaxUnpool ---- */

/* Extents without output_shape: what a pool with this window would have had as input. */
static c2s_status unpool_extents(c2s_infer *i, const c2s_type *x, c2s_dim *dim) {
    c2s_window window;
    C2S_TRY(c2s_window_read(i->node, true, x->rank - 2, NULL, &window));
    return c2s_window_infer(i->dims, &window, x->dim + 2, dim + 2);
}

static c2s_status max_unpool_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0);
    i->out[0] = c2s_type_tensor(x->dtype, -1, NULL);
    if (!c2s_type_is_tensor(x) || x->rank < 0)
        return C2S_OK;
    if (x->rank < 3)
        return c2s_fail(C2S_ERR_INVALID, "the input has rank %d, expected at least 3", x->rank);
    c2s_dim dim[C2S_MAX_RANK] = {x->dim[0], x->dim[1]};
    const c2s_dim *given;
    unsigned count;
    if (!c2s_infer_has(i, 2)) {
        C2S_TRY(unpool_extents(i, x, dim));
    } else if (!c2s_infer_dims(i, 2, &given, &count)) {
        for (int a = 2; a < x->rank; a++)
            dim[a] = c2s_dim_fresh(i->dims);
    } else {
        if (count != (unsigned)x->rank)
            return c2s_fail(C2S_ERR_INVALID, "output_shape has %u elements, expected %d", count,
                            x->rank);
        for (int a = 0; a < x->rank; a++)
            dim[a] = given[a];
    }
    for (int a = 0; a < x->rank; a++)
        if (c2s_dim_is_known(dim[a]) && dim[a] < 0)
            return c2s_fail(C2S_ERR_INVALID, "axis %d of the output has the extent %" PRId64, a,
                            dim[a]);
    i->out[0] = c2s_type_tensor(x->dtype, x->rank, dim);
    return C2S_OK;
}

/* Indices are into the tensor that was pooled: of the inferred extents without output_shape. With
 * one, they still count in those extents, so positions move when the extents differ. */
static bool locate(const int64_t *pooled, const c2s_type *out, int64_t index, size_t *at) {
    int64_t position[C2S_MAX_RANK];
    for (int a = out->rank - 1; a >= 0; a--) {
        if (pooled[a] < 1)
            return false;
        position[a] = index % pooled[a];
        index /= pooled[a];
    }
    if (index != 0)
        return false;
    *at = 0;
    for (int a = 0; a < out->rank; a++) {
        if (position[a] >= out->dim[a])
            return false;
        *at = *at * (size_t)out->dim[a] + (size_t)position[a];
    }
    return true;
}

static c2s_status max_unpool_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    c2s_tensor *y = e->out[0];
    c2s_window window;
    C2S_TRY(c2s_window_of(e->node, true, &x->type, NULL, &window));
    int64_t pooled[C2S_MAX_RANK] = {x->type.dim[0], x->type.dim[1]};
    memcpy(pooled + 2, window.out, (size_t)window.rank * sizeof *pooled);
    if (e->in[1]->count != x->count)
        return c2s_fail(C2S_ERR_INVALID, "there are %zu indices for %zu elements", e->in[1]->count,
                        x->count);
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, x);
    const int64_t *index = c2s_workspace_i64(&ws, e->in[1]);
    double *to = c2s_workspace_out_f64(&ws, y);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    for (size_t i = 0; i < y->count; i++)
        to[i] = 0.0;
    for (size_t i = 0; i < x->count && ws.status == C2S_OK; i++) {
        size_t at;
        if (index[i] >= 0 && locate(pooled, &y->type, index[i], &at))
            to[at] = from[i];
        else
            ws.status =
                c2s_fail(C2S_ERR_INVALID, "index %" PRId64 " lies outside of the output", index[i]);
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec max_unpool_attrs[] = {
    {"kernel_shape", C2S_ATTR_INTS, true},
    {"pads", C2S_ATTR_INTS, false},
    {"strides", C2S_ATTR_INTS, false},
    {0},
};

const c2s_op c2s_op_max_unpool = {
    .type = "MaxUnpool",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .attrs = max_unpool_attrs,
    .ties = c2s_ties_pinned,
    .infer = max_unpool_infer,
    .eval = max_unpool_eval,
};
