/* SPDX-License-Identifier: Apache-2.0
 *
 * What layer and RMS normalisation have in common: means over the last axes.
 */
#ifndef C2S_PASSES_NORMALISED_AXES_H
#define C2S_PASSES_NORMALISED_AXES_H

#include "passes/recompose/recompose.h"

/* NULL if `mean`, a ReduceMean, keeps its axes and runs over the last ones of `x`, whose extents
 * are known; *axis: the first of them. Else the reason why not. */
const char *c2s_normalised_axes(const c2s_node *mean, const c2s_value *x, int *axis);
/* The same, of two means that must have the same axes. */
const char *c2s_normalised_axes_both(const c2s_node *mean, const c2s_node *other,
                                     const c2s_value *x, int *axis);
/* NULL if `epsilon` is a constant number above 0, which *out receives. */
const char *c2s_norm_epsilon(const c2s_value *epsilon, double *out);
/* A constant of the type of `x` with exactly the extents from `axis` on. */
bool c2s_fits_norm(const c2s_value *constant, const c2s_value *x, int axis);

/* LayerNormalization or RMSNormalization of x over the axes from `axis` on; without `scale` the
 * scale is ones. */
c2s_value *c2s_build_norm(c2s_builder *b, const char *type, c2s_value *x, int axis, double epsilon,
                          c2s_value *scale, c2s_value *shift);

#endif
