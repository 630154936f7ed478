/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_winograd_math.h"

#include "base/simd.h"
#include "runtime/integer_dot.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

enum { SQUARE = C2S_SQUARE_SIDE, SIDE = C2S_TILE_SIDE };
/* Channels, and sums, of a vector. */
enum { WORDS = C2S_TILE_WORDS, SUMS = 8 };

/* 576 = 2^6 * 9; this times 9 is 1 modulo 2^32. */
#define A_NINTH 0x38e38e39u

/* ---- weights ---- */

typedef int16_t words __attribute__((vector_size(2 * WORDS)));
typedef int8_t signed_codes __attribute__((vector_size(WORDS)));
/* The same anywhere in memory. */
typedef words loose_words __attribute__((aligned(2), may_alias));
typedef signed_codes loose_signed_codes __attribute__((aligned(1), may_alias));

#define UNROLLED _Pragma("GCC unroll 6")

/* Three weights of a line give six: G without its factors 1/4, 1/6, 1/6, 1/24, 1/24, 1. The
 * magnitude grows by 7 at most: 12495 after both directions. */
C2S_INLINE void spread_weights(const words *w, words *out) {
    const words ends = w[0] + w[2], far = w[0] + w[2] * 4;
    out[0] = w[0];
    out[1] = -(ends + w[1]);
    out[2] = w[1] - ends;
    out[3] = far + w[1] * 2;
    out[4] = far - w[1] * 2;
    out[5] = w[2];
}

/* One row of planes of a panel: [SIDE, inputs / 2, COLUMNS, 2]. Taps lie `panel` integers apart. */
C2S_INLINE void weights_loop(const void *from, bool narrow, size_t panel, size_t row,
                             int16_t *out) {
    for (size_t k = 0; k < panel; k += WORDS) {
        words column[3], line[SIDE], half[3];
        UNROLLED
        for (size_t x = 0; x < 3; x++) {
            UNROLLED
            for (size_t y = 0; y < 3; y++) {
                const size_t at = (y * 3 + x) * panel + k;
                if (narrow)
                    column[y] = __builtin_convertvector(
                        *(const loose_signed_codes *)((const int8_t *)from + at), words);
                else
                    column[y] = *(const loose_words *)((const int16_t *)from + at);
            }
            spread_weights(column, line);
            half[x] = line[row];
        }
        spread_weights(half, line);
        UNROLLED
        for (size_t x = 0; x < SIDE; x++)
            *(loose_words *)(out + x * panel + k) = line[x];
    }
}

/* With constants for what the loop depends on. */
C2S_INLINE void weights_row(const void *from, bool narrow, size_t panel, size_t row, int16_t *out) {
    switch (row) {
    case 0:
        weights_loop(from, narrow, panel, 0, out);
        return;
    case 1:
        weights_loop(from, narrow, panel, 1, out);
        return;
    case 2:
        weights_loop(from, narrow, panel, 2, out);
        return;
    case 3:
        weights_loop(from, narrow, panel, 3, out);
        return;
    case 4:
        weights_loop(from, narrow, panel, 4, out);
        return;
    default:
        weights_loop(from, narrow, panel, 5, out);
    }
}
C2S_INLINE void weights_row_loop(const void *from, bool narrow, size_t panel, size_t row,
                                 int16_t *out) {
    if (narrow)
        weights_row(from, true, panel, row, out);
    else
        weights_row(from, false, panel, row, out);
}
C2S_SIMD(transform_weights, weights_row_loop,
         (const void *from, bool narrow, size_t panel, size_t row, int16_t *out),
         (from, narrow, panel, row, out))

void c2s_winograd_integer_weights(const void *from, bool narrow, size_t panel, size_t row,
                                  int16_t *out) {
    transform_weights(from, narrow, panel, row, out);
}

/* ---- input ---- */

typedef uint8_t codes __attribute__((vector_size(WORDS)));
typedef codes loose_codes __attribute__((aligned(1), may_alias));

/* Six integers of a line. The magnitude grows by 10 at most: 25500 after both directions. */
C2S_INLINE void spread(const words *x, words *y, size_t step) {
    y[0] = x[0] * 4 - x[2] * 5 + x[4];
    y[step] = x[3] + x[4] - (x[1] + x[2]) * 4;
    y[2 * step] = x[4] - x[3] + (x[1] - x[2]) * 4;
    y[3 * step] = x[4] - x[2] + (x[3] - x[1]) * 2;
    y[4 * step] = x[4] - x[2] - (x[3] - x[1]) * 2;
    y[5 * step] = x[1] * 4 - x[3] * 5 + x[5];
}

