/* SPDX-License-Identifier: Apache-2.0
 *
 * MeanVarianceNormalization: (x - mean) / (standard deviation + 1e-9) over any axes.
 */
#include <math.h>

#include "ops/pointwise.h"
#include "ops/reduce.h"
#include "ops/ties_rules.h"

static const int64_t default_axes[] = {0, 2, 3};

static c2s_status axes_of(const c2s_node *node, int rank, uint32_t *axes) {
    size_t count;
    const int64_t *given = c2s_attr_ints(node, "axes", &count);
    if (!given) {
        given = default_axes;
        count = sizeof default_axes / sizeof default_axes[0];
    }
    *axes = 0;
    for (size_t k = 0; k < count; k++) {
        int axis;
        C2S_TRY(c2s_infer_axis(given[k], rank, &axis));
        *axes |= UINT32_C(1) << axis;
    }
    return C2S_OK;
}

static c2s_status mvn_infer(c2s_infer *i) {
    uint32_t axes;
    C2S_TRY(c2s_infer_like_first(i));
    if (i->out[0].kind != C2S_KIND_TENSOR || i->out[0].rank < 0)
        return C2S_OK;
    return axes_of(i->node, i->out[0].rank, &axes);
}

/* x, mean, 1 / (standard deviation + 1e-9) */
static void normalise(const void *const *in, void *out, size_t n, const void *params) {
    const double *x = in[0], *mean = in[1], *inverse = in[2];
    double *y = out;
    (void)params;
    for (size_t k = 0; k < n; k++)
        y[k] = (x[k] - mean[k]) * inverse[k];
}

static c2s_status compute(const c2s_tensor *x, uint32_t axes, c2s_tensor *mean, c2s_tensor *inverse,
                          c2s_tensor *y) {
    double *m = c2s_tensor_mutable(mean), *s = c2s_tensor_mutable(inverse);
    size_t folded, results;
    c2s_reduce_counts(&x->type, axes, &folded, &results);
    C2S_TRY(c2s_reduce(C2S_FOLD_SUM, C2S_WIDE_F64, x, axes, NULL, m));
    C2S_TRY(c2s_reduce(C2S_FOLD_SUM_SQUARE, C2S_WIDE_F64, x, axes, NULL, s));
    for (size_t k = 0; k < results; k++) {
        m[k] /= (double)folded;
        const double variance = s[k] / (double)folded - m[k] * m[k];
        s[k] = 1 / (sqrt(variance > 0 ? variance : 0) + 1e-9);
    }
    const c2s_tensor *in[] = {x, mean, inverse};
    const c2s_pointwise p = {
        .block = normalise, .in = {C2S_WIDE_F64, C2S_WIDE_F64, C2S_WIDE_F64}, .out = C2S_WIDE_F64};
    c2s_pointwise_run(&p, in, 3, y);
    return C2S_OK;
}

static c2s_status mvn_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    c2s_tensor *mean = NULL, *inverse = NULL;
    int64_t dim[C2S_MAX_RANK];
    uint32_t axes;
    C2S_TRY(axes_of(e->node, x->type.rank, &axes));
    for (int d = 0; d < x->type.rank; d++)
        dim[d] = axes >> d & 1 ? 1 : x->type.dim[d];
    c2s_status status = c2s_tensor_create(C2S_DOUBLE, x->type.rank, dim, &mean);
    if (status == C2S_OK)
        status = c2s_tensor_create(C2S_DOUBLE, x->type.rank, dim, &inverse);
    if (status == C2S_OK)
        status = compute(x, axes, mean, inverse, e->out[0]);
    c2s_tensor_unref(mean);
    c2s_tensor_unref(inverse);
    return status;
}

static const c2s_attr_spec mvn_attrs[] = {{"axes", C2S_ATTR_INTS, false},
                                          {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_mean_variance_normalization = {.type = "MeanVarianceNormalization",
                                                   .domain = "",
                                                   .inputs = {1, 1},
                                                   .outputs = {1, 1},
                                                   .quant = C2S_QUANT_UNARY(FLOAT),
                                                   .attrs = mvn_attrs,
                                                   .ties = c2s_ties_mean_variance_norm,
                                                   .infer = mvn_infer,
                                                   .eval = mvn_eval};
