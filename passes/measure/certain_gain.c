/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/certain_gain.h"

#include <math.h>

#define STANDARD_ERRORS 2.0
enum { LEAST_SAMPLES = 4 };

bool c2s_gain_is_certain(const double *before, const double *after, size_t count) {
    const double n = (double)count;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += before[i] - after[i];
    for (size_t i = 0; i < count; i++) {
        const double off = before[i] - after[i] - sum / n;
        squares += off * off;
    }
    const double error = count >= LEAST_SAMPLES ? sqrt(squares / (n - 1) / n) : 0;
    return sum / n > STANDARD_ERRORS * error;
}
