/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/code_grid.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "base/simd.h"
#include "ir/convert.h"
#include "ops/quant_range.h"

enum { LANES = 8, CHUNK = 256 };

c2s_status c2s_code_grid_of(c2s_dtype dtype, c2s_dtype scale_dtype, bool symmetric, bool narrow,
                            c2s_code_grid *out) {
    const bool whole = c2s_dtype_is_integer(dtype), coarse = dtype == C2S_FLOAT8E8M0;
    const unsigned bits = c2s_dtype_bits(dtype);
    if ((!whole && !c2s_dtype_is_float(dtype)) || coarse || bits > (whole ? 16u : 8u))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "weights as %s", c2s_dtype_name(dtype));
    if (scale_dtype != C2S_FLOAT && scale_dtype != C2S_FLOAT16 && scale_dtype != C2S_BFLOAT16)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "scales of %s", c2s_dtype_name(scale_dtype));
    *out = (c2s_code_grid){dtype, scale_dtype, whole, symmetric || !whole, 0, 0, 0};
    if (whole) {
        c2s_quant_range(dtype, &out->least, &out->most);
        out->middle = c2s_dtype_is_signed(dtype) ? 0 : ldexpf(1, (int)bits - 1);
        out->least += narrow && (symmetric || c2s_dtype_is_signed(dtype)) ? 1 : 0;
    } else { /* infinity saturates to the greatest */
        const float infinite = INFINITY;
        uint8_t code;
        c2s_store_f8(dtype, &code, 1, &infinite, true);
        out->most = c2s_f8_to_f32(dtype, code);
        out->least = -out->most;
    }
    return C2S_OK;
}

/* ---- rounding ---- */

C2S_INLINE void round_whole_loop(const float *restrict w, size_t n, float scale, float zero,
                                 float least, float most, float *restrict codes) {
    for (size_t i = 0; i < n; i++) {
        float q = rintf(w[i] / scale) + zero;
        q = q >= least ? q : least;
        codes[i] = q <= most ? q : most;
    }
}
C2S_SIMD(round_whole, round_whole_loop,
         (const float *w, size_t n, float scale, float zero, float least, float most, float *codes),
         (w, n, scale, zero, least, most, codes))

static void round_small_floats(c2s_dtype dtype, const float *w, size_t n, float scale,
                               float *codes) {
    uint8_t bits[CHUNK];
    for (size_t at = 0; at < n; at += CHUNK) {
        const size_t count = n - at < CHUNK ? n - at : CHUNK;
        for (size_t i = 0; i < count; i++)
            codes[at + i] = w[at + i] / scale;
        c2s_store_f8(dtype, bits, count, codes + at, true);
        for (size_t i = 0; i < count; i++)
            codes[at + i] = c2s_f8_to_f32(dtype, bits[i]);
    }
}

void c2s_code_grid_round(const c2s_code_grid *grid, c2s_affine a, const float *weights, size_t n,
                         float *codes) {
    if (grid->whole)
        round_whole(weights, n, a.scale, a.zero, grid->least, grid->most, codes);
    else
        round_small_floats(grid->dtype, weights, n, a.scale, codes);
}

/* ---- error ---- */

/* In double, since squares of tiny and huge weights have no place in float. The lanes are summed in
 * an order that does not depend on the width of vectors. */
C2S_INLINE void error_loop(const float *restrict w, const float *restrict codes,
                           const float *restrict importance, size_t n, float scale, float zero,
                           double *sum) {
    double lane[LANES] = {0};
    size_t at = 0;
    for (; at + LANES <= n; at += LANES)
        for (size_t i = 0; i < LANES; i++) {
            const double d = (double)(w[at + i] - (codes[at + i] - zero) * scale);
            lane[i] += importance ? (double)importance[at + i] * (d * d) : d * d;
        }
    for (; at < n; at++) {
        const double d = (double)(w[at] - (codes[at] - zero) * scale);
        lane[at % LANES] += importance ? (double)importance[at] * (d * d) : d * d;
    }
    for (size_t i = 0; i < LANES; i++)
        *sum += lane[i];
}
C2S_SIMD(add_error, error_loop,
         (const float *w, const float *codes, const float *importance, size_t n, float scale,
          float zero, double *sum),
         (w, codes, importance, n, scale, zero, sum))

/* Of all weights, unless it is `limit` or more before that. */
static double error_up_to(const c2s_code_grid *grid, c2s_affine a, const float *weights,
                          const float *importance, size_t n, double limit) {
    float codes[CHUNK];
    double sum = 0;
    for (size_t at = 0; at < n && sum < limit; at += CHUNK) {
        const size_t count = n - at < CHUNK ? n - at : CHUNK;
        c2s_code_grid_round(grid, a, weights + at, count, codes);
        add_error(weights + at, codes, importance ? importance + at : NULL, count, a.scale, a.zero,
                  &sum);
    }
    return sum;
}

