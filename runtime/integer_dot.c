/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_dot.h"

#include <string.h>

#include "base/simd.h"
#include "runtime/dnnl_processor.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

/* ---- plain ---- */

static void plain_tile(const c2s_dot *dot, unsigned rows, const int16_t *const *row,
                       const int16_t *right, int32_t *sums) {
    memset(sums, 0, rows * COLUMNS * sizeof *sums);
    for (size_t t = 0; t < dot->taps; t++)
        for (size_t p = 0; p < dot->pairs; p++, right += 2 * COLUMNS)
            for (unsigned r = 0; r < rows; r++) {
                const int16_t *x = row[r] + dot->tap[t] + 2 * p;
                for (size_t c = 0; c < COLUMNS; c++)
                    sums[r * COLUMNS + c] += x[0] * right[2 * c] + x[1] * right[2 * c + 1];
            }
}

static void plain_depthwise(const ptrdiff_t *tap, size_t taps, size_t blocks, const int16_t *row,
                            const int16_t *right, int32_t *sums) {
    for (size_t b = 0; b < blocks; b++, row += COLUMNS, sums += COLUMNS) {
        memset(sums, 0, COLUMNS * sizeof *sums);
        for (size_t t = 0; t < taps; t += 2, right += 2 * COLUMNS)
            for (size_t c = 0; c < COLUMNS; c++) {
                const int16_t *w = right + 2 * c2s_dot_place(c);
                sums[c] += row[tap[t] + (ptrdiff_t)c] * w[0];
                if (t + 1 < taps)
                    sums[c] += row[tap[t + 1] + (ptrdiff_t)c] * w[1];
            }
    }
}

/* ---- AVX2 ---- */

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

static inline AVX2 __m256i load(const void *from) {
    return _mm256_loadu_si256(from);
}

static inline AVX2 void store(void *to, __m256i value) {
    _mm256_storeu_si256(to, value);
}

static inline AVX2 __m256i broadcast_pair(const int16_t *x) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return _mm256_set1_epi32(pair);
}

#define EACH_ROW(r, rows) _Pragma("GCC unroll 6") for (unsigned r = 0; r < rows; r++)

/* `rows` is a constant at every call: the sums stay in registers. */
static inline AVX2 __attribute__((always_inline)) void
avx2_tile_of(const c2s_dot *dot, const unsigned rows, const int16_t *const *row,
             const int16_t *right, int32_t *sums) {
    __m256i sum[C2S_DOT_ROWS][2];
    EACH_ROW(r, rows)
    sum[r][0] = sum[r][1] = _mm256_setzero_si256();
    for (size_t t = 0; t < dot->taps; t++) {
        const int16_t *x[C2S_DOT_ROWS];
        EACH_ROW(r, rows)
        x[r] = row[r] + dot->tap[t];
        for (size_t p = 0; p < dot->pairs; p++, right += 2 * COLUMNS) {
            const __m256i low = load(right), high = load(right + COLUMNS);
            EACH_ROW(r, rows) {
                const __m256i pair = broadcast_pair(x[r] + 2 * p);
                sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(pair, low));
                sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(pair, high));
            }
        }
    }
    EACH_ROW(r, rows) {
        store(sums + r * COLUMNS, sum[r][0]);
        store(sums + r * COLUMNS + COLUMNS / 2, sum[r][1]);
    }
}

static AVX2 void avx2_tile(const c2s_dot *dot, unsigned rows, const int16_t *const *row,
                           const int16_t *right, int32_t *sums) {
    switch (rows) {
    case 1:
        avx2_tile_of(dot, 1, row, right, sums);
        return;
    case 2:
        avx2_tile_of(dot, 2, row, right, sums);
        return;
    case 3:
        avx2_tile_of(dot, 3, row, right, sums);
        return;
    case 4:
        avx2_tile_of(dot, 4, row, right, sums);
        return;
    case 5:
        avx2_tile_of(dot, 5, row, right, sums);
        return;
    default:
        avx2_tile_of(dot, C2S_DOT_ROWS, row, right, sums);
    }
}

static AVX2 void avx2_depthwise(const ptrdiff_t *tap, size_t taps, size_t blocks,
                                const int16_t *row, const int16_t *right, int32_t *sums) {
    for (size_t b = 0; b < blocks; b++, row += COLUMNS, sums += COLUMNS) {
        __m256i low = _mm256_setzero_si256(), high = low;
        for (size_t t = 0; t < taps; t += 2, right += 2 * COLUMNS) {
            const __m256i x = load(row + tap[t]),
                          y = t + 1 < taps ? load(row + tap[t + 1]) : _mm256_setzero_si256();
            const __m256i first = _mm256_unpacklo_epi16(x, y), second = _mm256_unpackhi_epi16(x, y);
            low = _mm256_add_epi32(low, _mm256_madd_epi16(first, load(right)));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(second, load(right + COLUMNS)));
        }
        store(sums, _mm256_permute2x128_si256(low, high, 0x20));
        store(sums + COLUMNS / 2, _mm256_permute2x128_si256(low, high, 0x31));
    }
}
#endif

/* Unpacking 16 columns gives the first and third four, then the others. */
size_t c2s_dot_place(size_t column) {
    static const size_t place[4] = {0, 8, 4, 12};
    return place[column / 4] + column % 4;
}

void c2s_dot_tile(const c2s_dot *dot, unsigned rows, const int16_t *const *row,
                  const int16_t *right, int32_t *sums) {
#if defined(__x86_64__)
    if (c2s_processor_has_avx2()) {
        avx2_tile(dot, rows, row, right, sums);
        return;
    }
#endif
    plain_tile(dot, rows, row, right, sums);
}

void c2s_dot_depthwise(const ptrdiff_t *tap, size_t taps, size_t blocks, const int16_t *row,
                       const int16_t *right, int32_t *sums) {
#if defined(__x86_64__)
    if (c2s_processor_has_avx2()) {
        avx2_depthwise(tap, taps, blocks, row, right, sums);
        return;
    }
#endif
    plain_depthwise(tap, taps, blocks, row, right, sums);
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
