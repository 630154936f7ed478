/* SPDX-License-Identifier: Apache-2.0
 *
 * BatchNormalization: y = (x - mean) / sqrt(variance + epsilon) * scale + bias per channel. In
 * training mode mean and variance are those of the batch, and the running ones are outputs too.
 */
#include <math.h>

#include "ops/norm.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum { X, SCALE, BIAS, MEAN, VARIANCE };

static c2s_status batch_norm_infer(c2s_infer *i) {
    const bool training = c2s_attr_int(i->node, "training_mode", 0) != 0;
    C2S_TRY(c2s_norm_infer_channels(i, 1, 4, 0));
    if (i->out_count > 1 && !training)
        return c2s_fail(C2S_ERR_INVALID, "%u outputs, expected 1 outside of training",
                        i->out_count);
    for (unsigned k = 1; k < i->out_count; k++)
        i->out[k] = *c2s_infer_type(i, k == 1 ? MEAN : VARIANCE);
    return C2S_OK;
}

typedef struct planes {
    size_t batch, channels, size;
} planes;

static void batch_moments(const planes *p, const c2s_tensor *x, size_t channel, double *mean,
                          double *variance) {
    const double count = (double)(p->batch * p->size);
    double sum = 0, squares = 0;
    for (size_t n = 0; n < p->batch; n++)
        sum += c2s_norm_sum(x, (n * p->channels + channel) * p->size, p->size);
    *mean = sum / count;
    for (size_t n = 0; n < p->batch; n++)
        squares += c2s_norm_sum_square(x, (n * p->channels + channel) * p->size, p->size, *mean);
    *variance = squares / count;
}

static c2s_status batch_norm_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[X];
    const bool training = c2s_attr_int(e->node, "training_mode", 0) != 0;
    const double epsilon = (double)c2s_attr_float(e->node, "epsilon", 1e-5f);
    const double momentum = (double)c2s_attr_float(e->node, "momentum", 0.9f);
    planes p = {.batch = (size_t)x->type.dim[0], .channels = e->in[SCALE]->count, .size = 1};
    for (int d = 2; d < x->type.rank; d++)
        p.size *= (size_t)x->type.dim[d];
    c2s_workspace ws = {0};
    const double *scale = c2s_workspace_f64(&ws, e->in[SCALE]);
    const double *bias = c2s_workspace_f64(&ws, e->in[BIAS]);
    const double *mean = c2s_workspace_f64(&ws, e->in[MEAN]);
    const double *variance = c2s_workspace_f64(&ws, e->in[VARIANCE]);
    double *new_mean = c2s_workspace_out_f64(&ws, e->out_count > 1 ? e->out[1] : NULL);
    double *new_variance = c2s_workspace_out_f64(&ws, e->out_count > 2 ? e->out[2] : NULL);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
#pragma omp parallel for schedule(static) if (x->count >= C2S_NORM_PARALLEL && p.channels > 1)
    for (size_t c = 0; c < p.channels; c++) {
        double m = mean[c], v = variance[c];
        if (training)
            batch_moments(&p, x, c, &m, &v);
        if (new_mean)
            new_mean[c] = mean[c] * momentum + m * (1 - momentum);
        if (new_variance)
            new_variance[c] = variance[c] * momentum + v * (1 - momentum);
        const double factor = scale[c] / sqrt(v + epsilon);
        for (size_t n = 0; e->out[0] && n < p.batch; n++)
            c2s_norm_affine(x, e->out[0], (n * p.channels + c) * p.size, p.size, m, factor,
                            bias[c]);
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec batch_norm_attrs[] = {{"epsilon", C2S_ATTR_FLOAT, false},
                                                 {"momentum", C2S_ATTR_FLOAT, false},
                                                 {"training_mode", C2S_ATTR_INT, false},
                                                 {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_batch_normalization = {.type = "BatchNormalization",
                                           .domain = "",
                                           .inputs = {5, 5},
                                           .outputs = {1, 3},
                                           .quant = C2S_QUANT_UNARY(OWN),
                                           .attrs = batch_norm_attrs,
                                           .ties = c2s_ties_batch_norm,
                                           .infer = batch_norm_infer,
                                           .eval = batch_norm_eval};
