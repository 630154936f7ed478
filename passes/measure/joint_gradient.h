/* SPDX-License-Identifier: Apache-2.0
 *
 * The gradient of what c2s_joint_fit lessens, for some samples. For joint_fit.c.
 */
#ifndef C2S_PASSES_MEASURE_JOINT_GRADIENT_H
#define C2S_PASSES_MEASURE_JOINT_GRADIENT_H

#include "base/random.h"
#include "passes/measure/joint_fit.h"

typedef struct c2s_joint_gradient c2s_joint_gradient;

/* Two samples that a new one is made of (vary_sample.h). */
typedef struct c2s_joint_sample {
    size_t sample, other;
    c2s_random random;
} c2s_joint_sample;

c2s_status c2s_joint_gradient_open(const c2s_joint_fit *fit, c2s_joint_gradient **out);
void c2s_joint_gradient_close(c2s_joint_gradient *g); /* NULL is allowed */
size_t c2s_joint_gradient_samples(const c2s_joint_gradient *g);

/* Parameters lie one behind the other in x, as does what is found: the sum over the samples. */
c2s_status c2s_joint_gradient_find(c2s_joint_gradient *g, const float *x,
                                   const c2s_joint_sample *samples, size_t count, float *gradient,
                                   double *loss);

#endif
