/* SPDX-License-Identifier: Apache-2.0
 *
 * The rounding of gptq.h for some output channels, which are independent of each other: rows of k
 * weights in the order of the moments, all of them at once, so that nearly all work is products of
 * matrices.
 */
#ifndef C2S_PASSES_QUANT_GPTQ_ROWS_H
#define C2S_PASSES_QUANT_GPTQ_ROWS_H

#include "passes/quant/gptq.h"

enum { C2S_GPTQ_ROWS = 128 };

typedef struct c2s_gptq_moments {
    size_t k;
    size_t *order;          /* [k]: which variable row and column i are; rounded from k - 1 on */
    float *damped, *factor; /* [k, k]: the damped moments, their lower Cholesky factor */
    float *added;           /* [k]: what damping added to the diagonal */
} c2s_gptq_moments;

/* The classes of columns whose weights share a scale in each row. */
typedef struct c2s_gptq_classes {
    size_t count;
    unsigned *of; /* [k]: of a column */
    size_t *start,
        *column; /* the columns of class c: column[start[c]] to column[start[c + 1] - 1] */
} c2s_gptq_classes;

/* Bounds of pairs, by column. */
typedef struct c2s_gptq_pairs {
    size_t *partner[C2S_GPTQ_PARTNERS]; /* SIZE_MAX: none */
    float *least, *most;                /* codes of what the weight is multiplied with */
} c2s_gptq_pairs;

typedef struct c2s_gptq_rows {
    size_t count;
    float *weights;              /* [count, k] */
    c2s_affine *affines;         /* [count, classes]; `refit` changes them */
    float *codes;                /* [count, k]: what the result is held against, then the result */
    float *error, *pull, *spare; /* [count, k] */
} c2s_gptq_rows;

typedef struct c2s_gptq_search {
    const c2s_code_grid *grid;
    const c2s_gptq_classes *classes;
    const c2s_gptq_pairs *pairs; /* NULL: none */
    unsigned sweeps;
    bool relax; /* as gptq_relax.h does, without sweeps */
    bool refit;
    bool choose; /* the scale of a class when the first of its weights comes up, for what they have
                    become by then; columns of a class are neighbours */
} c2s_gptq_search;

/* C2S_ERR_MEMORY. */
c2s_status c2s_gptq_rows_create(size_t k, size_t classes, size_t count, c2s_gptq_rows *out);
void c2s_gptq_rows_free(c2s_gptq_rows *rows);
/* The nearest codes. */
void c2s_gptq_rows_nearest(const c2s_gptq_moments *moments, const c2s_gptq_search *search,
                           c2s_gptq_rows *rows);
/* `error` receives the sums of these rows. */
c2s_status c2s_gptq_rows_round(const c2s_gptq_moments *moments, const c2s_gptq_search *search,
                               c2s_gptq_rows *rows, c2s_gptq_error *error);

#endif
