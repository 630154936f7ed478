/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_dot.h"

#include <string.h>

#include "base/simd.h"
#include "runtime/dnnl_processor.h"
#include "runtime/requantize_codes.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

/* ---- plain ---- */

static int right_at(const c2s_dot *dot, const void *right, size_t k) {
    return dot->narrow ? ((const int8_t *)right)[k] : ((const int16_t *)right)[k];
}

static void plain_panel(const c2s_dot *dot, const int16_t *left, const size_t *place, size_t rows,
                        const void *right, const c2s_requantize *q, size_t channel, size_t columns,
                        char *out, size_t stride) {
    for (size_t r = 0; r < rows; r++, out += stride) {
        size_t w = 0;
        uint32_t sums[C2S_DOT_COLUMNS] = {0}; /* modulo 2^32 */
        for (size_t t = 0; t < dot->taps; t++)
            for (size_t p = 0; p < dot->pairs; p++, w += 2 * COLUMNS) {
                const int16_t *x = left + place[r] + dot->tap[t] + 2 * p;
                for (size_t c = 0; c < COLUMNS; c++)
                    sums[c] += (uint32_t)(x[0] * right_at(dot, right, w + 2 * c) +
                                          x[1] * right_at(dot, right, w + 2 * c + 1));
            }
        c2s_requantize_rows(q, (const int32_t *)sums, 1, channel, columns, out, 0);
    }
}

/* ---- AVX2 ---- */

#if defined(__x86_64__)

C2S_AVX2_INLINE __m256i load(const void *from) {
    return _mm256_loadu_si256(from);
}

C2S_AVX2_INLINE void store(void *to, __m256i value) {
    _mm256_storeu_si256(to, value);
}

C2S_AVX2_INLINE __m256i broadcast_pair(const int16_t *x) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* What a panel is multiplied with, and where its results go. */
typedef struct panel {
    const c2s_dot *dot;
    const int16_t *left;
    const size_t *place;
    const char *right;
    size_t columns;
    char *out;
    size_t stride; /* bytes */
} panel;

typedef __m256i tile_sums[C2S_DOT_ROWS][2];

#define EACH_ROW(r, rows) _Pragma("GCC unroll 6") for (unsigned r = 0; r < rows; r++)

C2S_AVX2_INLINE __m256i load_right(const char *from, bool narrow) {
    return narrow ? _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)from)) : load(from);
}

/* Adds the products of `rows` rows; that and `narrow` are constants at every call: the sums stay in
 * registers. */
C2S_AVX2_INLINE void add_products(const panel *k, const unsigned rows, size_t first, bool narrow,
                                  tile_sums sum) {
    const char *right = k->right;
    const size_t half = narrow ? COLUMNS : 2 * COLUMNS;
    for (size_t t = 0; t < k->dot->taps; t++) {
        const int16_t *x[C2S_DOT_ROWS];
        EACH_ROW(r, rows)
        x[r] = k->left + k->place[first + r] + k->dot->tap[t];
        for (size_t p = 0; p < k->dot->pairs; p++, right += 2 * half) {
            const __m256i low = load_right(right, narrow), high = load_right(right + half, narrow);
            EACH_ROW(r, rows) {
                const __m256i pair = broadcast_pair(x[r] + 2 * p);
                sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(pair, low));
                sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(pair, high));
            }
        }
    }
}

/* Bias and all become codes before they leave the registers. */
C2S_AVX2_INLINE void codes_loop(const panel *k, size_t tiles, const c2s_requantize *q,
                                size_t channel, bool narrow) {
    const c2s_channels c = channels_load(q, channel);
    const c2s_clamp to = clamp_of(q);
    char *out = k->out;
    for (size_t m = 0; m < tiles * C2S_DOT_ROWS; m += C2S_DOT_ROWS) {
        tile_sums sum;
        EACH_ROW(r, C2S_DOT_ROWS)
        sum[r][0] = c.bias[0], sum[r][1] = c.bias[1];
        add_products(k, C2S_DOT_ROWS, m, narrow, sum);
        _Pragma("GCC unroll 3") for (unsigned r = 0; r < C2S_DOT_ROWS; r += 2) {
            __m256i rounded[2][2] = {{_mm256_cvtps_epi32(channels_scale(&c, 0, sum[r][0])),
                                      _mm256_cvtps_epi32(channels_scale(&c, 1, sum[r][1]))},
                                     {_mm256_cvtps_epi32(channels_scale(&c, 0, sum[r + 1][0])),
                                      _mm256_cvtps_epi32(channels_scale(&c, 1, sum[r + 1][1]))}};
            const __m256i codes = clamp_codes(&to, rounded);
            codes_store(_mm256_castsi256_si128(codes), k->columns, (uint8_t *)out);
            codes_store(_mm256_extracti128_si256(codes, 1), k->columns, (uint8_t *)out + k->stride);
            out += 2 * k->stride;
        }
    }
}

