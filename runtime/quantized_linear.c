/* SPDX-License-Identifier: Apache-2.0
 *
 * QuantizeLinear, DynamicQuantizeLinear and DequantizeLinear by themselves, in any layout: the same
 * bits as their eval.
 */
#include <math.h>
#include <string.h>

#include "base/simd.h"
#include "base/threads.h"
#include "ops/granularity.h"
#include "ops/quant_range.h"
#include "runtime/layout.h"

/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536
enum { CHUNK = 4096 };

/* One scale for all: elements are independent of their place. */
static bool is_plain(const c2s_step *step, const c2s_type *codes, const c2s_type *reals) {
    const c2s_type *scale = c2s_step_type(step, 1), *zero = c2s_step_type(step, 2);
    size_t count;
    return c2s_type_is_tensor(codes) && c2s_type_is_tensor(reals) && reals->dtype == C2S_FLOAT &&
           (codes->dtype == C2S_UINT8 || codes->dtype == C2S_INT8) && scale->dtype == C2S_FLOAT &&
           !step->in[1]->base->narrow && /* else the quotient is rounded to a half type, too */
           c2s_type_elements(scale, &count) && count == 1 &&
           c2s_attr_int(step->node, "block_size", 0) == 0 &&
           (!c2s_step_has(step, 2) ||
            (zero->dtype == codes->dtype && c2s_type_elements(zero, &count) && count == 1)) &&
           c2s_attr_int(step->node, "precision", C2S_FLOAT) == C2S_FLOAT;
}

static float scale_of(const c2s_step *step) {
    return *(const float *)c2s_tensor_data(step->in[1]->tensor);
}

static float zero_of(const c2s_step *step) {
    int64_t zero = 0;
    if (c2s_step_has(step, 2))
        c2s_tensor_i64_at(step->in[2]->tensor, 0, &zero);
    return (float)zero;
}

static c2s_status keep_layout(c2s_step *step) {
    return c2s_step_keep(step, 0);
}

/* ---- QuantizeLinear ---- */

static bool quantize_accepts(const c2s_step *step) {
    return c2s_step_wants(step, 0) && is_plain(step, &step->out[0]->type, c2s_step_type(step, 0));
}

C2S_INLINE void quantize_loop(const float *restrict x, size_t count, float scale, float zero,
                              float least, float most, int16_t *restrict out) {
    for (size_t i = 0; i < count; i++) {
        float v = rintf(x[i] / scale) + zero;
        v = v >= least ? v : least; /* NaN, too */
        v = v <= most ? v : most;
        out[i] = (int16_t)(int32_t)v;
    }
}
C2S_SIMD(quantize, quantize_loop,
         (const float *x, size_t count, float scale, float zero, float least, float most,
          int16_t *out),
         (x, count, scale, zero, least, most, out))

/* The low byte is the code, signed or not. */
C2S_INLINE void narrow_loop(const int16_t *restrict from, size_t count, uint8_t *restrict out) {
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)from[i];
}
C2S_SIMD(narrow, narrow_loop, (const int16_t *from, size_t count, uint8_t *out), (from, count, out))

typedef struct task {
    const void *from;
    void *to;
    float scale, zero, least, most;
    bool is_signed;
} task;

static void quantize_part(const void *context, size_t from, size_t to) {
    const task *k = context;
    for (; from < to; from += CHUNK) {
        int16_t wide[CHUNK];
        const size_t n = to - from < CHUNK ? to - from : CHUNK;
        quantize((const float *)k->from + from, n, k->scale, k->zero, k->least, k->most, wide);
        narrow(wide, n, (uint8_t *)k->to + from);
    }
}

