/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether weights that do better on a few samples do better.
 */
#ifndef C2S_PASSES_MEASURE_CERTAIN_GAIN_H
#define C2S_PASSES_MEASURE_CERTAIN_GAIN_H

#include <stdbool.h>
#include <stddef.h>

/* before[count], after[count]: errors on the same samples. The mean of the differences is above 0
 * by more than two of its standard errors, as these are estimated from the differences (Student's
 * paired test); of fewer than four samples, which say nothing of that, above 0. False where an
 * error is no number. */
bool c2s_gain_is_certain(const double *before, const double *after, size_t count);

#endif
