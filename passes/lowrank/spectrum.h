/* SPDX-License-Identifier: Apache-2.0
 *
 * The best product of two matrices for a weight: least error of a b, a [k, r], b [r, n].
 *
 * With v the first r eigenvectors of w^T G w, the second moment of the outputs, it is w v v^T, and
 * the error is the sum of the other eigenvalues: what SVD-LLM (Wang et al. 2024, arXiv 2403.07378)
 * computes by whitening the inputs, without an inverse, so that G may have any rank. Where there
 * are more outputs than inputs the smaller problem is whitened: with G = L L^T and u the first
 * eigenvectors of L^T w w^T L, it is L^-T u u^T L^T w.
 */
#ifndef C2S_PASSES_LOWRANK_SPECTRUM_H
#define C2S_PASSES_LOWRANK_SPECTRUM_H

#include "passes/lowrank/lowrank_problem.h"

typedef struct c2s_spectrum {
    size_t k, n;
    size_t count;    /* of values and vectors */
    bool by_output;  /* vectors are v, else u */
    double *values;  /* [count], descending: by how much each rank lowers the error */
    double *vectors; /* [count, n or k], rows */
    double *factor;  /* L [k, k]; NULL: by output, or G is the identity */
    double energy;   /* the error at rank 0 */
} c2s_spectrum;

/* At least the first `most` values (all, if `most` is no small part of them), by LAPACK or by
 * randomised subspace iteration (Halko et al. 2011, arXiv 0909.4061, algorithm 4.4), whose numbers
 * are the same in every run. */
c2s_status c2s_spectrum_open(const c2s_lowrank_problem *problem, size_t most, c2s_spectrum *out);
void c2s_spectrum_close(c2s_spectrum *spectrum);
/* Of the best matrices of that rank, which is at most `count`. */
double c2s_spectrum_error(const c2s_spectrum *spectrum, size_t rank);
/* The matrices, transposed: a [rank, k] and b [n, rank], both of like size. `problem`: that of
 * c2s_spectrum_open. */
c2s_status c2s_spectrum_factor(const c2s_spectrum *spectrum, const c2s_lowrank_problem *problem,
                               size_t rank, double *a, double *b);

#endif
