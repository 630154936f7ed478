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

/* The numbers of 8 channels, in registers for all rows. */
typedef struct channels {
    __m256i bias;
    __m256 factor, offset;
} channels;

static inline AVX2 channels load_channels(const c2s_requantize *q, size_t channel) {
    return (channels){_mm256_loadu_si256((const void *)(q->bias + channel)),
                      _mm256_loadu_ps(q->factor + channel), _mm256_loadu_ps(q->offset + channel)};
}

static inline AVX2 __m256 avx2_real(const channels *c, const int32_t *sums) {
    __m256i sum = _mm256_add_epi32(_mm256_loadu_si256((const void *)sums), c->bias);
    return _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), c->factor), c->offset);
}

typedef struct clamp {
    __m256 low, high;
    __m256i zero;
} clamp;

static inline AVX2 __m256i avx2_codes(const channels *c, const clamp *to, const int32_t *sums) {
    __m256 v = _mm256_max_ps(_mm256_min_ps(avx2_real(c, sums), to->high), to->low);
    return _mm256_add_epi32(_mm256_cvtps_epi32(v), to->zero);
}

/* 16 columns of 16 bits, in order. */
static inline AVX2 __m256i avx2_row(const channels *low, const channels *high, const clamp *to,
                                    const int32_t *sums) {
    __m256i words = _mm256_packs_epi32(avx2_codes(low, to, sums), avx2_codes(high, to, sums + 8));
    return _mm256_permute4x64_epi64(words, 0xd8);
}

static AVX2 void avx2_rows(const c2s_requantize *q, const int32_t *sums, size_t rows,
                           size_t channel, size_t columns, uint8_t *out, size_t stride) {
    const channels low = load_channels(q, channel), high = load_channels(q, channel + 8);
    const clamp to = {_mm256_set1_ps(q->low), _mm256_set1_ps(q->high), _mm256_set1_epi32(q->zero)};
    const bool is_signed = q->dtype == C2S_INT8;
    for (size_t r = 0; r < rows; r++, sums += COLUMNS, out += stride) {
        const __m256i words = avx2_row(&low, &high, &to, sums);
        const __m128i first = _mm256_castsi256_si128(words),
                      second = _mm256_extracti128_si256(words, 1),
                      bytes = is_signed ? _mm_packs_epi16(first, second)
                                        : _mm_packus_epi16(first, second);
        if (columns == COLUMNS) {
            _mm_storeu_si128((void *)out, bytes);
            continue;
        }
        uint8_t few[C2S_DOT_COLUMNS];
        _mm_storeu_si128((void *)few, bytes);
        memcpy(out, few, columns);
    }
}

static AVX2 void avx2_real_rows(const c2s_requantize *q, const int32_t *sums, size_t rows,
                                size_t channel, float *out, size_t stride) {
    const channels low = load_channels(q, channel), high = load_channels(q, channel + 8);
    for (size_t r = 0; r < rows; r++, sums += COLUMNS, out += stride) {
        _mm256_storeu_ps(out, avx2_real(&low, sums));
        _mm256_storeu_ps(out + 8, avx2_real(&high, sums + 8));
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
