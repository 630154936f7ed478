/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/saturating_dot.h"

#include <string.h>

#include "base/simd.h"
#include "runtime/dnnl_processor.h"
#include "runtime/requantize_codes.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

/* ---- plain ---- */

static int32_t pair(const uint8_t *x, const int8_t *w) {
    const int32_t sum = x[0] * w[0] + x[1] * w[1];
    return sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum;
}

static void plain_row(const uint8_t *left, const int8_t *right, size_t quads, int32_t *sums) {
    uint32_t total[C2S_DOT_COLUMNS] = {0};
    for (size_t q = 0; q < quads; q++, left += C2S_QUAD)
        for (size_t c = 0; c < COLUMNS; c++, right += C2S_QUAD)
            total[c] += (uint32_t)(pair(left, right) + pair(left + 2, right + 2));
    memcpy(sums, total, sizeof total);
}

/* ---- AVX2 ---- */

#if defined(__x86_64__)
C2S_AVX2_INLINE __m256i pairs_of(__m256i left, const int8_t *right) {
    const __m256i w = _mm256_loadu_si256((const void *)right);
    return _mm256_madd_epi16(_mm256_maddubs_epi16(left, w), _mm256_set1_epi16(1));
}

static C2S_AVX2 void avx2_row(const uint8_t *left, const int8_t *right, size_t quads,
                              int32_t *sums) {
    __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
    for (size_t q = 0; q < quads; q++, left += C2S_QUAD, right += COLUMNS * C2S_QUAD) {
        int32_t four;
        memcpy(&four, left, sizeof four);
        const __m256i x = _mm256_set1_epi32(four);
        low = _mm256_add_epi32(low, pairs_of(x, right));
        high = _mm256_add_epi32(high, pairs_of(x, right + COLUMNS / 2 * C2S_QUAD));
    }
    _mm256_storeu_si256((void *)sums, low);
    _mm256_storeu_si256((void *)(sums + COLUMNS / 2), high);
}
#endif

void c2s_saturating_dot(const uint8_t *left, size_t stride, size_t rows, const int8_t *right,
                        size_t quads, int32_t *sums) {
#if defined(__x86_64__)
    if (c2s_processor_has_avx2()) {
        for (size_t r = 0; r < rows; r++)
            avx2_row(left + r * stride, right, quads, sums + r * COLUMNS);
        return;
    }
#endif
    for (size_t r = 0; r < rows; r++)
        plain_row(left + r * stride, right, quads, sums + r * COLUMNS);
}

/* ---- zero points ---- */

C2S_INLINE void add_bytes_loop(const uint8_t *restrict x, size_t count, uint32_t *restrict sum) {
    uint32_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += x[i];
    *sum = total;
}
C2S_SIMD(add_bytes, add_bytes_loop, (const uint8_t *x, size_t count, uint32_t *sum),
         (x, count, sum))

void c2s_saturating_correct(const c2s_saturating_zeros *z, const uint8_t *left, size_t stride,
                            size_t rows, int32_t *sums) {
    const uint32_t zero = (uint32_t)z->left;
    for (size_t r = 0; r < rows; r++, sums += COLUMNS) {
        uint32_t row = 0;
        if (z->right)
            add_bytes(left + r * stride, stride, &row);
        row -= zero * (uint32_t)z->terms;
        for (size_t c = 0; c < COLUMNS; c++) {
            uint32_t sum = (uint32_t)sums[c] - zero * (uint32_t)z->column_sum[c];
            if (z->right)
                sum -= row * (uint32_t)z->right[c];
            sums[c] = (int32_t)sum;
        }
    }
}
