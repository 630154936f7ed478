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
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

#define AVX2_INLINE static inline __attribute__((always_inline, target("avx2")))

/* The numbers of 16 channels, in registers for all rows. */
typedef struct channels {
    __m256i bias[2];
    __m256 factor[2], offset[2];
} channels;

AVX2_INLINE channels load_channels(const c2s_requantize *q, size_t channel) {
    channels c;
    for (int h = 0; h < 2; h++) {
        c.bias[h] = _mm256_loadu_si256((const void *)(q->bias + channel + 8 * h));
        c.factor[h] = _mm256_loadu_ps(q->factor + channel + 8 * h);
        c.offset[h] = _mm256_loadu_ps(q->offset + channel + 8 * h);
    }
    return c;
}

AVX2_INLINE __m256 scaled(const channels *c, int h, const int32_t *sums) {
    __m256i sum = _mm256_loadu_si256((const void *)(sums + 8 * h));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(sum, c->bias[h])), c->factor[h]);
}

AVX2_INLINE __m256 avx2_real(const channels *c, int h, const int32_t *sums) {
    return _mm256_add_ps(scaled(c, h, sums), c->offset[h]);
}

/* The bounds as floats, for results of any size, and as codes. */
typedef struct clamp {
    __m256 low, high;
    __m256i least, most, zero;
} clamp;

AVX2_INLINE clamp clamp_of(const c2s_requantize *q) {
    return (clamp){_mm256_set1_ps(q->low), _mm256_set1_ps(q->high),
                   _mm256_set1_epi8((char)((int32_t)q->low + q->zero)),
                   _mm256_set1_epi8((char)((int32_t)q->high + q->zero)),
                   _mm256_set1_epi16((int16_t)q->zero)};
}

/* 8 results as integers. Those that are not clamped here are when they become codes. */
AVX2_INLINE __m256i rounded(const channels *c, const clamp *to, int h, const int32_t *sums,
                            bool direct) {
    if (direct)
        return _mm256_cvtps_epi32(scaled(c, h, sums));
    return _mm256_cvtps_epi32(
        _mm256_max_ps(_mm256_min_ps(avx2_real(c, h, sums), to->high), to->low));
}

/* Codes of 2 x 16 results in order, with numbers of channels `a` and `b`. */
AVX2_INLINE __m256i codes(const channels *a, const channels *b, const clamp *to,
                          const int32_t *first, const int32_t *second, bool is_signed,
                          bool direct) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i x = _mm256_packs_epi32(rounded(a, to, 0, first, direct),
                                   rounded(a, to, 1, first, direct)),
            y = _mm256_packs_epi32(rounded(b, to, 0, second, direct),
                                   rounded(b, to, 1, second, direct));
    x = _mm256_adds_epi16(x, to->zero);
    y = _mm256_adds_epi16(y, to->zero);
    __m256i bytes = is_signed ? _mm256_packs_epi16(x, y) : _mm256_packus_epi16(x, y);
    bytes = is_signed ? _mm256_max_epi8(bytes, to->least) : _mm256_max_epu8(bytes, to->least);
    bytes = is_signed ? _mm256_min_epi8(bytes, to->most) : _mm256_min_epu8(bytes, to->most);
    return _mm256_permutevar8x32_epi32(bytes, order);
}

AVX2_INLINE void store_codes(__m128i bytes, size_t columns, uint8_t *out) {
    if (columns == COLUMNS) {
        _mm_storeu_si128((void *)out, bytes);
    } else if (columns == COLUMNS / 2) {
        _mm_storel_epi64((void *)out, bytes);
    } else {
        uint8_t few[C2S_DOT_COLUMNS];
        _mm_storeu_si128((void *)few, bytes);
        memcpy(out, few, columns);
    }
}

AVX2_INLINE void rows_loop(const c2s_requantize *q, const int32_t *sums, size_t rows,
                           size_t channel, size_t columns, uint8_t *out, size_t stride,
                           bool is_signed, bool direct) {
    const channels c = load_channels(q, channel);
    const clamp to = clamp_of(q);
    for (size_t r = 0; r < rows; r += 2, sums += 2 * COLUMNS, out += 2 * stride) {
        const bool both = r + 1 < rows;
        const __m256i bytes =
            codes(&c, &c, &to, sums, both ? sums + COLUMNS : sums, is_signed, direct);
        store_codes(_mm256_castsi256_si128(bytes), columns, out);
        if (both)
            store_codes(_mm256_extracti128_si256(bytes, 1), columns, out + stride);
    }
}

/* With constants for what the loops depend on. */
static AVX2 void avx2_rows(const c2s_requantize *q, const int32_t *sums, size_t rows,
                           size_t channel, size_t columns, uint8_t *out, size_t stride) {
    if (q->dtype == C2S_UINT8 && q->direct)
        rows_loop(q, sums, rows, channel, columns, out, stride, false, true);
    else if (q->dtype == C2S_UINT8)
        rows_loop(q, sums, rows, channel, columns, out, stride, false, false);
    else if (q->direct)
        rows_loop(q, sums, rows, channel, columns, out, stride, true, true);
    else
        rows_loop(q, sums, rows, channel, columns, out, stride, true, false);
}

AVX2_INLINE void row_loop(const c2s_requantize *q, const int32_t *sums, size_t channel,
                          size_t columns, uint8_t *out, bool is_signed, bool direct) {
    const clamp to = clamp_of(q);
    for (; columns > COLUMNS; sums += 2 * COLUMNS, channel += 2 * COLUMNS, out += 2 * COLUMNS) {
        const size_t rest = columns - COLUMNS, second = rest < COLUMNS ? rest : COLUMNS;
        const channels a = load_channels(q, channel), b = load_channels(q, channel + COLUMNS);
        const __m256i bytes = codes(&a, &b, &to, sums, sums + COLUMNS, is_signed, direct);
        _mm_storeu_si128((void *)out, _mm256_castsi256_si128(bytes));
        store_codes(_mm256_extracti128_si256(bytes, 1), second, out + COLUMNS);
        columns = rest - second;
    }
    if (columns > 0)
        rows_loop(q, sums, 1, channel, columns, out, 0, is_signed, direct);
}

static AVX2 void avx2_row(const c2s_requantize *q, const int32_t *sums, size_t channel,
                          size_t columns, uint8_t *out) {
    if (q->dtype == C2S_UINT8 && q->direct)
        row_loop(q, sums, channel, columns, out, false, true);
    else if (q->dtype == C2S_UINT8)
        row_loop(q, sums, channel, columns, out, false, false);
    else if (q->direct)
        row_loop(q, sums, channel, columns, out, true, true);
    else
        row_loop(q, sums, channel, columns, out, true, false);
}

static AVX2 void avx2_real_rows(const c2s_requantize *q, const int32_t *sums, size_t rows,
                                size_t channel, float *out, size_t stride) {
    const channels c = load_channels(q, channel);
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

static bool row_with_avx2(const c2s_requantize *q, const int32_t *sums, size_t channel,
                          size_t columns, void *out) {
    if (!c2s_processor_has_avx2() || !is_code(q->dtype))
        return false;
    avx2_row(q, sums, channel, columns, out);
    return true;
}
#else
#define with_avx2(...)     false
#define row_with_avx2(...) false
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
    if (!row_with_avx2(q, sums, channel, columns, out))
        plain_row(q, sums, channel, columns, out);
}
