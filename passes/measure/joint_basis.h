/* SPDX-License-Identifier: Apache-2.0
 *
 * Coordinates in which c2s_joint_fit moves the weights of linear operators. For joint_fit.c.
 *
 * What a weight W [n, k] reads has the mean m and around it the second moments L L^T. The rows of
 * V = W L, and c = b + W m, are the weights and the bias of inputs that are uncorrelated and of
 * equal size: so steps of equal size change what comes out by as much in every direction (the
 * purpose of K-FAC's factor of inputs: Martens and Grosse 2015, arXiv 1503.05671). Without that,
 * what is common to all inputs, behind Relu first of all their mean, allows small steps only.
 */
#ifndef C2S_PASSES_MEASURE_JOINT_BASIS_H
#define C2S_PASSES_MEASURE_JOINT_BASIS_H

#include "passes/measure/joint_fit.h"

typedef struct c2s_joint_basis c2s_joint_basis;

/* Of the graph with the parameters that it has now. Weights of no linear operator, and those whose
 * change of coordinates would take longer than all the rest of a step, are coordinates themselves,
 * as are all if fit->uncorrelated is not set. */
c2s_status c2s_joint_basis_open(const c2s_joint_fit *fit, c2s_joint_basis **out);
void c2s_joint_basis_close(c2s_joint_basis *b); /* NULL is allowed */

/* All parameters one behind the other (x), their coordinates (v), what a number depends on them by.
 */
void c2s_joint_basis_enter(const c2s_joint_basis *b, const float *x, float *v);
void c2s_joint_basis_leave(const c2s_joint_basis *b, const float *v, float *x);
void c2s_joint_basis_derive(const c2s_joint_basis *b, const float *dx, float *dv);
/* What a rate of 1 is, where coordinates are others than parameters: what a row of weights gives
 * deviates by as much as all of its coordinates together. 0 stays where it is 0. */
void c2s_joint_basis_scale(const c2s_joint_basis *b, const float *v, float *scale);

#endif
