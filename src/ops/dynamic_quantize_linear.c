/* SPDX-License-Identifier: Apache-2.0
 *
 * DynamicQuantizeLinear: 8-bit quantization whose range is that of the data, widened to hold 0.
 */
#include <math.h>

#include "ops/quant_range.h"
#include "ops/ties_rules.h"

static c2s_status dynamic_quantize_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    i->out[0] = c2s_type_tensor(C2S_UINT8, c2s_type_is_tensor(x) ? x->rank : -1, x->dim);
    if (i->out_count > 1)
        i->out[1] = c2s_type_scalar(C2S_FLOAT);
    if (i->out_count > 2)
        i->out[2] = c2s_type_scalar(C2S_UINT8);
    return C2S_OK;
}

static c2s_status dynamic_quantize_eval(c2s_eval *e) {
    c2s_workspace ws = {0};
    const float *x = c2s_workspace_f32(&ws, e->in[0]);
    float *y = c2s_workspace_out_f32(&ws, e->out[0]);
    float *scale_out = e->out_count > 1 ? c2s_workspace_out_f32(&ws, e->out[1]) : NULL;
    float *zero_out = e->out_count > 2 ? c2s_workspace_out_f32(&ws, e->out[2]) : NULL;
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    size_t count = e->in[0]->count;
    float least = 0.0f, most = 0.0f;
    for (size_t i = 0; i < count; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    float scale = most > least ? (most - least) / 255.0f : 1.0f;
    float zero = rintf(-least / scale);
    c2s_quant_saturate(C2S_UINT8, &zero, 1);
    for (size_t i = 0; i < count && y; i++)
        y[i] = rintf(x[i] / scale) + zero;
    if (y)
        c2s_quant_saturate(C2S_UINT8, y, count);
    if (scale_out)
        *scale_out = scale;
    if (zero_out)
        *zero_out = zero;
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_dynamic_quantize_linear = {
    .type = "DynamicQuantizeLinear",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {3, 3},
    .quant = C2S_QUANT_ONLY(CODES),
    .ties = c2s_ties_dynamic_quantize,
    .infer = dynamic_quantize_infer,
    .eval = dynamic_quantize_eval,
};