static c2s_status quantize_run(c2s_step *step) {
    task k = {.from = c2s_tensor_data(step->in[0]->tensor),
              .to = c2s_tensor_mutable(step->out[0]->tensor),
              .scale = scale_of(step),
              .zero = zero_of(step)};
    const size_t count = step->out[0]->tensor->count;
    c2s_quant_range(step->out[0]->type.dtype, &k.least, &k.most);
    c2s_share(count, count >= PARALLEL_ELEMENTS, quantize_part, &k);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_quantize = {
    .name = "quantize",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = quantize_accepts,
    .prepare = keep_layout,
    .run = quantize_run,
};

/* ---- DynamicQuantizeLinear ---- */

/* Extremes are found in `LANES` places at a time, in at most MOST_PARTS parts. */
enum { LANES = 16, MOST_PARTS = 64 };

typedef struct extremes {
    const float *x;
    size_t count, part;
    float (*least)[LANES], (*most)[LANES]; /* per part */
} extremes;

/* NaN is neither. */
C2S_INLINE void extremes_loop(const float *restrict x, size_t count, float *restrict least,
                              float *restrict most) {
    for (size_t i = 0; i < count; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            least[k] = x[i + k] < least[k] ? x[i + k] : least[k];
            most[k] = x[i + k] > most[k] ? x[i + k] : most[k];
        }
}
C2S_SIMD(find_extremes, extremes_loop, (const float *x, size_t count, float *least, float *most),
         (x, count, least, most))

static void extremes_of_parts(const void *context, size_t from, size_t to) {
    const extremes *e = context;
    for (size_t p = from; p < to; p++) {
        const size_t first = p * e->part,
                     count = e->count - first < e->part ? e->count - first : e->part,
                     whole = count / LANES * LANES;
        float rest[LANES] = {0};
        memcpy(rest, e->x + first + whole, (count - whole) * sizeof *rest);
        find_extremes(e->x + first, whole, e->least[p], e->most[p]);
        find_extremes(rest, LANES, e->least[p], e->most[p]);
    }
}

/* With 0 among the numbers. */
static void range_of(const float *x, size_t count, float *least, float *most) {
    float low[MOST_PARTS][LANES] = {0}, high[MOST_PARTS][LANES] = {0};
    size_t part = (count / MOST_PARTS / LANES + 1) * LANES;
    part = part > PARALLEL_ELEMENTS ? part : PARALLEL_ELEMENTS;
    const extremes e = {x, count, part, low, high};
    const size_t parts = (count + part - 1) / part;
    c2s_share(parts, parts > 1, extremes_of_parts, &e);
    *least = *most = 0;
    for (size_t p = 0; p < parts; p++)
        for (size_t k = 0; k < LANES; k++) {
            *least = low[p][k] < *least ? low[p][k] : *least;
            *most = high[p][k] > *most ? high[p][k] : *most;
        }
}

static bool dynamic_accepts(const c2s_step *step) {
    const c2s_type *x = c2s_step_type(step, 0);
    size_t count;
    return step->out_count == 3 && c2s_step_wants(step, 0) && c2s_type_is_tensor(x) &&
           x->dtype == C2S_FLOAT && !step->in[0]->base->narrow && c2s_type_elements(x, &count);
}

static c2s_status dynamic_run(c2s_step *step) {
    const size_t count = step->in[0]->tensor->count;
    float least, most;
    task k = {.from = c2s_tensor_data(step->in[0]->tensor),
              .to = c2s_tensor_mutable(step->out[0]->tensor)};
    range_of(k.from, count, &least, &most);
    c2s_quant_range(C2S_UINT8, &k.least, &k.most);
    k.scale = most > least ? (most - least) / 255.0f : 1.0f;
    k.zero = rintf(-least / k.scale);
    c2s_quant_saturate(C2S_UINT8, &k.zero, 1);
    if (c2s_step_wants(step, 1))
        *(float *)c2s_tensor_mutable(step->out[1]->tensor) = k.scale;
    if (c2s_step_wants(step, 2))
        *(uint8_t *)c2s_tensor_mutable(step->out[2]->tensor) = (uint8_t)k.zero;
    c2s_share(count, count >= PARALLEL_ELEMENTS, quantize_part, &k);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_dynamic_quantize = {
    .name = "dynamic_quantize",
    .accepts = dynamic_accepts,
    .run = dynamic_run,
};

/* ---- DequantizeLinear ---- */

static bool dequantize_accepts(const c2s_step *step) {
    return c2s_step_wants(step, 0) && is_plain(step, c2s_step_type(step, 0), &step->out[0]->type);
}

C2S_INLINE void dequantize_u8_loop(const uint8_t *restrict x, size_t count, float scale, float zero,
                                   float *restrict out) {
    for (size_t i = 0; i < count; i++)
        out[i] = ((float)x[i] - zero) * scale;
}
C2S_SIMD(dequantize_u8, dequantize_u8_loop,
         (const uint8_t *x, size_t count, float scale, float zero, float *out),
         (x, count, scale, zero, out))

C2S_INLINE void dequantize_s8_loop(const int8_t *restrict x, size_t count, float scale, float zero,
                                   float *restrict out) {
    for (size_t i = 0; i < count; i++)
        out[i] = ((float)x[i] - zero) * scale;
}
C2S_SIMD(dequantize_s8, dequantize_s8_loop,
         (const int8_t *x, size_t count, float scale, float zero, float *out),
         (x, count, scale, zero, out))

static void dequantize_part(const void *context, size_t from, size_t to) {
    const task *k = context;
    float *y = (float *)k->to + from;
    if (k->is_signed)
        dequantize_s8((const int8_t *)k->from + from, to - from, k->scale, k->zero, y);
    else
        dequantize_u8((const uint8_t *)k->from + from, to - from, k->scale, k->zero, y);
}

static c2s_status dequantize_run(c2s_step *step) {
    const task k = {.from = c2s_tensor_data(step->in[0]->tensor),
                    .to = c2s_tensor_mutable(step->out[0]->tensor),
                    .scale = scale_of(step),
                    .zero = zero_of(step),
                    .is_signed = c2s_step_type(step, 0)->dtype == C2S_INT8};
    const size_t count = step->out[0]->tensor->count;
    c2s_share(count, count >= PARALLEL_ELEMENTS, dequantize_part, &k);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_dequantize = {
    .name = "dequantize",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = dequantize_accepts,
    .prepare = keep_layout,
    .run = dequantize_run,
};
