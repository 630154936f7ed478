/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/byte_table.h"

#include <string.h>

#include "runtime/dnnl_processor.h"

static void map_each(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] = table[x[i]];
}

#if defined(__x86_64__)
#include <immintrin.h>

typedef struct permuted {
    __m512i quarter[4]; /* of the table */
} permuted;

/* A permutation looks up 64 bytes in half of the table. */
static inline __attribute__((always_inline, target("avx512bw,avx512vbmi"))) __m512i
map_64(const permuted *t, __m512i at) {
    const __m512i low = _mm512_permutex2var_epi8(t->quarter[0], at, t->quarter[1]),
                  high = _mm512_permutex2var_epi8(t->quarter[2], at, t->quarter[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(at), low, high);
}

/* The rest is copied: some processors take long to store a part of a register. */
__attribute__((target("avx512bw,avx512vbmi"))) static void
map_permuted(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n) {
    const permuted t = {{_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64),
                         _mm512_loadu_si512(table + 128), _mm512_loadu_si512(table + 192)}};
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(y + i, map_64(&t, _mm512_loadu_si512(x + i)));
    if (i < n) {
        uint8_t rest[64];
        const __mmask64 some = ((__mmask64)1 << (n - i)) - 1;
        _mm512_storeu_si512(rest, map_64(&t, _mm512_maskz_loadu_epi8(some, x + i)));
        memcpy(y + i, rest, n - i);
    }
}

enum { ROWS = 8, LANES = 16 }; /* of half a table */

/* Looks up bytes below 128 in `rows`; 0 for others. A shuffle takes the low four bits of a byte,
 * and gives 0 for a negative one: each byte meets the rows up to its own, and since a row is
 * stored as the difference from the one before, these add up to its own. */
static inline __attribute__((always_inline, target("avx2"))) __m256i
map_half(const __m256i rows[ROWS], __m256i at) {
    __m256i sum = _mm256_shuffle_epi8(rows[0], at);
    for (int r = 1; r < ROWS; r++) {
        at = _mm256_subs_epi8(at, _mm256_set1_epi8(LANES));
        sum = _mm256_xor_si256(sum, _mm256_shuffle_epi8(rows[r], at));
    }
    return sum;
}

__attribute__((target("avx2"))) static void map_shuffled(const uint8_t *table, const uint8_t *x,
                                                         uint8_t *y, size_t n) {
    __m256i rows[2][ROWS];
    for (int half = 0; half < 2; half++)
        for (int r = 0; r < ROWS; r++) {
            const __m128i *row = (const void *)(table + (half * ROWS + r) * LANES);
            __m128i own = _mm_loadu_si128(row);
            if (r > 0)
                own = _mm_xor_si128(own, _mm_loadu_si128(row - 1));
            rows[half][r] = _mm256_broadcastsi128_si256(own);
        }
    const __m256i top = _mm256_set1_epi8((char)0x80);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m256i at = _mm256_loadu_si256((const void *)(x + i));
        const __m256i found =
            _mm256_xor_si256(map_half(rows[0], at), map_half(rows[1], _mm256_xor_si256(at, top)));
        _mm256_storeu_si256((void *)(y + i), found);
    }
    map_each(table, x + i, y + i, n - i);
}

void c2s_bytes_map(const uint8_t table[C2S_BYTES], const uint8_t *x, uint8_t *y, size_t n) {
    if (c2s_processor_has_avx512() && __builtin_cpu_supports("avx512vbmi"))
        map_permuted(table, x, y, n);
    else if (c2s_processor_has_avx2() && n >= 64)
        map_shuffled(table, x, y, n);
    else
        map_each(table, x, y, n);
}

#else

void c2s_bytes_map(const uint8_t table[C2S_BYTES], const uint8_t *x, uint8_t *y, size_t n) {
    map_each(table, x, y, n);
}

#endif
