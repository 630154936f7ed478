/* SPDX-License-Identifier: Apache-2.0
 *
 * LRN: y = x / (bias + alpha / size * s)^beta, s being the sum of squares over `size` neighbouring
 * channels, of which floor((size - 1) / 2) lie before.
 */
#include <inttypes.h>
#include <math.h>

#include "ops/elementary.h"
#include "ops/norm.h"
#include "ops/ties_rules.h"

enum { PIECE = 512 };

typedef struct lrn {
    double alpha, beta, bias;
    size_t before, after, channels, size;
} lrn;

static c2s_status lrn_infer(c2s_infer *i) {
    const int64_t size = c2s_attr_int(i->node, "size", 0);
    if (size < 1)
        return c2s_fail(C2S_ERR_INVALID, "size is %" PRId64 ", expected at least 1", size);
    return c2s_norm_infer_channels(i, 2, 0, 0);
}

C2S_INLINE void add_squares_loop(const double *restrict x, size_t n, double *restrict sum) {
    for (size_t k = 0; k < n; k++)
        sum[k] += x[k] * x[k];
}
C2S_SIMD(add_squares, add_squares_loop, (const double *x, size_t n, double *sum), (x, n, sum))

/* x / base^beta for normal bases. */
C2S_INLINE void divide_loop(const lrn *l, const double *restrict sum, size_t n,
                            double *restrict x) {
    for (size_t k = 0; k < n; k++) {
        const double base = l->bias + l->alpha * sum[k];
        x[k] *= c2s_exp(-l->beta * c2s_log_normal(base));
    }
}
C2S_SIMD(divide, divide_loop, (const lrn *l, const double *sum, size_t n, double *x),
         (l, sum, n, x))

static void lrn_piece(const lrn *l, const c2s_tensor *x, c2s_tensor *y, size_t plane, size_t start,
                      size_t n) {
    const size_t channel = plane % l->channels;
    const size_t first = plane - (channel < l->before ? channel : l->before);
    const size_t rest = l->channels - 1 - channel;
    const size_t last = plane + (rest < l->after ? rest : l->after);
    double value[PIECE], sum[PIECE] = {0};
    const void *data = c2s_tensor_data(x);
    for (size_t p = first; p <= last; p++) {
        c2s_wide_load(C2S_WIDE_F64, x->type.dtype, data, p * l->size + start, n, value);
        add_squares(value, n, sum);
    }
    c2s_wide_load(C2S_WIDE_F64, x->type.dtype, data, plane * l->size + start, n, value);
    bool usual = true; /* positive and finite */
    for (size_t k = 0; k < n; k++)
        usual &= l->bias + l->alpha * sum[k] >= 0x1p-1000 && l->alpha * sum[k] <= 0x1p1000;
    if (usual)
        divide(l, sum, n, value);
    else
        for (size_t k = 0; k < n; k++)
            value[k] /= pow(l->bias + l->alpha * sum[k], l->beta);
    c2s_wide_store(C2S_WIDE_F64, y->type.dtype, c2s_tensor_mutable(y), plane * l->size + start, n,
                   value);
}

static c2s_status lrn_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    const size_t window = (size_t)c2s_attr_int(e->node, "size", 1);
    lrn l = {.alpha = (double)c2s_attr_float(e->node, "alpha", 1e-4f) / (double)window,
             .beta = (double)c2s_attr_float(e->node, "beta", 0.75f),
             .bias = (double)c2s_attr_float(e->node, "bias", 1.0f),
             .before = (window - 1) / 2,
             .after = window / 2,
             .channels = (size_t)x->type.dim[1],
             .size = 1};
    for (int d = 2; d < x->type.rank; d++)
        l.size *= (size_t)x->type.dim[d];
    const size_t planes = l.size ? x->count / l.size : 0;
#pragma omp parallel for schedule(static) if (x->count >= C2S_NORM_PARALLEL)
    for (size_t plane = 0; plane < planes; plane++)
        for (size_t start = 0; start < l.size; start += PIECE)
            lrn_piece(&l, x, e->out[0], plane, start,
                      l.size - start < PIECE ? l.size - start : PIECE);
    return C2S_OK;
}

static const c2s_attr_spec lrn_attrs[] = {{"alpha", C2S_ATTR_FLOAT, false},
                                          {"beta", C2S_ATTR_FLOAT, false},
                                          {"bias", C2S_ATTR_FLOAT, false},
                                          {"size", C2S_ATTR_INT, true},
                                          {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_lrn = {.type = "LRN",
                           .domain = "",
                           .inputs = {1, 1},
                           .outputs = {1, 1},
                           .quant = C2S_QUANT_UNARY(FLOAT),
                           .attrs = lrn_attrs,
                           .ties = c2s_ties_lrn,
                           .infer = lrn_infer,
                           .eval = lrn_eval};
