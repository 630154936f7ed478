/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of products of unsigned by signed 8 bits as x86 processors without VNNI compute them: two
 * neighbouring products are added in 16 bits, with saturation, by one instruction (VPMADDUBSW), and
 * these sums in 32 bits. The same bits on every processor.
 */
#ifndef C2S_RUNTIME_SATURATING_DOT_H
#define C2S_RUNTIME_SATURATING_DOT_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/integer_dot.h"

/* Terms come by fours, of which the first two are a pair, and the last two. */
enum { C2S_QUAD = 4 };

static inline size_t c2s_quads_of(size_t terms) {
    return (terms + C2S_QUAD - 1) / C2S_QUAD;
}

/* `left`: `rows` rows, `stride` bytes apart, of `quads` fours each. `right`: [quads,
 * C2S_DOT_COLUMNS, C2S_QUAD]. `sums`: [rows, C2S_DOT_COLUMNS], modulo 2^32. */
void c2s_saturating_dot(const uint8_t *left, size_t stride, size_t rows, const int8_t *right,
                        size_t quads, int32_t *sums);

/* What has to be added to such a sum, since codes are multiplied as they stand: zero points, and
 * what they are multiplied with. */
typedef struct c2s_saturating_zeros {
    int32_t left, terms;  /* the rows' zero point; how many codes a row has */
    const int32_t *right; /* per column; NULL: 0 */
    const int32_t *column_sum;
} c2s_saturating_zeros;

/* `left` as above, where what is between the codes and up to the next row is 0. */
void c2s_saturating_correct(const c2s_saturating_zeros *zeros, const uint8_t *left, size_t stride,
                            size_t rows, int32_t *sums);

#endif
