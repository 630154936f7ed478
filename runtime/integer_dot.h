/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of products of 16-bit integers in 32 bits: exact, the same bits on every processor. 8-bit
 * integers less their zero point fit, whatever their signs; two products are added in one
 * instruction that cannot saturate, as those of 8-bit integers can. The right operand may be kept
 * in 8 bits: to widen it on the way costs nothing.
 */
#ifndef C2S_RUNTIME_INTEGER_DOT_H
#define C2S_RUNTIME_INTEGER_DOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct c2s_requantize; /* runtime/requantize.h */

/* A tile of results: so many rows of the left operand, so many columns of the right one. */
enum { C2S_DOT_ROWS = 6, C2S_DOT_COLUMNS = 16 };

/* Rows are gathered from `taps` places each, at each of which 2 * `pairs` integers lie together. */
typedef struct c2s_dot {
    const ptrdiff_t *tap; /* where, in integers from the row's start */
    size_t taps, pairs;
    bool narrow; /* the right operand is of int8_t, else of int16_t */
} c2s_dot;

/* Any number of rows, with a panel of columns; sums are taken modulo 2^32. Row r starts at left +
 * place[r]. `right`: [taps, pairs, C2S_DOT_COLUMNS, 2] integers. Results of the first `columns`,
 * which are channels from `channel` on, go to out + r * stride elements. */
void c2s_dot_panel(const c2s_dot *dot, const int16_t *left, const size_t *place, size_t rows,
                   const void *right, const struct c2s_requantize *requantize, size_t channel,
                   size_t columns, void *out, size_t stride);
/* The same for each column by itself (depthwise): integer c of a place meets column c of all
 * C2S_DOT_COLUMNS. `right`: [taps rounded up to even / 2, C2S_DOT_COLUMNS, 2], where column c
 * stands at c2s_dot_place(c). */
void c2s_dot_depthwise(const ptrdiff_t *tap, size_t taps, const int16_t *left, const size_t *place,
                       size_t rows, const int16_t *right, const struct c2s_requantize *requantize,
                       size_t channel, size_t columns, void *out, size_t stride);
size_t c2s_dot_place(size_t column);

/* out[i] = codes[i] - zero; codes are uint8_t or int8_t. */
void c2s_widen(const void *codes, bool is_signed, int zero, size_t count, int16_t *out);

#endif
