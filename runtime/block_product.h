/* SPDX-License-Identifier: Apache-2.0
 *
 * Products with weights of 4 or 8 bits that stay packed: rows of codes with a scale, and maybe a
 * zero point, per block. For few rows of the other operand the weights are unpacked in registers,
 * for many a tile of rows at a time, which stays in the cache while it is multiplied.
 */
#ifndef C2S_RUNTIME_BLOCK_PRODUCT_H
#define C2S_RUNTIME_BLOCK_PRODUCT_H

#include "base/status.h"

/* Blocks are a multiple of so many elements. */
enum { C2S_BLOCK_CHUNK = 16 };

/* (code - zero) * scale. Rows are filled up to whole blocks; of 4 bits, the first code is in the
 * low ones. Everything is borrowed. */
typedef struct c2s_block_weights {
    int64_t n, k, block, blocks; /* n rows of k elements */
    unsigned bits;
    const uint8_t *codes;
    const float *scales; /* [n, blocks], finite */
    const float *zeros;  /* [n, blocks], or NULL */
    const uint8_t
        *zero_codes; /* packed as the codes are, rows of whole bytes, or NULL: the middle */
} c2s_block_weights;

/* Bytes of a row of codes, of zero points; c2s_block_accepts checks n, k, block and bits first, and
 * sets `blocks`. */
bool c2s_block_accepts(c2s_block_weights *w);
size_t c2s_block_row_bytes(const c2s_block_weights *w);
size_t c2s_block_zero_bytes(const c2s_block_weights *w);

typedef struct c2s_block_product c2s_block_product;

/* For `m` rows. */
c2s_status c2s_block_product_create(const c2s_block_weights *w, int64_t m, c2s_block_product **out);
void c2s_block_product_destroy(c2s_block_product *product); /* NULL is allowed */
/* y [m, n] = a [m, k] times the transpose of the weights, plus `bias` [n] if it is not NULL. */
c2s_status c2s_block_product_run(const c2s_block_product *product, const float *a,
                                 const float *bias, float *y);

#endif
