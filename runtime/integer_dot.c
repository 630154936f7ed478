/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_dot.h"

#include <assert.h>
#include <string.h>

#include "base/simd.h"
#include "runtime/dnnl_processor.h"
#include "runtime/requantize_codes.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

/* ---- plain ---- */

static int right_at(const c2s_dot *dot, const void *right, size_t k) {
    return dot->kind == C2S_DOT_NARROW ? ((const int8_t *)right)[k] : ((const int16_t *)right)[k];
}

static void plain_panel(const c2s_dot *dot, const int16_t *left, const size_t *place, size_t rows,
                        const void *right, const c2s_requantize *q, size_t channel, size_t columns,
                        char *out, size_t stride) {
    for (size_t r = 0; r < rows; r++, out += stride) {
        size_t w = 0;
        uint32_t sums[C2S_DOT_COLUMNS] = {0}; /* modulo 2^32 */
        for (size_t t = 0; t < dot->taps; t++)
            for (size_t p = 0; p < dot->steps; p++, w += 2 * COLUMNS) {
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

/* The integers of a row in one step: two of 16 bits, or four of 8. */
enum { STEP = 4 };

C2S_AVX2_INLINE __m256i broadcast(const char *x) {
    int32_t step;
    memcpy(&step, x, STEP);
    return _mm256_set1_epi32(step);
}

/* What a panel is multiplied with, and where its results go. */
typedef struct panel {
    const c2s_dot *dot;
    const char *left;
    const size_t *place;
    const char *right;
    size_t columns;
    char *out;
    size_t stride; /* bytes */
} panel;

typedef __m256i tile_sums[C2S_DOT_ROWS][2];

#define EACH_ROW(r, rows) _Pragma("GCC unroll 6") for (unsigned r = 0; r < rows; r++)

C2S_AVX2_INLINE __m256i load_right(const char *from, c2s_dot_kind kind) {
    return kind == C2S_DOT_NARROW ? _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)from))
                                  : load(from);
}

C2S_AVX2_INLINE __m256i add_product(__m256i sum, __m256i x, __m256i y, c2s_dot_kind kind) {
    if (kind == C2S_DOT_BYTES) {
        x = _mm256_maddubs_epi16(x, y);
        y = _mm256_set1_epi16(1);
    }
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
}

/* One step of `rows` rows, which begin at x[..] + at. */
C2S_AVX2_INLINE void add_step(const char *const *x, size_t at, const unsigned rows,
                              const char *right, c2s_dot_kind kind, tile_sums sum) {
    const size_t half = kind == C2S_DOT_NARROW ? COLUMNS : 2 * COLUMNS;
    const __m256i low = load_right(right, kind), high = load_right(right + half, kind);
    EACH_ROW(r, rows) {
        const __m256i step = broadcast(x[r] + at);
        sum[r][0] = add_product(sum[r][0], step, low, kind);
        sum[r][1] = add_product(sum[r][1], step, high, kind);
    }
}

/* Adds the products of `rows` rows; that and `kind` are constants at every call: the sums stay in
 * registers. */
C2S_AVX2_INLINE void add_products(const panel *k, const unsigned rows, size_t first,
                                  c2s_dot_kind kind, tile_sums sum) {
    const c2s_dot *dot = k->dot;
    const char *right = k->right;
    const size_t size = kind == C2S_DOT_BYTES ? 1 : 2,
                 all = (kind == C2S_DOT_NARROW ? 2 : 4) * COLUMNS;
    const char *start[C2S_DOT_ROWS], *x[C2S_DOT_ROWS];
    EACH_ROW(r, rows)
    start[r] = k->left + k->place[first + r] * size;
    for (size_t t = 0; t < dot->taps; t++) {
        EACH_ROW(r, rows)
        x[r] = start[r] + dot->tap[t] * (ptrdiff_t)size;
        for (size_t p = 0; p < dot->steps; p++, right += all)
            add_step(x, STEP * p, rows, right, kind, sum);
    }
    if (kind != C2S_DOT_BYTES)
        return;
    for (size_t e = 0; e < dot->repeats.count; e++) {
        EACH_ROW(r, rows)
        x[r] = start[r] + dot->repeats.at[e];
        add_step(x, 0, rows, (const char *)dot->repeats.right + e * all, kind, sum);
    }
}

/* Sums without any product. */
C2S_AVX2_INLINE void start_sums(const panel *k, const unsigned rows, c2s_dot_kind kind,
                                const __m256i *bias, tile_sums sum) {
    __m256i start[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int h = 0; h < 2; h++) {
        if (kind == C2S_DOT_BYTES)
            start[h] = _mm256_mullo_epi32(load(k->dot->repeats.total + 8 * h),
                                          _mm256_set1_epi32(-k->dot->repeats.zero));
        if (bias)
            start[h] = _mm256_add_epi32(start[h], bias[h]);
    }
    EACH_ROW(r, rows)
    sum[r][0] = start[0], sum[r][1] = start[1];
}