C2S_INLINE void load_words(const uint8_t *from, bool is_signed, int zero, words *out) {
    if (is_signed)
        *out = __builtin_convertvector(*(const loose_signed_codes *)from, words) - (int16_t)zero;
    else
        *out = __builtin_convertvector(*(const loose_codes *)from, words) - (int16_t)zero;
}

/* One tile: pixels that are outside are NULL. Its planes lie `plane` integers apart. */
C2S_INLINE void transform_loop(const uint8_t *const *pixel, size_t channels, bool is_signed,
                               int zero, int16_t *out, size_t plane) {
    for (size_t c = 0; c < channels; c += WORDS) {
        words half[SIDE][SIDE], line[SIDE];
        UNROLLED
        for (size_t x = 0; x < SIDE; x++) {
            UNROLLED
            for (size_t y = 0; y < SIDE; y++)
                if (pixel[y * SIDE + x])
                    load_words(pixel[y * SIDE + x] + c, is_signed, zero, &line[y]);
                else
                    line[y] = (words){0};
            spread(line, &half[0][x], SIDE);
        }
        UNROLLED
        for (size_t y = 0; y < SIDE; y++) {
            spread(half[y], line, 1);
            UNROLLED
            for (size_t x = 0; x < SIDE; x++)
                *(loose_words *)(out + (y * SIDE + x) * plane + c) = line[x];
        }
    }
}
C2S_SIMD(transform, transform_loop,
         (const uint8_t *const *pixel, size_t channels, bool is_signed, int zero, int16_t *out,
          size_t plane),
         (pixel, channels, is_signed, zero, out, plane))

void c2s_winograd_integer_tile(const uint8_t *const *pixel, size_t channels, bool is_signed,
                               int zero, int16_t *out, size_t plane) {
    transform(pixel, channels, is_signed, zero, out, plane);
}

/* ---- results ---- */

typedef uint32_t sums __attribute__((vector_size(4 * SUMS)));
typedef int32_t signed_sums __attribute__((vector_size(4 * SUMS)));
typedef sums loose_sums __attribute__((aligned(4), may_alias));
typedef signed_sums loose_signed_sums __attribute__((aligned(4), may_alias));

/* Six sums of a line give four results, 24 times as large. */
C2S_INLINE void gather(const sums *m, sums *y, size_t step) {
    const sums even = (m[1] + m[2]) * 4, odd = (m[1] - m[2]) * 4, far = m[3] + m[4],
               off = m[3] - m[4];
    y[0] = m[0] * 6 + even + far;
    y[step] = odd + off * 2;
    y[2 * step] = even + far * 4;
    y[3 * step] = odd + off * 8 + m[5] * 24;
}

/* One tile's planes, which lie `plane` sums apart, give [SQUARE, SQUARE, COLUMNS]. */
C2S_INLINE void collect_loop(const int32_t *from, size_t plane, int32_t *out) {
    for (size_t c = 0; c < COLUMNS; c += SUMS) {
        sums half[SQUARE][SIDE], line[SIDE];
        UNROLLED
        for (size_t y = 0; y < SIDE; y++) {
            UNROLLED
            for (size_t x = 0; x < SIDE; x++)
                line[x] = *(const loose_sums *)(from + (y * SIDE + x) * plane + c);
            gather(line, &half[0][y], SIDE);
        }
        UNROLLED
        for (size_t x = 0; x < SQUARE; x++) {
            gather(half[x], line, 1);
            UNROLLED
            for (size_t y = 0; y < SQUARE; y++) {
                *(loose_signed_sums *)(out + (y * SQUARE + x) * COLUMNS + c) =
                    (signed_sums)(line[y] * A_NINTH) >> C2S_WINOGRAD_SHIFT;
            }
        }
    }
}
C2S_SIMD(collect, collect_loop, (const int32_t *from, size_t plane, int32_t *out),
         (from, plane, out))

void c2s_winograd_integer_square(const int32_t *from, size_t plane, int32_t *out) {
    collect(from, plane, out);
}
