/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions over any set of axes.
 */
#ifndef C2S_OPS_REDUCE_H
#define C2S_OPS_REDUCE_H

#include "ops/wide.h"

/* How elements are folded. Floats are folded in double. */
typedef enum c2s_fold {
    C2S_FOLD_SUM,
    C2S_FOLD_SUM_ABS,
    C2S_FOLD_SUM_SQUARE,
    C2S_FOLD_PRODUCT,
    C2S_FOLD_MAX, /* NaN wins */
    C2S_FOLD_MIN,
    C2S_FOLD_SUM_EXP /* of exp(x - center); floats only */
} c2s_fold;

/* Folds the axes in `axes` (bit d: axis d) of `in` into `out`, one wide element (C2S_WIDE_F64, _I64
 * or _U64) per combination of the other axes, row-major. `wide` must be able to hold in's elements.
 * `center`: as many elements as out, for C2S_FOLD_SUM_EXP, else NULL. Elements are taken in a fixed
 * order whatever the number of threads. An empty set gives 0, 1 for products, and for MAX and MIN
 * the end of the type's range (infinity of floats). */
c2s_status c2s_reduce(c2s_fold fold, c2s_wide wide, const c2s_tensor *in, uint32_t axes,
                      const void *center, void *out);

/* Numbers of elements that are folded into one, and of results. */
void c2s_reduce_counts(const c2s_type *type, uint32_t axes, size_t *folded, size_t *results);

#endif
