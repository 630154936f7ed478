/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own loops over float tensors where oneDNN has none that is fast for row-major tensors (batch
 * normalization) or one that loses NaN (Relu).
 */
#include <math.h>

#include "runtime/layout.h"

/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536

static bool is_float(const c2s_type *type) {
    return c2s_type_is_tensor(type) && type->dtype == C2S_FLOAT;
}

/* ---- Relu ---- */

static bool relu_accepts(const c2s_step *step) {
    return c2s_step_wants(step, 0) && is_float(c2s_step_type(step, 0)) &&
           c2s_type_equal(c2s_step_type(step, 0), &step->out[0]->type);
}

/* In whatever layout the input has: padding is 0 and stays 0. */
static c2s_status relu_prepare(c2s_step *step) {
    c2s_const_md layout = c2s_step_layout(step, 0);
    if (!layout)
        return C2S_OK;
    C2S_TRY(c2s_step_take(step, 0, layout));
    return c2s_step_give(step, 0, layout);
}

static c2s_status relu_run(c2s_step *step) {
    size_t size;
    if (step->in[0]->tensor->count == 0 || !c2s_slot_size(step->in[0], &size))
        return C2S_OK;
    size_t count = size / sizeof(float);
    const float *x = c2s_tensor_data(step->in[0]->tensor);
    float *y = c2s_tensor_mutable(step->out[0]->tensor);
#pragma omp parallel for if (count >= PARALLEL_ELEMENTS)
    for (size_t k = 0; k < count; k++)
        y[k] = x[k] < 0 ? 0 : x[k];
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_relu = {
    .name = "relu",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = relu_accepts,
    .prepare = relu_prepare,
    .run = relu_run,
};

/* ---- BatchNormalization ---- */

static bool batch_norm_accepts(const c2s_step *step) {
    const c2s_type *x = c2s_step_type(step, 0);
    if (!c2s_step_wants(step, 0) || !is_float(x) || x->rank < 2 ||
        !c2s_type_equal(x, &step->out[0]->type) ||
        c2s_attr_int(step->node, "training_mode", 0) != 0)
        return false;
    for (unsigned k = 1; k < step->out_count; k++)
        if (c2s_step_wants(step, k))
            return false;
    for (unsigned k = 1; k <= 4; k++) {
        const c2s_type *type = c2s_step_type(step, k);
        if (!is_float(type) || type->rank != 1 || type->dim[0] != x->dim[1])
            return false;
    }
    return true;
}

static const float *numbers(const c2s_step *step, unsigned input) {
    return c2s_tensor_data(step->in[input]->tensor);
}

static void normalise(const float *x, float *y, size_t count, float mean, float factor,
                      float shift) {
    for (size_t k = 0; k < count; k++)
        y[k] = (x[k] - mean) * factor + shift;
}

static c2s_status batch_norm_run(c2s_step *step) {
    const c2s_type *type = c2s_step_type(step, 0);
    size_t count = step->in[0]->tensor->count, channels = (size_t)type->dim[1];
    if (count == 0)
        return C2S_OK;
    size_t planes = (size_t)type->dim[0] * channels, plane = count / planes;
    const float *x = numbers(step, 0), *scale = numbers(step, 1), *shift = numbers(step, 2);
    const float *mean = numbers(step, 3), *variance = numbers(step, 4);
    float *y = c2s_tensor_mutable(step->out[0]->tensor);
    double epsilon = (double)c2s_attr_float(step->node, "epsilon", 1e-5f);
#pragma omp parallel for if (count >= PARALLEL_ELEMENTS)
    for (size_t p = 0; p < planes; p++) {
        size_t c = p % channels;
        float factor = (float)((double)scale[c] / sqrt((double)variance[c] + epsilon));
        normalise(x + p * plane, y + p * plane, plane, mean[c], factor, shift[c]);
    }
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_batch_norm = {
    .name = "batch_norm", .accepts = batch_norm_accepts, .run = batch_norm_run};
