/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/fuse/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/convert.h"
#include "passes/constants.h"

/* A changed weight is a second one if the old one stays in use: below this size that is fine. */
#define SMALL_WEIGHT 4096

/* ---- reading ---- */

static size_t product(const c2s_type *type, int from) {
    size_t count = 1; /* cannot overflow: the tensor exists */
    for (int i = from; i < type->rank; i++)
        count *= (size_t)type->dim[i];
    return count;
}

static const char *read_conv(c2s_linear *l, const c2s_type *w) {
    if (w->rank < 3)
        return "the weight has no spatial axis";
    l->layout = (c2s_channel_layout){1, 1, (size_t)w->dim[0], product(w, 1)};
    l->rank = w->rank;
    l->axis = 1;
    return NULL;
}

static const char *read_conv_transpose(c2s_linear *l, const c2s_type *w) {
    int64_t groups = c2s_attr_int(l->node, "group", 1);
    if (w->rank < 3 || groups < 1 || w->dim[0] % groups != 0)
        return "the groups do not divide the channels";
    l->layout = (c2s_channel_layout){(size_t)groups, (size_t)(w->dim[0] / groups),
                                     (size_t)w->dim[1], product(w, 2)};
    l->rank = w->rank;
    l->axis = 1;
    return NULL;
}

static const char *read_gemm(c2s_linear *l, const c2s_type *w) {
    if (w->rank != 2)
        return "the weight is not a matrix";
    size_t rows = (size_t)w->dim[0], columns = (size_t)w->dim[1];
    l->layout = c2s_attr_int(l->node, "transB", 0) ? (c2s_channel_layout){1, 1, rows, columns}
                                                   : (c2s_channel_layout){1, rows, columns, 1};
    l->rank = 2;
    l->axis = 1;
    return NULL;
}

static const char *read_matmul(c2s_linear *l, const c2s_type *w) {
    const c2s_value *left = l->node->inputs[0].value, *result = l->node->outputs[0];
    if (w->rank < 2 || result->type.rank < 2 || left->type.rank < 2)
        return "the result has no axis of columns, or its rank is not known";
    size_t columns = (size_t)w->dim[w->rank - 1];
    l->layout =
        (c2s_channel_layout){1, columns ? l->weight->constant->count / columns : 0, columns, 1};
    l->rank = result->type.rank;
    l->axis = l->rank - 1;
    l->can_shift = l->rank == 2 && w->rank == 2; /* as Gemm */
    return NULL;
}

static bool bias_fits(const c2s_linear *l) {
    if (!l->bias)
        return true;
    const c2s_tensor *bias = l->bias->constant;
    if (!bias || bias->type.dtype != l->weight->type.dtype || bias->type.rank > 2)
        return false;
    if (l->node->op == &c2s_op_gemm && bias->count == 1)
        return true;
    return bias->count == l->channels && bias->type.rank >= 1 &&
           (size_t)bias->type.dim[bias->type.rank - 1] == l->channels;
}

const char *c2s_linear_read(c2s_node *node, c2s_linear *out) {
    *out = (c2s_linear){.node = node,
                        .weight = c2s_node_in(node, 1),
                        .bias = c2s_node_in(node, 2),
                        .can_shift = true};
    const c2s_value *weight = out->weight;
    if (!weight || !weight->constant || weight->constant->type.kind != C2S_KIND_TENSOR ||
        !c2s_is_float_value(weight))
        return "the weight is not a constant of float, double, float16 or bfloat16";
    const c2s_type *type = &weight->constant->type;
    const char *reason = node->op == &c2s_op_conv             ? read_conv(out, type)
                         : node->op == &c2s_op_conv_transpose ? read_conv_transpose(out, type)
                         : node->op == &c2s_op_gemm           ? read_gemm(out, type)
                                                              : read_matmul(out, type);
    if (reason)
        return reason;
    out->channels = out->layout.groups * out->layout.channels;
    if (!bias_fits(out))
        return "the bias is not a constant per channel";
    bool stays = weight->use_count > 1 || weight->def == weight->graph->entry;
    if (stays && c2s_tensor_size(weight->constant) > SMALL_WEIGHT)
        return "the weight is used elsewhere too, and a second one would be large";
    return NULL;
}

