/* SPDX-License-Identifier: Apache-2.0
 *
 * Which matrices of a given structure come closest to a weight w [k, n], in what its operator
 * gives: least tr (w - v)^T G (w - v), the squared error of the outputs if G is the second moment
 * of the inputs. With G = I it is the error of the weights.
 */
#ifndef C2S_PASSES_LOWRANK_PROBLEM_H
#define C2S_PASSES_LOWRANK_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct c2s_lowrank_problem {
    size_t k, n;
    const double *weights; /* [k, n]; borrowed unless `owns` */
    const double *moment;  /* G [k, k]; NULL: the identity; likewise */
    double *product;       /* G w [k, n] */
    double energy;         /* tr w^T G w */
    /* Outputs matter unequally: `weights` are those of the layer times this lower L [n, n], where L
     * L^T is the second moment of what outputs are worth. Last stages are divided by it again.
     * NULL: all matter alike; borrowed. */
    const double *outer;
    /* Projections (lowrank_form.h) are chosen without G, as plain SVD would: the other candidate
     * for forms whose choice with G is no proven optimum. */
    bool plain_projections;
    bool owns;
} c2s_lowrank_problem;

c2s_status c2s_lowrank_problem_open(size_t k, size_t n, const double *weights, const double *moment,
                                    c2s_lowrank_problem *out);
/* The same with arrays that are taken over, also on failure. */
c2s_status c2s_lowrank_problem_own(size_t k, size_t n, double *weights, double *moment,
                                   c2s_lowrank_problem *out);
void c2s_lowrank_problem_close(c2s_lowrank_problem *problem);

/* Weights of a last stage [n, m], found for this problem, become those for the layer. */
c2s_status c2s_lowrank_problem_divide(const c2s_lowrank_problem *problem, size_t m, double *last);
/* The error of v [k, n]. */
c2s_status c2s_lowrank_problem_error(const c2s_lowrank_problem *problem, const double *v,
                                     double *error);
/* The problem that is left when the inputs are replaced by x p: of the b [m, n] of least error of
 * p b. `moment` p^T G p and `product` p^T G w, which are taken over, also on failure; moments that
 * depend on each other do not matter. The error of such a b is energy - out->energy. */
c2s_status c2s_lowrank_problem_behind(const c2s_lowrank_problem *problem, size_t m, double *moment,
                                      double *product, c2s_lowrank_problem *out);

#endif
