/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/quant_range.h"

#include <math.h>

void c2s_quant_range(c2s_dtype dtype, float *least, float *most) {
    int bits = (int)c2s_dtype_bits(dtype);
    bool is_signed = c2s_dtype_is_signed(dtype);
    *least = is_signed ? -ldexpf(1.0f, bits - 1) : 0.0f;
    *most = ldexpf(1.0f, is_signed ? bits - 1 : bits) - 1.0f;
}

void c2s_quant_saturate(c2s_dtype dtype, float *values, size_t count) {
    float least, most;
    c2s_quant_range(dtype, &least, &most);
    for (size_t i = 0; i < count; i++) {
        float v = values[i];
        v = v >= least ? v : least;
        values[i] = v <= most ? v : most;
    }
}

c2s_status c2s_quant_check(c2s_dtype dtype) {
    bool small = c2s_dtype_bits(dtype) <= (c2s_dtype_is_integer(dtype) ? 16 : 8);
    if (!small || dtype == C2S_FLOAT8E8M0 ||
        !(c2s_dtype_is_integer(dtype) || c2s_dtype_is_float(dtype)))
        return c2s_fail(C2S_ERR_INVALID, "the quantized type is %s", c2s_dtype_name(dtype));
    return C2S_OK;
}

c2s_status c2s_quant_check_real(const c2s_tensor *tensor) {
    c2s_dtype d = tensor->type.dtype;
    if (!c2s_dtype_is_float(d) && !c2s_dtype_is_integer(d))
        return c2s_fail(C2S_ERR_INVALID, "an operand has type %s, expected real numbers",
                        c2s_dtype_name(d));
    return C2S_OK;
}

const uint32_t *c2s_quant_less_zero(c2s_workspace *ws, const c2s_tensor *x, const c2s_tensor *zero,
                                    size_t outer, size_t axis, size_t inner) {
    const int64_t *from = c2s_workspace_i64(ws, x), *zeros = c2s_workspace_i64(ws, zero);
    uint32_t *out = c2s_workspace_array(ws, x->count, sizeof *out);
    if (!out)
        return NULL;
    if (zero && zero->count != 1 && zero->count != axis) {
        ws->status = c2s_fail(C2S_ERR_INVALID, "the zero point has %zu elements, expected 1 or %zu",
                              zero->count, axis);
        return NULL;
    }
    size_t step = zero && zero->count > 1 ? 1 : 0;
    for (size_t row = 0; row < outer * axis; row++) {
        int64_t z = zeros ? zeros[row % axis * step] : 0;
        for (size_t i = 0; i < inner; i++)
            out[row * inner + i] = (uint32_t)(from[row * inner + i] - z);
    }
    return out;
}
