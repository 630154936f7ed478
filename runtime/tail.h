/* SPDX-License-Identifier: Apache-2.0
 *
 * What our own kernels do to their results while these are in the cache: bias, activations,
 * arithmetic with another tensor. NaN comes out of NaN.
 */
#ifndef C2S_RUNTIME_TAIL_H
#define C2S_RUNTIME_TAIL_H

#include "runtime/kernel.h"

typedef struct c2s_tail_op {
    int kind;                  /* a dnnl_alg_kind_t */
    float alpha, beta, factor; /* the result is multiplied by factor */
    bool binary;
    const float *operand; /* of a binary one: element (i, j) is at [i * row + j * column] */
    int64_t row, column;  /* column: 0 or 1 */
} c2s_tail_op;

enum { C2S_MOST_TAIL = C2S_MOST_POSTS + 2 };

typedef struct c2s_tail {
    unsigned count;
    c2s_tail_op op[C2S_MOST_TAIL];
} c2s_tail;

/* False if there is no code for the operation. */
bool c2s_tail_serves(int kind, bool binary);
/* Appends; the operand's address and steps are the caller's. */
c2s_tail_op *c2s_tail_add(c2s_tail *tail, const c2s_post *post);

/* On rows x columns elements of c, which begin at (i, j) of the result. Where columns is below 16,
 * memory must be there for 16. */
void c2s_tail_run(const c2s_tail *tail, float *c, int64_t c_row, int64_t i, int64_t j, int64_t rows,
                  int64_t columns);

#endif
