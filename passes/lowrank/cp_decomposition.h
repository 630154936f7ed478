/* SPDX-License-Identifier: Apache-2.0
 *
 * A tensor as a sum of products of vectors, one vector for each of its axes (CP, also called
 * CANDECOMP or PARAFAC): t [i, j, ..] near the sum over r of a_r [i] b_r [j] ...
 *
 * By alternating least squares (Kolda and Bader 2009, "Tensor Decompositions and Applications"),
 * damped towards the last vectors at first, from starts that are the same in every run. There is no
 * proof that the best one is found. At ranks that any tensor of the shape has it is exact.
 */
#ifndef C2S_PASSES_LOWRANK_CP_DECOMPOSITION_H
#define C2S_PASSES_LOWRANK_CP_DECOMPOSITION_H

#include <stddef.h>

#include "base/status.h"

enum { C2S_CP_AXES = 4 };

typedef struct c2s_cp_shape {
    unsigned axes; /* at least 2 */
    size_t extent[C2S_CP_AXES];
    size_t rank;
} c2s_cp_shape;

/* factors[a] [rank, extent[a]], rows; `values`: row-major, finite. */
c2s_status c2s_cp_fit(const c2s_cp_shape *shape, const double *values, double *const *factors);

/* out [product of the extents of axes first .. last] = the product of the r-th vectors of these
 * axes, but for that of `skip`, which counts as ones (C2S_CP_AXES: none). */
void c2s_cp_product(const c2s_cp_shape *shape, double *const *factors, size_t r, unsigned first,
                    unsigned last, unsigned skip, double *out);

#endif
