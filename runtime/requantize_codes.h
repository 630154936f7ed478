/* SPDX-License-Identifier: Apache-2.0
 *
 * Requantization of 2 x 16 sums in registers of AVX2, for functions compiled for it.
 */
#ifndef C2S_RUNTIME_REQUANTIZE_CODES_H
#define C2S_RUNTIME_REQUANTIZE_CODES_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "runtime/integer_dot.h"
#include "runtime/requantize.h"

#define C2S_AVX2        __attribute__((target("avx2")))
#define C2S_AVX2_INLINE static inline __attribute__((always_inline, target("avx2")))

/* The numbers of 16 channels. */
typedef struct c2s_channels {
    __m256i bias[2];
    __m256 factor[2], offset[2];
} c2s_channels;

C2S_AVX2_INLINE c2s_channels channels_load(const c2s_requantize *q, size_t channel) {
    c2s_channels c;
    for (int h = 0; h < 2; h++) {
        c.bias[h] = _mm256_loadu_si256((const void *)(q->bias + channel + 8 * h));
        c.factor[h] = _mm256_loadu_ps(q->factor + channel + 8 * h);
        c.offset[h] = _mm256_loadu_ps(q->offset + channel + 8 * h);
    }
    return c;
}

/* Sums with their bias, as numbers without an offset. */
C2S_AVX2_INLINE __m256 channels_scale(const c2s_channels *c, int h, __m256i sum) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(sum), c->factor[h]);
}

/* Bounds as floats, for results of any size, and as codes. Signed codes are handled as unsigned
 * ones with another sign. */
typedef struct c2s_clamp {
    __m256 low, high;
    __m256i least, most, zero, flip;
    __m256i order; /* of quadruples of codes */
} c2s_clamp;

C2S_AVX2_INLINE c2s_clamp clamp_of(const c2s_requantize *q) {
    const int flip = q->dtype == C2S_INT8 ? 128 : 0, zero = q->zero + flip;
    return (c2s_clamp){_mm256_set1_ps(q->low),
                       _mm256_set1_ps(q->high),
                       _mm256_set1_epi8((char)((int)q->low + zero)),
                       _mm256_set1_epi8((char)((int)q->high + zero)),
                       _mm256_set1_epi16((int16_t)zero),
                       _mm256_set1_epi8((char)flip),
                       _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)};
}

/* Codes of 2 x 16 results, which are rounded and less than 2^31 in magnitude. */
C2S_AVX2_INLINE __m256i clamp_codes(const c2s_clamp *to, __m256i rounded[2][2]) {
    const __m256i x = _mm256_adds_epi16(_mm256_packs_epi32(rounded[0][0], rounded[0][1]), to->zero),
                  y = _mm256_adds_epi16(_mm256_packs_epi32(rounded[1][0], rounded[1][1]), to->zero);
    __m256i codes = _mm256_max_epu8(_mm256_packus_epi16(x, y), to->least);
    codes = _mm256_xor_si256(_mm256_min_epu8(codes, to->most), to->flip);
    return _mm256_permutevar8x32_epi32(codes, to->order);
}

C2S_AVX2_INLINE void codes_store(__m128i codes, size_t columns, uint8_t *out) {
    if (columns == C2S_DOT_COLUMNS) {
        _mm_storeu_si128((void *)out, codes);
    } else if (columns == C2S_DOT_COLUMNS / 2) {
        _mm_storel_epi64((void *)out, codes);
    } else {
        uint8_t few[C2S_DOT_COLUMNS];
        _mm_storeu_si128((void *)few, codes);
        memcpy(out, few, columns);
    }
}

#endif
#endif