double c2s_code_grid_error(const c2s_code_grid *grid, c2s_affine a, const float *weights,
                           const float *importance, size_t n) {
    return error_up_to(grid, a, weights, importance, n, INFINITY);
}

/* ---- scales ---- */

float c2s_code_grid_scale(const c2s_code_grid *grid, double scale) {
    float value = (float)fmin(scale, FLT_MAX);
    if (grid->scale_dtype == C2S_FLOAT16)
        return fmaxf(c2s_f16_to_f32(c2s_f32_to_f16(fminf(value, 65504))), 0x1p-24f);
    if (grid->scale_dtype == C2S_BFLOAT16)
        value = c2s_bf16_to_f32(c2s_f32_to_bf16(fminf(value, 0x1.fep127f)));
    return fmaxf(value, FLT_MIN);
}

/* The grid spread over [low, high], low <= 0 <= high, which are not both 0. */
static c2s_affine spread(const c2s_code_grid *grid, double low, double high) {
    c2s_affine a = {0, grid->middle};
    if (grid->symmetric) {
        a.scale = c2s_code_grid_scale(grid, fmax(-low, high) /
                                                ((double)grid->most - (double)grid->middle));
        return a;
    }
    a.scale = c2s_code_grid_scale(grid, (high - low) / ((double)grid->most - (double)grid->least));
    const double zero = nearbyint((double)grid->least - low / (double)a.scale);
    a.zero = (float)fmin(fmax(zero, (double)grid->least), (double)grid->most);
    return a;
}

/* A search for the least error: what is best so far. */
typedef struct search {
    const c2s_code_grid *grid;
    const float *weights, *importance;
    size_t n;
    c2s_affine best;
    double error;
} search;

static bool try_affine(search *s, c2s_affine a) {
    const double error = error_up_to(s->grid, a, s->weights, s->importance, s->n, s->error);
    if (!(error < s->error))
        return false;
    s->error = error;
    s->best = a;
    return true;
}

/* With the codes as they are now, the scale of least error has a closed form. */
static bool refit_scale(search *s) {
    float codes[CHUNK];
    double above = 0, below = 0;
    for (size_t at = 0; at < s->n; at += CHUNK) {
        const size_t count = s->n - at < CHUNK ? s->n - at : CHUNK;
        c2s_code_grid_round(s->grid, s->best, s->weights + at, count, codes);
        for (size_t i = 0; i < count; i++) {
            const double level = (double)codes[i] - (double)s->best.zero;
            const double by = s->importance ? (double)s->importance[at + i] * level : level;
            above += by * (double)s->weights[at + i];
            below += by * level;
        }
    }
    if (!(above > 0 && below > 0))
        return false;
    return try_affine(s, (c2s_affine){c2s_code_grid_scale(s->grid, above / below), s->best.zero});
}

/* From the whole range down to a fifth of it, then closer around the best, each end by itself. */
static void search_scale(search *s, double low, double high) {
    enum { STEPS = 32 };
    double factor = 1;
    for (int k = 1; k <= STEPS; k++) {
        const double f = 1 - 0.025 * k;
        if (try_affine(s, spread(s->grid, low * f, high * f)))
            factor = f;
    }
    low *= factor;
    high *= factor;
    for (double step = 0.05; step > 0.005; step /= 2) {
        for (int k = 0; k < 4; k++) {
            const double f = 1 + (k % 2 ? step : -step);
            const bool at_low = s->grid->symmetric || k >= 2, at_high = s->grid->symmetric || k < 2;
            const double l = at_low ? low * f : low, h = at_high ? high * f : high;
            if (try_affine(s, spread(s->grid, l, h))) {
                low = l;
                high = h;
            }
        }
    }
    for (int k = 0; k < 3 && refit_scale(s); k++) {
    }
}

c2s_affine c2s_code_grid_choose(const c2s_code_grid *grid, c2s_scale_method method,
                                const float *weights, const float *importance, size_t n) {
    float low = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = weights[i] < low ? weights[i] : low;
        high = weights[i] > high ? weights[i] : high;
    }
    if (low == 0 && high == 0)
        return (c2s_affine){0, grid->middle};
    search s = {grid, weights, importance, n, spread(grid, (double)low, (double)high), 0};
    if (method == C2S_SCALE_MAX)
        return s.best;
    s.error = c2s_code_grid_error(grid, s.best, weights, importance, n);
    search_scale(&s, (double)low, (double)high);
    return s.best;
}
