/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of integers: sums over the taps of 16 channels at a time, and their codes.
 */
#include <string.h>

#include "runtime/dnnl_processor.h"
#include "runtime/integer_dot.h"
#include "runtime/requantize_codes.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

typedef struct columns {
    const ptrdiff_t *tap;
    size_t taps;
    const int16_t *left;
    const size_t *place;
    size_t rows;
    const int16_t *right;
    const c2s_requantize *requantize;
    size_t channel, columns;
    char *out;
    size_t stride; /* bytes */
} columns;

/* Unpacking 16 columns gives the first and third four, then the others. */
size_t c2s_dot_place(size_t column) {
    static const size_t place[4] = {0, 8, 4, 12};
    return place[column / 4] + column % 4;
}

/* ---- plain ---- */

static void plain_columns(const ptrdiff_t *tap, size_t taps, const int16_t *row,
                          const int16_t *right, int32_t *sums) {
    memset(sums, 0, COLUMNS * sizeof *sums);
    for (size_t t = 0; t < taps; t++)
        for (size_t c = 0; c < COLUMNS; c++)
            sums[c] += row[tap[t] + (ptrdiff_t)c] *
                       right[(t / 2 * COLUMNS + c2s_dot_place(c)) * 2 + t % 2];
}

/* ---- AVX2 ---- */

#if defined(__x86_64__)

C2S_AVX2_INLINE __m256i load(const void *from) {
    return _mm256_loadu_si256(from);
}

/* Sums of channels 0 to 3 and 8 to 11, and of the others. */
C2S_AVX2_INLINE void add_columns(const ptrdiff_t *tap, size_t taps, const int16_t *row,
                                 const int16_t *right, __m256i sum[2]) {
    for (size_t t = 0; t < taps; t += 2, right += 2 * COLUMNS) {
        const __m256i x = load(row + tap[t]),
                      y = t + 1 < taps ? load(row + tap[t + 1]) : _mm256_setzero_si256();
        sum[0] =
            _mm256_add_epi32(sum[0], _mm256_madd_epi16(_mm256_unpacklo_epi16(x, y), load(right)));
        sum[1] = _mm256_add_epi32(
            sum[1], _mm256_madd_epi16(_mm256_unpackhi_epi16(x, y), load(right + COLUMNS)));
    }
}

static C2S_AVX2 void avx2_columns(const ptrdiff_t *tap, size_t taps, const int16_t *row,
                                  const int16_t *right, int32_t *sums) {
    __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    add_columns(tap, taps, row, right, sum);
    _mm256_storeu_si256((void *)sums, _mm256_permute2x128_si256(sum[0], sum[1], 0x20));
    _mm256_storeu_si256((void *)(sums + COLUMNS / 2),
                        _mm256_permute2x128_si256(sum[0], sum[1], 0x31));
}

/* Numbers of 8 channels in the order of such sums. */
C2S_AVX2_INLINE __m256i load_split(const void *from, int h) {
    const char *at = (const char *)from + 16 * h;
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)at)),
                                   _mm_loadu_si128((const void *)(at + 32)), 1);
}

/* Two rows at a time. */
C2S_AVX2_INLINE void columns_loop(const columns *k, size_t taps) {
    const c2s_requantize *q = k->requantize;
    c2s_clamp to = clamp_of(q);
    to.order = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
    const __m256i bias[2] = {load_split(q->bias + k->channel, 0),
                             load_split(q->bias + k->channel, 1)};
    const __m256 factor[2] = {_mm256_castsi256_ps(load_split(q->factor + k->channel, 0)),
                              _mm256_castsi256_ps(load_split(q->factor + k->channel, 1))};
    uint8_t *out = (uint8_t *)k->out;
    for (size_t r = 0; r < k->rows; r += 2, out += 2 * k->stride) {
        const bool both = r + 1 < k->rows;
        __m256i sum[2][2] = {{bias[0], bias[1]}, {bias[0], bias[1]}}, rounded[2][2];
        add_columns(k->tap, taps, k->left + k->place[r], k->right, sum[0]);
        add_columns(k->tap, taps, k->left + k->place[r + both], k->right, sum[1]);
        _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++) {
            rounded[i][0] =
                _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sum[i][0]), factor[0]));
            rounded[i][1] =
                _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sum[i][1]), factor[1]));
        }
        const __m256i codes = clamp_codes(&to, rounded);
        codes_store(_mm256_castsi256_si128(codes), k->columns, out);
        if (both)
            codes_store(_mm256_extracti128_si256(codes, 1), k->columns, out + k->stride);
    }
}

static C2S_AVX2 void avx2_codes(const columns *k) {
    if (k->taps == 9)
        columns_loop(k, 9);
    else
        columns_loop(k, k->taps);
}
#endif

static void sums_of_row(const columns *k, size_t row, int32_t *sums) {
#if defined(__x86_64__)
    if (c2s_processor_has_avx2()) {
        avx2_columns(k->tap, k->taps, k->left + k->place[row], k->right, sums);
        return;
    }
#endif
    plain_columns(k->tap, k->taps, k->left + k->place[row], k->right, sums);
}

void c2s_dot_depthwise(const ptrdiff_t *tap, size_t taps, const int16_t *left, const size_t *place,
                       size_t rows, const int16_t *right, const c2s_requantize *q, size_t channel,
                       size_t count, void *out, size_t stride) {
    stride *= c2s_dtype_bits(q->dtype) / 8;
    const columns k = {tap, taps, left, place, rows, right, q, channel, count, out, stride};
#if defined(__x86_64__)
    if (q->direct && c2s_processor_has_avx2()) {
        avx2_codes(&k);
        return;
    }
#endif
    for (size_t r = 0; r < rows; r++) {
        int32_t sums[C2S_DOT_COLUMNS];
        sums_of_row(&k, r, sums);
        c2s_requantize_rows(q, sums, 1, channel, count, k.out + r * stride, 0);
    }
}
