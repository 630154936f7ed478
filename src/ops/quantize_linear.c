/* SPDX-License-Identifier: Apache-2.0
 *
 * QuantizeLinear and DequantizeLinear.
 */
#include <inttypes.h>
#include <math.h>

#include "base/simd.h"
#include "ir/convert.h"
#include "ops/granularity.h"
#include "ops/quant_range.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

#define CHUNK 1024

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

/* An attribute that names a dtype; 0 if it is left out. */
static c2s_status read_dtype(const c2s_node *node, const char *name, c2s_dtype *out) {
    int64_t number = c2s_attr_int(node, name, 0);
    if (number != 0 && (number < 0 || number >= C2S_DTYPE_COUNT))
        return c2s_fail(C2S_ERR_INVALID, "%s is %" PRId64 ", expected an element type", name,
                        number);
    *out = (c2s_dtype)number;
    return C2S_OK;
}

static c2s_status check_zero_point(const c2s_tensor *zero, const c2s_tensor *scale) {
    if (zero && zero->count != scale->count)
        return c2s_fail(C2S_ERR_INVALID,
                        "the zero point has %zu elements, expected %zu as the scale", zero->count,
                        scale->count);
    return C2S_OK;
}

static bool is_sub_byte(c2s_dtype dtype) {
    return c2s_dtype_bits(dtype) < 8;
}

/* ---- QuantizeLinear ---- */

static c2s_status quantize_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 2));
    c2s_dtype dtype = C2S_UNDEFINED;
    C2S_TRY(read_dtype(i->node, "output_dtype", &dtype));
    if (c2s_infer_has(i, 2))
        dtype = c2s_infer_type(i, 2)->dtype;
    else if (dtype == C2S_UNDEFINED)
        dtype = C2S_UINT8;
    const c2s_type *x = c2s_infer_type(i, 0);
    i->out[0] = c2s_type_tensor(dtype, c2s_type_is_tensor(x) ? x->rank : -1, x->dim);
    return C2S_OK;
}

typedef struct quantizer {
    c2s_dtype dtype, precision;
    bool saturate;
    const c2s_tensor *x;
    const float *scale, *zero; /* zero may be NULL */
    void *y;
} quantizer;

/* The quotient, rounded as the type that the operator computes in would round it. */
static void divide_rounded(c2s_dtype precision, const float *x, const float *scale, size_t step,
                           size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        float operand[2] = {x[i], scale[i * step]}, quotient;
        uint16_t code[2];
        c2s_store_f32(precision, code, 0, 2, operand);
        c2s_load_f32(precision, code, 0, 2, operand);
        quotient = operand[0] / operand[1];
        c2s_store_f32(precision, code, 0, 1, &quotient);
        c2s_load_f32(precision, code, 0, 1, out + i);
    }
}

/* Steps are 0 or 1; constants at every call of the loops. */
C2S_INLINE void divide_loop(const float *restrict x, const float *restrict scale, size_t step,
                            size_t count, float *restrict out) {
    if (step)
        for (size_t i = 0; i < count; i++)
            out[i] = x[i] / scale[i];
    else
        for (size_t i = 0; i < count; i++)
            out[i] = x[i] / *scale;
}
C2S_SIMD(divide, divide_loop,
         (const float *x, const float *scale, size_t step, size_t count, float *out),
         (x, scale, step, count, out))

/* Adds the zero point (NULL: 0), after rounding to integers if `whole`. */
C2S_INLINE void shift_loop(float *restrict r, const float *restrict zero, size_t step, size_t count,
                           bool whole) {
    if (whole)
        for (size_t i = 0; i < count; i++)
            r[i] = rintf(r[i]);
    if (zero && step)
        for (size_t i = 0; i < count; i++)
            r[i] += zero[i];
    else if (zero)
        for (size_t i = 0; i < count; i++)
            r[i] += *zero;
}
C2S_SIMD(shift, shift_loop, (float *r, const float *zero, size_t step, size_t count, bool whole),
         (r, zero, step, count, whole))

static void quantize_chunk(const quantizer *q, size_t start, size_t count, size_t scale,
                           size_t step) {
    float x[CHUNK], r[CHUNK];
    const bool whole = c2s_dtype_is_integer(q->dtype);
    c2s_load_f32(q->x->type.dtype, c2s_tensor_data(q->x), start, count, x);
    if (q->precision == C2S_FLOAT16 || q->precision == C2S_BFLOAT16)
        divide_rounded(q->precision, x, q->scale + scale, step, count, r);
    else
        divide(x, q->scale + scale, step, count, r);
    shift(r, q->zero ? q->zero + scale : NULL, step, count, whole);
    if (whole)
        c2s_quant_saturate(q->dtype, r, count);
    if (whole || is_sub_byte(q->dtype))
        c2s_store_f32(q->dtype, q->y, start, count, r);
    else
        c2s_store_f8(q->dtype, (uint8_t *)q->y + start, count, r, q->saturate);
}