/* ---- affine changes ---- */

c2s_affine c2s_affine_identity(size_t count) {
    c2s_affine affine = {.count = count};
    affine.scale = c2s_alloc_array(count + 1, sizeof(double));
    affine.shift = c2s_alloc_array(count + 1, sizeof(double));
    for (size_t i = 0; i < count; i++) {
        affine.scale[i] = 1;
        affine.shift[i] = 0;
    }
    return affine;
}

void c2s_affine_free(c2s_affine *affine) {
    free(affine->scale);
    free(affine->shift);
    *affine = (c2s_affine){0};
}

bool c2s_affine_is_finite(const c2s_affine *affine) {
    for (size_t i = 0; i < affine->count; i++)
        if (!isfinite(affine->scale[i]) || !isfinite(affine->shift[i]))
            return false;
    return true;
}

bool c2s_affine_scales(const c2s_affine *affine) {
    for (size_t i = 0; i < affine->count; i++)
        if (affine->scale[i] != 1)
            return true;
    return false;
}

bool c2s_affine_shifts(const c2s_affine *affine) {
    for (size_t i = 0; i < affine->count; i++)
        if (affine->shift[i] != 0)
            return true;
    return false;
}

bool c2s_linear_channel_values(const c2s_linear *l, const c2s_tensor *constant, double *out) {
    const c2s_type *type = &constant->type;
    if (type->kind != C2S_KIND_TENSOR || !c2s_dtype_is_float(type->dtype) || type->rank > l->rank)
        return false;
    for (int k = 0; k < type->rank; k++) {
        int axis = k + l->rank - type->rank;
        if (type->dim[k] != 1 && (axis != l->axis || (size_t)type->dim[k] != l->channels))
            return false;
    }
    for (size_t c = 0; c < l->channels; c++)
        out[c] = c2s_tensor_f64_at(constant, constant->count == 1 ? 0 : c);
    return true;
}

/* ---- new constants ---- */

static c2s_status overflow(c2s_dtype dtype) {
    return c2s_fail(C2S_ERR_UNSUPPORTED, "a changed weight is too large for %s",
                    c2s_dtype_name(dtype));
}

void c2s_magnitudes_add(c2s_magnitudes *m, const double *before, const double *after,
                        size_t count) {
    const double most = c2s_dtype_largest(m->dtype);
    bool over = false;
    for (size_t i = 0; i < count; i++) {
        const double old = fabs(before[i]), new = fabs(after[i]);
        m->before = old > m->before ? old : m->before;
        m->after = new > m->after ? new : m->after;
        over |= (new > most) & (old <= most);
    }
    m->over |= over;
}

c2s_status c2s_magnitudes_check(const c2s_magnitudes *m) {
    const double least = c2s_dtype_least_normal(m->dtype);
    if (m->over)
        return overflow(m->dtype);
    return m->before < least || m->after >= least || m->after == 0
               ? C2S_OK
               : c2s_fail(C2S_ERR_UNSUPPORTED, "a changed weight is too small for %s",
                          c2s_dtype_name(m->dtype));
}

enum { CHUNK = 1024 };

/* Scales elements of the weight that lie one behind the other, from element `at` on. */
static void scale_run(const c2s_channel_layout *layout, const double *scale, size_t at,
                      size_t count, double *w) {
    for (size_t k = 0; k < count;) {
        const size_t i = (at + k) % layout->inner, block = (at + k) / layout->inner;
        const size_t c = block % layout->channels;
        const size_t g = block / layout->channels / layout->rows;
        const double *by = &scale[g * layout->channels + c];
        const bool alternate = layout->inner == 1;
        const size_t left = alternate ? layout->channels - c : layout->inner - i;
        const size_t run = left < count - k ? left : count - k;
        for (size_t j = k; j < k + run; j++)
            w[j] *= by[alternate ? j - k : 0];
        k += run;
    }
}

