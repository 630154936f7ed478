/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/requantize.h"

#include <math.h>
#include <string.h>

#include "runtime/dnnl_processor.h"
#include "runtime/integer_dot.h"
#include "runtime/requantize_codes.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

static float real_of(const c2s_requantize *q, int32_t sum, size_t channel) {
    return (float)(sum + q->bias[channel]) * q->factor[channel] + q->offset[channel];
}

static int32_t code_of(const c2s_requantize *q, int32_t sum, size_t channel) {
    float v = real_of(q, sum, channel);
    v = v < q->high ? v : q->high;
    v = v > q->low ? v : q->low;
    return (int32_t)rintf(v) + q->zero;
}

void c2s_requantize_settle(c2s_requantize *q, size_t channels, int64_t most) {
    q->direct = q->dtype == C2S_UINT8 || q->dtype == C2S_INT8;
    for (size_t c = 0; c < channels; c++)
        q->direct &= q->offset[c] == 0 && fabsf(q->factor[c]) * (float)most < 0x1p30f;
}

static void plain_row(const c2s_requantize *q, const int32_t *sums, size_t channel, size_t columns,
                      void *out) {
    switch (q->dtype) {
    case C2S_UINT8:
        for (size_t c = 0; c < columns; c++)
            ((uint8_t *)out)[c] = (uint8_t)code_of(q, sums[c], channel + c);
        return;
    case C2S_INT8:
        for (size_t c = 0; c < columns; c++)
            ((int8_t *)out)[c] = (int8_t)code_of(q, sums[c], channel + c);
        return;
    case C2S_FLOAT:
        for (size_t c = 0; c < columns; c++)
            ((float *)out)[c] = real_of(q, sums[c], channel + c);
        return;
    default:
        memcpy(out, sums, columns * sizeof *sums);
    }
}

#if defined(__x86_64__)

C2S_AVX2_INLINE __m256i biased(const c2s_channels *c, int h, const int32_t *sums) {
    return _mm256_add_epi32(_mm256_loadu_si256((const void *)(sums + 8 * h)), c->bias[h]);
}

C2S_AVX2_INLINE __m256 avx2_real(const c2s_channels *c, int h, const int32_t *sums) {
    return _mm256_add_ps(channels_scale(c, h, biased(c, h, sums)), c->offset[h]);
}

/* 8 results as integers. Those that are not clamped here are when they become codes. */
C2S_AVX2_INLINE __m256i rounded(const c2s_channels *c, const c2s_clamp *to, int h,
                                const int32_t *sums, bool direct) {
    if (direct)
        return _mm256_cvtps_epi32(channels_scale(c, h, biased(c, h, sums)));
    return _mm256_cvtps_epi32(
        _mm256_max_ps(_mm256_min_ps(avx2_real(c, h, sums), to->high), to->low));
}

/* Codes of 2 x 16 results. */
C2S_AVX2_INLINE __m256i codes(const c2s_channels *c, const c2s_clamp *to, const int32_t *first,
                              const int32_t *second, bool direct) {
    __m256i results[2][2] = {
        {rounded(c, to, 0, first, direct), rounded(c, to, 1, first, direct)},
        {rounded(c, to, 0, second, direct), rounded(c, to, 1, second, direct)}};
    return clamp_codes(to, results);
}

C2S_AVX2_INLINE void rows_loop(const c2s_requantize *q, const int32_t *sums, size_t rows,
                               size_t channel, size_t columns, uint8_t *out, size_t stride,
                               bool direct) {
    const c2s_channels c = channels_load(q, channel);
    const c2s_clamp to = clamp_of(q);
    for (size_t r = 0; r < rows; r += 2, sums += 2 * COLUMNS, out += 2 * stride) {
        const bool both = r + 1 < rows;
        const __m256i two = codes(&c, &to, sums, both ? sums + COLUMNS : sums, direct);
        codes_store(_mm256_castsi256_si128(two), columns, out);
        if (both)
            codes_store(_mm256_extracti128_si256(two, 1), columns, out + stride);
    }
}

static C2S_AVX2 void avx2_rows(const c2s_requantize *q, const int32_t *sums, size_t rows,
                               size_t channel, size_t columns, uint8_t *out, size_t stride) {
    if (q->direct)
        rows_loop(q, sums, rows, channel, columns, out, stride, true);
    else
        rows_loop(q, sums, rows, channel, columns, out, stride, false);
}

static C2S_AVX2 void avx2_real_rows(const c2s_requantize *q, const int32_t *sums, size_t rows,
                                    size_t channel, float *out, size_t stride) {
    const c2s_channels c = channels_load(q, channel);
    for (size_t r = 0; r < rows; r++, sums += COLUMNS, out += stride)
        for (int h = 0; h < 2; h++)
            _mm256_storeu_ps(out + 8 * h, avx2_real(&c, h, sums));
}

static bool is_code(c2s_dtype dtype) {
    return dtype == C2S_UINT8 || dtype == C2S_INT8;
}

static bool with_avx2(const c2s_requantize *q, const int32_t *sums, size_t rows, size_t channel,
                      size_t columns, void *out, size_t stride) {
    if (!c2s_processor_has_avx2() ||
        !(is_code(q->dtype) || (q->dtype == C2S_FLOAT && columns == COLUMNS)))
        return false;
    if (is_code(q->dtype))
        avx2_rows(q, sums, rows, channel, columns, out, stride);
    else
        avx2_real_rows(q, sums, rows, channel, out, stride);
    return true;
}
#else
#define with_avx2(...) false
#endif

void c2s_requantize_rows(const c2s_requantize *q, const int32_t *sums, size_t rows, size_t channel,
                         size_t columns, void *out, size_t stride) {
    if (with_avx2(q, sums, rows, channel, columns, out, stride))
        return;
    size_t element = c2s_dtype_bits(q->dtype) / 8;
    for (size_t r = 0; r < rows; r++)
        plain_row(q, sums + r * COLUMNS, channel, columns, (char *)out + r * stride * element);
}
