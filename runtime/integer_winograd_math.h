/* SPDX-License-Identifier: Apache-2.0
 *
 * The transforms of Winograd's method on integers (runtime/integer_winograd.h), at the points 0, 1,
 * -1, 2, -2 and infinity: a tile of 6 x 6 inputs and a window of 3 x 3 become 36 planes each, whose
 * products summed over channels give a square of 4 x 4 results.
 */
#ifndef C2S_RUNTIME_INTEGER_WINOGRAD_MATH_H
#define C2S_RUNTIME_INTEGER_WINOGRAD_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    C2S_SQUARE_SIDE = 4,
    C2S_TILE_SIDE = C2S_SQUARE_SIDE + 2,
    C2S_TILE_PLANES = C2S_TILE_SIDE * C2S_TILE_SIDE,
    C2S_TILE_WORDS = 16 /* the number of channels is a multiple */
};
/* The results are 576 = 2^6 * 9 times as large before they are divided: sums are exact if they are
 * less than this in magnitude. */
#define C2S_WINOGRAD_MOST_SUM ((int64_t)1 << (31 - C2S_WINOGRAD_SHIFT))
#define C2S_WINOGRAD_SHIFT    6

/* One row of planes of a panel of weights: [C2S_TILE_SIDE, panel]. `from`: [9, panel], int8_t if
 * `narrow`, else int16_t. */
void c2s_winograd_integer_weights(const void *from, bool narrow, size_t panel, size_t row,
                                  int16_t *out);
/* One tile of codes less `zero`: pixels with their channels, NULL outside. Its planes lie `plane`
 * integers apart. */
void c2s_winograd_integer_tile(const uint8_t *const *pixel, size_t channels, bool is_signed,
                               int zero, int16_t *out, size_t plane);
/* One tile's planes of C2S_DOT_COLUMNS sums, which lie `plane` sums apart, give [C2S_SQUARE_SIDE,
 * C2S_SQUARE_SIDE, C2S_DOT_COLUMNS]. */
void c2s_winograd_integer_square(const int32_t *from, size_t plane, int32_t *out);

#endif