static c2s_status scale_weight(const c2s_linear *l, const double *scale, c2s_tensor **out) {
    const c2s_tensor *old = l->weight->constant;
    const c2s_dtype dtype = old->type.dtype;
    c2s_magnitudes magnitudes = {.dtype = dtype};
    double before[CHUNK], chunk[CHUNK];
    C2S_TRY(c2s_tensor_create(dtype, old->type.rank, old->type.dim, out));
    for (size_t start = 0; start < old->count; start += CHUNK) {
        const size_t count = old->count - start < CHUNK ? old->count - start : CHUNK;
        c2s_tensor_load_f64(old, start, count, before);
        memcpy(chunk, before, count * sizeof *chunk);
        scale_run(&l->layout, scale, start, count, chunk);
        c2s_magnitudes_add(&magnitudes, before, chunk, count);
        c2s_store_f64(dtype, c2s_tensor_mutable(*out), start, count, chunk);
    }
    c2s_tensor_forget(old);
    c2s_status status = c2s_magnitudes_check(&magnitudes);
    if (status != C2S_OK)
        c2s_tensor_unref(*out);
    return status;
}

static c2s_status change_bias(const c2s_linear *l, const c2s_affine *affine, c2s_tensor **out) {
    const c2s_tensor *old = l->bias ? l->bias->constant : NULL;
    double beta = l->node->op == &c2s_op_gemm ? (double)c2s_attr_float(l->node, "beta", 1) : 1;
    c2s_dtype dtype = l->weight->type.dtype;
    double *values = c2s_alloc_array(l->channels + 1, sizeof *values);
    bool fits = true;
    for (size_t c = 0; c < l->channels; c++) {
        double bias = old ? beta * c2s_tensor_f64_at(old, old->count == 1 ? 0 : c) : 0;
        values[c] = bias * affine->scale[c] + affine->shift[c];
        fits = fits && (fabs(values[c]) <= c2s_dtype_largest(dtype) || !isfinite(bias));
    }
    int64_t dim = (int64_t)l->channels;
    c2s_status status = fits ? c2s_tensor_from_f64(dtype, 1, &dim, values, out) : overflow(dtype);
    free(values);
    return status;
}

c2s_value *c2s_linear_build(c2s_builder *b, const c2s_linear *l, c2s_value *x,
                            const c2s_affine *affine) {
    bool has_bias = l->bias || c2s_affine_shifts(affine);
    c2s_tensor *weight = NULL, *bias = NULL;
    c2s_value *in[3] = {x, l->weight, NULL};
    if (c2s_affine_scales(affine)) {
        if (!c2s_build_ok(b, scale_weight(l, affine->scale, &weight)))
            return NULL;
        in[1] = c2s_build_constant_like(b, l->weight, weight);
    }
    if (has_bias) {
        if (!c2s_build_ok(b, change_bias(l, affine, &bias)))
            return NULL;
        char hint[256];
        snprintf(hint, sizeof hint, "%.200s_bias", b->hint);
        in[2] =
            l->bias ? c2s_build_constant_like(b, l->bias, bias) : c2s_build_constant(b, hint, bias);
    }
    unsigned count = has_bias ? 3 : 2;
    bool as_gemm = l->node->op == &c2s_op_matmul && has_bias;
    c2s_node *node =
        as_gemm ? c2s_build_start(b, "Gemm", in, count) : c2s_build_like(b, l->node, in, count);
    if (node && l->node->op == &c2s_op_gemm && c2s_attr_has(node, "beta"))
        c2s_attr_set_float(node, "beta", 1);
    return c2s_build_finish(b, node);
}
