/* SPDX-License-Identifier: Apache-2.0
 *
 * LayerNormalization and RMSNormalization: over the axes from `axis` on, with a scale and bias that
 * broadcast to the input.
 */
#include <inttypes.h>
#include <math.h>

#include "ops/norm.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum { X, SCALE, BIAS };

/* An operand that must not enlarge the input. */
static c2s_status check_operand(const c2s_infer *i, unsigned input) {
    const c2s_type *x = c2s_infer_type(i, X), *operand = c2s_infer_type(i, input);
    if (!c2s_type_is_static(x) || !c2s_type_is_static(operand))
        return C2S_OK;
    bool fits = operand->rank <= x->rank;
    for (int d = 1; fits && d <= operand->rank; d++)
        fits = operand->dim[operand->rank - d] == 1 ||
               operand->dim[operand->rank - d] == x->dim[x->rank - d];
    return fits ? C2S_OK
                : c2s_fail(C2S_ERR_INVALID, "input %u does not broadcast to input 0", input);
}

static c2s_status layer_norm_infer(c2s_infer *i) {
    const c2s_type *x = c2s_infer_type(i, X);
    const int64_t stash = c2s_attr_int(i->node, "stash_type", C2S_FLOAT);
    int axis;
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(check_operand(i, SCALE));
    if (c2s_infer_has(i, BIAS))
        C2S_TRY(check_operand(i, BIAS));
    if (x->dtype && !c2s_dtype_is_float(x->dtype))
        return c2s_fail(C2S_ERR_INVALID, "input 0 has elements of type %s, expected floats",
                        c2s_dtype_name(x->dtype));
    if (stash < 1 || stash >= C2S_DTYPE_COUNT || !c2s_dtype_is_float((c2s_dtype)stash))
        return c2s_fail(C2S_ERR_INVALID, "stash_type is %" PRId64 ", which is no floating type",
                        stash);
    i->out[0] = *x;
    c2s_type statistics = c2s_type_tensor((c2s_dtype)stash, -1, NULL);
    if (x->kind == C2S_KIND_TENSOR && x->rank >= 0) {
        C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", -1), x->rank, &axis));
        statistics = c2s_type_tensor((c2s_dtype)stash, x->rank, x->dim);
        for (int d = axis; d < x->rank; d++)
            statistics.dim[d] = 1;
    }
    for (unsigned k = 1; k < i->out_count; k++)
        i->out[k] = statistics;
    return C2S_OK;
}

/* The result is of the type of the scale. */
static c2s_status rms_norm_infer(c2s_infer *i) {
    C2S_TRY(layer_norm_infer(i));
    i->out[0].dtype = c2s_infer_type(i, SCALE)->dtype;
    return C2S_OK;
}

typedef struct row_scale {
    const c2s_tensor *scale, *bias; /* bias may be NULL */
    c2s_broadcast scale_walk, bias_walk;
} row_scale;

/* One row: y = (x - mean) * inverse * scale + bias, piece by piece. */
static void scale_row(const row_scale *r, const c2s_tensor *x, c2s_tensor *y, size_t start,
                      size_t n, double mean, double inverse) {
    double value[C2S_BLOCK_ELEMENTS], buffer[C2S_BLOCK_ELEMENTS];
    for (size_t done = 0; done < n; done += C2S_BLOCK_ELEMENTS) {
        const size_t at = start + done, left = n - done;
        const size_t piece = left < C2S_BLOCK_ELEMENTS ? left : C2S_BLOCK_ELEMENTS;
        c2s_wide_load(C2S_WIDE_F64, x->type.dtype, c2s_tensor_data(x), at, piece, value);
        const double *scale =
            c2s_broadcast_load(&r->scale_walk, C2S_WIDE_F64, r->scale, at, piece, buffer);
        for (size_t k = 0; k < piece; k++)
            value[k] = (value[k] - mean) * inverse * scale[k];
        if (r->bias) {
            const double *bias =
                c2s_broadcast_load(&r->bias_walk, C2S_WIDE_F64, r->bias, at, piece, buffer);
            for (size_t k = 0; k < piece; k++)
                value[k] += bias[k];
        }
        c2s_wide_store(C2S_WIDE_F64, y->type.dtype, c2s_tensor_mutable(y), at, piece, value);
    }
}

static c2s_status normalise_rows(c2s_eval *e, bool centered) {
    const c2s_tensor *x = e->in[X];
    const double epsilon = (double)c2s_attr_float(e->node, "epsilon", 1e-5f);
    row_scale r = {.scale = e->in[SCALE], .bias = e->in_count > BIAS ? e->in[BIAS] : NULL};
    size_t rows = 1, n = 1;
    int axis;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", -1), x->type.rank, &axis));
    for (int d = 0; d < x->type.rank; d++)
        *(d < axis ? &rows : &n) *= (size_t)x->type.dim[d];
    c2s_broadcast_init(&r.scale_walk, &x->type, &r.scale->type);
    if (r.bias)
        c2s_broadcast_init(&r.bias_walk, &x->type, &r.bias->type);
    c2s_workspace ws = {0};
    double *means = c2s_workspace_out_f64(&ws, e->out_count > 1 ? e->out[1] : NULL);
    double *inverses = c2s_workspace_out_f64(&ws, e->out_count > 2 ? e->out[2] : NULL);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
#pragma omp parallel for schedule(static) if (x->count >= C2S_NORM_PARALLEL && rows > 1)
    for (size_t row = 0; row < rows; row++) {
        double mean = 0, variance;
        if (centered)
            c2s_norm_moments(x, row * n, n, &mean, &variance);
        else
            variance = c2s_norm_sum_square(x, row * n, n, 0) / (double)n;
        const double inverse = 1 / sqrt(variance + epsilon);
        if (means)
            means[row] = mean;
        if (inverses)
            inverses[row] = inverse;
        if (e->out[0])
            scale_row(&r, x, e->out[0], row * n, n, mean, inverse);
    }
    return c2s_workspace_end(&ws);
}

static c2s_status layer_norm_eval(c2s_eval *e) {
    return normalise_rows(e, true);
}

static c2s_status rms_norm_eval(c2s_eval *e) {
    return normalise_rows(e, false);
}

static const c2s_attr_spec layer_norm_attrs[] = {{"axis", C2S_ATTR_INT, false},
                                                 {"epsilon", C2S_ATTR_FLOAT, false},
                                                 {"stash_type", C2S_ATTR_INT, false},
                                                 {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_layer_normalization = {
    .type = "LayerNormalization",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 3},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), C2S_QUANT_NO_AXIS, C2S_QUANT_NO_AXIS, 0),
    .attrs = layer_norm_attrs,
    .ties = c2s_ties_layer_norm,
    .infer = layer_norm_infer,
    .eval = layer_norm_eval};
const c2s_op c2s_op_rms_normalization = {
    .type = "RMSNormalization",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), C2S_QUANT_NO_AXIS, C2S_QUANT_NO_AXIS, 0),
    .attrs = layer_norm_attrs,
    .ties = c2s_ties_layer_norm,
    .infer = rms_norm_infer,
    .eval = rms_norm_eval};