static C2S_AVX2 void avx2_codes(const panel *k, size_t tiles, const c2s_requantize *q,
                                size_t channel) {
    if (k->dot->narrow)
        codes_loop(k, tiles, q, channel, true);
    else
        codes_loop(k, tiles, q, channel, false);
}

C2S_AVX2_INLINE void sums_loop(const panel *k, size_t tiles, bool narrow) {
    char *out = k->out;
    for (size_t m = 0; m < tiles * C2S_DOT_ROWS; m += C2S_DOT_ROWS) {
        tile_sums sum;
        EACH_ROW(r, C2S_DOT_ROWS)
        sum[r][0] = sum[r][1] = _mm256_setzero_si256();
        add_products(k, C2S_DOT_ROWS, m, narrow, sum);
        EACH_ROW(r, C2S_DOT_ROWS) {
            store(out, sum[r][0]);
            store(out + sizeof(__m256i), sum[r][1]);
            out += k->stride;
        }
    }
}

static C2S_AVX2 void avx2_sums(const panel *k, size_t tiles) {
    if (k->dot->narrow)
        sums_loop(k, tiles, true);
    else
        sums_loop(k, tiles, false);
}

C2S_AVX2_INLINE void few_rows(const panel *k, const unsigned rows, size_t first, int32_t *sums) {
    tile_sums sum;
    EACH_ROW(r, rows)
    sum[r][0] = sum[r][1] = _mm256_setzero_si256();
    if (k->dot->narrow)
        add_products(k, rows, first, true, sum);
    else
        add_products(k, rows, first, false, sum);
    EACH_ROW(r, rows) {
        store(sums + r * COLUMNS, sum[r][0]);
        store(sums + r * COLUMNS + COLUMNS / 2, sum[r][1]);
    }
}

static C2S_AVX2 void avx2_few(const panel *k, const unsigned rows, size_t first, int32_t *sums) {
    switch (rows) {
    case 1:
        few_rows(k, 1, first, sums);
        return;
    case 2:
        few_rows(k, 2, first, sums);
        return;
    case 3:
        few_rows(k, 3, first, sums);
        return;
    case 4:
        few_rows(k, 4, first, sums);
        return;
    case 5:
        few_rows(k, 5, first, sums);
        return;
    default:
        few_rows(k, C2S_DOT_ROWS, first, sums);
    }
}

static C2S_AVX2 void avx2_panel(panel *k, size_t rows, const c2s_requantize *q, size_t channel) {
    size_t m = 0, whole = rows / C2S_DOT_ROWS;
    if (q->direct)
        avx2_codes(k, whole, q, channel);
    else if (q->dtype == C2S_INT32 && k->columns == COLUMNS)
        avx2_sums(k, whole);
    else
        whole = 0;
    for (m = whole * C2S_DOT_ROWS; m < rows; m += C2S_DOT_ROWS) {
        const unsigned count = (unsigned)(rows - m < C2S_DOT_ROWS ? rows - m : C2S_DOT_ROWS);
        int32_t sums[C2S_DOT_ROWS * C2S_DOT_COLUMNS];
        avx2_few(k, count, m, sums);
        c2s_requantize_rows(q, sums, count, channel, k->columns, k->out + m * k->stride,
                            k->stride / (c2s_dtype_bits(q->dtype) / 8));
    }
}
#endif

void c2s_dot_panel(const c2s_dot *dot, const int16_t *left, const size_t *place, size_t rows,
                   const void *right, const c2s_requantize *q, size_t channel, size_t columns,
                   void *out, size_t stride) {
    stride *= c2s_dtype_bits(q->dtype) / 8;
#if defined(__x86_64__)
    if (c2s_processor_has_avx2()) {
        panel k = {dot, left, place, right, columns, out, stride};
        avx2_panel(&k, rows, q, channel);
        return;
    }
#endif
    plain_panel(dot, left, place, rows, right, q, channel, columns, out, stride);
}

/* ---- widening ---- */

C2S_INLINE void widen_u8_loop(const uint8_t *restrict codes, int zero, size_t count,
                              int16_t *restrict out) {
    for (size_t i = 0; i < count; i++)
        out[i] = (int16_t)(codes[i] - (int16_t)zero);
}
C2S_SIMD(widen_u8, widen_u8_loop, (const uint8_t *codes, int zero, size_t count, int16_t *out),
         (codes, zero, count, out))

C2S_INLINE void widen_s8_loop(const int8_t *restrict codes, int zero, size_t count,
                              int16_t *restrict out) {
    for (size_t i = 0; i < count; i++)
        out[i] = (int16_t)(codes[i] - (int16_t)zero);
}
C2S_SIMD(widen_s8, widen_s8_loop, (const int8_t *codes, int zero, size_t count, int16_t *out),
         (codes, zero, count, out))

void c2s_widen(const void *codes, bool is_signed, int zero, size_t count, int16_t *out) {
    if (is_signed)
        widen_s8(codes, zero, count, out);
    else
        widen_u8(codes, zero, count, out);
}
