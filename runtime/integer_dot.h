/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of products of integers in 32 bits: exact, the same bits on every processor. In 16 bits,
 * 8-bit integers less their zero point fit, whatever their signs; two products are added in one
 * instruction that cannot saturate. The right operand may be kept in 8 bits: to widen it on the way
 * costs nothing. Where both operands are, another instruction adds twice as many products, in 16
 * bits: the right operand must then be such that they suffice (c2s_dot_repeats).
 */
#ifndef C2S_RUNTIME_INTEGER_DOT_H
#define C2S_RUNTIME_INTEGER_DOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct c2s_requantize; /* runtime/requantize.h */

/* A tile of results: so many rows of the left operand, so many columns of the right one. */
enum { C2S_DOT_ROWS = 6, C2S_DOT_COLUMNS = 16 };

/* Types of the left and the right operand, and how many integers of a row one step takes. */
typedef enum c2s_dot_kind {
    C2S_DOT_WORDS,  /* int16_t, int16_t: 2 */
    C2S_DOT_NARROW, /* int16_t, int8_t: 2 */
    C2S_DOT_BYTES   /* uint8_t, int8_t: 4; where c2s_processor_has_avx2() */
} c2s_dot_kind;

/* C2S_DOT_BYTES: two adjacent weights of a column must have a sum from -128 to 128, so that their
 * products with numbers up to 255 have sums of 16 bits. What is too much stands in further steps,
 * which read the left operand again. */
typedef struct c2s_dot_repeats {
    size_t count;
    const ptrdiff_t *at;  /* as c2s_dot.tap, of the four integers that a step reads again */
    const int8_t *right;  /* [count, C2S_DOT_COLUMNS, 4] */
    const int32_t *total; /* of each column: results are less by `zero` times that */
    int32_t zero;
} c2s_dot_repeats;

/* Rows are gathered from `taps` places each, at each of which the integers of `steps` steps lie
 * together. */
typedef struct c2s_dot {
    const ptrdiff_t *tap; /* where, in integers from the row's start */
    size_t taps, steps;
    c2s_dot_kind kind;
    c2s_dot_repeats repeats; /* C2S_DOT_BYTES */
} c2s_dot;

/* Any number of rows, with a panel of columns; sums are taken modulo 2^32. Row r starts at left +
 * place[r]. `right`: [taps, steps, C2S_DOT_COLUMNS, integers of a step]. Results of the first
 * `columns`, which are channels from `channel` on, go to out + r * stride elements. */
void c2s_dot_panel(const c2s_dot *dot, const void *left, const size_t *place, size_t rows,
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
/* out[i] = codes[i], plus 128 if codes are int8_t. */
void c2s_unsign(const void *codes, bool is_signed, size_t count, uint8_t *out);

#endif
