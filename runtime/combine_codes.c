/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/combine_codes.h"

#include <math.h>
#include <string.h>

#include "runtime/dnnl_processor.h"
#include "runtime/requantize_codes.h"

/* ---- plain ---- */

static float distance(const c2s_coded_operand *x, uint8_t code) {
    return (float)((x->is_signed ? (int8_t)code : code) - x->zero);
}

static void plain_codes(const c2s_combination *c, const uint8_t *a, const uint8_t *b, size_t count,
                        uint8_t *out) {
    for (size_t i = 0; i < count; i++) {
        const float x = distance(&c->x[0], a[i]), y = distance(&c->x[1], b[i]);
        float v = c->multiplies ? x * y * c->x[0].factor : x * c->x[0].factor + y * c->x[1].factor;
        v = v < c->high ? v : c->high;
        v = v > c->low ? v : c->low;
        out[i] = (uint8_t)((int)rintf(v) + c->zero);
    }
}

/* ---- AVX2 ---- */

#if defined(__x86_64__)

enum { CODES = 32 };

/* Signed codes are taken as unsigned ones with another sign. */
typedef struct operand {
    __m256i flip;
    __m256 zero, factor;
} operand;

C2S_AVX2_INLINE operand operand_of(const c2s_coded_operand *x) {
    const int flip = x->is_signed ? 128 : 0;
    return (operand){_mm256_set1_epi8((char)flip), _mm256_set1_ps((float)(x->zero + flip)),
                     _mm256_set1_ps(x->factor)};
}

C2S_AVX2_INLINE __m256 distance_of(const operand *x, __m256i code) {
    return _mm256_sub_ps(_mm256_cvtepi32_ps(code), x->zero);
}

/* Distances from the zero point, in the order of unpacking: clamp_codes packs them like that. */
C2S_AVX2_INLINE void load_distances(const operand *x, const uint8_t *from, __m256 out[2][2]) {
    const __m256i none = _mm256_setzero_si256(),
                  codes = _mm256_xor_si256(_mm256_loadu_si256((const void *)from), x->flip),
                  half[2] = {_mm256_unpacklo_epi8(codes, none), _mm256_unpackhi_epi8(codes, none)};
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++) {
        out[i][0] = distance_of(x, _mm256_unpacklo_epi16(half[i], none));
        out[i][1] = distance_of(x, _mm256_unpackhi_epi16(half[i], none));
    }
}

C2S_AVX2_INLINE void combine_block(const operand x[2], const c2s_clamp *to, bool multiplies,
                                   const uint8_t *a, const uint8_t *b, uint8_t *out) {
    __m256 v[2][2], w[2][2];
    __m256i rounded[2][2];
    load_distances(&x[0], a, v);
    load_distances(&x[1], b, w);
    _Pragma("GCC unroll 4") for (int k = 0; k < 4; k++) {
        const __m256 one = v[k / 2][k % 2], other = w[k / 2][k % 2];
        rounded[k / 2][k % 2] =
            _mm256_cvtps_epi32(multiplies ? _mm256_mul_ps(_mm256_mul_ps(one, other), x[0].factor)
                                          : _mm256_add_ps(_mm256_mul_ps(one, x[0].factor),
                                                          _mm256_mul_ps(other, x[1].factor)));
    }
    _mm256_storeu_si256((void *)out, clamp_codes(to, rounded));
}

C2S_AVX2_INLINE void combine_loop(const c2s_combination *c, bool multiplies, const uint8_t *a,
                                  const uint8_t *b, size_t count, uint8_t *out) {
    const operand x[2] = {operand_of(&c->x[0]), operand_of(&c->x[1])};
    c2s_clamp to = clamp_of(
        &(c2s_requantize){.dtype = c->dtype, .low = c->low, .high = c->high, .zero = c->zero});
    size_t i = 0;
    to.order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (; i + CODES <= count; i += CODES)
        combine_block(x, &to, multiplies, a + i, b + i, out + i);
    if (i < count) {
        uint8_t rest[2][CODES] = {0};
        memcpy(rest[0], a + i, count - i);
        memcpy(rest[1], b + i, count - i);
        combine_block(x, &to, multiplies, rest[0], rest[1], rest[0]);
        memcpy(out + i, rest[0], count - i);
    }
}

static C2S_AVX2 void avx2_codes(const c2s_combination *c, const uint8_t *a, const uint8_t *b,
                                size_t count, uint8_t *out) {
    if (c->multiplies)
        combine_loop(c, true, a, b, count, out);
    else
        combine_loop(c, false, a, b, count, out);
}

/* Results that are clamped as integers must be such before. */
static bool with_avx2(const c2s_combination *c) {
    const float most = c->multiplies ? 255 * 255 * fabsf(c->x[0].factor)
                                     : 255 * (fabsf(c->x[0].factor) + fabsf(c->x[1].factor));
    return most < 0x1p30f && c2s_processor_has_avx2();
}
#endif

void c2s_combine_codes(const c2s_combination *c, const void *a, const void *b, size_t count,
                       void *out) {
#if defined(__x86_64__)
    if (with_avx2(c)) {
        avx2_codes(c, a, b, count, out);
        return;
    }
#endif
    plain_codes(c, a, b, count, out);
}
