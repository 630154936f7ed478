/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/code_scale.h"

#include <float.h>
#include <math.h>

#include "ir/convert.h"
#include "ops/quant_range.h"

c2s_span c2s_span_join(c2s_span a, c2s_span b) {
    return (c2s_span){fminf(a.low, b.low), fmaxf(a.high, b.high)};
}

c2s_span c2s_span_of(const c2s_tensor *tensor) {
    c2s_span span = C2S_SPAN_NONE;
    for (size_t i = 0; i < tensor->count; i++) {
        const float x = (float)c2s_tensor_f64_at(tensor, i);
        if (!isnan(x))
            span = c2s_span_join(span, (c2s_span){x, x});
    }
    return span;
}

/* With these neither quotients nor products leave the normal floats. */
static float usual(double scale) {
    return (float)fmin(fmax(scale, 1e-30), 1e30);
}

static c2s_code_scale symmetric_scale(c2s_span span, c2s_dtype dtype, float least, float most) {
    const float middle = c2s_dtype_is_signed(dtype) ? 0 : (least + most + 1) / 2;
    const double reach = (double)fmaxf(-span.low, span.high);
    return (c2s_code_scale){usual(reach / (double)(most - middle)), (int64_t)middle};
}

static c2s_code_scale affine_scale(c2s_span span, float least, float most) {
    const double scale = ((double)span.high - (double)span.low) / (double)(most - least);
    const float s = usual(scale);
    const double zero = rint((double)least - (double)span.low / (double)s);
    return (c2s_code_scale){s, (int64_t)fmin(fmax(zero, (double)least), (double)most)};
}

c2s_code_scale c2s_code_scale_of_range(c2s_span range, c2s_dtype dtype) {
    float least, most;
    c2s_quant_range(dtype, &least, &most);
    const double scale = ((double)range.high - (double)range.low) / 0x1p16;
    return (c2s_code_scale){usual(scale), (int64_t)rint((double)least - (double)range.low / scale)};
}

/* What the outermost codes stand for, computed as runtimes do, stays inside of the bounds. */
static void fit(c2s_code_scale *c, float least, float most, const c2s_span *within) {
    const float below = least - (float)c->zero, above = most - (float)c->zero;
    if (below < 0 && within->low < 0 && isfinite(within->low))
        c->scale = fminf(c->scale, within->low / below);
    if (above > 0 && within->high > 0 && isfinite(within->high))
        c->scale = fminf(c->scale, within->high / above);
    while ((below < 0 && within->low < 0 && below * c->scale < within->low) ||
           (above > 0 && within->high > 0 && above * c->scale > within->high))
        c->scale = nextafterf(c->scale, 0);
}

/* The greatest number is the greatest code, infinities saturate to that. */
static c2s_code_scale small_float_scale(c2s_span span, c2s_dtype dtype) {
    const float infinite = INFINITY;
    uint8_t code;
    c2s_store_f8(dtype, &code, 1, &infinite, true);
    const double reach = fmax(-(double)span.low, (double)span.high);
    return (c2s_code_scale){
        usual(fmin(reach > 0 ? reach : 1, (double)FLT_MAX) / (double)c2s_f8_to_f32(dtype, code)),
        0};
}

c2s_code_scale c2s_code_scale_choose(c2s_span span, c2s_dtype dtype, bool symmetric,
                                     double least_range, const c2s_span *within) {
    float least, most;
    if (c2s_dtype_is_float(dtype))
        return small_float_scale(span, dtype);
    c2s_quant_range(dtype, &least, &most);
    if (within)
        span = (c2s_span){fmaxf(span.low, within->low), fminf(span.high, within->high)};
    span = c2s_span_join((c2s_span){0, 0}, span);
    span.low = fmaxf(span.low, -FLT_MAX);
    span.high = fminf(span.high, FLT_MAX);
    const bool one_sided = within && (within->low >= 0 || within->high <= 0);
    const double range = (double)span.high - (double)span.low;
    if (range < least_range)
        *(within && within->high <= 0 ? &span.low : &span.high) +=
            (float)(within && within->high <= 0 ? range - least_range : least_range - range);
    if (span.low == 0 && span.high == 0) /* nothing but zeros: any scale serves */
        *(within && within->high <= 0 ? &span.low : &span.high) =
            within && within->high <= 0 ? -1 : 1;
    c2s_code_scale c = symmetric && !one_sided ? symmetric_scale(span, dtype, least, most)
                                               : affine_scale(span, least, most);
    /* With 0 in the middle both ends cannot be at bounds that are not equally far from it. */
    if (within && (!symmetric || one_sided || within->low == -within->high))
        fit(&c, least, most, within);
    return c;
}
