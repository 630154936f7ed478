/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/workspace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ir/convert.h"

void *c2s_workspace_array(c2s_workspace *ws, size_t count, size_t size) {
    if (ws->status != C2S_OK)
        return NULL;
    assert(ws->block_count < C2S_WORKSPACE_BLOCKS);
    size_t bytes;
    void *block = NULL;
    if (c2s_mul_size(count, size, &bytes))
        block = c2s_try_alloc_aligned(bytes ? bytes : 1);
    if (!block) {
        ws->status =
            c2s_fail(C2S_ERR_MEMORY, "no memory for %zu elements of %zu bytes", count, size);
        return NULL;
    }
    ws->block[ws->block_count++] = block;
    return block;
}

static bool is_real(const c2s_tensor *t) {
    c2s_dtype d = t->type.dtype;
    return t->type.kind == C2S_KIND_TENSOR &&
           (c2s_dtype_is_float(d) || c2s_dtype_is_integer(d) || d == C2S_BOOL);
}

static bool check_real(c2s_workspace *ws, const c2s_tensor *tensor) {
    if (ws->status == C2S_OK && !is_real(tensor))
        ws->status = c2s_fail(C2S_ERR_INVALID, "an operand has type %s, expected real numbers",
                              c2s_dtype_name(tensor->type.dtype));
    return ws->status == C2S_OK;
}

const float *c2s_workspace_f32(c2s_workspace *ws, const c2s_tensor *tensor) {
    static const float none;
    if (!tensor || !check_real(ws, tensor))
        return NULL;
    if (tensor->count == 0)
        return &none;
    if (tensor->type.dtype == C2S_FLOAT)
        return c2s_tensor_data(tensor);
    float *copy = c2s_workspace_array(ws, tensor->count, sizeof *copy);
    if (copy)
        c2s_load_f32(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, copy);
    return copy;
}

const double *c2s_workspace_f64(c2s_workspace *ws, const c2s_tensor *tensor) {
    static const double none;
    if (!tensor || !check_real(ws, tensor))
        return NULL;
    if (tensor->count == 0)
        return &none;
    if (tensor->type.dtype == C2S_DOUBLE)
        return c2s_tensor_data(tensor);
    double *copy = c2s_workspace_array(ws, tensor->count, sizeof *copy);
    if (copy)
        c2s_load_f64(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, copy);
    return copy;
}

const int64_t *c2s_workspace_i64(c2s_workspace *ws, const c2s_tensor *tensor) {
    static const int64_t none;
    if (!tensor || !check_real(ws, tensor))
        return NULL;
    if (c2s_dtype_is_float(tensor->type.dtype)) {
        ws->status = c2s_fail(C2S_ERR_INVALID, "an operand has type %s, expected integers",
                              c2s_dtype_name(tensor->type.dtype));
        return NULL;
    }
    if (tensor->count == 0)
        return &none;
    if (tensor->type.dtype == C2S_INT64)
        return c2s_tensor_data(tensor);
    int64_t *copy = c2s_workspace_array(ws, tensor->count, sizeof *copy);
    if (copy)
        c2s_load_i64(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, copy);
    return copy;
}

static void *open_output(c2s_workspace *ws, c2s_tensor *tensor, c2s_dtype dtype, size_t size) {
    if (!tensor || !check_real(ws, tensor))
        return NULL;
    if (tensor->type.dtype == dtype && tensor->count > 0)
        return c2s_tensor_mutable(tensor);
    assert(ws->out_count < C2S_WORKSPACE_BLOCKS);
    void *at = c2s_workspace_array(ws, tensor->count, size);
    if (at)
        ws->out[ws->out_count++] = (struct c2s_workspace_out){tensor, at, dtype};
    return at;
}

float *c2s_workspace_out_f32(c2s_workspace *ws, c2s_tensor *tensor) {
    return open_output(ws, tensor, C2S_FLOAT, sizeof(float));
}

double *c2s_workspace_out_f64(c2s_workspace *ws, c2s_tensor *tensor) {
    return open_output(ws, tensor, C2S_DOUBLE, sizeof(double));
}

c2s_status c2s_workspace_end(c2s_workspace *ws) {
    for (unsigned i = 0; i < ws->out_count && ws->status == C2S_OK; i++) {
        c2s_tensor *t = ws->out[i].tensor;
        if (t->count == 0)
            continue;
        if (ws->out[i].dtype == C2S_FLOAT)
            c2s_store_f32(t->type.dtype, c2s_tensor_mutable(t), 0, t->count, ws->out[i].at);
        else
            c2s_store_f64(t->type.dtype, c2s_tensor_mutable(t), 0, t->count, ws->out[i].at);
    }
    for (unsigned i = 0; i < ws->block_count; i++)
        free(ws->block[i]);
    ws->block_count = ws->out_count = 0;
    return ws->status;
}
