/* SPDX-License-Identifier: Apache-2.0
 *
 * AveragePool and LpPool; the shared parts of pool.h.
 */
#include "ops/pool.h"

#include <inttypes.h>
#include <math.h>

#include "ops/ties_rules.h"
#include "base/simd.h"
#include "ops/workspace.h"

c2s_status c2s_pool_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    i->out[0] = c2s_type_tensor(x->dtype, -1, NULL);
    if (!c2s_type_is_tensor(x) || x->rank < 0)
        return C2S_OK;
    if (x->rank < 3)
        return c2s_fail(C2S_ERR_INVALID, "the input has rank %d, expected at least 3", x->rank);
    c2s_window window;
    c2s_dim dim[C2S_MAX_RANK] = {x->dim[0], x->dim[1]};
    C2S_TRY(c2s_window_read(i->node, false, x->rank - 2, NULL, &window));
    C2S_TRY(c2s_window_infer(i->dims, &window, x->dim + 2, dim + 2));
    i->out[0] = c2s_type_tensor(x->dtype, x->rank, dim);
    return C2S_OK;
}

static void reduce_plane(const c2s_window *w, c2s_pool_step step, double parameter, double start,
                         const double *x, double *y) {
    int last = w->rank - 1;
    int64_t rows = c2s_window_out_rows(w), k_begin, k_end;
    c2s_window_kernel_columns(w, &k_begin, &k_end);
    for (int64_t r = 0; r < rows; r++, y += w->out[last]) {
        for (int64_t i = 0; i < w->out[last]; i++)
            y[i] = start;
        c2s_window_walk walk;
        for (c2s_window_walk_begin(&walk, w, r); walk.more; c2s_window_walk_next(&walk)) {
            const double *row = x + walk.in_row * w->in[last];
            for (int64_t k = k_begin; k < k_end; k++) {
                int64_t begin, end, column;
                c2s_window_columns(w, k, &begin, &end, &column);
                if (begin < end)
                    step(end - begin, row + column, w->stride[last], parameter, y + begin);
            }
        }
    }
}

void c2s_pool_reduce(const c2s_window *window, size_t planes, c2s_pool_step step, double parameter,
                     double start, const double *x, double *y) {
    int64_t in = c2s_window_in_size(window), out = c2s_window_out_size(window);
    if (out == 0)
        return;
#pragma omp parallel for schedule(static) if (planes > 1 && (int64_t)planes * out > 10000)
    for (size_t p = 0; p < planes; p++)
        reduce_plane(window, step, parameter, start, x + (int64_t)p * in, y + (int64_t)p * out);
}

static size_t plane_count(const c2s_tensor *x) {
    return (size_t)(x->type.dim[0] * x->type.dim[1]);
}

/* ---- AveragePool ---- */

C2S_INLINE void add_loop(int64_t count, const double *restrict x, int64_t x_step, double parameter,
                         double *restrict y) {
    (void)parameter;
    if (x_step == 1)
        for (int64_t i = 0; i < count; i++)
            y[i] += x[i];
    else
        for (int64_t i = 0; i < count; i++)
            y[i] += x[i * x_step];
}
C2S_SIMD(add, add_loop,
         (int64_t count, const double *x, int64_t x_step, double parameter, double *y),
         (count, x, x_step, parameter, y))

/* How many positions of a window count on one axis: those in the input, with padding also those in
 * the pads; what ceil_mode lets a window reach beyond the pads never counts. */
static int64_t positions(const c2s_window *w, int axis, int64_t out, bool with_padding) {
    int64_t origin = out * w->stride[axis] - w->pad_begin[axis], d = w->dilation[axis];
    int64_t limit = w->in[axis] + (with_padding ? w->pad_end[axis] : 0);
    int64_t end = limit > origin ? (limit - origin - 1) / d + 1 : 0;
    end = end < w->kernel[axis] ? end : w->kernel[axis];
    int64_t first = with_padding || origin >= 0 ? 0 : (-origin - 1) / d + 1;
    return end > first ? end - first : 0;
}

/* Divisor of every output position of a plane. */
static void count_positions(const c2s_window *w, bool with_padding, double *out) {
    int64_t size = c2s_window_out_size(w);
    for (int64_t p = 0; p < size; p++) {
        int64_t rest = p;
        double count = 1.0;
        for (int a = w->rank - 1; a >= 0; a--) {
            count *= (double)positions(w, a, rest % w->out[a], with_padding);
            rest /= w->out[a];
        }
        out[p] = count;
    }
}

static c2s_status average_pool_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    c2s_window window;
    C2S_TRY(c2s_window_of(e->node, false, &x->type, NULL, &window));
    size_t planes = plane_count(x), size = (size_t)c2s_window_out_size(&window);
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, x);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    double *count = c2s_workspace_array(&ws, size, sizeof *count);
    if (ws.status == C2S_OK) {
        c2s_pool_reduce(&window, planes, add, 0.0, 0.0, from, y);
        count_positions(&window, c2s_attr_int(e->node, "count_include_pad", 0) != 0, count);
        for (size_t p = 0; p < planes; p++)
            for (size_t i = 0; i < size; i++)
                y[p * size + i] = count[i] > 0 ? y[p * size + i] / count[i] : 0.0;
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec average_pool_attrs[] = {
    C2S_POOL_ATTRS,
    {"count_include_pad", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_average_pool = {
    .type = "AveragePool",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(WITHIN),
    .attrs = average_pool_attrs,
    .ties = c2s_ties_pool,
    .infer = c2s_pool_infer,
    .eval = average_pool_eval,
};

/* ---- LpPool ---- */

static void add_power(int64_t count, const double *x, int64_t x_step, double p, double *y) {
    if (p == 1.0)
        for (int64_t i = 0; i < count; i++)
            y[i] += fabs(x[i * x_step]);
    else if (p == 2.0)
        for (int64_t i = 0; i < count; i++)
            y[i] += x[i * x_step] * x[i * x_step];
    else
        for (int64_t i = 0; i < count; i++)
            y[i] += pow(fabs(x[i * x_step]), p);
}

static c2s_status lp_norm(c2s_eval *e, const c2s_window *window) {
    int64_t p = c2s_attr_int(e->node, "p", 2);
    if (p < 1)
        return c2s_fail(C2S_ERR_INVALID, "p is %" PRId64 ", expected at least 1", p);
    c2s_workspace ws = {0};
    const double *x = c2s_workspace_f64(&ws, e->in[0]);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    if (ws.status == C2S_OK) {
        c2s_pool_reduce(window, plane_count(e->in[0]), add_power, (double)p, 0.0, x, y);
        for (size_t i = 0; i < e->out[0]->count; i++)
            y[i] = p == 1 ? y[i] : p == 2 ? sqrt(y[i]) : pow(y[i], 1.0 / (double)p);
    }
    return c2s_workspace_end(&ws);
}

static c2s_status lp_pool_eval(c2s_eval *e) {
    c2s_window window;
    C2S_TRY(c2s_window_of(e->node, false, &e->in[0]->type, NULL, &window));
    return lp_norm(e, &window);
}

static const c2s_attr_spec lp_pool_attrs[] = {
    C2S_POOL_ATTRS,
    {"p", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_lp_pool = {
    .type = "LpPool",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(OWN),
    .attrs = lp_pool_attrs,
    .ties = c2s_ties_pool,
    .infer = c2s_pool_infer,
    .eval = lp_pool_eval,
};
