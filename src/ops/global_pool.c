/* SPDX-License-Identifier: Apache-2.0
 *
 * GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one result per batch entry and channel.
 */
#include <inttypes.h>
#include <math.h>

#include "ops/norm.h"
#include "ops/quant_range.h"
#include "ops/ties_rules.h"

static c2s_status global_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    i->out[0] = c2s_type_tensor(x->dtype, -1, NULL);
    if (!c2s_type_is_tensor(x) || x->rank < 0)
        return C2S_OK;
    if (x->rank < 2)
        return c2s_fail(C2S_ERR_INVALID, "the input has rank %d, expected at least 2", x->rank);
    c2s_dim dim[C2S_MAX_RANK] = {x->dim[0], x->dim[1]};
    for (int a = 2; a < x->rank; a++)
        dim[a] = 1;
    i->out[0] = c2s_type_tensor(x->dtype, x->rank, dim);
    return C2S_OK;
}

/* Of `count` elements from `start` on. */
typedef double (*reduction)(const c2s_tensor *x, size_t start, size_t count, int64_t p);

static c2s_status global_eval(c2s_eval *e, reduction reduce, int64_t p) {
    const c2s_tensor *x = e->in[0];
    size_t planes = e->out[0]->count, size = planes ? x->count / planes : 0;
    c2s_workspace ws = {0};
    C2S_TRY(c2s_quant_check_real(x));
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
#pragma omp parallel for schedule(static) if (x->count >= C2S_NORM_PARALLEL && planes > 1)
    for (size_t i = 0; i < planes; i++)
        y[i] = reduce(x, i * size, size, p);
    return c2s_workspace_end(&ws);
}

static double average(const c2s_tensor *x, size_t start, size_t count, int64_t p) {
    (void)p;
    return c2s_norm_sum(x, start, count) / (double)count;
}

/* Pieces of a plane as doubles. */
enum { PIECE = 512 };

static double maximum(const c2s_tensor *x, size_t start, size_t count, int64_t p) {
    double most = -INFINITY, value[PIECE];
    (void)p;
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t n = count - done < PIECE ? count - done : PIECE;
        c2s_wide_load(C2S_WIDE_F64, x->type.dtype, c2s_tensor_data(x), start + done, n, value);
        for (size_t i = 0; i < n; i++)
            most = value[i] > most || isnan(value[i]) ? value[i] : most;
    }
    return most;
}

static double norm(const c2s_tensor *x, size_t start, size_t count, int64_t p) {
    double sum = 0.0, value[PIECE];
    if (p == 2)
        return sqrt(c2s_norm_sum_square(x, start, count, 0));
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t n = count - done < PIECE ? count - done : PIECE;
        c2s_wide_load(C2S_WIDE_F64, x->type.dtype, c2s_tensor_data(x), start + done, n, value);
        for (size_t i = 0; i < n; i++)
            sum += pow(fabs(value[i]), (double)p);
    }
    return pow(sum, 1.0 / (double)p);
}

static c2s_status global_average_eval(c2s_eval *e) {
    return global_eval(e, average, 0);
}

static c2s_status global_max_eval(c2s_eval *e) {
    return global_eval(e, maximum, 0);
}

static c2s_status global_lp_eval(c2s_eval *e) {
    int64_t p = c2s_attr_int(e->node, "p", 2);
    if (p < 1)
        return c2s_fail(C2S_ERR_INVALID, "p is %" PRId64 ", expected at least 1", p);
    return global_eval(e, norm, p);
}

const c2s_op c2s_op_global_average_pool = {
    .type = "GlobalAveragePool",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(WITHIN),
    .ties = c2s_ties_pool,
    .infer = global_infer,
    .eval = global_average_eval,
};

const c2s_op c2s_op_global_max_pool = {
    .type = "GlobalMaxPool",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .ties = c2s_ties_pool,
    .infer = global_infer,
    .eval = global_max_eval,
};

static const c2s_attr_spec global_lp_attrs[] = {{"p", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_global_lp_pool = {
    .type = "GlobalLpPool",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(OWN),
    .attrs = global_lp_attrs,
    .ties = c2s_ties_pool,
    .infer = global_infer,
    .eval = global_lp_eval,
};
