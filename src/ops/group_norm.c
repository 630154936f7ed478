/* SPDX-License-Identifier: Apache-2.0
 *
 * InstanceNormalization and GroupNormalization: each group of channels of each sample gets mean 0
 * and variance 1, then a scale and bias per channel. One channel per group is the former. The form
 * of opset 18 gives scale and bias per group, that of opset 21 per channel.
 */
#include <math.h>

#include "ops/norm.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum { X, SCALE, BIAS };

static c2s_status instance_norm_infer(c2s_infer *i) {
    return c2s_norm_infer_channels(i, 2, 2, 0);
}

static c2s_status group_norm_infer(c2s_infer *i) {
    const int64_t groups = c2s_attr_int(i->node, "num_groups", 0);
    const c2s_type *x = c2s_infer_type(i, X);
    if (groups < 1)
        return c2s_fail(C2S_ERR_INVALID, "num_groups is %lld, expected at least 1",
                        (long long)groups);
    C2S_TRY(c2s_norm_infer_channels(i, 2, 2, groups));
    if (x->kind == C2S_KIND_TENSOR && x->rank >= 2 && c2s_dim_is_known(x->dim[1]) &&
        x->dim[1] % groups != 0)
        return c2s_fail(C2S_ERR_INVALID, "%lld channels do not divide into %lld groups",
                        (long long)x->dim[1], (long long)groups);
    return C2S_OK;
}

static c2s_status normalise_groups(c2s_eval *e, size_t groups) {
    const c2s_tensor *x = e->in[X];
    const size_t channels = (size_t)x->type.dim[1], batch = (size_t)x->type.dim[0];
    const double epsilon = (double)c2s_attr_float(e->node, "epsilon", 1e-5f);
    const size_t own = groups ? channels / groups : 0; /* channels of a group */
    size_t size = 1;
    for (int d = 2; d < x->type.rank; d++)
        size *= (size_t)x->type.dim[d];
    c2s_workspace ws = {0};
    const double *scale = c2s_workspace_f64(&ws, e->in[SCALE]);
    const double *bias = c2s_workspace_f64(&ws, e->in[BIAS]);
    const size_t scale_run = e->in[SCALE]->count == channels ? 1 : own;
    const size_t bias_run = e->in[BIAS]->count == channels ? 1 : own;
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
#pragma omp parallel for schedule(static) if (x->count >= C2S_NORM_PARALLEL)
    for (size_t at = 0; at < batch * groups; at++) {
        const size_t first = at % groups * own, start = at * own * size;
        double mean, variance;
        c2s_norm_moments(x, start, own * size, &mean, &variance);
        const double inverse = 1 / sqrt(variance + epsilon);
        for (size_t c = 0; c < own; c++) {
            const double factor = inverse * scale[(first + c) / scale_run];
            c2s_norm_affine(x, e->out[0], start + c * size, size, mean, factor,
                            bias[(first + c) / bias_run]);
        }
    }
    return c2s_workspace_end(&ws);
}

static c2s_status instance_norm_eval(c2s_eval *e) {
    return normalise_groups(e, (size_t)e->in[X]->type.dim[1]);
}

static c2s_status group_norm_eval(c2s_eval *e) {
    return normalise_groups(e, (size_t)c2s_attr_int(e->node, "num_groups", 0));
}

static const c2s_attr_spec instance_norm_attrs[] = {{"epsilon", C2S_ATTR_FLOAT, false},
                                                    {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_instance_normalization = {
    .type = "InstanceNormalization",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), C2S_QUANT_NO_AXIS, C2S_QUANT_NO_AXIS, 0),
    .attrs = instance_norm_attrs,
    .ties = c2s_ties_instance_norm,
    .infer = instance_norm_infer,
    .eval = instance_norm_eval};

static const c2s_attr_spec group_norm_attrs[] = {{"epsilon", C2S_ATTR_FLOAT, false},
                                                 {"num_groups", C2S_ATTR_INT, true},
                                                 {"stash_type", C2S_ATTR_INT, false},
                                                 {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_group_normalization = {
    .type = "GroupNormalization",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), C2S_QUANT_NO_AXIS, C2S_QUANT_NO_AXIS, 0),
    .attrs = group_norm_attrs,
    .ties = c2s_ties_group_norm,
    .refit = c2s_refit_group_norm,
    .infer = group_norm_infer,
    .eval = group_norm_eval};
