/* SPDX-License-Identifier: Apache-2.0
 *
 * How far a value is from what it is in the first model, for joint_gradient.c. Derivatives are
 * added to `slope`, unless it is NULL.
 */
#ifndef C2S_PASSES_MEASURE_JOINT_LOSS_H
#define C2S_PASSES_MEASURE_JOINT_LOSS_H

#include "passes/measure/joint_fit.h"

/* factor times the squared error, of what counts. */
double c2s_joint_compare(const c2s_joint_point *q, double factor, const c2s_tensor *now,
                         const c2s_tensor *first, float *slope);
/* factor times the mean over rows of the divergence of their Softmax. `room`: two rows. */
double c2s_joint_diverge(double factor, const c2s_tensor *now, const c2s_tensor *first,
                         float *slope, float *room);

#endif
