/* SPDX-License-Identifier: Apache-2.0
 *
 * What a linear operator is replaced by: operators of the same kind, one behind the other. Each is
 * a stage, a convolution over some axes of the original window (none: 1 x 1; of a matrix product
 * that is all there is). For the arithmetic a stage is a projection: rows x become x p.
 *
 * All sizes are those of one group of the original operator; a stage may split it further.
 */
#ifndef C2S_PASSES_LOWRANK_CHAIN_H
#define C2S_PASSES_LOWRANK_CHAIN_H

#include "passes/lowrank/lowrank_problem.h"
#include "passes/measure/linear_site.h"

typedef struct c2s_stage {
    size_t groups, in, out; /* channels in and out of each group */
    unsigned axes;          /* bit a: the window of spatial axis a is this stage's */
} c2s_stage;

enum { C2S_CHAIN_MOST = 4 };
typedef struct c2s_chain {
    unsigned count;
    c2s_stage stage[C2S_CHAIN_MOST];
    /* The channels that go into the last stage of the two are the first outputs; what it makes of
     * them comes behind. */
    bool keeps_first;
} c2s_chain;

/* All spatial axes; 0 of a matrix product. */
unsigned c2s_site_axes(const c2s_linear_site *site);
size_t c2s_site_channels(const c2s_linear_site *site); /* of the input, in a group */
/* Kernel positions over these axes. */
size_t c2s_site_kernel(const c2s_linear_site *site, unsigned axes);

/* Elements of the stage's weights [groups, out, in, kernel positions], and of those of all. */
size_t c2s_stage_size(const c2s_linear_site *site, const c2s_stage *stage);
size_t c2s_chain_size(const c2s_linear_site *site, const c2s_chain *chain);
/* Multiply-accumulates for one output position of the original operator, whose window has been
 * resolved; of others strides stand for extents. */
double c2s_chain_work(const c2s_linear_site *site, const c2s_chain *chain);

/* Columns of the projection of a stage that comes when windows over `open` axes are still to come,
 * its own included: channels out times positions over the axes that it leaves. */
size_t c2s_stage_columns(const c2s_linear_site *site, const c2s_stage *stage, unsigned open);
/* y = p^T x, where p [groups * in * positions over `open`, columns] is the projection that a stage
 * with these weights is, and x [its rows, m]; with `back` y = p x, where x is [columns, m]. */
c2s_status c2s_stage_apply(const c2s_linear_site *site, const c2s_stage *stage, unsigned open,
                           const double *weights, bool back, const double *x, size_t m, double *y);
/* c2s_lowrank_problem_behind it: what the stages behind it have to solve. */
c2s_status c2s_stage_project(const c2s_linear_site *site, const c2s_stage *stage, unsigned open,
                             const double *weights, const c2s_lowrank_problem *problem,
                             c2s_lowrank_problem *out);
/* The matrix [k, n] that stages with these weights are together. */
c2s_status c2s_chain_matrix(const c2s_linear_site *site, const c2s_chain *chain,
                            double *const *weights, double *out);

/* The problem of a first stage over `axes`, on the assumption that what it gives is needed alike at
 * all positions of the other axes: rows are (channel, position over axes), columns (position over
 * the others, output). */
c2s_status c2s_site_marginal(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                             unsigned axes, c2s_lowrank_problem *out);

#endif