/* Bias and all become codes before they leave the registers. */
C2S_AVX2_INLINE void codes_loop(const panel *k, size_t tiles, const c2s_requantize *q,
                                size_t channel, c2s_dot_kind kind) {
    const c2s_channels c = channels_load(q, channel);
    const c2s_clamp to = clamp_of(q);
    char *out = k->out;
    for (size_t m = 0; m < tiles * C2S_DOT_ROWS; m += C2S_DOT_ROWS) {
        tile_sums sum;
        start_sums(k, C2S_DOT_ROWS, kind, c.bias, sum);
        add_products(k, C2S_DOT_ROWS, m, kind, sum);
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

C2S_AVX2_INLINE void sums_loop(const panel *k, size_t tiles, c2s_dot_kind kind) {
    char *out = k->out;
    for (size_t m = 0; m < tiles * C2S_DOT_ROWS; m += C2S_DOT_ROWS) {
        tile_sums sum;
        start_sums(k, C2S_DOT_ROWS, kind, NULL, sum);
        add_products(k, C2S_DOT_ROWS, m, kind, sum);
        EACH_ROW(r, C2S_DOT_ROWS) {
            store(out, sum[r][0]);
            store(out + sizeof(__m256i), sum[r][1]);
            out += k->stride;
        }
    }
}

C2S_AVX2_INLINE void few_rows(const panel *k, const unsigned rows, size_t first, c2s_dot_kind kind,
                              int32_t *sums) {
    tile_sums sum;
    start_sums(k, rows, kind, NULL, sum);
    add_products(k, rows, first, kind, sum);
    EACH_ROW(r, rows) {
        store(sums + r * COLUMNS, sum[r][0]);
        store(sums + r * COLUMNS + COLUMNS / 2, sum[r][1]);
    }
}

/* Functions of a panel for each kind. */
#define EACH_KIND(X) X(words, C2S_DOT_WORDS) X(narrow, C2S_DOT_NARROW) X(bytes, C2S_DOT_BYTES)
#define CODES(name, kind)                                                                          \
    static C2S_AVX2 void codes_##name(const panel *k, size_t tiles, const c2s_requantize *q,       \
                                      size_t channel) {                                            \
        codes_loop(k, tiles, q, channel, kind);                                                    \
    }                                                                                              \
    static C2S_AVX2 void sums_##name(const panel *k, size_t tiles) {                               \
        sums_loop(k, tiles, kind);                                                                 \
    }                                                                                              \
    static C2S_AVX2 void few_##name(const panel *k, unsigned rows, size_t first, int32_t *sums) {  \
        switch (rows) {                                                                            \
        case 1:                                                                                    \
            few_rows(k, 1, first, kind, sums);                                                     \
            return;                                                                                \
        case 2:                                                                                    \
            few_rows(k, 2, first, kind, sums);                                                     \
            return;                                                                                \
        case 3:                                                                                    \
            few_rows(k, 3, first, kind, sums);                                                     \
            return;                                                                                \
        case 4:                                                                                    \
            few_rows(k, 4, first, kind, sums);                                                     \
            return;                                                                                \
        case 5:                                                                                    \
            few_rows(k, 5, first, kind, sums);                                                     \
            return;                                                                                \
        default:                                                                                   \
            few_rows(k, C2S_DOT_ROWS, first, kind, sums);                                          \
        }                                                                                          \
    }
EACH_KIND(CODES)

typedef struct functions {
    void (*codes)(const panel *k, size_t tiles, const c2s_requantize *q, size_t channel);
    void (*sums)(const panel *k, size_t tiles);
    void (*few)(const panel *k, unsigned rows, size_t first, int32_t *sums);
} functions;
#define ROW(name, kind) [kind] = {codes_##name, sums_##name, few_##name},
static const functions of_kind[] = {EACH_KIND(ROW)};

static void avx2_panel(panel *k, size_t rows, const c2s_requantize *q, size_t channel) {
    const functions *f = &of_kind[k->dot->kind];
    size_t m = 0, whole = rows / C2S_DOT_ROWS;
    if (q->direct)
        f->codes(k, whole, q, channel);
    else if (q->dtype == C2S_INT32 && k->columns == COLUMNS)
        f->sums(k, whole);
    else
        whole = 0;
    for (m = whole * C2S_DOT_ROWS; m < rows; m += C2S_DOT_ROWS) {
        const unsigned count = (unsigned)(rows - m < C2S_DOT_ROWS ? rows - m : C2S_DOT_ROWS);
        int32_t sums[C2S_DOT_ROWS * C2S_DOT_COLUMNS];
        f->few(k, count, m, sums);
        c2s_requantize_rows(q, sums, count, channel, k->columns, k->out + m * k->stride,
                            k->stride / (c2s_dtype_bits(q->dtype) / 8));
    }
}
#endif

void c2s_dot_panel(const c2s_dot *dot, const void *left, const size_t *place, size_t rows,
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
    assert(dot->kind != C2S_DOT_BYTES);
    plain_panel(dot, left, place, rows, right, q, channel, columns, out, stride);
}

/* ---- codes ---- */

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

C2S_INLINE void flip_loop(const uint8_t *restrict codes, size_t count, uint8_t *restrict out) {
    for (size_t i = 0; i < count; i++)
        out[i] = codes[i] ^ 128;
}
C2S_SIMD(flip, flip_loop, (const uint8_t *codes, size_t count, uint8_t *out), (codes, count, out))

void c2s_unsign(const void *codes, bool is_signed, size_t count, uint8_t *out) {
    if (is_signed)
        flip(codes, count, out);
    else
        memcpy(out, codes, count);
}
