/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/fit_moments.h"

#include <math.h>

/* Of a sum of squares of floats this much, or less, is rounding. */
#define LEAST_PART 1e-7

void c2s_centred_moments(const c2s_gram *gram, size_t g, bool centred, double *out) {
    const size_t k = gram->k;
    const double *moment = gram->moment + g * k * k, *sum = gram->sum + g * k;
    const double rows = gram->rows > 0 ? (double)gram->rows : 1;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            out[i * k + j] = moment[i * k + j] - (centred ? sum[i] * sum[j] / rows : 0);
    for (size_t i = 0; i < k; i++)
        if (!(out[i * k + i] > LEAST_PART * moment[i * k + i]))
            for (size_t j = 0; j < k; j++) /* of a constant, rounding is all that is left */
                out[i * k + j] = out[j * k + i] = 0;
}

bool c2s_moments_vary(size_t k, const double *moments) {
    for (size_t i = 0; i < k; i++)
        if (moments[i * k + i] > 0)
            return true;
    return false;
}

double c2s_moments_damping(const c2s_gram *gram, double asked) {
    if (asked <= 0)
        return 0;
    return gram->rows > 0 ? fmin(asked + (double)gram->k / (double)gram->rows, 1) : 1;
}
