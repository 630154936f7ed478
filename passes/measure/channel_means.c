/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/channel_means.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ir/convert.h"

/* A tensor as [outer, extent, inner]. */
typedef struct extents {
    size_t outer, extent, inner;
} extents;

static extents extents_of(const c2s_type *type, int axis) {
    extents e = {1, (size_t)type->dim[axis], 1};
    for (int k = 0; k < type->rank; k++)
        if (k != axis)
            *(k < axis ? &e.outer : &e.inner) *= (size_t)type->dim[k];
    return e;
}

static c2s_status load(const c2s_tensor *tensor, float **out) {
    C2S_TRY(c2s_scratch(tensor->count, sizeof **out, out));
    if (tensor->count)
        c2s_load_f32(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, *out);
    return C2S_OK;
}

c2s_status c2s_channel_means(const c2s_tensor *tensor, int axis, size_t extent, float *means) {
    const c2s_type *type = &tensor->type;
    if (type->rank <= axis || (size_t)type->dim[axis] != extent || !c2s_dtype_is_float(type->dtype))
        return c2s_fail(C2S_ERR_INVALID, "a tensor has other channels than its type says");
    const extents e = extents_of(type, axis);
    const double each = 1.0 / (double)(e.outer * e.inner > 0 ? e.outer * e.inner : 1);
    float *x;
    C2S_TRY(load(tensor, &x));
    for (size_t c = 0; c < extent; c++) {
        double sum = 0;
        for (size_t o = 0; o < e.outer; o++)
            for (size_t i = 0; i < e.inner; i++)
                sum += (double)x[(o * extent + c) * e.inner + i];
        means[c] = isfinite(sum) ? (float)(sum * each) : 0;
    }
    free(x);
    return C2S_OK;
}

c2s_status c2s_channel_add(const c2s_tensor *tensor, int axis, const double *by, c2s_tensor **out) {
    const extents e = extents_of(&tensor->type, axis);
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, tensor->type.rank, tensor->type.dim, out));
    float *x = c2s_tensor_mutable(*out);
    if (tensor->count)
        c2s_load_f32(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, x);
    for (size_t o = 0; o < e.outer; o++)
        for (size_t c = 0; c < e.extent; c++)
            for (size_t i = 0; i < e.inner; i++)
                x[(o * e.extent + c) * e.inner + i] += (float)by[c];
    return C2S_OK;
}

double c2s_channel_shift(const float *a, const float *b, size_t samples, size_t stride) {
    const double n = (double)samples;
    double sum = 0, squares = 0;
    for (size_t s = 0; s < samples; s++) {
        const double d = (double)a[s * stride] - (double)b[s * stride];
        sum += d;
        squares += d * d;
    }
    const double mean = samples ? sum / n : 0;
    if (samples < 2 || mean == 0)
        return mean;
    const double variance = (squares / n - mean * mean) / (n - 1);
    return mean * fmax(0, 1 - fmax(0, variance) / (mean * mean));
}
