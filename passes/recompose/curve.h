/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph regions as curves: a chain of elementwise nodes between one value and another, all other
 * operands constants of one element, is a function of one variable, whatever it is made of. It is
 * sampled in double, so that it can be told from what it computes which function it is.
 */
#ifndef C2S_PASSES_CURVE_H
#define C2S_PASSES_CURVE_H

#include "rewrite/pattern.h"

typedef struct c2s_curve {
    size_t count;
    double *x, *y; /* samples: around zero on a fine grid, far out, and around every constant */
} c2s_curve;

/* Samples the function from `x` to the root of `match`, whose nodes stand in the order of
 * computation. False if it cannot be computed. Free with c2s_curve_free. */
bool c2s_curve_sample(const c2s_match *match, const c2s_value *x, c2s_curve *curve);
void c2s_curve_free(c2s_curve *curve);
/* The function at a point that every curve has: 0, 1, -1, 1/64, -1/64, 80, -80. */
double c2s_curve_at(const c2s_curve *curve, double x);

#endif
