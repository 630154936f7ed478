/* SPDX-License-Identifier: Apache-2.0
 *
 * How far a value is from a reference over any number of samples, in one pass and in memory that
 * does not depend on how many there are. NaN equals NaN and infinities of one sign are equal, as in
 * compare.h; anything else against them is infinite noise.
 */
#ifndef C2S_EVAL_TENSOR_DISTANCE_H
#define C2S_EVAL_TENSOR_DISTANCE_H

#include <math.h>

#include "eval/metric.h"
#include "ir/tensor.h"

typedef struct c2s_distance {
    uint64_t samples, elements;
    uint64_t
        other_shape; /* samples that have other shapes, or no numbers; they are in nothing else */
    double max_abs, sum_abs, max_rel;
    double magnitude;              /* sum |reference| */
    double signal, found, product; /* sums of reference^2, found^2, reference * found */
    double noise;                  /* sum of (found - reference)^2 */
    double low, high;              /* of the reference */
    double least_sqnr_db;          /* of a sample */
} c2s_distance;

#define C2S_DISTANCE_INIT                                                                          \
    { .low = (double)INFINITY, .high = -(double)INFINITY, .least_sqnr_db = (double)INFINITY }

/* A tensor of real numbers, integers or bools. */
bool c2s_is_numeric_tensor(const c2s_tensor *tensor);
/* Adds a sample. Numeric tensors of the same extents count; the element types may differ. */
void c2s_distance_add(c2s_distance *d, const c2s_tensor *reference, const c2s_tensor *found);
/* 10 log10(signal / noise), infinite without noise, minus infinity if noise is infinite or there is
 * no signal. NaN: nothing was added. */
double c2s_distance_sqnr(const c2s_distance *d);
/* Makes the metrics that distances have worse by this one's (c2s_metric_worsen). */
void c2s_distance_metrics(const c2s_distance *d, double value[C2S_METRIC_COUNT]);

#endif
