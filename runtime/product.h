/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of many matrices: what runtime/gemm_tiles.h is to compute for a step. Operands may lie in
 * memory in any strided way.
 */
#ifndef C2S_RUNTIME_PRODUCT_H
#define C2S_RUNTIME_PRODUCT_H

#include "runtime/dnnl_primitive.h"
#include "runtime/gemm_tiles.h"

/* A tensor as matrices: all axes before the last two count them. */
typedef struct c2s_matrices {
    int rank; /* at least 2 */
    int64_t dim[C2S_MAX_RANK + 1], stride[C2S_MAX_RANK + 1];
} c2s_matrices;

/* Row-major, or as `md` (which may be NULL) says; false if that is not by strides alone. What has
 * fewer axes gets some of extent 1 in front. */
bool c2s_matrices_of(const c2s_type *type, c2s_const_md md, c2s_matrices *out);
void c2s_matrices_transpose(c2s_matrices *m);
/* Takes an input in the layout in which it was made, if strides describe it. */
c2s_status c2s_matrices_take(c2s_step *step, unsigned input, c2s_matrices *out);
/* Gives output 0 row-major, or, if all that follows is a Transpose, such that this has nothing to
 * do; columns are adjacent. */
c2s_status c2s_matrices_give(c2s_step *step, c2s_matrices *out);

/* An operand of the tail. */
typedef struct c2s_product_term {
    unsigned input; /* of the step */
    int64_t stride[C2S_MAX_RANK + 1];
} c2s_product_term;

typedef struct c2s_product {
    int64_t m, n, k;
    int batch_rank;
    int64_t batch[C2S_MAX_RANK], a_batch[C2S_MAX_RANK], b_batch[C2S_MAX_RANK],
        c_batch[C2S_MAX_RANK]; /* numbers and strides of matrices */
    int64_t a_row, a_column, b_row, b_column, c_row;
    unsigned a_input, b_input; /* of the step */
    c2s_tail tail;
    c2s_product_term term[C2S_MOST_TAIL]; /* of the tail's operations: [batch.., row, column] */
    c2s_bytes *packed;                    /* b, if it is constant and to be packed */
    int64_t packed_count;                 /* matrices there: 1 or all of the batch */
} c2s_product;

/* a x b, broadcast; c is row-major or has `c`'s strides, its columns adjacent. False if the extents
 * do not fit. */
bool c2s_product_of(const c2s_matrices *a, const c2s_matrices *b, const c2s_matrices *c,
                    c2s_product *out);
/* Appends an operation whose operand, a row-major tensor, is broadcast to the result. */
c2s_status c2s_product_add(c2s_product *p, const c2s_post *post, unsigned input,
                           const c2s_type *operand);
/* Makes fewer and larger matrices of it; packs a constant b. The tail is complete. */
c2s_status c2s_product_finish(c2s_product *p, const c2s_step *step);
c2s_status c2s_product_run(const c2s_product *p, const c2s_step *step);
void c2s_product_free(c2s_product *p);

/* ---- between product.c and product_run.c ---- */

/* Offsets of matrix number `matrix`. */
typedef struct c2s_product_place {
    int64_t a, b, c, term[C2S_MOST_TAIL];
} c2s_product_place;
c2s_product_place c2s_product_place_of(const c2s_product *p, int64_t matrix);
int64_t c2s_product_matrices(const c2s_product *p);
bool c2s_product_is_few(const c2s_product *p);

#endif
