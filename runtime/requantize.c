/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/requantize.h"

#include <math.h>
#include <string.h>

#include "runtime/integer_dot.h"
#include "runtime/dnnl_processor.h"

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
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

static inline AVX2 __m256 avx2_real(const c2s_requantize *q, const int32_t *sums, size_t channel) {
    __m256i sum = _mm256_add_epi32(_mm256_loadu_si256((const void *)sums),
                                   _mm256_loadu_si256((const void *)(q->bias + channel)));
    return _mm256_add_ps(
        _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(q->factor + channel)),
        _mm256_loadu_ps(q->offset + channel));
}

static inline AVX2 __m256i avx2_codes(const c2s_requantize *q, const int32_t *sums,
                                      size_t channel) {
    __m256 v = avx2_real(q, sums, channel);
    v = _mm256_max_ps(_mm256_min_ps(v, _mm256_set1_ps(q->high)), _mm256_set1_ps(q->low));
    return _mm256_add_epi32(_mm256_cvtps_epi32(v), _mm256_set1_epi32(q->zero));
}

/* 16 columns. */
static inline AVX2 void avx2_row(const c2s_requantize *q, const int32_t *sums, size_t channel,
                                 void *out) {
    __m256i low = avx2_codes(q, sums, channel), high = avx2_codes(q, sums + 8, channel + 8);
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    __m128i first = _mm256_castsi256_si128(words), second = _mm256_extracti128_si256(words, 1);
    _mm_storeu_si128(out, q->dtype == C2S_UINT8 ? _mm_packus_epi16(first, second)
                                                : _mm_packs_epi16(first, second));
}

static AVX2 void avx2_rows(const c2s_requantize *q, const int32_t *sums, size_t rows,
                           size_t channel, size_t columns, uint8_t *out, size_t stride) {
    for (size_t r = 0; r < rows; r++, sums += COLUMNS, out += stride) {
        uint8_t few[C2S_DOT_COLUMNS];
        avx2_row(q, sums, channel, columns == COLUMNS ? out : few);
        if (columns < COLUMNS)
            memcpy(out, few, columns);
    }
}

static AVX2 void avx2_real_rows(const c2s_requantize *q, const int32_t *sums, size_t rows,
                                size_t channel, float *out, size_t stride) {
    for (size_t r = 0; r < rows; r++, sums += COLUMNS, out += stride) {
        _mm256_storeu_ps(out, avx2_real(q, sums, channel));
        _mm256_storeu_ps(out + 8, avx2_real(q, sums + 8, channel + 8));
    }
}

static bool with_avx2(const c2s_requantize *q, const int32_t *sums, size_t rows, size_t channel,
                      size_t columns, void *out, size_t stride) {
    bool codes = q->dtype == C2S_UINT8 || q->dtype == C2S_INT8;
    if (!c2s_processor_has_avx2() || !(codes || (q->dtype == C2S_FLOAT && columns == COLUMNS)))
        return false;
    if (codes)
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

void c2s_requantize_row(const c2s_requantize *q, const int32_t *sums, size_t channel,
                        size_t columns, void *out) {
    size_t element = c2s_dtype_bits(q->dtype) / 8;
    for (size_t c = 0; c < columns; c += COLUMNS)
        c2s_requantize_rows(q, sums + c, 1, channel + c,
                            columns - c < COLUMNS ? columns - c : COLUMNS,
                            (char *)out + c * element, 0);
}