static c2s_status quantize_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0], *scale = e->in[1], *zero = input(e, 2);
    c2s_granularity g;
    C2S_TRY(c2s_granularity_of(&x->type, &scale->type, c2s_attr_int(e->node, "axis", 1),
                               c2s_attr_int(e->node, "block_size", 0), &g));
    C2S_TRY(check_zero_point(zero, scale));
    quantizer q = {.dtype = e->out[0]->type.dtype, .x = x};
    C2S_TRY(c2s_quant_check(q.dtype));
    C2S_TRY(c2s_quant_check_real(x));
    C2S_TRY(read_dtype(e->node, "precision", &q.precision));
    if (q.precision == C2S_UNDEFINED)
        q.precision = scale->type.dtype;
    q.saturate = c2s_attr_int(e->node, "saturate", 1) != 0;
    c2s_workspace ws = {0};
    q.scale = c2s_workspace_f32(&ws, scale);
    q.zero = c2s_workspace_f32(&ws, zero);
    q.y = c2s_tensor_mutable(e->out[0]);
    /* Neighbours of packed types share a byte: one thread. */
    bool parallel = !is_sub_byte(q.dtype) && x->count > 65536;
#pragma omp parallel for schedule(static) if (parallel)
    for (size_t s = 0; s < (ws.status == C2S_OK ? g.segments : 0); s++) {
        c2s_granularity_run run = c2s_granularity_segment(&g, s);
        for (size_t at = 0; at < run.count; at += CHUNK)
            quantize_chunk(&q, run.start + at, run.count - at < CHUNK ? run.count - at : CHUNK,
                           run.scale + at * run.step, run.step);
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec quantize_attrs[] = {
    {"axis", C2S_ATTR_INT, false},         {"block_size", C2S_ATTR_INT, false},
    {"output_dtype", C2S_ATTR_INT, false}, {"precision", C2S_ATTR_INT, false},
    {"saturate", C2S_ATTR_INT, false},     {0},
};

const c2s_op c2s_op_quantize_linear = {
    .type = "QuantizeLinear",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = quantize_attrs,
    .ties = c2s_ties_quantize,
    .infer = quantize_infer,
    .eval = quantize_eval,
};

const c2s_op c2s_op_ms_quantize_linear = {
    .type = "QuantizeLinear",
    .domain = "com.microsoft",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = quantize_attrs,
    .ties = c2s_ties_quantize,
    .infer = quantize_infer,
    .eval = quantize_eval,
};

/* ---- DequantizeLinear ---- */

static c2s_status dequantize_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 2));
    c2s_dtype dtype = C2S_UNDEFINED;
    C2S_TRY(read_dtype(i->node, "output_dtype", &dtype));
    if (dtype == C2S_UNDEFINED)
        dtype = c2s_infer_type(i, 1)->dtype;
    const c2s_type *x = c2s_infer_type(i, 0);
    i->out[0] = c2s_type_tensor(dtype, c2s_type_is_tensor(x) ? x->rank : -1, x->dim);
    return C2S_OK;
}

/* Steps are 0 or 1. */
C2S_INLINE void scale_loop(float *restrict row, const float *restrict zero,
                           const float *restrict scale, size_t step, size_t count) {
    const float none = 0, *from = zero ? zero : &none;
    const size_t zero_step = zero ? step : 0;
    if (step == 0)
        for (size_t i = 0; i < count; i++)
            row[i] = (row[i] - *from) * *scale;
    else if (zero_step)
        for (size_t i = 0; i < count; i++)
            row[i] = (row[i] - from[i]) * scale[i];
    else
        for (size_t i = 0; i < count; i++)
            row[i] *= scale[i];
}
C2S_SIMD(scale_row, scale_loop,
         (float *row, const float *zero, const float *scale, size_t step, size_t count),
         (row, zero, scale, step, count))

static c2s_status dequantize_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0], *scale = e->in[1], *zero = input(e, 2);
    c2s_granularity g;
    C2S_TRY(c2s_granularity_of(&x->type, &scale->type, c2s_attr_int(e->node, "axis", 1),
                               c2s_attr_int(e->node, "block_size", 0), &g));
    C2S_TRY(check_zero_point(zero, scale));
    C2S_TRY(c2s_quant_check_real(x));
    c2s_workspace ws = {0};
    const float *scales = c2s_workspace_f32(&ws, scale), *zeros = c2s_workspace_f32(&ws, zero);
    float *y = c2s_workspace_out_f32(&ws, e->out[0]);
#pragma omp parallel for schedule(static) if (x->count > 65536)
    for (size_t s = 0; s < (ws.status == C2S_OK ? g.segments : 0); s++) {
        c2s_granularity_run run = c2s_granularity_segment(&g, s);
        float *row = y + run.start;
        c2s_load_f32(x->type.dtype, c2s_tensor_data(x), run.start, run.count, row);
        scale_row(row, zeros ? zeros + run.scale : NULL, scales + run.scale, run.step, run.count);
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec dequantize_attrs[] = {
    {"axis", C2S_ATTR_INT, false},
    {"block_size", C2S_ATTR_INT, false},
    {"output_dtype", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_dequantize_linear = {
    .type = "DequantizeLinear",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = dequantize_attrs,
    .ties = c2s_ties_quantize,
    .infer = dequantize_infer,
    .eval = dequantize_eval,
};

const c2s_op c2s_op_ms_dequantize_linear = {
    .type = "DequantizeLinear",
    .domain = "com.microsoft",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = dequantize_attrs,
    .ties = c2s_ties_quantize,
    .infer = dequantize_infer,
    .eval = dequantize_eval,
};
