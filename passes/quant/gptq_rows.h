/* SPDX-License-Identifier: Apache-2.0
 *
 * The rounding of gptq.h for some output channels, which are independent of each other: rows of k
 * weights in the order of the moments.
 */
#ifndef C2S_PASSES_QUANT_GPTQ_ROWS_H
#define C2S_PASSES_QUANT_GPTQ_ROWS_H

#include "passes/quant/gptq.h"

enum { C2S_GPTQ_ROWS = 16 };

typedef struct c2s_gptq_moments {
    size_t k;
    size_t *order;           /* [k]: which variable row and column i are; rounded from k - 1 on */
    double *damped, *factor; /* [k, k]: the damped moments, their lower Cholesky factor */
    double *diagonal;        /* [k]: as measured */
} c2s_gptq_moments;

typedef struct c2s_gptq_rows {
    size_t count;
    double *weights;                /* [count, k] */
    size_t *scale_of;               /* [count, k]: index of each weight's scale */
    float *codes;                   /* [count, k]: the result */
    double *error, *pull, *scratch; /* [count, k] */
} c2s_gptq_rows;

typedef struct c2s_gptq_search {
    const c2s_code_grid *grid;
    c2s_affine
        *affines; /* by scale_of; `refit` changes those of the rows, which are theirs alone */
    unsigned sweeps;
    bool refit;
} c2s_gptq_search;

/* C2S_ERR_MEMORY. */
c2s_status c2s_gptq_rows_create(size_t k, size_t count, c2s_gptq_rows *out);
void c2s_gptq_rows_free(c2s_gptq_rows *rows);
/* `error` receives the sums of these rows. */
c2s_status c2s_gptq_rows_round(const c2s_gptq_moments *moments, const c2s_gptq_search *search,
                               c2s_gptq_rows *rows, c2s_gptq_error *error);

#endif
