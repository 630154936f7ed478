/* SPDX-License-Identifier: Apache-2.0
 *
 * Eight floats at a time, with fused multiplication and addition. Functions that use this are
 * marked C2S_V8, those inlined into them C2S_V8_INLINE; they run where c2s_processor_has_fma() says
 * so. NaN comes out of every function here into which it goes.
 */
#ifndef C2S_RUNTIME_VECTOR_H
#define C2S_RUNTIME_VECTOR_H

#include <stdint.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define C2S_V8        __attribute__((target("avx2,fma")))
#define C2S_V8_INLINE static inline __attribute__((always_inline, target("avx2,fma")))

typedef __m256 c2s_v8;

C2S_V8_INLINE c2s_v8 v8_set(float x) {
    return _mm256_set1_ps(x);
}
C2S_V8_INLINE c2s_v8 v8_load(const float *p) {
    return _mm256_loadu_ps(p);
}
C2S_V8_INLINE void v8_store(float *p, c2s_v8 x) {
    _mm256_storeu_ps(p, x);
}
/* a * b + c */
C2S_V8_INLINE c2s_v8 v8_fma(c2s_v8 a, c2s_v8 b, c2s_v8 c) {
    return _mm256_fmadd_ps(a, b, c);
}
/* Of NaN in `x`: NaN; of NaN in `bound`: x. */
C2S_V8_INLINE c2s_v8 v8_at_least(c2s_v8 x, c2s_v8 bound) {
    return _mm256_max_ps(bound, x);
}
C2S_V8_INLINE c2s_v8 v8_at_most(c2s_v8 x, c2s_v8 bound) {
    return _mm256_min_ps(bound, x);
}
/* To the nearest integer, ties to even. */
C2S_V8_INLINE c2s_v8 v8_round(c2s_v8 x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* x * 2^n for integers n from -126 to 128 (2^128: infinity or NaN) */
C2S_V8_INLINE c2s_v8 v8_power_of_two(c2s_v8 n) {
    __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
}
C2S_V8_INLINE c2s_v8 v8_sqrt(c2s_v8 x) {
    return _mm256_sqrt_ps(x);
}
C2S_V8_INLINE c2s_v8 v8_abs(c2s_v8 x) {
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}
/* The magnitude of `x` with the sign of `sign`. */
C2S_V8_INLINE c2s_v8 v8_with_sign(c2s_v8 x, c2s_v8 sign) {
    return _mm256_or_ps(v8_abs(x), _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}
/* a < b ? yes : no, which NaN gets, too */
C2S_V8_INLINE c2s_v8 v8_if_less(c2s_v8 a, c2s_v8 b, c2s_v8 yes, c2s_v8 no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
/* a where it is NaN, else b */
C2S_V8_INLINE c2s_v8 v8_if_nan(c2s_v8 a, c2s_v8 b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
/* Eight bytes as numbers; of each its low and its high four bits. */
C2S_V8_INLINE c2s_v8 v8_from_bytes(const uint8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p)));
}
C2S_V8_INLINE void v8_from_halves(const uint8_t *p, c2s_v8 *low, c2s_v8 *high) {
    __m256i bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p));
    *low = _mm256_cvtepi32_ps(_mm256_and_si256(bytes, _mm256_set1_epi32(15)));
    *high = _mm256_cvtepi32_ps(_mm256_srli_epi32(bytes, 4));
}
/* The first `count` of eight floats at `p`, the others 0. */
C2S_V8_INLINE __m256i v8_first(int64_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
C2S_V8_INLINE c2s_v8 v8_load_first(const float *p, int64_t count) {
    return _mm256_maskload_ps(p, v8_first(count));
}
C2S_V8_INLINE void v8_store_first(float *p, int64_t count, c2s_v8 x) {
    _mm256_maskstore_ps(p, v8_first(count), x);
}
/* a0 b0 a1 b1 .. a3 b3; a4 b4 .. a7 b7 */
C2S_V8_INLINE void v8_take_turns(c2s_v8 a, c2s_v8 b, c2s_v8 *low, c2s_v8 *high) {
    c2s_v8 even = _mm256_unpacklo_ps(a, b), odd = _mm256_unpackhi_ps(a, b);
    *low = _mm256_permute2f128_ps(even, odd, 0x20);
    *high = _mm256_permute2f128_ps(even, odd, 0x31);
}
/* Rows become columns. */
C2S_V8_INLINE void v8_transpose(c2s_v8 r[8]) {
    c2s_v8 a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
        b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
        b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
        b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

#else /* the same in plain C, so that it compiles; no processor is said to have it */

#include <math.h>

#define C2S_V8
#define C2S_V8_INLINE static inline __attribute__((always_inline))

typedef float c2s_v8 __attribute__((vector_size(32)));

#define V8_EACH(out, expression)                                                                   \
    c2s_v8 out;                                                                                    \
    for (int i = 0; i < 8; i++)                                                                    \
        out[i] = (expression);                                                                     \
    return out

C2S_V8_INLINE c2s_v8 v8_set(float x) {
    V8_EACH(y, x);
}
C2S_V8_INLINE c2s_v8 v8_load(const float *p) {
    V8_EACH(y, p[i]);
}
C2S_V8_INLINE void v8_store(float *p, c2s_v8 x) {
    for (int i = 0; i < 8; i++)
        p[i] = x[i];
}
C2S_V8_INLINE c2s_v8 v8_fma(c2s_v8 a, c2s_v8 b, c2s_v8 c) {
    V8_EACH(y, fmaf(a[i], b[i], c[i]));
}
C2S_V8_INLINE c2s_v8 v8_at_least(c2s_v8 x, c2s_v8 bound) {
    V8_EACH(y, x[i] < bound[i] ? bound[i] : x[i]);
}
C2S_V8_INLINE c2s_v8 v8_at_most(c2s_v8 x, c2s_v8 bound) {
    V8_EACH(y, x[i] > bound[i] ? bound[i] : x[i]);
}
C2S_V8_INLINE c2s_v8 v8_round(c2s_v8 x) {
    V8_EACH(y, nearbyintf(x[i]));
}
C2S_V8_INLINE c2s_v8 v8_power_of_two(c2s_v8 n) {
    V8_EACH(y, ldexpf(1, (int)n[i]));
}
C2S_V8_INLINE c2s_v8 v8_sqrt(c2s_v8 x) {
    V8_EACH(y, sqrtf(x[i]));
}
C2S_V8_INLINE c2s_v8 v8_abs(c2s_v8 x) {
    V8_EACH(y, fabsf(x[i]));
}
C2S_V8_INLINE c2s_v8 v8_with_sign(c2s_v8 x, c2s_v8 sign) {
    V8_EACH(y, copysignf(x[i], sign[i]));
}
C2S_V8_INLINE c2s_v8 v8_if_less(c2s_v8 a, c2s_v8 b, c2s_v8 yes, c2s_v8 no) {
    V8_EACH(y, a[i] < b[i] ? yes[i] : no[i]);
}
C2S_V8_INLINE c2s_v8 v8_if_nan(c2s_v8 a, c2s_v8 b) {
    V8_EACH(y, a[i] != a[i] ? a[i] : b[i]);
}
C2S_V8_INLINE c2s_v8 v8_from_bytes(const uint8_t *p) {
    V8_EACH(y, p[i]);
}
C2S_V8_INLINE void v8_from_halves(const uint8_t *p, c2s_v8 *low, c2s_v8 *high) {
    for (int i = 0; i < 8; i++) {
        (*low)[i] = (float)(p[i] & 15);
        (*high)[i] = (float)(p[i] >> 4);
    }
}
C2S_V8_INLINE c2s_v8 v8_load_first(const float *p, int64_t count) {
    V8_EACH(y, i < count ? p[i] : 0);
}
C2S_V8_INLINE void v8_store_first(float *p, int64_t count, c2s_v8 x) {
    for (int i = 0; i < 8 && i < count; i++)
        p[i] = x[i];
}
C2S_V8_INLINE void v8_take_turns(c2s_v8 a, c2s_v8 b, c2s_v8 *low, c2s_v8 *high) {
    for (int i = 0; i < 4; i++) {
        (*low)[2 * i] = a[i];
        (*low)[2 * i + 1] = b[i];
        (*high)[2 * i] = a[4 + i];
        (*high)[2 * i + 1] = b[4 + i];
    }
}
C2S_V8_INLINE void v8_transpose(c2s_v8 r[8]) {
    c2s_v8 t[8];
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            t[j][i] = r[i][j];
    for (int i = 0; i < 8; i++)
        r[i] = t[i];
}

#endif

/* Eight floats, or the first `count` if there are fewer. */
C2S_V8_INLINE c2s_v8 v8_load_most(const float *p, int64_t count) {
    return count >= 8 ? v8_load(p) : v8_load_first(p, count);
}
C2S_V8_INLINE void v8_store_most(float *p, int64_t count, c2s_v8 x) {
    if (count >= 8)
        v8_store(p, x);
    else
        v8_store_first(p, count, x);
}

C2S_V8_INLINE float v8_sum(c2s_v8 x) {
    return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

#endif
